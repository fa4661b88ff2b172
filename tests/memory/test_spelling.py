"""Who was heard as Anna is asked for as Ana."""

from __future__ import annotations

from pathlib import Path

import pytest

from memory import Memory, Message
from memory.spelling import names_in, respelt, sounds_same
from tests.conftest import Run
from tests.memory.world import HashEncoder


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("Ana", "Anna", True),
        ("Jon", "John", True),
        ("Katherine", "Catherine", True),
        ("Erik", "Eric", True),
        ("Stephen", "Steven", True),
        ("Sara", "Sarah", True),
        ("Philip", "Phillip", True),
        # Metaphone takes these for one.
        ("Jane", "John", False),
        ("Jean", "June", False),
        ("Anna", "Anne", False),
        ("Maria", "Marie", False),
        ("Dina", "Dan", False),
        ("Ben", "Dan", False),
    ],
)
def test_two_spellings_of_one_name(a: str, b: str, same: bool) -> None:
    assert sounds_same(a, b) is same


@pytest.mark.parametrize(
    ("names", "becomes"),
    [
        (("Anna", "Ben"), "What is Anna's boat called, Ben?"),
        (("Anna Silva",), "What is Anna's boat called, Ben?"),
        (("Anna Silva", "Anna Berg"), "What is Ana's boat called, Ben?"),
        (("Anna", "Annah"), "What is Ana's boat called, Ben?"),
        (("Anne",), "What is Ana's boat called, Ben?"),
        ((), "What is Ana's boat called, Ben?"),
    ],
)
def test_a_name_is_put_right_where_one_person_alone_can_be_meant(
    names: tuple[str, ...], becomes: str
) -> None:
    text = "What is Ana's boat called, Ben?"
    assert names_in(text) == ["What", "Ana", "Ben"]
    assert respelt(text, ["Ana"], names) == becomes


def test_the_memory_is_asked_for_whom_it_knows(run_virtual: Run, tmp_path: Path) -> None:
    async def use() -> None:
        async with await Memory.open(tmp_path, HashEncoder(), read_only=False) as memory:
            talk = [
                Message("I bought a red kayak. I live in Bergen.", 1e9, "s", "John"),
                Message("I bought a green tent.", 1e9 + 60, "s", "Petra"),
                Message("I bought a blue tent.", 1e9 + 120, "s", "Ben"),
            ]
            await memory.add(talk)
            question = "What did Jon buy?"
            assert await memory.spelt(question) == "What did John buy?"
            assert (await memory.search(question, k=1))[0].record.speaker == "John"
            assert await memory.spelt("What did Jane buy?") == "What did Jane buy?"
            await memory.consolidate()
            assert {f.subject for f in await memory.facts(about="Jon")} == {"John"}
            assert await memory.profile("Jon") == await memory.profile("John") != []
            # Before John was heard of, nobody is meant; and where there is a Jon he is.
            assert await memory.spelt(question, as_of_s=1e9 - 1) == question
            await memory.add([Message("I bought a boat.", 1e9 + 180, "s", "Jon")])
            assert await memory.spelt(question) == question
            assert (await memory.search(question, k=1))[0].record.speaker == "Jon"
            assert await memory.spelt(question, as_of_s=1e9 + 130) == "What did John buy?"

    run_virtual(use())
