"""A memory as one file, and back.

The file is a zip that any tool opens: manifest.json says what is in it, each table is an Arrow IPC stream. The archive's
comment is the SHA-256 of all that stands before it, so that a file that was cut short or changed anywhere is refused
before a byte of it is used. (What MemOS calls a MemCube, arXiv 2507.03724.)
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, BinaryIO

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, ValidationError

from memory import schema
from memory.archive_check import check_tables, member, table_batches
from memory.arrow_stream import write_batch
from memory.erasing import JOURNAL
from memory.generations import copy_tables, new_generation, switch, tables_folder, tidy
from memory.lance import connect, table_names
from memory.migration import bring_up_to_date
from memory.people_apart import PEOPLE_TABLES, Room, moved, room_for_people
from memory.place import is_to_be_made, local_folder, told
from memory.store import Store
from memory.vault import PUBLIC
from runtime.errors import InputError, MemoryStoreError

FORMAT = "hearsight memory"
FORMAT_VERSION = 1
_MANIFEST = "manifest.json"
_SUM_CHARS = 64
_CHUNK = 1 << 20
_TABLE = re.compile(r"[a-z][a-z0-9_]{0,40}")
# Read in the reverse of the order in which a writer writes: what it adds meanwhile is never known of before it is there.
_FIRST = (
    schema.PROGRESS,
    schema.CONSOLIDATED,
    schema.NOTES,
    schema.FACTS,
    schema.VAULT,
    schema.NODES,
    schema.SHORT_TERM,
    schema.KEYFRAMES,
    schema.CLIPS,
    schema.KEYS,
    schema.OBSERVATIONS,
)
_BY_SOURCE = (*_FIRST, schema.SOURCES, *PEOPLE_TABLES)
"""What is taken over into a memory that is there: rows of the sources that it has not."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: int
    sha256: str


