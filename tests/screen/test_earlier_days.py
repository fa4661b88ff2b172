"""A time of day without a day: the last day on which something is found then."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

from reasoning.screen.answer import ScreenAnswerer
from reasoning.settings import AnswerSettings
from reasoning.support import Verifier
from runtime.clock import SystemClock
from runtime.messages import Answer, Query
from tests.reasoning.conftest import verifier
from tests.screen.days import Day, remembered

__all__ = ["verifier"]

DAYS: tuple[Day, ...] = tuple(
    (
        datetime(2024, 5, day, 9, 30).timestamp(),
        ((0.0, title, lines), (600.0, "rest - Mousepad", ("a break",))),
    )
    for day, title, lines in (
        (14, "harbour chat - Chat", ("The spare key lies under the blue buoy", "Tide table of the harbour")),
        (15, "tide - Firefox", ("High water is at noon", "The tide table is out of date")),
        (16, "sails - Mousepad", ("Sails are to be mended by the crew",)),
    )
)


def ask(folder: Path, verifier: Verifier, question: str) -> Answer:
    async def main() -> Answer:
        async with remembered(folder, *DAYS) as (memory, compute):
            answerer = ScreenAnswerer(
                memory, verifier, compute, AnswerSettings(), SystemClock(),
                lambda: datetime(2024, 5, 17, 12, 0).timestamp(),
            )  # fmt: skip
            return await answerer.answer(Query("q", question))

    return asyncio.run(main())


def test_the_last_day_that_answers_is_meant(tmp_path: Path, verifier: Verifier) -> None:
    answer = ask(tmp_path, verifier, "Where did I read about the spare key shortly after half past nine?")
    assert answer.text.startswith("harbour chat in Chat, at 09:30 on 14 May")
    later = ask(
        tmp_path / "later", verifier, "Where did I read about the tide table shortly after half past nine?"
    )
    assert later.text.startswith("tide in Firefox, at 09:30 on 15 May")


def test_a_day_that_is_named_is_the_only_one(tmp_path: Path, verifier: Verifier) -> None:
    question = "Where did I read about the spare key shortly after half past nine on Thursday?"
    assert ask(tmp_path, verifier, question).abstained
