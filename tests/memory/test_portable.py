"""A memory as one file: what comes back is what went out, or one line that says why not."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory import SearchRequest, Store, archive_check
from memory.forgetting import Selection, forget
from memory.integrity import check
from memory.portable import Imported, export_memory, import_memory, read_manifest
from runtime.errors import InputError, MemoryStoreError
from tests.memory.world import SETTINGS, HashEncoder, contents, ingest, opened, remembered, source, stream


async def exported(folder: Path, file: Path) -> Path:
    async with await Store.open(folder, read_only=True) as store:
        await export_memory(store, file, 7.0)
    return file


async def tables(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, sequence numbers and all."""
    async with await Store.open(folder, read_only=True) as store:
        found = {name: await store.rows(name) for name in sorted(await store.names())}
    return {n: sorted(rows.to_pylist(), key=repr) for n, rows in found.items() if rows is not None}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("whole")
    asyncio.run(remembered(folder / "m", stream(1, 90.0, patches=16)))
    return folder / "m", asyncio.run(exported(folder / "m", folder / "m.zip"))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seeds=st.lists(st.integers(0, 1000), min_size=1, max_size=2, unique=True), cut=st.booleans())
def test_import_after_export_is_the_identity(
    tmp_path_factory: pytest.TempPathFactory, seeds: list[int], cut: bool
) -> None:
    folder = tmp_path_factory.mktemp("m")
    for seed in seeds:
        messages = stream(seed, 60.0, f"film{seed}", patches=4)
        asyncio.run(remembered(folder / "a", messages[:-3] if cut else messages, source(f"film{seed}")))
    asyncio.run(exported(folder / "a", folder / "a.zip"))
    imported = asyncio.run(import_memory(folder / "a.zip", folder / "b"))
    assert set(imported.sources) == {f"film{seed}" for seed in seeds}
    assert asyncio.run(tables(folder / "b")) == asyncio.run(tables(folder / "a"))
    assert asyncio.run(check(folder / "b")).findings == ()


def test_an_imported_memory_is_searched_and_gone_on_with(whole: tuple[Path, Path], tmp_path: Path) -> None:
    asyncio.run(import_memory(whole[1], tmp_path / "m"))

    async def main() -> None:
        async with await opened(tmp_path / "m") as memory, await opened(whole[0]) as original:
            asked = SearchRequest("ferry lamp garden")
            before = await memory.search(asked)
            assert before == await original.search(asked)
            async with await Store.open(tmp_path / "m", HashEncoder()) as store:
                await ingest(store, source("new"), stream(2, 60.0, "new"))
            assert await memory.search(SearchRequest("ferry lamp garden", sources=("new",)))

    asyncio.run(main())


def test_what_is_not_there_yet_is_taken_over_and_the_rest_left(
    whole: tuple[Path, Path], tmp_path: Path
) -> None:
    asyncio.run(remembered(tmp_path / "m", stream(5, 60.0, "walk"), source("walk")))
    asyncio.run(remembered(tmp_path / "both", stream(5, 60.0, "walk"), source("walk")))
    asyncio.run(remembered(tmp_path / "both", stream(1, 90.0, patches=16)))
    first = asyncio.run(import_memory(whole[1], tmp_path / "m"))
    assert (first.sources, first.known) == (("film",), ())
    assert asyncio.run(contents(tmp_path / "m")) == asyncio.run(contents(tmp_path / "both"))
    assert asyncio.run(import_memory(whole[1], tmp_path / "m")) == Imported((), ("film",), 0)
    assert asyncio.run(check(tmp_path / "m")).findings == ()

    async def main() -> None:
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            assert (await store.resume_point("film")).complete
            await forget(store, Selection(sources=("walk",)), SETTINGS)

    asyncio.run(main())
    assert asyncio.run(contents(tmp_path / "m")) == asyncio.run(contents(whole[0]))


