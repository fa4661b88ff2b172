"""One writer, many readers, and one clear line for whatever is wrong with the folder."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lancedb
import pyarrow as pa
import pytest

from memory import Memory, SearchRequest, Store, schema
from memory.records import ResumePoint
from memory.snapshots import take_snapshot
from runtime.errors import MemoryStoreError
from tests.conftest import require
from tests.memory.world import HashEncoder, contents, ingest, opened, remembered, source, stream

ROOT = Path(__file__).parents[2]


def refused(
    uri: Path | str, message: str, encoder: HashEncoder | None = None, read_only: bool = False
) -> None:
    with pytest.raises(MemoryStoreError, match=message) as caught:
        asyncio.run(Store.open(uri, encoder or HashEncoder(), read_only))
    assert "\n" not in str(caught.value)


@contextmanager
def other_process(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process holds the folder's writer lock until its stdin closes."""
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from memory import Store\n"
        "from tests.memory.world import HashEncoder\n"
        "async def main():\n"
        "    async with await Store.open(Path(sys.argv[1]), HashEncoder()):\n"
        "        print('open', flush=True); sys.stdin.read()\n"
        "asyncio.run(main())\n"
    )
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(
        [sys.executable, "-c", script, str(folder)], cwd=ROOT, env=env, text=True, **pipes
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
        process.stdin.close()
        assert process.wait() == 0


def test_a_second_writer_is_refused_and_readers_are_not(tmp_path: Path) -> None:
    asyncio.run(remembered(tmp_path / "m", stream(1)))

    async def reads() -> int:
        async with await opened(tmp_path / "m") as memory:
            return len(await memory.search(SearchRequest("ferry lamp")))

    with other_process(tmp_path / "m") as holder:
        refused(tmp_path / "m", f"being written by process {holder.pid}")
        assert asyncio.run(reads()) > 0
    asyncio.run(remembered(tmp_path / "m", stream(1)))


def test_the_lock_goes_with_a_killed_process(tmp_path: Path) -> None:
    with pytest.raises(AssertionError), other_process(tmp_path / "m") as holder:
        holder.kill()
        holder.wait()
    asyncio.run(remembered(tmp_path / "m", stream(1, 30.0)))


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"")
    refused(tmp_path, "holds other files and no memory")
    assert [p.name for p in tmp_path.iterdir()] == ["photo.jpg"]
    refused(tmp_path / "photo.jpg", "is a file")


def test_a_memory_whose_maker_died_over_its_first_table_is_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    for table in ("meta", "keys"):
        (folder / f"{table}.lance" / "data").mkdir(parents=True)
    refused(folder, "there is no memory at", read_only=True)
    asyncio.run(remembered(folder, stream(1)))
    asyncio.run(remembered(tmp_path / "whole", stream(1)))
    assert asyncio.run(contents(folder)) == asyncio.run(contents(tmp_path / "whole"))


def test_reading_makes_nothing(tmp_path: Path) -> None:
    refused(tmp_path / "m", "there is no memory at", read_only=True)
    assert not (tmp_path / "m").exists()
    with pytest.raises(MemoryStoreError, match="there is no memory"):
        asyncio.run(Store.open(tmp_path / "m", read_only=True))


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    asyncio.run(remembered(tmp_path / "m", stream(1, 30.0)))

    async def writes() -> None:
        async with await Store.open(tmp_path / "m", read_only=True) as store:
            with pytest.raises(MemoryStoreError, match="for reading only"):
                await store.set_progress("film", ResumePoint())

    asyncio.run(writes())


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    async def age() -> None:
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            rows = [{"key": "schema_version", "value": str(schema.SCHEMA_VERSION + 1)}]
            await store.delete("meta", "key = 'schema_version'")
            await store.add("meta", pa.Table.from_pylist(rows, schema=schema.fixed_schema("meta")))

    asyncio.run(age())
    refused(tmp_path / "m", "written by a newer Hearsight")
    refused(tmp_path / "m", "written by a newer Hearsight", read_only=True)


def test_another_text_encoder_is_refused(tmp_path: Path) -> None:
    asyncio.run(remembered(tmp_path / "m", stream(1, 30.0)))
    refused(tmp_path / "m", "text encoder hash, not other", HashEncoder("other"))
    refused(tmp_path / "m", "text encoder hash, not other", HashEncoder("other"), read_only=True)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    refused(tmp_path / "file" / "m", "no permission|failed|cannot")
    refused("/proc/hearsight-memory", "no permission|failed|cannot")
    if os.geteuid() != 0:
        (tmp_path / "closed").mkdir(mode=0o500)
        refused(tmp_path / "closed" / "m", "no permission")


