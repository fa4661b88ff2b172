"""What was heard may have been something else that sounds like it: its other readings, and words that sound alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest

from reasoning.compose import ABSTAINED
from reasoning.question import parse_question
from reasoning.sounds import sounds_in, sounds_like
from reasoning.support import Verifier
from runtime.messages import Answer, Observation, Query, Watermark
from tests.conftest import Run
from tests.memory.world import Message, remembered, said
from tests.reasoning.answering import World


def heard(start_s: float, text: str, *readings: str) -> Observation:
    return replace(said("talk", start_s, start_s + 3, text), details={"alternatives": list(readings)})


@pytest.fixture
def asked(verifier: Verifier, tmp_path: Path, run_real: Run) -> Callable[..., Answer]:
    """Asks a memory of a few utterances, without a language model."""

    async def work(question: str, utterances: tuple[Observation, ...]) -> Answer:
        messages: list[Message] = [*utterances]
        messages += [Watermark("vision", inf), Watermark("read", inf), Watermark("said", inf)]
        world = World(await remembered(tmp_path / "memory", messages), verifier)
        async with world.answerer() as answerer:
            return await answerer.answer(Query("turn", question))

    return lambda question, *utterances: run_real(work(question, utterances))


@pytest.mark.slow
def test_another_reading_answers_where_the_likeliest_does_not(asked: Callable[..., Answer]) -> None:
    answer = asked(
        "Where does the youngest cat sleep?",
        heard(10, "A youngest hat leaps in Monday.", "The youngest cat sleeps in the laundry basket."),
        heard(20, "The lake is frozen along the western shore."),
    )
    assert "in the laundry basket" in answer.text.lower()
    assert (answer.evidence[0].t_start_s, answer.evidence[0].t_end_s) == (10, 13)


@pytest.mark.slow
def test_the_likeliest_reading_is_quoted_where_it_answers(asked: Callable[..., Answer]) -> None:
    answer = asked(
        "Where does the youngest cat sleep?",
        heard(10, "The youngest cat sleeps in the laundry basket.", "The youngest cat sleeps in the market."),
    )
    assert "laundry basket" in answer.text and "market" not in answer.text


@pytest.mark.slow
def test_a_word_that_was_heard_wrongly_is_found_by_its_sound(asked: Callable[..., Answer]) -> None:
    answer = asked(
        "Who is the treasurer of the club?",
        heard(10, "The treasure of the club is Miriam."),
        heard(20, "The choir of the club meets on Mondays."),
    )
    assert not answer.abstained and "Miriam" in answer.text


@pytest.mark.slow
def test_half_of_what_was_mentioned_is_enough_where_nothing_else_comes_near(
    asked: Callable[..., Answer],
) -> None:
    others = (
        heard(100, "The lake is frozen along the shore."),
        heard(200, "We sold raffle tickets at the fair."),
    )
    umbrella = heard(65, "Somebody left a breath umbrella in the lecture hall.")
    assert asked("When was the green umbrella mentioned?", umbrella, *others).text.startswith("At 1:05")


@pytest.mark.slow
def test_what_was_not_mentioned_at_all_is_not_found(asked: Callable[..., Answer]) -> None:
    others = (
        heard(100, "The lake is frozen along the shore."),
        heard(200, "We sold raffle tickets at the fair."),
    )
    assert asked("When was the green umbrella mentioned?", *others).text == ABSTAINED


@pytest.mark.slow
def test_a_thing_of_another_kind_does_not_answer(verifier: Verifier) -> None:
    question = parse_question("Which team does the injured goalkeeper belong to?", verifier.language)
    knee = verifier.judge(question, "The goalkeeper hurt his left knee in the second half.", "said")
    team = verifier.judge(question, "The injured goalkeeper belongs to the Rovers.", "said")
    assert knee.probability < 0.28 < team.probability


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("treasurer", "The treasure of the club"),
        ("tenants", "The tent is complained"),
        ("goats", "eleven coats"),
    ],
)
def test_what_sounds_alike(word: str, text: str) -> None:
    assert sounds_like(word, sounds_in(text))


@pytest.mark.parametrize(
    ("word", "text"),
    [("brother", "my mother"), ("umbrella", "a breath of air"), ("pass", "the past"), ("room 4", "room")],
)
def test_what_does_not(word: str, text: str) -> None:
    assert not sounds_like(word, sounds_in(text))
