"""A memory as it was: searched, kept apart from what comes after, and forgotten in."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from memory import SearchRequest, Store
from memory.forgetting import Selection, forget
from memory.integrity import check
from memory.snapshots import drop_snapshot, list_snapshots, snapshot_folder, take_snapshot
from runtime.errors import InputError
from tests.memory.test_forgetting import CANARY, PICTURE, holding, remember
from tests.memory.world import SETTINGS, HashEncoder, contents, ingest, opened, remembered, source, stream


async def take(folder: Path, name: str, wall_s: float = 1.0) -> None:
    async with await Store.open(folder, HashEncoder()) as store:
        await take_snapshot(store, name, wall_s)


def test_what_comes_after_it_is_not_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    asyncio.run(remembered(folder, stream(1)))
    before = asyncio.run(contents(folder))
    asyncio.run(take(folder, "monday"))
    asyncio.run(remembered(folder, stream(2, name="new"), source("new")))

    async def asked() -> tuple[set[str], set[str]]:
        then = snapshot_folder(folder, "monday")
        async with await opened(folder) as now, await opened(then) as memory:
            assert await memory.search(SearchRequest("ferry lamp"))
            return {s.id for s in await now.sources()}, {s.id for s in await memory.sources()}

    assert asyncio.run(asked()) == ({"film", "new"}, {"film"})
    assert asyncio.run(contents(snapshot_folder(folder, "monday"))) == before


def test_it_outlives_compaction_and_takes_no_room_until_then(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    asyncio.run(remembered(folder, stream(1)))
    before = asyncio.run(contents(folder))
    asyncio.run(take(folder, "monday"))
    data = [p for p in (folder / "snapshots" / "monday").glob("*.lance/data/*")]
    assert data
    assert all(p.stat().st_nlink == 2 for p in data)

    async def rewrite() -> None:
        async with await Store.open(folder, HashEncoder()) as store:
            await forget(store, Selection(sources=("film",)), SETTINGS)

    async def compact() -> None:
        async with await Store.open(folder, HashEncoder()) as store:
            await ingest(store, source("new"), stream(2, name="new"))
            await store.optimize()

    asyncio.run(compact())
    assert asyncio.run(contents(snapshot_folder(folder, "monday"))) == before
    asyncio.run(rewrite())
    assert asyncio.run(contents(snapshot_folder(folder, "monday")))["observations"] == []


def test_forgetting_reaches_into_it(tmp_path: Path) -> None:
    asyncio.run(remember(tmp_path / "m"))
    asyncio.run(take(tmp_path / "m", "monday"))

    async def forgets() -> None:
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            await forget(store, Selection(words=CANARY), SETTINGS)

    asyncio.run(forgets())
    assert holding(tmp_path / "m", CANARY.encode()) == []
    assert holding(tmp_path / "m", PICTURE) == []
    assert asyncio.run(contents(tmp_path / "m")) == asyncio.run(
        contents(snapshot_folder(tmp_path / "m", "monday"))
    )


def test_listed_oldest_first_and_dropped(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    asyncio.run(remembered(folder, stream(1, 40.0)))
    asyncio.run(take(folder, "b", 5.0))
    asyncio.run(take(folder, "a", 7.0))
    assert [(s.name, s.taken_at_s) for s in list_snapshots(folder)] == [("b", 5.0), ("a", 7.0)]
    assert all(s.records > 0 for s in list_snapshots(folder))

    async def drops() -> None:
        async with await Store.open(folder) as store:
            drop_snapshot(store, "b")
            with pytest.raises(InputError, match="there is no snapshot b: there are a"):
                drop_snapshot(store, "b")

    asyncio.run(drops())
    assert [s.name for s in list_snapshots(folder)] == ["a"]
    assert os.listdir(folder / "snapshots") == ["a"]


@pytest.mark.parametrize("name", ["", "../up", ".hidden", "a/b", "x" * 65])
def test_a_name_that_is_no_name(tmp_path: Path, name: str) -> None:
    asyncio.run(remembered(tmp_path / "m", stream(1, 40.0)))
    with pytest.raises(InputError, match="cannot name a snapshot"):
        asyncio.run(take(tmp_path / "m", name))


def test_a_name_is_given_once(tmp_path: Path) -> None:
    asyncio.run(remembered(tmp_path / "m", stream(1, 40.0)))
    asyncio.run(take(tmp_path / "m", "a"))
    with pytest.raises(InputError, match="there is a snapshot a already"):
        asyncio.run(take(tmp_path / "m", "a"))


def test_it_is_whole(tmp_path: Path) -> None:
    asyncio.run(remembered(tmp_path / "m", stream(1)))
    asyncio.run(take(tmp_path / "m", "a"))
    report = asyncio.run(check(snapshot_folder(tmp_path / "m", "a")))
    assert report.findings == ()
    assert (report.files > 0, report.new) == (True, 0)
