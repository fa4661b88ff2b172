"""Large tables are compacted by a process of their own, which shares the writer's lock."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from lancedb.table import AsyncTable

import memory.compacting
import memory.store
from memory import SearchRequest, Store, schema
from memory.compacting import compact_apart
from memory.integrity import check
from memory.lock import WriterLock
from memory.portable import export_memory, import_memory
from memory.records import ResumePoint
from memory.stats import memory_stats
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


def test_a_version_that_goes_while_it_is_read_is_no_error(tmp_path: Path) -> None:
    async def main() -> None:
        async with await Store.open(tmp_path / "m", HashEncoder()) as writer:
            await writer.set_progress("film", ResumePoint(0.0, 1.0, False))
            async with await Store.open(tmp_path / "m", read_only=True) as reader:
                table, commits = reader._tables.table, 0

                async def opened_too_early(name: str) -> Any:
                    """Twice in a row the writer commits and compacts between the reader's look at the table and its reading."""
                    nonlocal commits
                    found = await table(name)
                    if name == schema.PROGRESS and commits % 3 < 2:
                        commits += 1
                        await writer.set_progress("film", ResumePoint(float(commits), 1.0, False))
                        await writer.optimize()
                    return found

                reader._tables.table = opened_too_early  # type: ignore[method-assign]
                assert (await reader.resume_point("film")).video_done_s == 2.0
                commits = 3
                exported = await export_memory(reader, tmp_path / "m.zip", 1.0)
                assert exported.tables[schema.PROGRESS].rows == 5
            await import_memory(tmp_path / "m.zip", tmp_path / "other")
            async with await Store.open(tmp_path / "other", read_only=True) as other:
                assert (await other.resume_point("film")).video_done_s == 5.0

    asyncio.run(main())


def test_versions_that_go_while_they_are_counted_are_counted_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lance lists the folder and reads what stands there; one goes in between."""
    list_versions, gone = AsyncTable.list_versions, iter(["gone"])

    async def listed(table: AsyncTable) -> Any:
        if next(gone, None):
            raise RuntimeError("lance error: Not found: progress.lance/_versions/1.manifest")
        return await list_versions(table)

    async def main() -> None:
        await remembered(tmp_path / "m", stream(3, 30.0))
        async with await Store.open(tmp_path / "m", read_only=True) as reader:
            monkeypatch.setattr(AsyncTable, "list_versions", listed)
            assert (await memory_stats(reader)).tables[schema.PROGRESS].versions == 1

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
