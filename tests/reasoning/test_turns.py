"""Questions and their replies in a conversation."""

from __future__ import annotations

import asyncio
from pathlib import Path

from memory import Memory, Message
from reasoning.answer import Answerer
from reasoning.settings import AnswerSettings
from reasoning.support import Verifier
from reasoning.turns import asks, only_asks
from reasoning.visual import Scenes
from runtime.clock import SystemClock
from runtime.compute import Compute
from runtime.messages import Answer, Query

TALK = (
    ("one", 0.0, "Nils", "We bought a boat from a fisherman. It will be called Gudrun."),
    ("one", 30.0, "Vera", "Who painted it?"),
    ("one", 60.0, "Nils", "My uncle from Narvik, Torstein. He paints whole ships."),
    ("one", 80.0, "Vera", "My sister is here. She bought a kayak."),
    ("one", 85.0, "Nils", "And my mother, is she well?"),
    ("one", 88.0, "Vera", "She sold her piano."),
    ("one", 90.0, "Vera", "I am in the choir since May. We sing on Tuesdays."),
    ("two", 864000.0, "Vera", "The choir sings on Thursdays at half past seven now."),
    ("two", 864030.0, "Nils", "How is your knee?"),
    ("two", 864060.0, "Vera", "I hurt it on the stairs, it took twenty-three days."),
    ("two", 864090.0, "Nils", "The boat is in the water. I sail on Sundays now."),
)


def test_what_asks_is_told_from_what_tells() -> None:
    assert asks("Nice. Who painted it?") and not asks("It is blue.")
    assert only_asks("Really? Who painted it?") and only_asks("Finally! Who painted it?")
    assert not only_asks("Nice. Who painted it?")


async def answers(folder: Path, verifier: Verifier, questions: list[str]) -> list[Answer]:
    compute = Compute()
    async with await Memory.open(folder, compute=compute, read_only=False) as memory:
        talk = [Message(text, 1.7e9 + at_s, session, who) for session, at_s, who, text in TALK]
        await memory.add(talk, source="talk")
        scenes = Scenes(memory, None, compute)
        answerer = Answerer(memory, verifier, scenes, compute, AnswerSettings(), SystemClock())
        found = [await answerer.answer(Query("q", text, asked_at_s=1.702e9)) for text in questions]
    await compute.close(5.0)
    return found


def test_a_talk_is_answered_by_its_turns(tmp_path: Path, verifier: Verifier) -> None:
    told = dict(
        zip(
            questions := [
                "What is the boat called?",
                "Who painted the boat?",
                "When does the choir sing?",
                "How many days did Vera's knee take?",
                "When did Nils last talk about the boat?",
                "Who is Torstein?",
                "What did Vera sell?",
            ],
            asyncio.run(answers(tmp_path / "m", verifier, questions)),
            strict=True,
        )
    )
    assert told["What is the boat called?"].text.startswith("Gudrun.")
    painter = told["Who painted the boat?"]
    assert painter.text.startswith("Torstein.") and "“Vera: Who painted it?”" in painter.text
    assert "Nils: My uncle from Narvik" in painter.evidence[0].text
    assert "alf past seven" in told["When does the choir sing?"].text
    assert told["How many days did Vera's knee take?"].text.lower().startswith("twenty-three")
    assert "I sail on Sundays" in told["When did Nils last talk about the boat?"].evidence[0].text
    assert "uncle" in told["Who is Torstein?"].text
    assert told["What did Vera sell?"].abstained
    assert not any(one.text.startswith(("Nils.", "Vera.")) for one in told.values())
