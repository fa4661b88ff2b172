"""What was talked of in a time."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import pytest

from memory import Memory, Message
from reasoning.spans import talked_of
from runtime.compute import Compute
from runtime.messages import Answer, Query
from tests.memory.world import HashEncoder

TALK = (
    ("2024-05-06T12:00", "Ana", "The harbour crane is broken and the boats wait outside."),
    ("2024-05-06T12:01", "Ben", "Who repairs the crane?"),
    ("2024-05-06T12:02", "Ana", "A team from Bergen comes on the next ferry with a new cable."),
    ("2024-05-08T12:00", "Ben", "I painted the green dinghy and the oars with two coats."),
)
NOW = datetime(2024, 5, 9, 12).timestamp()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("talk") / "m"

    async def write() -> None:
        async with await Memory.open(where, HashEncoder(), read_only=False) as memory:
            await memory.add(
                [Message(x, datetime.fromisoformat(t).timestamp(), t[:10], w) for t, w, x in TALK]
            )

    asyncio.run(write())
    return where


def told(folder: Path, text: str, as_of_s: float | None = None) -> Answer | None:
    async def ask() -> Answer | None:
        async with await Memory.open(folder, HashEncoder()) as memory:
            now_s = NOW if as_of_s is None else None
            compute = Compute()
            try:
                return await talked_of(memory, Query("q", text, as_of_s, asked_at_s=now_s), 5, compute)
            finally:
                await compute.close(5.0)

    return asyncio.run(ask())


def test_a_day_is_told_in_short_with_what_proves_it(folder: Path) -> None:
    found = told(folder, "What did we talk about on Monday?")
    assert found is not None and not found.abstained
    assert "crane is broken" in found.text and "team from Bergen" in found.text
    assert "dinghy" not in found.text
    assert [e.speaker for e in found.evidence][:1] == ["Ana"]


def test_of_one_person_only_their_words(folder: Path) -> None:
    found = told(folder, "What did Ben say this week?")
    assert found is not None and "dinghy" in found.text and "Bergen" not in found.text


def test_nothing_later_is_used(folder: Path) -> None:
    early = datetime(2024, 5, 7, 12).timestamp()
    found = told(folder, "What did we discuss this week?", early)
    assert found is not None and "dinghy" not in found.text


@pytest.mark.parametrize(
    "question",
    [
        "What did we say about the crane on Monday?",
        "What did we talk about?",
        "What happened after the flood?",
        "What did we discuss last year?",
        "Who painted the dinghy yesterday?",
        "What did we discuss on 1 May 2024?",
    ],
)
def test_what_asks_for_one_thing_is_left_alone(folder: Path, question: str) -> None:
    assert told(folder, question) is None