class Manifest(BaseModel):
    """sources: ids. made_at_s: Unix time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: str
    format_version: int
    schema_version: int
    text_model: str
    made_at_s: float
    sources: tuple[str, ...]
    tables: dict[str, _Table]


@dataclass(frozen=True, slots=True)
class Imported:
    """sources: ids that are new in the memory; known: those that it had already, which stay as they are.
    sealed: entries of the vault that were left out, because the memory has a vault of its own.
    """

    sources: tuple[str, ...]
    known: tuple[str, ...]
    rows: int
    sealed: int = 0


async def export_memory(store: Store, file: Path, wall_s: float) -> Manifest:
    """Writes the whole memory, without its snapshots. Raises InputError: the file is there, or cannot be written."""
    _is_new(file)
    draft = file.with_name(f".{file.name}.part")
    try:
        with _written(file), zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            names = sorted(
                await store.names(), key=lambda n: (_FIRST.index(n) if n in _FIRST else len(_FIRST), n)
            )
            tables = {name: await _export_table(store, name, archive) for name in names}
            manifest = Manifest(
                format=FORMAT,
                format_version=FORMAT_VERSION,
                schema_version=schema.SCHEMA_VERSION,
                text_model=store.meta["text_model"],
                made_at_s=wall_s,
                sources=tuple(source.id for source in await store.sources()),
                tables=tables,
            )
            archive.writestr(_MANIFEST, manifest.model_dump_json(indent=1))
            archive.comment = b"0" * _SUM_CHARS
        with _written(file):
            await asyncio.to_thread(_sign, draft)
            os.replace(draft, file)
    finally:
        with suppress(OSError):  # of a folder that cannot be written, nothing was begun
            draft.unlink(missing_ok=True)
    return manifest


async def import_memory(file: Path, uri: str | Path) -> Imported:
    """Into a new memory, or into one that is there: then only sources that it has not, and their voices as new people.

    All or nothing, whatever happens. Raises InputError: no such file, or not one of ours, or damaged;
    MemoryStoreError: the memory cannot take it.
    """
    manifest = await asyncio.to_thread(read_manifest, file)
    rows = {name: table.rows for name, table in manifest.tables.items()}
    await asyncio.to_thread(check_tables, file, manifest.schema_version, manifest.text_model, rows)
    folder = local_folder(uri)
    if folder is None:
        raise MemoryStoreError(f"a memory is imported into a local folder, and {uri} is none")
    with told(str(uri)):
        if is_to_be_made(folder, read_only=False):
            return await _import_new(file, manifest, folder)
        return await _import_into(file, manifest, folder)


def read_manifest(file: Path) -> Manifest:
    """Raises InputError: no such file, not an exported memory, damaged, or of a newer Hearsight."""
    try:
        with file.open("rb") as raw:
            size = raw.seek(0, os.SEEK_END)
            raw.seek(max(0, size - _SUM_CHARS))
            last = raw.read()
            signed = re.fullmatch(rb"[0-9a-f]{64}", last) is not None
            raw.seek(0)
            known = raw.read(2) == b"PK"
            if not known or not signed or _sum(raw, size - _SUM_CHARS).encode() != last:
                what = (
                    "is damaged or was cut short: it is not what was exported"
                    if known
                    else "is not an exported memory"
                )
                raise InputError(f"{file} {what}")
    except OSError as error:
        raise InputError(f"{file}: {error.strerror or error}") from None
    try:
        with zipfile.ZipFile(file) as archive:
            if archive.getinfo(_MANIFEST).file_size > 64 * _CHUNK:
                raise InputError(f"{file} is not an exported memory")
            manifest = Manifest.model_validate_json(archive.read(_MANIFEST))
            names = set(archive.namelist())
    except (zipfile.BadZipFile, KeyError, ValidationError):
        raise InputError(f"{file} is not an exported memory") from None
    if manifest.format != FORMAT or any(not _TABLE.fullmatch(name) for name in manifest.tables):
        raise InputError(f"{file} is not an exported memory")
    if manifest.format_version > FORMAT_VERSION or manifest.schema_version > schema.SCHEMA_VERSION:
        raise InputError(f"{file} was exported by a newer Hearsight: upgrade Hearsight")
    if names != {_MANIFEST, *(member(name) for name in manifest.tables)}:
        raise InputError(f"{file} is damaged: its tables are not those of its manifest")
    return manifest


def _is_new(file: Path) -> None:
    if file.exists():
        raise InputError(f"{file} is there already: name a new file")


async def _export_table(store: Store, name: str, archive: zipfile.ZipFile) -> _Table:
    """Row by row through a temporary file: a table may be larger than memory."""
    with told(store.uri), tempfile.TemporaryFile() as raw:
        rows = await store.read(name, partial(_write_rows, raw, name))
        assert rows is not None
        size = raw.tell()
        raw.seek(0)
        digest = await asyncio.to_thread(_sum, raw, size)
        raw.seek(0)
        with archive.open(member(name), "w", force_zip64=True) as written:
            await asyncio.to_thread(shutil.copyfileobj, raw, written, _CHUNK)
    return _Table(rows=rows, sha256=digest)


async def _write_rows(raw: IO[bytes], name: str, table: Any) -> int:
    """All rows of a table in place of what was in the file; how many they are."""
    raw.seek(0)
    raw.truncate()
    rows, query = 0, table.query()
    if name == schema.META:
        query = query.where(f"key != '{JOURNAL}'")
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(raw, await table.schema(), options=options) as writer:
        async for batch in await query.to_batches():
            rows += batch.num_rows
            write_batch(writer, batch)
    return rows


async def _import_new(file: Path, manifest: Manifest, folder: Path) -> Imported:
    draft = folder.with_name(f".{folder.name}.importing")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        db = await connect(str(draft))
        try:
            rows = 0
            for name, about in manifest.tables.items():
                with table_batches(file, name) as (shape, batches):
                    table = await db.create_table(name, schema=shape)
                    if about.rows:
                        await table.add(pa.RecordBatchReader.from_batches(shape, batches))
                    if int(await table.count_rows()) != about.rows:
                        raise InputError(f"{file} is damaged: {name} has not the rows that its manifest says")
                    table.close()
                rows += about.rows
            await bring_up_to_date(db, manifest.schema_version)
        finally:
            db.close()
        _put(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    async with await Store.open(folder):
        pass  # makes the tables that are missing, and seals
    return Imported(manifest.sources, (), rows)


def _put(draft: Path, folder: Path) -> None:
    """In one rename: onto an empty folder, which may hold a lock (`is_to_be_made` has looked)."""
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.iterdir():
        left.unlink()
    os.replace(draft, folder)


async def _import_into(file: Path, manifest: Manifest, folder: Path) -> Imported:
    async with await Store.open(folder) as store:
        here = store.meta
        meta = {row["key"]: row["value"] for row in _rows(file, schema.META)}
        _check_models(file, manifest, meta, folder, here)
        known = {source.id for source in await store.sources()}
        new = [source for source in manifest.sources if source not in known]
        imported = Imported(tuple(new), tuple(s for s in manifest.sources if s in known), 0)
        if not new:
            return imported
        other_vault = PUBLIC in here and meta.get(PUBLIC) != here[PUBLIC]
        sealed = [row for row in _rows(file, schema.VAULT) if row["source"] in new] if other_vault else []
        known_again = all(_agree(here, meta, model) for model in ("voice_model", "face_model"))
        left_out = {*((schema.VAULT,) if other_vault else ()), *(() if known_again else PEOPLE_TABLES)}
        generation = new_generation(folder)
        await asyncio.to_thread(copy_tables, tables_folder(folder), generation)
        db = await connect(str(generation))
        try:
            rows = 0
            apart = await room_for_people(store)
            for name in _BY_SOURCE:
                if name in manifest.tables and name not in left_out:
                    rows += await _append(db, file, name, new, apart)
            await _take_over(db, meta, here)
        finally:
            db.close()
        switch(folder, generation)
        store.close()
    async with await Store.open(folder):
        tidy(folder)
    return Imported(imported.sources, imported.known, rows, len(sealed))


def _check_models(
    file: Path, manifest: Manifest, meta: Mapping[str, str], folder: Path, here: Mapping[str, str]
) -> None:
    """Raises MemoryStoreError: what one was written with cannot be compared with the other's."""
    if here["text_model"] != manifest.text_model:
        raise MemoryStoreError(
            f"memory {folder} was written with the text encoder {here['text_model']}, and {file} with "
            f"{manifest.text_model}: import it into another memory"
        )
    if manifest.schema_version != schema.SCHEMA_VERSION:
        raise MemoryStoreError(
            f"{file} is of an older Hearsight: import it into a new memory, and export that"
        )
    if not _agree(here, meta, "vision_model"):
        raise MemoryStoreError(
            f"memory {folder} was written with the vision encoder {here['vision_model']}, and {file} with "
            f"{meta['vision_model']}: import it into another memory"
        )


