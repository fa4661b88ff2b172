"""One changed byte in any file is found, and the file is named."""

from __future__ import annotations

import asyncio
import random
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from memory import Store, integrity, schema
from memory.generations import CURRENT, LEDGER
from memory.integrity import check
from runtime.errors import MemoryStoreError
from runtime.messages import FrameFeature
from tests.memory.world import HashEncoder, ingest, remembered, source, stream


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "m"
    asyncio.run(remembered(folder, stream(1, 120.0, patches=16)))
    return folder


def sealed(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file() and ".lance" in str(p) and "hint" not in p.name)


def test_a_memory_that_was_closed_is_whole(whole: Path) -> None:
    report = asyncio.run(check(whole))
    assert report.findings == ()
    assert report.new == 0
    assert report.files == len(sealed(whole)) > 10
    assert report.rows > 50


def test_one_bit_in_any_file_is_found_and_the_file_named(whole: Path, tmp_path: Path) -> None:
    rng = random.Random(3)
    for number, file in enumerate(sealed(whole)):
        folder = tmp_path / str(number)
        shutil.copytree(whole, folder)
        copy = folder / file.relative_to(whole)
        raw = bytearray(copy.read_bytes())
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        copy.write_bytes(bytes(raw))
        report = asyncio.run(check(folder))
        assert [f.where for f in report.findings] == [str(copy.relative_to(folder))]


def test_a_file_that_was_cut_short(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "m")
    file = next((tmp_path / "m").glob("observations.lance/data/*"))
    file.write_bytes(file.read_bytes()[:-20])
    report = asyncio.run(check(tmp_path / "m"))
    assert [f.where for f in report.findings] == [str(file.relative_to(tmp_path / "m"))]


def test_a_file_that_is_gone(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "m")
    # All of them: one alone may belong to a version that is read no more.
    files = list((tmp_path / "m").glob("keys.lance/data/*"))
    for file in files:
        file.unlink()
    (finding,) = asyncio.run(check(tmp_path / "m")).findings
    assert finding.where in {str(file.relative_to(tmp_path / "m")) for file in files}
    shutil.rmtree(tmp_path / "m" / "nodes.lance")
    report = asyncio.run(check(tmp_path / "m"))
    assert "nodes" in [f.where for f in report.findings]


def test_a_file_that_no_ledger_knows_is_read_all_the_same(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "m")
    (tmp_path / "m" / LEDGER).unlink()
    report = asyncio.run(check(tmp_path / "m"))
    assert (report.findings, report.files) == ((), 0)
    assert report.new == len(sealed(tmp_path / "m"))
    # All of them: one alone may belong to a version that is read no more.
    for file in (tmp_path / "m").glob("observations.lance/data/*"):
        file.write_bytes(file.read_bytes()[:-20])
    assert "observations" in asyncio.run(check(tmp_path / "m")).findings[0].where


def test_tables_that_do_not_fit_together(tmp_path: Path) -> None:
    async def damage() -> None:
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            await ingest(store, source(), stream(1, 60.0))
            rows = await store.rows(schema.OBSERVATIONS)
            assert isinstance(rows, pa.Table)
            await store.add(schema.OBSERVATIONS, rows.slice(0, 1))
            await store.delete(schema.CLIPS, "t_start_s > 30")

    asyncio.run(damage())
    said = {(f.where, f.what.partition(",")[0]) for f in asyncio.run(check(tmp_path / "m")).findings}
    assert ("observations", "1 rows are there twice") in said
    assert any(where == "keyframes" and "belong to no row of clips" in what for where, what in said)


def test_what_is_written_while_it_is_read_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, beside = integrity._read, list[str]()

    async def read_and_write(db: Any, name: str, columns: list[str]) -> Any:
        found = await read(db, name, columns)
        if name == schema.CLIPS and not beside:
            beside.append(name)
            await ingest(store, source("other"), stream(2, 30.0, "other"))
        return found

    async def main() -> None:
        nonlocal store
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            await ingest(store, source(), stream(1, 30.0))
            monkeypatch.setattr(integrity, "_read", read_and_write)
            assert (await check(tmp_path / "m")).findings == ()

    store: Store
    asyncio.run(main())
    assert beside


def test_a_table_that_is_being_made_is_no_damage(tmp_path: Path) -> None:
    async def speech_only() -> None:
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            await ingest(store, source(), [m for m in stream(1, 30.0) if not isinstance(m, FrameFeature)])

    asyncio.run(speech_only())
    begun = tmp_path / "m" / "clips.lance" / "data"
    begun.mkdir(parents=True)
    (begun / "0.lance").write_bytes(b"half")
    assert asyncio.run(check(tmp_path / "m")).findings == ()


def test_no_memory_there(tmp_path: Path) -> None:
    with pytest.raises(MemoryStoreError, match="there is no memory"):
        asyncio.run(check(tmp_path))


def test_a_damaged_pointer_is_named(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "m")
    (tmp_path / "m" / CURRENT).write_bytes(b"\xff\x00")
    assert [f.where for f in asyncio.run(check(tmp_path / "m")).findings] == [CURRENT]
    with pytest.raises(MemoryStoreError, match="is damaged") as caught:
        asyncio.run(Store.open(tmp_path / "m", HashEncoder()))
    assert "\n" not in str(caught.value)
