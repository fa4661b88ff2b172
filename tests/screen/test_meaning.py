"""Where and when something was that is named in other words: by the meaning of the lines, with the packaged model."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from reasoning.screen.answer import ScreenAnswerer
from reasoning.settings import AnswerSettings
from reasoning.support import Verifier
from runtime.clock import SystemClock
from runtime.messages import Answer, Query
from tests.reasoning.conftest import verifier
from tests.screen.days import Scene, remembered

__all__ = ["verifier"]

MORNING = datetime(2024, 5, 17, 9, 0).timestamp()
SCENES: tuple[Scene, ...] = (
    (0.0, "harbour chat - Chat", ("Runa: the sails have to be mended before the race", "Ole: fine")),
    (300.0, "joinery - Firefox", ("Rub candle wax on the runners, then a drawer slides again", "3 replies")),
    (600.0, "prices - Firefox", ("Brass lantern for boats, 49 euro", "In stock")),
    (900.0, "log - Mousepad", ("Nothing to report",)),
)


def answers(folder: Path, verifier: Verifier, questions: Sequence[str]) -> list[Answer]:
    async def main() -> list[Answer]:
        async with remembered(folder, (MORNING, SCENES)) as (memory, compute):
            answerer = ScreenAnswerer(
                memory, verifier, compute, AnswerSettings(), SystemClock(), lambda: MORNING + 7200
            )
            return [await answerer.answer(Query(str(i), q)) for i, q in enumerate(questions)]

    return asyncio.run(main())


def test_other_words_for_what_stood_there(tmp_path: Path, verifier: Verifier) -> None:
    where, when, before = answers(
        tmp_path,
        verifier,
        [
            "Where did I read that waxing helps a sticky drawer?",
            "When did I look at lamps made of brass for ships?",
            "Which page had I open just before the lamps made of brass for ships?",
        ],
    )
    assert where.text.startswith("joinery in Firefox, at 09:05: “Rub candle wax")
    assert when.text.startswith("At 09:10: “Brass lantern")
    assert before.text.startswith("joinery in Firefox, at 09:05. Before ")


def test_what_means_nothing_near_is_refused_and_so_is_another_name(
    tmp_path: Path, verifier: Verifier
) -> None:
    for answer in answers(
        tmp_path,
        verifier,
        [
            "Where did I read about the volcano on Iceland?",
            "When did I book a flight?",
            "Where did Torsten say that torn sails need mending?",
            "When did I look at 12 lamps made of brass for ships?",
        ],
    ):
        assert answer.abstained, answer.text