def test_one_bit_or_one_byte_less_and_nothing_is_imported(whole: tuple[Path, Path], tmp_path: Path) -> None:
    rng, raw = random.Random(5), whole[1].read_bytes()
    damaged = []
    for place in [0, len(raw) // 2, len(raw) - 1, *(rng.randrange(len(raw)) for _ in range(40))]:
        changed = bytearray(raw)
        changed[place] ^= 1 << rng.randrange(8)
        damaged.append(bytes(changed))
    damaged += [raw[:size] for size in (0, 1, 70, len(raw) // 2, len(raw) - 1)] + [raw + b"0"]
    for content in damaged:
        file = tmp_path / "x.zip"
        file.write_bytes(content)
        with pytest.raises(InputError, match=r"is damaged|is not an exported memory") as caught:
            asyncio.run(import_memory(file, tmp_path / "m"))
        assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == ["x.zip"]


def rewritten(file: Path, to: Path, table: str, change: Callable[[pa.Table], pa.Table]) -> Path:
    """An archive with a right sum whose maker put something else into one table."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    changed = change(pa.ipc.open_stream(members[f"tables/{table}.arrows"]).read_all())
    out = io.BytesIO()
    with pa.ipc.new_stream(out, changed.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(changed)
    manifest = json.loads(members["manifest.json"])
    manifest["tables"][table]["rows"] = changed.num_rows
    members |= {f"tables/{table}.arrows": out.getvalue(), "manifest.json": json.dumps(manifest).encode()}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, raw in members.items():
            archive.writestr(name, raw)
        archive.comment = b"0" * 64
    body = packed.getvalue()[:-64]
    to.write_bytes(body + hashlib.sha256(body).hexdigest().encode())
    return to


def column(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, values)


@pytest.mark.parametrize(
    ("table", "change", "why"),
    [
        ("observations", lambda t: t.drop_columns(["speaker"]), "no column speaker"),
        ("observations", lambda t: column(t, "t_start_s", pa.array(["x"] * len(t))), "of another kind"),
        ("observations", lambda t: column(t, "details", pa.array(["{{"] * len(t))), "no JSON object"),
        ("meta", lambda t: t.slice(0, 0), "its meta table"),
        (
            "keys",
            lambda t: column(t, "vector", pa.array([[0.0]] * len(t), pa.list_(pa.float16(), 1))),
            "kind",
        ),
    ],
)
def test_an_archive_of_other_tables_is_refused_before_anything_is_written(
    whole: tuple[Path, Path], tmp_path: Path, table: str, change: Callable[[pa.Table], pa.Table], why: str
) -> None:
    made = rewritten(whole[1], tmp_path / "made.zip", table, change)
    with pytest.raises(InputError, match=why):
        asyncio.run(import_memory(made, tmp_path / "m"))
    assert not (tmp_path / "m").exists()


def test_tables_far_larger_than_their_file_are_not_unpacked(
    whole: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_check, "_ROOM_BYTES", 0)

    def blow_up(table: pa.Table) -> pa.Table:
        return column(table, "text", pa.array(["a" * 2_000_000] * len(table)))

    made = rewritten(whole[1], tmp_path / "made.zip", "observations", blow_up)
    asyncio.run(import_memory(whole[1], tmp_path / "whole"))
    with pytest.raises(InputError, match="larger than such a file can hold"):
        asyncio.run(import_memory(made, tmp_path / "m"))


def test_a_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("not one")
    for name, says in (("x", "is not an exported memory"), ("y", "No such file"), (".", "directory")):
        with pytest.raises(InputError, match=says):
            asyncio.run(import_memory(tmp_path / name, tmp_path / "m"))
    with pytest.raises(InputError, match=r"is damaged or was cut short"):
        read_manifest(Path(shutil.make_archive(str(tmp_path / "z"), "zip", tmp_path)))


def test_a_file_is_not_written_over_and_no_half_one_stays(whole: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is there already"):
        asyncio.run(exported(whole[0], whole[1]))
    with pytest.raises(InputError, match="No such file"):
        asyncio.run(exported(whole[0], tmp_path / "nowhere" / "m.zip"))
    assert os.listdir(tmp_path) == []


def test_another_encoder_and_a_folder_of_other_things_are_refused(
    whole: tuple[Path, Path], tmp_path: Path
) -> None:
    async def other() -> None:
        async with await Store.open(tmp_path / "m", HashEncoder("other")):
            pass

    asyncio.run(other())
    with pytest.raises(MemoryStoreError, match=r"text encoder other, and .* with hash"):
        asyncio.run(import_memory(whole[1], tmp_path / "m"))
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"")
    with pytest.raises(MemoryStoreError, match="holds other files"):
        asyncio.run(import_memory(whole[1], tmp_path / "photos"))


def test_killed_over_an_import_the_memory_is_as_it_was(whole: tuple[Path, Path], tmp_path: Path) -> None:
    from memory import portable

    asyncio.run(remembered(tmp_path / "m", stream(5, 60.0, "walk"), source("walk")))
    before = asyncio.run(tables(tmp_path / "m"))
    monkey = pytest.MonkeyPatch()

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    for name, target in (("switch", "m"), ("bring_up_to_date", "new")):
        monkey.setattr(portable, name, dies)
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(import_memory(whole[1], tmp_path / target))
        monkey.undo()
    assert asyncio.run(tables(tmp_path / "m")) == before
    assert not (tmp_path / "new").exists()
    assert asyncio.run(import_memory(whole[1], tmp_path / "m")).sources == ("film",)
    assert asyncio.run(import_memory(whole[1], tmp_path / "new")).sources == ("film",)
