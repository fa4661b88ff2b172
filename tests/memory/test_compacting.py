"""Large tables are compacted by a process of their own, which shares the writer's lock."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import memory.compacting
import memory.store
from memory import SearchRequest, Store, schema
from memory.compacting import compact_apart
from memory.integrity import check
from memory.lock import WriterLock
from runtime.errors import MemoryStoreError

from .world import HashEncoder, contents, ingest, opened, remembered, source, stream


def test_what_is_compacted_apart_is_the_same_and_is_read_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        await remembered(tmp_path / "plain", stream(3))
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            await ingest(store, source(), stream(3))
            await store.set_progress("other", await store.resume_point("film"))
            monkeypatch.setattr(memory.store, "LARGE_ROWS", 1)
            compacting = asyncio.create_task(store.optimize())
            before = await store.count(schema.OBSERVATIONS)
            while not compacting.done():
                rows = await store.rows(schema.OBSERVATIONS)
                assert rows is not None and rows.num_rows == before
            await compacting
            table = await store.table(schema.PROGRESS)
            assert table is not None and len(await table.list_versions()) == 1
            await ingest(store, source("later"), stream(4, name="later"))  # by the handles from before
            await store.delete(schema.SOURCES, "id = 'later'")
        mine, plain = await contents(tmp_path / "m"), await contents(tmp_path / "plain")
        assert [row for row in mine["keys"] if row["source"] == "film"] == plain["keys"]
        assert not (await check(tmp_path / "plain")).findings
        async with await opened(tmp_path / "m") as reader:
            assert await reader.search(SearchRequest("ferry lamp garden"))

    asyncio.run(main())


def test_what_fails_there_is_one_line_here(tmp_path: Path) -> None:
    lock = WriterLock(tmp_path)
    lock.acquire()

    async def main() -> None:
        with pytest.raises(MemoryStoreError, match=r"could not be compacted: .*nothing") as raised:
            await compact_apart(tmp_path, tmp_path, ["nothing"], lock.fd)
        assert "\n" not in str(raised.value)

    try:
        asyncio.run(main())
    finally:
        lock.release()


def test_one_that_takes_too_long_leaves_no_process_and_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory.compacting, "_PATIENCE_S", 0.0)

    async def main() -> None:
        await remembered(tmp_path / "m", stream(3))
        lock = WriterLock(tmp_path / "m")
        lock.acquire()
        with pytest.raises(MemoryStoreError, match="not compacted within"):
            await compact_apart(tmp_path / "m", tmp_path / "m", [schema.OBSERVATIONS], lock.fd)
        lock.release()
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            assert await store.count(schema.OBSERVATIONS)

    asyncio.run(main())
