"""Questions for what somebody said, and for who said it; the answers come from a made-up meeting."""

from __future__ import annotations

import asyncio

import pytest

from reasoning.compose import ABSTAINED
from reasoning.prompts import Memo, memo_line
from reasoning.speakers import asked_speaker
from reasoning.support import Verifier
from runtime.messages import Answer, Evidence, Query
from tests.conftest import Run
from tests.memory.talk import heard
from tests.reasoning.answering import World

NAMES = ("Ana", "Ben Okafor")


@pytest.mark.parametrize(
    ("text", "name", "rest"),
    [
        ("What did Ana say about the budget?", "Ana", "What did they say about the budget?"),
        ("what did ana say about the budget?", "Ana", "what did they say about the budget?"),
        ("What has Ben suggested for Tuesday?", "Ben Okafor", "What has they say for Tuesday?"),
        ("What did Ben Okafor say?", "Ben Okafor", "What did they say?"),
        ("According to Ana, when does the shop open?", "Ana", "when does the shop open?"),
        ("What was Ana's opinion of the hall?", "Ana", "What was the opinion of the hall?"),
        ("What did speaker 2 say about the hall?", "speaker 2", "What did they say about the hall?"),
        ("Who said the budget is too high?", None, "Did they say the budget is too high?"),
        ("Who suggested that we meet on Tuesday?", None, "Did they say that we meet on Tuesday?"),
    ],
)
def test_whose_words_are_asked_for(text: str, name: str | None, rest: str) -> None:
    asked = asked_speaker(text, NAMES)
    assert asked is not None and asked.said
    assert (asked.name, asked.text) == (name, rest)


@pytest.mark.parametrize("text", ["Who is Ana's brother?", "Where does Ana live?", "When was Ben in Lisbon?"])
def test_a_name_alone_asks_for_nobodys_words(text: str) -> None:
    asked = asked_speaker(text, NAMES)
    assert asked is not None and not asked.said and asked.text == text


@pytest.mark.parametrize(
    "text", ["What did Clara say?", "What is a banana?", "Who has the key?", "What was said?"]
)
def test_nobody_who_is_known(text: str) -> None:
    assert asked_speaker(text, NAMES) is None


def test_a_language_model_is_told_who_said_it() -> None:
    evidence = Evidence("r", "film", "said", "It is too high.", 12.0, 14.0, speaker="Ana", named=True)
    assert memo_line(1, Memo(evidence)) == "[1] (0:12-0:14, said by Ana) It is too high."


MEETING = (
    (0, "My name is Ana and I keep the books."),
    (1, "I'm Ben."),
    (0, "The budget for the garden is forty thousand euros."),
    (1, "Ana, the budget is far too high for a garden."),
    (0, "I play the cello in the evening."),
    (2, "The plumber comes on Friday."),
)


@pytest.fixture(scope="module")
def meeting(verifier: Verifier, tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(asyncio.run(heard(tmp_path_factory.mktemp("meeting") / "memory", MEETING)), verifier)


async def ask(world: World, text: str, as_of_s: float | None = None) -> Answer:
    async with world.answerer() as answerer:
        return await answerer.answer(Query("turn", text, as_of_s))


@pytest.mark.slow
def test_what_somebody_said_is_answered_from_their_own_words(meeting: World, run_real: Run) -> None:
    ana = run_real(ask(meeting, "What did Ana say about the budget?"))
    assert "forty thousand euros" in ana.text and "said by Ana" in ana.text
    assert {e.speaker for e in ana.evidence} == {"Ana"}
    ben = run_real(ask(meeting, "What did Ben say about the budget?"))
    assert "far too high" in ben.text and "said by Ben" in ben.text


@pytest.mark.slow
def test_who_said_it(meeting: World, run_real: Run) -> None:
    assert run_real(ask(meeting, "Who said the budget is too high?")).text.startswith("Ben. ")
    assert run_real(ask(meeting, "Who said that the plumber comes on Friday?")).text.startswith("Speaker 3. ")


@pytest.mark.slow
def test_what_somebody_says_of_themselves_is_about_them(meeting: World, run_real: Run) -> None:
    assert "cello" in run_real(ask(meeting, "What instrument does Ana play?")).text


@pytest.mark.slow
def test_what_they_have_not_said_is_not_known(meeting: World, run_real: Run) -> None:
    answer = run_real(ask(meeting, "What did Ben say about the plumber?"))
    assert answer.abstained and answer.text == ABSTAINED


@pytest.mark.slow
def test_before_the_name_was_known_nobody_is_called_so(meeting: World, run_real: Run) -> None:
    answer = run_real(ask(meeting, "What did Ben say about the budget?", as_of_s=4.0))
    assert answer.abstained
    assert "Ben" not in {e.speaker for e in answer.evidence}
