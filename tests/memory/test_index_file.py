"""The index that is kept beside a large memory's tables: it finds the same, is never believed in doubt, and forgets."""

from __future__ import annotations

import asyncio
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import memory.index
import memory.resident
from memory import Hit, Memory, Message, SearchRequest, Store, schema
from memory import index_file as files
from memory.forgetting import Selection, forget
from tests.memory.test_forgetting import CANARY, forgotten, holding, remember, world
from tests.memory.world import SETTINGS, HashEncoder, ingest, opened, source, stream

FIRST_TALK = [("Ana", "Our boat is called Selma."), ("Ben", "Where does she leak?"), ("Ana", "Near the bow.")]
ASKED = [
    SearchRequest("ferry lamp garden", k=20),
    SearchRequest("What is the price of soup?", k=20, as_of_s=60.0, sources=("film",)),
    SearchRequest("umbrella ticket", k=20, t_min_s=20.0, t_max_s=70.0, modalities=("said",)),
    SearchRequest("Where does the boat leak?", k=20),
]


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every memory is large."""
    monkeypatch.setattr(memory.resident, "KEPT_FROM", 1)


async def make(folder: Path) -> None:
    async with await Store.open(folder, HashEncoder()) as store:
        await ingest(store, source("film"), stream(3, name="film"))
        await ingest(store, source("other"), stream(4, name="other"))
    async with await Memory.open(folder, HashEncoder(), settings=SETTINGS, read_only=False) as talk:
        for number, (who, text) in enumerate(FIRST_TALK):
            await talk.add(text, speaker=who, session="harbour", time=1e9 + number, source="chat")


async def answers(folder: Path, asked: Sequence[SearchRequest] = ASKED) -> list[list[Hit]]:
    async with await opened(folder) as memory:
        return [await memory.search(one) for one in asked]


def test_it_finds_the_same_and_is_not_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        await make(tmp_path / "m")
        plain = await answers(tmp_path / "m")
        assert not (tmp_path / "m" / files.INDEX).exists()
        async with await opened(tmp_path / "m") as reader:
            before = (await reader.stats()).disk_bytes
        monkeypatch.setattr(memory.resident, "KEPT_FROM", 1)
        assert await answers(tmp_path / "m") == plain
        async with await opened(tmp_path / "m") as reader:
            size = (tmp_path / "m" / files.INDEX).stat().st_size
            assert (await reader.stats()).disk_bytes == before + size
        with monkeypatch.context() as patch:
            patch.setattr(memory.index, "segment_of", None)
            assert await answers(tmp_path / "m") == plain
        assert all(plain)

    asyncio.run(main())


@pytest.mark.parametrize("at_once", [1, 2, 3, 7, 50])
def test_what_is_read_piece_by_piece_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    async def main() -> None:
        await make(tmp_path / "m")
        told = [
            "The ferry leaks. Ben has the lamp. Nobody saw the ticket.",
            "Soup? The onion costs three.",
            "Yes.",
        ]
        async with await Memory.open(
            tmp_path / "m", HashEncoder(), settings=SETTINGS, read_only=False
        ) as talk:
            lines = [Message(told[n % 3], 2e9 + n, f"{n // 5}", "AB"[n % 2]) for n in range(20)]
            await talk.add(lines, source="talk")
        plain = await answers(tmp_path / "m")
        monkeypatch.setattr(memory.resident, "_AT_ONCE", at_once)
        assert await answers(tmp_path / "m") == plain

    asyncio.run(main())


def test_what_came_later_is_found_with_it(tmp_path: Path, kept: None) -> None:
    async def main() -> None:
        await make(tmp_path / "m")
        await answers(tmp_path / "m")
        before = (tmp_path / "m" / files.INDEX).stat().st_ino
        async with await Memory.open(
            tmp_path / "m", HashEncoder(), settings=SETTINGS, read_only=False
        ) as talk:
            await talk.add("The umbrella stands behind the door.", speaker="Ben", session="harbour")
        found = await answers(tmp_path / "m", [SearchRequest("umbrella behind the door")])
        assert found[0][0].text == "The umbrella stands behind the door."
        assert (tmp_path / "m" / files.INDEX).stat().st_ino == before  # so little is read again
        os.unlink(tmp_path / "m" / files.INDEX)
        assert await answers(tmp_path / "m", [SearchRequest("umbrella behind the door")]) == found

    asyncio.run(main())


def cut(data: bytes) -> bytes:
    return data[:-1000]


def one_bit(data: bytes) -> bytes:
    at = len(data) * 2 // 3
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def of_another_kind(data: bytes) -> bytes:
    body = data[:-4].replace(b"index 3", b"index 0")
    return body + zlib.crc32(body).to_bytes(4)


def nothing(data: bytes) -> bytes:
    return b""


def noise(data: bytes) -> bytes:
    return np.random.default_rng(1).bytes(5000)


@pytest.mark.parametrize("harm", [cut, one_bit, of_another_kind, nothing, noise])
def test_one_that_is_damaged_is_made_anew(tmp_path: Path, kept: None, harm: Any) -> None:
    async def main() -> None:
        await make(tmp_path / "m")
        plain = await answers(tmp_path / "m")
        whole = (tmp_path / "m" / files.INDEX).read_bytes()
        harmed = harm(whole)
        assert harmed != whole
        (tmp_path / "m" / files.INDEX).write_bytes(harmed)
        assert await answers(tmp_path / "m") == plain
        assert (tmp_path / "m" / files.INDEX).read_bytes() == whole

    asyncio.run(main())


def test_one_of_rows_that_are_gone_is_not_believed(tmp_path: Path, kept: None) -> None:
    async def main() -> None:
        await make(tmp_path / "m")
        await answers(tmp_path / "m")
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            for name in (schema.KEYS, schema.OBSERVATIONS):
                await store.delete(name, "source = 'film'")
            await ingest(store, source("third"), stream(5, name="third"))
        found = await answers(tmp_path / "m", ASKED[:1])
        os.unlink(tmp_path / "m" / files.INDEX)
        assert await answers(tmp_path / "m", ASKED[:1]) == found
        assert {hit.record.source for hit in found[0]} <= {"other", "third", "chat"}

    asyncio.run(main())


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_one_that_cannot_be_written_is_done_without(
    tmp_path: Path, kept: None, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    async def main() -> None:
        await make(tmp_path / "m")
        with monkeypatch.context() as patch:
            patch.setattr(os, step, full)
            found = await answers(tmp_path / "m")
        assert not [p for p in (tmp_path / "m").iterdir() if "index.bin" in p.name]
        assert await answers(tmp_path / "m") == found

    asyncio.run(main())


def test_one_process_at_a_time_writes_it(tmp_path: Path, kept: None) -> None:
    async def main() -> None:
        await make(tmp_path / "m")
        with files.writing(tmp_path / "m") as mine:
            assert mine
            assert (await answers(tmp_path / "m"))[0]
            assert not (tmp_path / "m" / files.INDEX).exists()

    asyncio.run(main())


def test_what_is_forgotten_is_not_in_it(tmp_path: Path, kept: None) -> None:
    async def main() -> None:
        await remember(tmp_path / "m")
        await answers(tmp_path / "m", ASKED[:1])
        assert files.INDEX in holding(tmp_path / "m", CANARY.encode())
        (tmp_path / "m" / f".{files.INDEX}.new").write_text(f"left by a process that was killed: {CANARY}")
        assert await forgotten(tmp_path / "m", Selection(words=CANARY)) == 3
        assert not holding(tmp_path / "m", CANARY.encode())
        assert (await answers(tmp_path / "m", ASKED[:1]))[0]
        assert not holding(tmp_path / "m", CANARY.encode())

    asyncio.run(main())


def test_who_read_before_something_was_forgotten_does_not_write_it_down_after(
    tmp_path: Path, kept: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        await remember(tmp_path / "m")
        counted = Store.counted_rows
        to_forget = iter([Selection(words=CANARY)])

        async def slow(
            store: Store, name: str, where: str | None, columns: Sequence[str]
        ) -> tuple[pa.Table, int | None] | None:
            rows = await counted(store, name, where, columns)
            for selection in to_forget:
                async with await Store.open(tmp_path / "m", HashEncoder()) as writer:
                    await forget(writer, selection, SETTINGS)
                    # As many keys as went, so that their number is the same.
                    await ingest(writer, source("later"), world("later")[1:2])
            return rows

        monkeypatch.setattr(Store, "counted_rows", slow)
        await answers(tmp_path / "m", ASKED[:1])
        assert not holding(tmp_path / "m", CANARY.encode())

    asyncio.run(main())