def test_a_full_disk_is_one_line_and_keeps_what_was_committed(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)]
    mounted = os.geteuid() == 0 and subprocess.run(command, capture_output=True).returncode == 0
    if not mounted:
        require(os.geteuid() != 0, "a tmpfs to fill")
        pytest.skip("mounting a tmpfs takes root")
    messages = stream(2, 900.0, patches=49)

    async def fill() -> ResumePoint:
        async with await Store.open(small / "m", HashEncoder()) as store:
            with pytest.raises(MemoryStoreError, match="no space left") as caught:
                await ingest(store, source(), messages)
            assert "\n" not in str(caught.value)
        async with await Store.open(small / "m", HashEncoder(), read_only=True) as store:
            return await store.resume_point("film")

    async def finish() -> None:
        async with await Store.open(small / "m", HashEncoder()) as store:
            assert (await ingest(store, source(), messages)).complete
            rows = await store.rows("observations")
            ids = rows["id"].to_pylist() if rows is not None else []
            assert len(ids) == len(set(ids))

    try:
        assert asyncio.run(fill()).video_done_s > 0
        assert subprocess.run(["mount", "-o", "remount,size=64m", str(small)]).returncode == 0
        asyncio.run(finish())
    finally:
        subprocess.run(["umount", str(small)], check=False)


def test_levels_report_their_bytes(tmp_path: Path) -> None:
    asyncio.run(remembered(tmp_path / "m", stream(3, 120.0, patches=16), source(duration_s=120.0)))

    async def stats() -> None:
        async with await Memory.open(tmp_path / "m", HashEncoder()) as memory:
            found = await memory.stats()
        assert set(found.levels) == {
            "observations",
            "clips",
            "short_term",
            "keyframes",
            "event",
            "episode",
            "day",
        }
        assert set(found.records) == {"said", "read", "seen"}
        assert sum(found.records.values()) == found.tables["observations"].rows
        assert found.levels.pop("day") == 0  # nobody knows on which day this source was
        assert all(size > 0 for size in found.levels.values())
        assert found.media_hours == pytest.approx(120 / 3600)
        assert found.mb_per_hour > 0
        assert found.tables["keys"].rows > 0
        assert found.tables["keys"].versions >= 1

    asyncio.run(stats())


def test_what_only_a_snapshot_holds_is_counted(tmp_path: Path) -> None:
    asyncio.run(remembered(tmp_path / "m", stream(3, 120.0), source()))

    async def stats() -> tuple[int, int, float]:
        async with await Memory.open(tmp_path / "m", HashEncoder()) as memory:
            found = await memory.stats()
            return found.snapshots, found.snapshot_bytes, found.media_hours

    async def change() -> None:
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            await take_snapshot(store, "a", 1.0)
            shared = await stats()
            await ingest(store, source("new"), stream(4, 60.0, "new"))
            assert shared[0] == 1
            assert (await stats())[1] > shared[1]

    assert asyncio.run(stats())[:2] == (0, 0)
    assert asyncio.run(stats())[2] == pytest.approx(120 / 3600, rel=0.1)
    asyncio.run(change())


def test_a_lancedb_uri_passes_through() -> None:
    async def main() -> None:
        async with await Store.open("memory://", HashEncoder()) as store:
            await ingest(store, source(), stream(1, 30.0))
            assert store.folder is None
            memory = await Memory.open(store, HashEncoder())
            assert await memory.search(SearchRequest("ferry lamp clock garden price"))
            await memory.close()

    asyncio.run(main())


def test_versions_that_are_gone_do_not_fill_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever commits every few seconds for days writes many: Lance would hold on to each one's manifest."""
    sessions: list[lancedb.Session] = []

    def session(**sizes: int) -> lancedb.Session:
        sessions.append(made(**sizes))
        return sessions[-1]

    made = lancedb.Session
    monkeypatch.setattr(lancedb, "Session", session)

    async def commits(count: int) -> None:
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            for number in range(count):
                await store.set_progress("film", ResumePoint(float(number), float(number)))

    asyncio.run(commits(400))
    assert sessions
    assert sum(s.size_bytes for s in sessions) < 10 << 20


def test_what_was_compacted_away_is_off_the_disk(tmp_path: Path) -> None:
    """Ten times over, as versions that follow each other within a millisecond are kept only now and then."""

    async def main() -> None:
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            for round_ in range(10):
                for _ in range(4):
                    await store.set_progress(f"film {round_}", ResumePoint(1.0, 1.0, False))
                await store.optimize()
                files = [*(tmp_path / "m" / f"{schema.PROGRESS}.lance" / "data").iterdir()]
                assert len(files) == 1

    asyncio.run(main())
