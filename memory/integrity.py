"""Is every byte of a memory still what was written, and do its tables agree with each other?

Lance's files hold no checksums. They never change once written, so a ledger beside the tables says what each was when its
writer last compacted or closed the memory. A file that no ledger knows yet (its writer was killed) is read all the same.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memory import schema
from memory.generations import LEDGER, tables_folder
from memory.lance import connect, table_names
from memory.place import local_folder
from runtime.errors import HearsightError, MemoryStoreError

_UNSEALED = ("_refs",)
_HINT = "latest_version_hint.json"
_TRIES = 3
_OWNERS = (
    (schema.KEYS, "record", schema.OBSERVATIONS, "id"),
    (schema.KEYFRAMES, "clip", schema.CLIPS, "id"),
    (schema.SHORT_TERM, "clip", schema.CLIPS, "id"),
    (schema.FACES, "clip", schema.CLIPS, "id"),
    (schema.OBSERVATIONS, "source", schema.SOURCES, "id"),
    (schema.FACTS, "record", schema.OBSERVATIONS, "id"),
    (schema.CLIPS, "source", schema.SOURCES, "id"),
)
"""Every value of the first column stands in the second."""
_UNIQUE = (
    (schema.OBSERVATIONS, "id"),
    (schema.KEYS, "id"),
    (schema.CLIPS, "id"),
    (schema.NODES, "id"),
    (schema.SOURCES, "id"),
    (schema.FACTS, "id"),
    (schema.NOTES, "id"),
    (schema.FACES, "id"),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """where: a file, relative to the memory, or a table."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class CheckReport:
    """files: how many were compared with the ledger; new: how many it does not know yet."""

    findings: tuple[Finding, ...]
    files: int
    new: int
    rows: int


async def seal(folder: Path) -> None:
    """Brings the ledger up to date: hashes what is new, leaves out what is gone. Only for the writer."""
    await asyncio.to_thread(_seal, tables_folder(folder))


async def check(uri: str | Path) -> CheckReport:
    """Reads everything once. A damaged memory is no error here but a finding. Raises MemoryStoreError: none there."""
    folder = local_folder(uri)
    if folder is None:
        raise MemoryStoreError(f"only a memory in a local folder can be checked, and {uri} is none")
    try:
        tables = tables_folder(folder)
    except MemoryStoreError as error:
        return CheckReport((Finding("CURRENT", str(error)),), 0, 0, 0)
    if not (tables / f"{schema.META}.lance").is_dir():
        raise MemoryStoreError(f"there is no memory at {folder}")
    findings, files, new = await asyncio.to_thread(_compare, tables)
    damaged = {f.where.partition("/")[0].removesuffix(".lance") for f in findings}
    rows, more, odd = await _read_all(tables, damaged)
    if odd:
        # Read one after the other, tables do not fit beside a writer or a `forget`: what stays odd is damage.
        _, _, still = await _read_all(tables, damaged)
        odd = {where: values & still.get(where, set()) for where, values in odd.items()}
    return CheckReport((*findings, *_torn_marks(folder), *more, *_told(odd)), files, new, rows)


def _seal(tables: Path) -> None:
    known = _ledger(tables)
    sums = {name: known.get(name) or _sum(tables / name) for name in _files(tables)}
    sums = {name: value for name, value in sums.items() if value}
    if sums == known:
        return
    draft = tables / f".{LEDGER}.new"
    draft.write_text(json.dumps(sums, indent=0), "utf-8")
    os.replace(draft, tables / LEDGER)


def _compare(tables: Path) -> tuple[list[Finding], int, int]:
    try:
        known = _ledger(tables)
    except ValueError:
        return (
            [Finding(LEDGER, "cannot be read: the other files are read, but not compared")],
            0,
            len(list(_files(tables))),
        )
    findings, compared, new = [], 0, 0
    for name in _files(tables):
        if name not in known:
            new += 1
            continue
        now = _sum(tables / name)
        compared += bool(now)
        if now and now != known[name]:
            findings.append(Finding(name, "is not what was written: its bytes have changed"))
    return findings, compared, new


def _torn_marks(folder: Path) -> list[Finding]:
    from memory.retention import LOG, torn_lines  # it is built on stores

    return [
        Finding(LOG, f"line {number} cannot be read: recalls or pins are lost")
        for number in torn_lines(folder)
    ]


