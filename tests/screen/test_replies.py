"""What came after what, and what was on the screen at a time."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import pytest

from reasoning.screen.question import ask_of
from reasoning.screen.replies import Replies
from reasoning.screen.when import When, parse_when
from tests.screen.days import Day, finder_of, remembered

MORNING = datetime(2024, 5, 13, 9, 0).timestamp()
DAY: Day = (
    MORNING,
    (
        (0.0, "harbour.py - Editor", ("import berth", "boat = None")),
        (60.0, "harbour.py - Editor", ("import berth", "boat = None", "def moor(line, berth):")),
        (
            120.0,
            "Painting a hull - Wiki",
            ("1. Wash the hull.", "2. Sand the old paint.", "3. Paint it twice.", "4. Let it dry."),
        ),
        (180.0, "build - Terminal", ("make harbour", "harbour.c: undefined mooring")),
        (240.0, "harbour.py - Editor", ("import berth", "def moor(line, berth, rope):")),
        (600.0, "Weather - Browser", ("a gale is coming",)),
    ),
)


def reply(folder: Path, question: str, when: When | None = None) -> str:
    async def main() -> str:
        async with remembered(folder, DAY) as (memory, _):
            finder = await finder_of(memory)
            meant = when or When()
            asked = ask_of(meant.rest or question)
            return (await Replies(finder, question, asked, meant, lambda s: f"{s - MORNING:.0f}").reply())[0]

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What came right before painting it twice?", "“2. Sand the old paint.”"),
        ("What comes after sanding the old paint?", "“3. Paint it twice.”"),
        ("What did I do after writing boat = None in the file?", "“def moor(line, berth):”"),
        ("Did I read about the gale before or after the build failed with undefined mooring?", "After"),
    ],
)
def test_what_came_before_or_after(tmp_path: Path, question: str, answer: str) -> None:
    assert reply(tmp_path, question).startswith(answer)


def test_what_was_done_with_a_program_around_a_time(tmp_path: Path) -> None:
    question = "What was I doing around 9:05 in the terminal?"
    when = parse_when(question, MORNING, [datetime(2024, 5, 13).date()])
    answer = reply(tmp_path, question, when)
    assert "build in Terminal" in answer
    assert "undefined mooring" in answer


def test_of_a_time_at_which_nothing_was_recorded_the_nearest_is_told(tmp_path: Path) -> None:
    when = parse_when("What was I at around 9:30?", MORNING, [datetime(2024, 5, 13).date()])
    assert reply(tmp_path, "What was I at?", when) == ""
    when = parse_when("What was I at around 9:18?", MORNING, [datetime(2024, 5, 13).date()])
    answer = reply(tmp_path, "What was I at?", when)
    assert answer == "Weather in Browser, at 605; nothing was recorded at 1080."
