"""The gate: who is spoken to, and whether an answer is wanted."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reasoning.gate import GateContext, backchannel, wants_answer
from tests.bench.bench_gate import ITEMS, held_out, load, scores

ALONE = GateContext()
COMPANY = GateContext(several_voices=True)
JUST_SPOKE = GateContext(since_agent_spoke_s=3.0)
JUST_ASKED = GateContext(since_agent_spoke_s=3.0, agent_asked=True)


@pytest.mark.parametrize(
    "text",
    [
        "Hey Hearsight, what did I say about the dentist?",
        "Hearsight",
        "What time is it, Hearsight?",
        "I don't know. Hearsight, who was it?",
        "hey hear sight where are my keys",
        "Hey, here's sight, who called?",
    ],
)
def test_its_name_always_gets_an_answer(text: str) -> None:
    assert wants_answer(text, COMPANY).wants
    assert wants_answer(text, ALONE).reason == "called by name"


@pytest.mark.parametrize(
    "text",
    ["Hearsight is recording us.", "We asked Hearsight yesterday.", "My Hearsight at home does that too."],
)
def test_who_talks_about_it_does_not_talk_to_it(text: str) -> None:
    assert not wants_answer(text, COMPANY).wants
    assert not wants_answer(text, ALONE).wants


def test_a_question_is_for_the_agent_where_nobody_else_is() -> None:
    assert wants_answer("Where did I leave my wallet?", ALONE).wants
    assert not wants_answer("Is there any milk left?", COMPANY).wants
    assert wants_answer("What was on the last slide?", COMPANY).wants


def test_a_follow_up_is_one_only_soon_after_the_agent_spoke() -> None:
    for context, wants in ((JUST_SPOKE, True), (GateContext(60.0), False)):
        assert wants_answer("No, the other bottle.", context).wants is wants
    assert wants_answer("And on Tuesday?", GateContext(3.0, several_voices=True)).wants
    assert not wants_answer("And on Tuesday?", COMPANY).wants


def test_after_a_question_of_the_agent_any_words_are_the_reply() -> None:
    for text in ("The blue one.", "Yes.", "Okay.", "Anna."):
        assert wants_answer(text, JUST_ASKED).wants
        assert not wants_answer(text, ALONE).wants
    assert not wants_answer("Mm-hm.", JUST_ASKED).wants
    assert not wants_answer("The blue one.", GateContext(60.0, agent_asked=True)).wants


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Anna, have you seen my charger?", "somebody else is called"),
        ("Where did you park, Tom?", "somebody else is called"),
        ("Good morning everyone.", "somebody else is called"),
        ("Alexa, play some music.", "another assistant is called"),
        ("Hello, this is Daniel Weber.", "talks to somebody else"),
        ("Chapter one. It was a bright cold day.", "read aloud"),
        ("Why won't this stupid thing work?", "talks to oneself"),
        ("She asked me where the meeting was.", "tells what somebody said"),
        ("The plumber is coming on Tuesday.", "a statement"),
        ("", "no words"),
        ("...", "no words"),
        ("Thanks for watching!", "no words"),
        ("Okay, thanks.", "back-channel"),
    ],
)
def test_what_gets_no_answer_and_why(text: str, reason: str) -> None:
    decision = wants_answer(text, ALONE)
    assert (decision.wants, decision.reason) == (False, reason)


def test_a_task_in_company_must_be_one_for_the_agent() -> None:
    assert wants_answer("Remind us in half an hour to check the roast.", COMPANY).wants
    assert not wants_answer("Read the next paragraph, Emil.", COMPANY).wants
    assert not wants_answer("Can you pass me the salt?", ALONE).wants
    assert wants_answer("Can you read me the label?", ALONE).wants


def test_stop_is_always_a_word_to_the_agent_that_speaks() -> None:
    for text in ("Stop.", "Stop talking.", "Be quiet, please.", "Louder."):
        assert wants_answer(text, GateContext(0.0, several_voices=True)).wants


def test_in_another_language_the_question_mark_decides() -> None:
    assert wants_answer("Wo ist mein Schlüssel?", ALONE).wants
    assert not wants_answer("Der Schlüssel liegt auf dem Tisch.", ALONE).wants


@pytest.mark.parametrize(
    ("text", "duration_s"),
    [
        ("Mm-hm.", 0.4),
        ("mmmmmm", 1.2),
        ("", 0.5),
        (" ... ", 0.2),
        ("Right, right.", 0.8),
        ("Oh, I see.", 0.9),
    ],
)
def test_a_backchannel_is_no_interruption(text: str, duration_s: float) -> None:
    assert backchannel(text, duration_s)
    assert backchannel(text, 0.0)


@pytest.mark.parametrize(
    ("text", "duration_s"),
    [("Stop.", 0.4), ("No, wait.", 0.7), ("Really?", 0.4), ("Okay.", 8.0), ("Why?", 0.3)],
)
def test_what_interrupts(text: str, duration_s: float) -> None:
    assert not backchannel(text, duration_s)


def test_the_labelled_utterances() -> None:
    items = load(ITEMS)
    texts = [item["text"] for item in items]
    held = [item for item in items if held_out(item)]
    assert len(set(texts)) == len(texts) and len(held) >= 150 and len(items) - len(held) >= 200
    for part, precision_floor, recall_floor in (
        (held, 0.93, 0.9),
        ([i for i in items if not held_out(i)], 0.97, 0.97),
    ):
        precision, recall, _ = scores(part)
        assert precision >= precision_floor and recall >= recall_floor


@settings(deadline=None, max_examples=200)
@given(
    text=st.text(st.sampled_from("hmauo ,.!?'abchey123\n"), max_size=200) | st.text(max_size=100),
    since_s=st.sampled_from([0.0, 5.0, inf]),
    asked=st.booleans(),
    several=st.booleans(),
)
def test_every_text_gets_one_and_the_same_decision(
    text: str, since_s: float, asked: bool, several: bool
) -> None:
    context = GateContext(since_s, asked, several)
    decision = wants_answer(text, context)
    assert decision == wants_answer(text, context) and decision.reason
    assert isinstance(decision.wants, bool) and isinstance(backchannel(text, 1.0), bool)
