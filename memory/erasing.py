"""Taking rows off the disk, not only out of sight.

A delete of Lance marks rows in a file beside the data, and compaction leaves a file alone of which less than a tenth is
marked: what was "deleted" can still be read with grep. Here the files that held the rows are written anew without them,
and every old version is removed. A redo log in the meta table makes several tables forget together: a process that is
killed over it is finished by the next writer (`Store.open`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pyarrow as pa

from memory import schema
from memory.index_file import discard
from memory.screen_pictures import stand_alone
from memory.settings import MemorySettings
from memory.store import Store, quoted

JOURNAL = "erasing"
"""Key of the redo log in the meta table."""

Doomed = Mapping[str, Mapping[str, Sequence[str]]]
"""By table and column: the values whose rows are to go."""

_AT_ONCE = 500
_FRAGMENT_BITS = 32
_MEASURE = timedelta(milliseconds=1)


async def erase(store: Store, doomed: Doomed, rebuilt: Sequence[str], settings: MemorySettings) -> None:
    """Removes the rows from the disk, then makes the nodes of the rebuilt sources anew from what is left (their notes when
    it is next consolidated).

    Raises MemoryStoreError. Cut short by whatever, it is finished when the memory is next opened for writing.
    """
    doomed = await _with_pictures(store, doomed)
    tables = {}
    derived = {name: {"source": rebuilt} for name in (schema.NODES, schema.NOTES)}
    for name, columns in (dict(doomed) | derived).items():
        fragments = await _fragments(store, name, columns)
        if fragments:
            tables[name] = {"columns": {c: list(v) for c, v in columns.items()}, "fragments": fragments}
    journal = {"tables": tables, "rebuilt": list(rebuilt), "settings": settings.model_dump_json()}
    row = [{"key": JOURNAL, "value": json.dumps(journal)}]
    await store.add(schema.META, pa.Table.from_pylist(row, schema=schema.fixed_schema(schema.META)))
    await finish_erasing(store)


async def _with_pictures(store: Store, doomed: Doomed) -> Doomed:
    """And the pictures that rest on one of them, which then stand alone under another name."""
    columns = doomed.get(schema.KEYFRAMES, {})
    clips = columns.get("clip", ())
    resting = await stand_alone(store, clips) if clips else []
    return {**doomed, schema.KEYFRAMES: {**columns, "clip": [*clips, *resting]}} if resting else doomed


async def finish_erasing(store: Store) -> bool:
    """Does what the redo log says, if there is one; doing it twice does no harm. Returns whether there was one."""
    from memory.levels import rebuild  # it is built on stores, which finish what was begun here

    rows = await store.rows(schema.META, f"key = {quoted(JOURNAL)}")
    logs = [json.loads(value) for value in rows["value"].to_pylist()] if rows is not None else []
    for log in logs:
        for name, table in log["tables"].items():
            for column, values in table["columns"].items():
                for where in _predicates(column, values):
                    await store.delete(name, where)
            await _rewrite(store, name, table["fragments"])
        for source in log["rebuilt"]:
            await rebuild(store, source, MemorySettings.model_validate_json(log["settings"]))
    if not logs:
        return False
    if store.tables is not None:
        await asyncio.to_thread(discard, store.tables)
    await purge(store)
    fragments = await _fragments(store, schema.META, {"key": [JOURNAL]})
    await store.delete(schema.META, f"key = {quoted(JOURNAL)}")
    await _rewrite(store, schema.META, fragments)
    await purge(store, (schema.META,))
    await store.seal()
    return True


async def purge(store: Store, names: Iterable[str] | None = None) -> None:
    """Leaves one version of each table and no file that it does not need, not even of a run that was killed."""
    for name in sorted(await store.names() if names is None else names):
        async with store.writing():
            table = await store.table(name)
            if table is None:
                continue
            for (
                index
            ) in await table.list_indices():  # it names rows that are gone; `Store.optimize` makes it anew
                await table.drop_index(index.name)
            await table.optimize(cleanup_older_than=_MEASURE, delete_unverified=True)
            while len(await table.list_versions()) > 1:  # one of them was younger than the measure
                await table.optimize(cleanup_older_than=_MEASURE, delete_unverified=True)


async def _fragments(store: Store, name: str, columns: Mapping[str, Sequence[str]]) -> list[int]:
    """Numbers of the fragments that hold any of the rows; a row's address has it in its upper half."""
    found: set[int] = set()
    table: Any = await store.table(name)
    if table is None:
        return []
    for column, values in columns.items():
        for where in _predicates(column, values):
            rows = await table.query().with_row_id().where(where).select([column]).to_arrow()
            found.update(address >> _FRAGMENT_BITS for address in rows["_rowid"].to_pylist())
    return sorted(found)


async def _rewrite(store: Store, name: str, fragments: Sequence[int]) -> None:
    """Writes what is left in the fragments into new files: an update that changes nothing, in one version."""
    if not fragments:
        return
    ranges = (
        f"(_rowid >= {f << _FRAGMENT_BITS} AND _rowid < {(f + 1) << _FRAGMENT_BITS})" for f in fragments
    )
    where = " OR ".join(ranges)
    async with store.writing():
        table = await store.table(name)
        if table is not None:
            column = table_column(await table.schema())
            await table.update(where=where, updates_sql={column: column})


def table_column(shape: pa.Schema) -> str:
    """A column of plain text, to be set to itself."""
    return next(str(field.name) for field in shape if field.type == pa.string())


def _predicates(column: str, values: Sequence[str]) -> Iterator[str]:
    for at in range(0, len(values), _AT_ONCE):
        yield f"{column} IN ({', '.join(map(quoted, values[at : at + _AT_ONCE]))})"