def _agree(here: Mapping[str, str], meta: Mapping[str, str], model: str) -> bool:
    return here.get(model) is None or meta.get(model) in (None, here[model])


async def _take_over(db: Any, meta: Mapping[str, str], here: Mapping[str, str]) -> None:
    """What is said of models and of the vault where nothing was."""
    firsts = {"vision_": "vision_model", "voice_": "voice_model", "face_": "face_model", "vault_": PUBLIC}
    taken = tuple(prefix for prefix, key in firsts.items() if here.get(key) is None)
    about = [{"key": k, "value": v} for k, v in meta.items() if taken and k.startswith(taken)]
    if about:
        table = await db.open_table(schema.META)
        await table.add(pa.Table.from_pylist(about, schema=schema.fixed_schema(schema.META)))


async def _append(db: Any, file: Path, name: str, sources: Iterable[str], apart: Room) -> int:
    """The rows of these sources; a column seq goes on where the table's own ends, and people are others than its own."""
    wanted = pa.array(sorted(sources))
    column = "id" if name == schema.SOURCES else "source"
    rows = 0
    with table_batches(file, name) as (shape, batches):
        if name in await table_names(db):
            table = await db.open_table(name)
        else:
            table = await db.create_table(name, schema=shape)
        shift = 0
        if "seq" in shape.names and name not in PEOPLE_TABLES:
            numbers = (await table.query().select(["seq"]).to_arrow())["seq"]
            shift = max(numbers.to_pylist(), default=-1) + 1
        for batch in batches:
            kept = batch.filter(pa.compute.is_in(batch.column(column), wanted))
            if shift and kept.num_rows:
                at = kept.schema.get_field_index("seq")
                kept = kept.set_column(at, kept.schema.field(at), pa.compute.add(kept.column("seq"), shift))
            if kept.num_rows:
                await table.add(moved(pa.Table.from_batches([kept]), name, apart))
                rows += kept.num_rows
        table.close()
    return rows


def _rows(file: Path, name: str) -> list[dict[str, Any]]:
    with table_batches(file, name) as (shape, batches):
        found: list[dict[str, Any]] = pa.Table.from_batches(list(batches), shape).to_pylist()
        return found


@contextmanager
def _written(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{file}: {error.strerror or error}") from None


def _sign(file: Path) -> None:
    with file.open("r+b") as raw:
        size = raw.seek(0, os.SEEK_END) - _SUM_CHARS
        raw.seek(0)
        digest = _sum(raw, size)
        raw.seek(size)
        raw.write(digest.encode())
        raw.flush()
        os.fsync(raw.fileno())


def _sum(raw: BinaryIO, size: int) -> str:
    """Of the first size bytes, from the beginning of the file."""
    raw.seek(0)
    digest = hashlib.sha256()
    while size > 0 and (part := raw.read(min(size, _CHUNK))):
        digest.update(part)
        size -= len(part)
    return digest.hexdigest()
