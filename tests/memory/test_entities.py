"""People by voice: known again, named, merged and split, exact in time, forgotten."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import People, SearchRequest, Store
from memory.cast import Casts
from memory.entities import list_people
from memory.forgetting import Selection, forget
from memory.portable import export_memory, import_memory
from runtime.compute import Compute
from runtime.errors import InputError, MemoryStoreError
from runtime.messages import Observation, Watermark
from tests.memory.talk import chat, hear, heard, talk, vectors_of, who
from tests.memory.world import SETTINGS, HashEncoder, Message, after, contents, dying, opened

T = TypeVar("T")
ANA, BEN = 0, 1
MEETING = (
    (ANA, "Good morning, the ferry is late."),
    (BEN, "Then we take the bridge."),
    (ANA, "My name is Ana, by the way."),
    (BEN, "Hello, I'm Ben."),
    (ANA, "The price of the ticket is 12 euros."),
    (BEN, "The price of the lamp is 30 euros."),
)


def change(folder: Path, act: Callable[[People], Awaitable[T]]) -> T:
    """What the user does to the people of a memory."""

    async def main() -> T:
        compute = Compute()
        try:
            async with await Store.open(folder) as store:
                return await act(await People.open(store, compute))
        finally:
            await compute.close(5.0)

    return asyncio.run(main())


def called(folder: Path, name: str = "film", as_of_s: float | None = None) -> list[str | None]:
    return asyncio.run(who(folder, as_of_s, name))


def people(folder: Path) -> dict[str, str]:
    """Ids of all who were heard, with what to call them."""

    async def main() -> dict[str, str]:
        async with await Store.open(folder, read_only=True) as store:
            return {p.id: p.label for p in await list_people(store, await Casts(store).now())}

    return asyncio.run(main())


def test_speakers_have_ids_in_the_records_and_names_when_shown(tmp_path: Path) -> None:
    folder = asyncio.run(heard(tmp_path / "m", MEETING))
    rows = sorted(asyncio.run(contents(folder))["observations"], key=lambda r: float(str(r["t_start_s"])))
    assert [r["speaker"] for r in rows] == ["p1", "p2"] * 3
    assert called(folder) == ["Ana", "Ben"] * 3


def test_a_name_is_known_from_when_it_was_said(tmp_path: Path) -> None:
    folder = asyncio.run(heard(tmp_path / "m", MEETING))
    assert called(folder, as_of_s=9.0) == ["speaker 1", "speaker 2"]
    assert called(folder, as_of_s=14.0) == ["Ana", "speaker 2", "Ana"]
    assert called(folder, as_of_s=19.0) == ["Ana", "Ben", "Ana", "Ben"]


def test_voices_of_a_stretch_are_known_from_its_end(tmp_path: Path) -> None:
    """They are told apart by all that was said in it."""
    folder = asyncio.run(heard(tmp_path / "m", MEETING, together=2))
    assert called(folder, as_of_s=8.0) == [None]
    assert called(folder, as_of_s=9.0) == ["speaker 1", "speaker 2"]


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000), t_s=st.floats(0, 75))
def test_the_past_does_not_know_the_future(seed: int, t_s: float) -> None:
    """Who is who as of a second is the same whether or not anything came after it."""
    messages = chat(seed)
    until = [m for m in messages if isinstance(m, Watermark) or (m.voice and m.voice.known_at_s <= t_s)]
    with tempfile.TemporaryDirectory() as folder:
        for name, part in (("whole", messages), ("cut", until)):

            async def write(name: str = name, part: list[Message] = part) -> None:
                async with await Store.open(Path(folder, name), HashEncoder()) as store:
                    await hear(store, part)

            asyncio.run(write())
        known = called(Path(folder, "whole"), as_of_s=t_s)
        short = called(Path(folder, "cut"), as_of_s=t_s)
        assert known[: len(short)] == short
        assert set(known[len(short) :]) <= {None}, "of the stretch that went on then"


def test_a_voice_is_known_again_in_another_source(tmp_path: Path) -> None:
    folder = asyncio.run(heard(tmp_path / "m", MEETING))
    asyncio.run(heard(folder, ((BEN, "The soup is cold."), (2, "I like it.")), "later"))
    assert called(folder, "later") == ["Ben", "speaker 3"]
    assert called(folder, "later", as_of_s=4.0) == ["Ben"], "that was known before it began"


def test_what_another_source_brings_later_is_not_known_to_the_past(tmp_path: Path) -> None:
    folder = asyncio.run(heard(tmp_path / "m", MEETING[:2]))
    asyncio.run(heard(folder, MEETING[2:4], "later"))
    assert called(folder) == ["Ana", "Ben"]
    assert called(folder, as_of_s=9.0) == ["speaker 1", "speaker 2"]


def test_the_user_names_and_takes_it_back(tmp_path: Path) -> None:
    folder = asyncio.run(heard(tmp_path / "m", MEETING))
    change(folder, lambda p: p.name("p1", "Ana Silva", 1.0))
    assert people(folder) == {"p1": "Ana Silva", "p2": "Ben"}
    assert change(folder, lambda p: _found(p, "ana")) == "p1"
    assert change(folder, lambda p: _found(p, "Anna")) == "p1"
    change(folder, lambda p: p.undo(None, 2.0))
    assert people(folder) == {"p1": "Ana", "p2": "Ben"}


def test_merges_and_splits_can_be_undone(tmp_path: Path) -> None:
    folder = asyncio.run(heard(tmp_path / "m", MEETING))
    change(folder, lambda p: p.merge("Ana", "Ben", 1.0))
    assert list(people(folder)) == ["p1"] and len(set(called(folder))) == 1
    split = change(folder, lambda p: p.split("p1", 2.0))
    assert split.kind == "split" and len(split.records) == 3
    assert sorted(people(folder).values()) == ["Ana", "Ben"], "each keeps what they said of themselves"
    change(folder, lambda p: p.undo(None, 3.0))
    assert list(people(folder)) == ["p1"]
    change(folder, lambda p: p.undo(None, 4.0))
    assert people(folder) == {"p1": "Ana", "p2": "Ben"} and called(folder) == ["Ana", "Ben"] * 3


def test_a_merged_voice_is_known_as_the_one(tmp_path: Path) -> None:
    folder = asyncio.run(heard(tmp_path / "m", MEETING[:2]))
    change(folder, lambda p: p.merge("p2", "p1", 1.0))
    asyncio.run(heard(folder, ((ANA, "The lamp is on."), (BEN, "The lamp is off.")), "later"))
    assert called(folder, "later") == ["speaker 2"] * 2


def test_what_the_user_gets_wrong_is_one_clear_line(tmp_path: Path) -> None:
    folder = asyncio.run(heard(tmp_path / "m", (*MEETING, (2, "I'm Ana."))))
    for act, line in (
        (lambda p: p.name("p9", "X", 1.0), "there is no person p9"),
        (lambda p: p.merge("Ben", "p2", 1.0), "are one person already"),
        (lambda p: p.split("p3", 1.0), "in one stretch of speech only"),
        (lambda p: p.name("Ana", "X", 1.0), "several people are called Ana"),
        (lambda p: p.undo(None, 1.0), "there is nothing to undo"),
        (lambda p: p.undo(10_000, 1.0), "there is no claim 10000"),
    ):
        with pytest.raises(InputError, match=line):
            change(folder, act)


def test_another_voice_encoder_is_refused(tmp_path: Path) -> None:
    folder = asyncio.run(heard(tmp_path / "m", MEETING))

    async def other() -> None:
        compute = Compute()
        try:
            async with await Store.open(folder, HashEncoder()) as store:
                await store.claim_model("voice", "another")
        finally:
            await compute.close(5.0)

    with pytest.raises(MemoryStoreError, match="voice encoder made-up, not another"):
        asyncio.run(other())


def test_what_a_person_said_is_found_first(tmp_path: Path) -> None:
    folder = asyncio.run(heard(tmp_path / "m", MEETING))

    async def search(speaker: str | None) -> list[str]:
        async with await opened(folder) as memory:
            hits = await memory.search(SearchRequest("price euros", speaker=speaker, k=2))
        return [hit.speaker.label if hit.speaker else "" for hit in hits]

    assert asyncio.run(search("Ben"))[0] == "Ben" and asyncio.run(search("Ana"))[0] == "Ana"
    assert sorted(asyncio.run(search(None))) == ["Ana", "Ben"]


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000), writes=st.integers(1, 40))
def test_a_run_that_dies_between_any_two_writes_knows_the_same_people(seed: int, writes: int) -> None:
    messages = chat(seed)

    async def whole(folder: Path) -> None:
        async with await Store.open(folder, HashEncoder()) as store:
            await hear(store, messages)

    async def dies(folder: Path) -> None:
        async with await Store.open(folder, HashEncoder()) as store:
            with dying(store, writes):
                await hear(store, messages)
        async with await Store.open(folder, HashEncoder()) as store:
            point = await store.resume_point("film")
            assert (await hear(store, after(messages, point))).complete

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(whole(Path(folder, "whole")))
        asyncio.run(dies(Path(folder, "cut")))
        assert asyncio.run(_known(Path(folder, "cut"))) == asyncio.run(_known(Path(folder, "whole")))
        assert asyncio.run(contents(Path(folder, "cut"))) == asyncio.run(contents(Path(folder, "whole")))


def test_forgetting_takes_voice_and_name_off_the_disk(tmp_path: Path) -> None:
    lines = (*MEETING, (2, "My name is Xanthippe."), (2, "I sell umbrellas."))
    folder = asyncio.run(heard(tmp_path / "m", lines))
    hers = vectors_of(talk(lines)[-5:])
    change(folder, lambda p: p.name("Xanthippe", "Xanthippe Umbra", 1.0))
    assert _on_disk(folder, b"Xanthippe Umbra") and any(_on_disk(folder, v) for v in hers)

    async def act() -> int:
        async with await Store.open(folder, HashEncoder()) as store:
            return len((await forget(store, Selection(speaker="xanthippe umbra"), SETTINGS)).records)

    assert asyncio.run(act()) == 2
    assert not _on_disk(folder, b"Xanthippe") and not any(_on_disk(folder, v) for v in hers)
    assert people(folder) == {"p1": "Ana", "p2": "Ben"}


def test_a_split_person_survives_that_the_other_is_forgotten(tmp_path: Path) -> None:
    folder = asyncio.run(heard(tmp_path / "m", MEETING))
    change(folder, lambda p: p.merge("p1", "p2", 1.0))
    change(folder, lambda p: p.split("p1", 2.0))
    left, gone = sorted(people(folder), key=lambda p: people(folder)[p])

    async def act() -> None:
        async with await Store.open(folder, HashEncoder()) as store:
            await forget(store, Selection(speaker=gone), SETTINGS)

    asyncio.run(act())
    assert people(folder) == {left: "Ana"}


def test_a_memory_without_voices_has_nobody(tmp_path: Path) -> None:
    mute = [replace(m, voice=None) if isinstance(m, Observation) else m for m in talk(MEETING)]

    async def main() -> None:
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            await hear(store, mute)

    asyncio.run(main())
    assert people(tmp_path / "m") == {} and set(called(tmp_path / "m", as_of_s=10.0)) == {None}


def test_people_of_an_imported_source_are_not_taken_for_those_who_are_there(tmp_path: Path) -> None:
    folder = asyncio.run(heard(tmp_path / "m", ((ANA, "My name is Ana."), (ANA, "It rains."))))
    other = asyncio.run(heard(tmp_path / "other", ((2, "My name is Carl."), (BEN, "I'm Ben.")), "later"))

    async def carry() -> None:
        async with await Store.open(other, read_only=True) as store:
            await export_memory(store, tmp_path / "file", 1.0)
        await import_memory(tmp_path / "file", folder)

    asyncio.run(carry())
    assert people(folder) == {"p1": "Ana", "p2": "Carl", "p3": "Ben"}
    assert called(folder) == ["Ana", "Ana"] and called(folder, "later") == ["Carl", "Ben"]
    asyncio.run(heard(folder, ((2, "Is it late?"), (3, "Yes, it is.")), "last"))
    assert called(folder, "last") == ["Carl", "speaker 4"], "voices that came with it are known"


async def _found(people: People, person: str) -> str:
    return people.find(person)


async def _known(folder: Path) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Voices and claims without their numbers, which a run that was taken up counts on."""
    async with await Store.open(folder, read_only=True) as store:
        tables = []
        for name in ("voices", "people"):
            rows = await store.rows(name)
            found = sorted(rows.to_pylist(), key=lambda r: r["seq"]) if rows is not None else []
            for row in found:
                del row["seq"]
                if name == "people":
                    del row["id"]
            tables.append(found)
    return tables[0], tables[1]


def _on_disk(folder: Path, canary: bytes) -> bool:
    return any(canary in path.read_bytes() for path in folder.rglob("*") if path.is_file())
