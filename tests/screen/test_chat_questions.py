"""Questions about a chat that was on the screen: who promised what, and a question that is no answer."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import pytest

from reasoning.screen.answer import ScreenAnswerer
from reasoning.settings import AnswerSettings
from reasoning.support import Verifier
from runtime.clock import SystemClock
from runtime.messages import Answer, Query
from tests.reasoning.conftest import verifier
from tests.screen.days import Scene, remembered

__all__ = ["verifier"]

FRIDAY = datetime(2024, 5, 17, 10, 0).timestamp()
CHAT: tuple[Scene, ...] = (
    (
        0.0,
        "harbour chat - Chat",
        (
            "Bo: the ferry leaves at nine thirty",
            "Ana: I'll send you the drawings tomorrow",
            "Dora: who paints the northern buoy",
            "Me: I will bring Ana the yellow paint",
            "14 ropes from Harbour Supplies",
        ),
    ),
)


def ask(folder: Path, verifier: Verifier, question: str) -> Answer:
    async def main() -> Answer:
        async with remembered(folder, (FRIDAY, CHAT)) as (memory, compute):
            answerer = ScreenAnswerer(
                memory, verifier, compute, AnswerSettings(), SystemClock(), lambda: FRIDAY + 3600
            )
            return await answerer.answer(Query("q", question))

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("question", "says", "not_says"),
    [
        ("What did Ana promise?", "I'll send you the drawings", "yellow paint"),
        ("What did Ana promise to send?", "I'll send you the drawings", "yellow paint"),
        ("What did I promise Ana?", "yellow paint", "drawings"),
        ("Who said when the ferry leaves?", "Bo", "Dora"),
        ("How many ropes came from Harbour Supplies?", "14", "Ana"),
        ("What follows now, who paints the northern buoy?", "Dora", "Bo"),
    ],
)
def test_a_promise_is_of_who_made_it(
    tmp_path: Path, verifier: Verifier, question: str, says: str, not_says: str
) -> None:
    answer = ask(tmp_path, verifier, question)
    assert says in answer.text
    assert not_says not in answer.text


@pytest.mark.parametrize(
    "question",
    [
        "What did Bo promise?",
        "Who paints the northern buoy?",
        "How many jackets came from Harbour Supplies?",
    ],
)
def test_what_was_only_asked_or_never_said_is_not_known(
    tmp_path: Path, verifier: Verifier, question: str
) -> None:
    assert ask(tmp_path, verifier, question).abstained
