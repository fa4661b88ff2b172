"""Questions about what was said while the screen was recorded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import pytest

from memory import Memory
from memory.screen import ScreenMemory, ScreenWriter
from perception.screen.heard import on_screen
from perception.screen.titles import Place
from reasoning.screen.calls import call_line, calls
from reasoning.screen.find import Finder
from reasoning.screen.heard import asked_heard, heard_reply
from reasoning.screen.promises import promised
from reasoning.screen.tasks import Tasks
from reasoning.screen.when import When, at_text
from runtime.compute import Compute
from runtime.messages import Observation, ScreenReading
from tests.conftest import Run
from tests.memory.world import HashEncoder
from tests.screen.days import finder_of, remembered

ZERO = datetime(2024, 5, 17, 10, 0).timestamp()
CALL = Place("zoom", "Call with Carla", "", "Call with Carla - zoom")
SAID: tuple[tuple[float, str, str | None, str, Place], ...] = (
    (60.0, "system", "Ben", "The budget for the harbour is forty thousand euro.", CALL),
    (66.0, "microphone", "you", "That is less than last year. I'll send you the drawings tomorrow.", CALL),
    (74.0, "system", "Ben", "Send them to the office, please.", CALL),
    (80.0, "microphone", "you", "Which ferry do we take?", CALL),
    (84.0, "system", None, "The nine o'clock one.", CALL),
    (
        4000.0,
        "microphone",
        "you",
        "Hello, I would like to order a pizza.",
        Place("xterm", "build", "", "build"),
    ),
)
"""From which second on, by which ear, who, the words, and what was in front."""


@asynccontextmanager
async def a_day(folder: Path) -> AsyncIterator[Finder]:
    async with remembered(folder, (ZERO, ((0.0, "mail - Mail", ("I'll call the mayor on Monday",)),))) as (
        memory,
        compute,
    ):
        await write(memory, compute)
        yield await finder_of(memory)


async def write(memory: Memory, compute: Compute) -> None:
    (source,) = await ScreenMemory(memory.store).sources()
    records = []
    for at_s, ear, who, text, place in SAID:
        wall = ZERO + at_s
        said = Observation("", "", "said", text, wall, wall + 3.0, wall + 3.0)
        records.append(on_screen(said, ear, source.id, ZERO, place, who))
    writer = ScreenWriter(memory.store, HashEncoder(), compute)
    await writer.write(source.id, ScreenReading(tuple(records), (), (), 4010.0))


@pytest.mark.parametrize(
    ("question", "who", "phrase", "wants", "call"),
    [
        ("What did Ben say in the call about the budget?", "Ben", "the budget", "words", True),
        ("What did Ben say about the budget?", "Ben", "the budget", "words", False),
        ("Did anybody mention the ferry?", "", "the ferry", "whether", False),
        ("When did Ben talk about the harbour?", "Ben", "the harbour", "when", False),
        ("Who mentioned the harbour in the meeting?", "", "the harbour", "who", True),
        ("What did I say about last year?", "I", "last year", "words", False),
        ("What was said about the ferry during the call with Ben?", "Ben", "the ferry", "words", True),
        ("Which ferry did we talk about?", "", "ferry", "words", False),
    ],
)  # fmt: skip
def test_what_is_asked_for(question: str, who: str, phrase: str, wants: str, call: bool) -> None:
    asked = asked_heard(question)
    assert asked is not None
    assert (asked.who, asked.phrase, asked.wants, asked.call) == (who, phrase, wants, call)


@pytest.mark.parametrize(
    "question",
    ["What did the error say?", "Where did I see the invoice?", "What was I doing at ten?", "When was the ferry shown?"],
)  # fmt: skip
def test_what_stood_on_the_screen_is_no_question_of_hearing(question: str) -> None:
    assert asked_heard(question) is None


@pytest.mark.parametrize(
    ("question", "only"),
    [
        ("What did Ben say in the call?", True),
        ("What did Ben say?", False),
        ("What was I working on during the meeting?", False),
        ("Which page was open in the call with Ben?", False),
    ],
)
def test_what_happened_during_a_call_need_not_have_been_said(question: str, only: bool) -> None:
    asked = asked_heard(question)
    assert asked is not None
    assert asked.only == only


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (
            "What did Ben say in the call about the budget?",
            "Ben: “The budget for the harbour is forty thousand euro.” (heard through the loudspeakers at 10:01, "
            "with Call with Carla in zoom in front).",
        ),
        ("Did anybody mention the budget?", "Yes. Ben: “The budget for the harbour is forty thousand euro.”"),
        ("When did I talk about last year?", "At 10:01. You: “That is less than last year."),
        ("What did I say about the pizza?", "You: “Hello, I would like to order a pizza.” (into the microphone at 11:06"),
        ("What did Ben say about the drawings?", "Ben: “Send them to the office, please.”"),
        ("What did Carla say about the ferry?", "Somebody: “The nine o'clock one.”"),
        ("What did Zoe say about the budget?", ""),
        ("What did I say about the budget?", "You: “That is less than last year."),
        ("What did I say about the mayor?", ""),
        ("Did anybody mention a penguin?", ""),
    ],
)  # fmt: skip
def test_the_words_are_the_answer_with_who_when_and_what_was_in_front(
    tmp_path: Path, run_real: Run, question: str, answer: str
) -> None:
    async def main() -> tuple[str, int]:
        async with a_day(tmp_path) as finder:
            asked = asked_heard(question)
            assert asked is not None
            text, moments = await heard_reply(finder, asked, When(), lambda t: at_text(t, ZERO))
            return text, len(moments)

    text, moments = run_real(main())
    assert text.startswith(answer)
    assert bool(text) == bool(answer) == bool(moments)


@pytest.mark.parametrize(
    ("phrase", "found"),
    [
        ("", ["I'll call the mayor on Monday", "I'll send you the drawings tomorrow."]),
        ("in the call", ["I'll send you the drawings tomorrow."]),
        ("Ben", ["I'll send you the drawings tomorrow."]),
        ("in the call with Zoe", []),
    ],
)
def test_what_the_user_said_and_wrote_is_promised(
    tmp_path: Path, run_real: Run, phrase: str, found: list[str]
) -> None:
    async def main() -> list[str]:
        async with a_day(tmp_path) as finder:
            return [m.line for m in await promised(finder, phrase, When())]

    assert run_real(main()) == found


def test_what_is_promised_aloud_becomes_a_task(tmp_path: Path) -> None:
    text = "That is less than last year. I'll send you the drawings tomorrow."
    said = Observation("", "", "said", text, ZERO, ZERO + 3, ZERO + 3)
    record = on_screen(said, "microphone", "screen-a", ZERO, CALL, "you")
    (task,) = Tasks(tmp_path / "tasks.json").notice(record, ZERO)
    assert task.text == "I'll send you the drawings tomorrow."
    assert task.due is not None
    assert task.place == "said with Call with Carla in zoom in front"


def test_a_call_is_where_both_ears_heard_speech(tmp_path: Path, run_real: Run) -> None:
    async def main() -> list[str]:
        async with remembered(tmp_path, (ZERO, ((0.0, "mail - Mail", ("a line",)),))) as (memory, compute):
            await write(memory, compute)
            screen = ScreenMemory(memory.store)
            said = await screen.heard(await screen.sources())
            found = calls(said, {said[0].source: ZERO}, await memory.cast())
            return [call_line(call) for call in found]

    assert run_real(main()) == ["10:01-10:01  a call with Ben, Call with Carla in zoom (27 seconds)"]
