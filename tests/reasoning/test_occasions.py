"""Questions over several sessions of a talk: how often, whose "she" it was, and what was on somebody's birthday."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from memory import Memory, MemorySettings, Message
from reasoning.answer import Answerer
from reasoning.settings import AnswerSettings
from reasoning.support import Verifier
from reasoning.visual import Scenes
from runtime.clock import SystemClock
from runtime.compute import Compute
from runtime.messages import Answer, Query

TALK = (
    ("2023-08-27", "Ines", "I went swimming in the quarry, it was icy."),
    ("2023-09-02", "Ines", "I went swimming at the pool this morning."),
    ("2023-09-02", "Otto", "I never go swimming, I prefer the sauna."),
    ("2023-09-06", "Ines", "My birthday is on the 20th of September."),
    ("2023-09-06", "Ines", "My niece Runa opened a shop in the old mill."),
    ("2023-09-06", "Ines", "She sells lamps there, a carpenter called Bo helps her."),
    ("2023-09-13", "Ines", "Yesterday I swam two lengths of the lake."),
    ("2023-09-13", "Otto", "I will go swimming on Friday, maybe."),
    ("2023-09-20", "Ines", "We had dumplings at the harbour tonight, and Otto brought me a kite."),
    ("2023-09-24", "Otto", "I bought two kettles at the market."),
)
ASKED_S = datetime(2023, 9, 28, 12, tzinfo=UTC).timestamp()


@pytest.fixture(scope="module")
def told(verifier: Verifier, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    questions = [
        "How many times did Ines go swimming this month?",
        "How often did Ines go swimming?",
        "How many times did Otto go swimming?",
        "Who sells lamps?",
        "Where does Runa sell lamps?",
        "What did Otto bring Ines on her birthday?",
        "Where did Ines eat on Otto's birthday?",
    ]
    return asyncio.run(_answers(tmp_path_factory.mktemp("talk") / "m", verifier, questions))


async def _answers(folder: Path, verifier: Verifier, questions: list[str]) -> dict[str, Answer]:
    compute = Compute()
    settings = MemorySettings(timezone="UTC")
    async with await Memory.open(folder, compute=compute, settings=settings, read_only=False) as memory:
        await memory.add(
            [
                Message(text, datetime.fromisoformat(f"{day}T19:00+00:00").timestamp() + 60.0 * at, day, who)
                for at, (day, who, text) in enumerate(TALK)
            ],
            source="talk",
        )
        await memory.consolidate()
        scenes = Scenes(memory, None, compute)
        answerer = Answerer(memory, verifier, scenes, compute, AnswerSettings(), SystemClock())
        found = [await answerer.answer(Query("q", text, asked_at_s=ASKED_S)) for text in questions]
    await compute.close(5.0)
    return dict(zip(questions, found, strict=True))


def test_occasions_are_counted_over_sessions(told: dict[str, Answer]) -> None:
    month = told["How many times did Ines go swimming this month?"]
    assert month.text.startswith("Twice that I know of (2023-09-02, 2023-09-12).")
    assert len(month.evidence) == 2 and "the pool" in month.text and "the lake" in month.text
    assert told["How often did Ines go swimming?"].text.startswith("3 times that I know of (2023-08-27, ")


def test_what_is_planned_or_never_done_is_no_occasion(told: dict[str, Answer]) -> None:
    never = told["How many times did Otto go swimming?"]
    assert "times that I know of" not in never.text and not never.text.startswith(("Once", "Two"))


def test_a_pronoun_is_the_one_of_the_message_before(told: dict[str, Answer]) -> None:
    who = told["Who sells lamps?"]
    assert who.text.startswith("Runa.") and "My niece Runa" in who.text
    assert "She sells lamps there" in told["Where does Runa sell lamps?"].text


def test_a_birthday_that_is_known_is_a_day(told: dict[str, Answer]) -> None:
    assert told["What did Otto bring Ines on her birthday?"].text.startswith("A kite.")
    nobodys = told["Where did Ines eat on Otto's birthday?"]
    assert "2023-09-20" not in nobodys.text.partition("(")[0]