def _ledger(tables: Path) -> dict[str, str]:
    """Raises ValueError."""
    try:
        found = json.loads((tables / LEDGER).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    if not isinstance(found, dict):
        raise ValueError("not a ledger")
    return found


def _files(tables: Path) -> Iterator[str]:
    for table in sorted(tables.glob("*.lance")):
        for base, folders, names in os.walk(table):
            folders[:] = sorted(f for f in folders if f not in _UNSEALED)
            for name in sorted(names):
                if name != _HINT:
                    yield str(Path(base, name).relative_to(tables))


def _being_made(tables: Path) -> set[str]:
    """Tables without a version yet, of which no file was ever known: their writer is making them, or was killed then."""
    try:
        known = {name.partition("/")[0] for name in _ledger(tables)}
    except ValueError:
        known = set()
    found = (t for t in tables.glob("*.lance") if t.name not in known)
    return {t.stem for t in found if not any((t / "_versions").glob("*.manifest"))}


def _sum(path: Path) -> str:
    """ "" where the file has been compacted away meanwhile."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return ""


async def _read_all(
    tables: Path, damaged: set[str]
) -> tuple[int, list[Finding], dict[tuple[str, str], set[str]]]:
    """Every row of every table, and what does not fit together; those known to be damaged are not asked."""
    db = await connect(str(tables))
    findings: list[Finding] = []
    columns: dict[tuple[str, str], list[str]] = {}
    rows = 0
    wanted = {(t, c) for t, c, *_ in _OWNERS} | {(t, c) for *_, t, c in _OWNERS} | set(_UNIQUE)
    try:
        names = await table_names(db) - await asyncio.to_thread(_being_made, tables)
        findings += [
            Finding(name, "the table is missing")
            for name in (schema.META, *schema.schemas(1))
            if name not in names and name not in damaged
        ]
        for name in sorted(names - damaged):
            mine = [c for t, c in sorted(wanted) if t == name]
            try:
                found, count = await _read(db, name, mine)
            except (HearsightError, OSError, RuntimeError, ValueError) as error:
                findings.append(_named(name, error))
                damaged = damaged | {name}
                continue
            rows += count
            columns |= {(name, column): values for column, values in found.items()}
    finally:
        db.close()
    return rows, findings, _disagreements(columns)


async def _read(db: Any, name: str, columns: list[str]) -> tuple[dict[str, list[str]], int]:
    """Again where it fails: a version that a writer compacts away meanwhile is no damage."""
    for _ in range(_TRIES - 1):
        with suppress(OSError, RuntimeError, ValueError):
            return await _read_newest(db, name, columns)
    return await _read_newest(db, name, columns)


async def _read_newest(db: Any, name: str, columns: list[str]) -> tuple[dict[str, list[str]], int]:
    table = await db.open_table(name)
    out: dict[str, list[str]] = {column: [] for column in columns}
    count = 0
    async for batch in await table.query().to_batches():
        count += batch.num_rows
        for column in columns:
            out[column] += batch.column(column).to_pylist()
    table.close()
    return out, count


def _named(table: str, error: Exception) -> Finding:
    """The file, where Lance says which."""
    text = " ".join(str(error).split())
    at = text.find(f"{table}.lance/")
    where = text[at:].split()[0].strip(",:;'\"()") if at >= 0 else table
    return Finding(where, f"cannot be read: {text[:200]}")


def _disagreements(columns: dict[tuple[str, str], list[str]]) -> dict[tuple[str, str], set[str]]:
    """By table and the table where they should stand, "" for values that should be unique: the values."""
    found: dict[tuple[str, str], set[str]] = {}
    for key in _UNIQUE:
        twice = {value for value, count in Counter(columns.get(key, ())).items() if count > 1}
        if twice:
            found[key[0], ""] = twice
    for name, column, owner, id_column in _OWNERS:
        if (name, column) not in columns or (owner, id_column) not in columns:
            continue
        lost = set(columns[name, column]) - set(columns[owner, id_column])
        if owner == schema.CLIPS:
            lost = {value for value in lost if "/clip/" in value}  # pictures of a screen belong to no clip
        if lost:
            found[name, owner] = lost
    return found


def _told(odd: dict[tuple[str, str], set[str]]) -> Iterator[Finding]:
    for (name, owner), values in odd.items():
        if values and not owner:
            yield Finding(name, f"{len(values)} rows are there twice, such as {min(values)}")
        elif values:
            yield Finding(name, f"{len(values)} rows belong to no row of {owner}, such as {min(values)}")
