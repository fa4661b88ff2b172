"""A memory of the last schema opens in this one, whoever opens it first, and whatever happens on the way."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from memory import SearchRequest, Store, migration, schema
from memory.generations import CURRENT, copy_tables, new_generation
from runtime.errors import MemoryStoreError
from tests.memory.test_store import other_process
from tests.memory.world import HashEncoder, contents, ingest, opened, remembered, source, stream

ROOT = Path(__file__).parents[2]
OLD = ROOT / "tests" / "fixtures" / "memory-schema-1.tar.xz"
SOURCES = {"film": (7, 150.0), "walk": (8, 60.0)}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Two sources that were remembered by the release with schema 1."""
    with tarfile.open(OLD) as tar:
        tar.extractall(tmp_path, filter="data")
    return tmp_path / "memory"


@pytest.fixture(scope="module")
def same(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, object]]]:
    """What this release makes of the same two sources."""
    folder = tmp_path_factory.mktemp("same")
    asyncio.run(remembered(folder, stream(7, 150.0, patches=16), source(duration_s=150.0)))
    asyncio.run(remembered(folder, stream(8, 60.0, "walk"), source("walk", duration_s=60.0)))
    return asyncio.run(contents(folder))


async def version(folder: Path) -> int:
    async with await Store.open(folder, read_only=True) as store:
        return int(store.meta["schema_version"])


@pytest.mark.parametrize("read_only", [False, True])
def test_an_old_memory_is_the_same_after_it_was_opened(
    old: Path, same: dict[str, list[dict[str, object]]], read_only: bool
) -> None:
    async def open_once() -> None:
        async with await Store.open(old, HashEncoder(), read_only):
            pass

    asyncio.run(open_once())
    assert asyncio.run(version(old)) == schema.SCHEMA_VERSION
    assert asyncio.run(contents(old)) == same
    assert sorted(p.name for p in old.iterdir() if p.suffix == ".lance") == []


def test_an_old_memory_can_be_searched_and_written(old: Path) -> None:
    async def main() -> None:
        async with await opened(old) as memory:
            assert await memory.search(SearchRequest("ferry lamp"))
        async with await Store.open(old, HashEncoder()) as store:
            await ingest(store, source("new"), stream(9, 40.0, "new"))
        async with await opened(old) as memory:
            assert {s.id for s in await memory.sources()} == {"film", "walk", "new"}
            assert await memory.search(SearchRequest("ferry lamp", sources=("new",)))

    asyncio.run(main())


@pytest.mark.parametrize("killed_at", ["copied", "changed", "switched"])
def test_killed_over_a_migration_nothing_is_lost(
    old: Path, same: dict[str, list[dict[str, object]]], killed_at: str
) -> None:
    script = (
        "import asyncio, os, signal, sys\n"
        "from pathlib import Path\n"
        "from memory import Store, migration\n"
        "def dies(*_): os.kill(os.getpid(), signal.SIGKILL)\n"
        "name = {'copied': '_add_columns', 'changed': 'switch', 'switched': 'tidy'}[sys.argv[2]]\n"
        "tidied = []\n"
        "tidy = migration.tidy\n"
        "def second(folder): tidied.append(1); dies() if len(tidied) > 1 else tidy(folder)\n"
        "setattr(migration, name, second if name == 'tidy' else dies)\n"
        "asyncio.run(Store.open(Path(sys.argv[1]), read_only=True))\n"
    )
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script, old, killed_at], cwd=ROOT, env=env, check=False)
    assert done.returncode == -9
    assert (old / CURRENT).exists() == (killed_at == "switched")
    assert asyncio.run(contents(old)) == same
    asyncio.run(remembered(old, [], source("walk")))  # the next writer clears away what was left
    assert sum(1 for p in old.iterdir() if p.name.startswith("generation-")) == 1
    assert list(old.glob("*.lance")) == []


def test_a_migration_that_would_lose_rows_changes_nothing(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def loses(db: object) -> None:
        table = await db.open_table(schema.OBSERVATIONS)  # type: ignore[attr-defined]
        await table.delete("modality = 'said'")

    monkeypatch.setitem(migration.STEPS, 1, loses)
    with pytest.raises(MemoryStoreError, match="observations would lose rows"):
        asyncio.run(Store.open(old, HashEncoder()))
    assert not (old / CURRENT).exists()
    monkeypatch.undo()
    assert asyncio.run(version(old)) == schema.SCHEMA_VERSION


def test_an_old_memory_that_is_being_written_is_left_alone(old: Path) -> None:
    with other_process(old.with_name("lock")) as holder:
        os.replace(old.with_name("lock") / ".writer.lock", old / ".writer.lock")
        with pytest.raises(MemoryStoreError, match=f"being written by process {holder.pid}"):
            asyncio.run(Store.open(old, read_only=True))
        assert not (old / CURRENT).exists()


def test_an_old_reader_follows_the_tables_to_their_new_place(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    asyncio.run(remembered(folder, stream(1, 60.0)))

    async def main() -> None:
        from memory.generations import switch, tables_folder, tidy

        async with await opened(folder) as memory:
            before = [hit.record.id for hit in await memory.search(SearchRequest("ferry lamp"))]
            new = new_generation(folder)
            copy_tables(tables_folder(folder), new)
            switch(folder, new)
            tidy(folder)
            async with await Store.open(folder, HashEncoder()) as store:
                await ingest(store, source("new"), stream(2, 60.0, "new"))
            hits = await memory.search(SearchRequest("ferry lamp", sources=("film",)))
            assert [hit.record.id for hit in hits] == before
            assert await memory.search(SearchRequest("ferry lamp", sources=("new",)))

    asyncio.run(main())
