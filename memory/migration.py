"""A memory of an older Hearsight becomes one of this: a copy is changed, and put in force when it is whole."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from memory import schema
from memory.generations import copy_tables, new_generation, switch, tables_folder, tidy
from memory.lance import connect, table_names
from runtime.errors import MemoryStoreError

Step = Callable[[Any], Awaitable[None]]


async def migrate(folder: Path, version: int) -> None:
    """version: what the tables are now. The writer's lock is held. Killed, the old tables are still in force.

    Raises MemoryStoreError: rows were lost on the way, and nothing was changed.
    """
    tidy(folder)
    old, new = tables_folder(folder), new_generation(folder)
    await asyncio.to_thread(copy_tables, old, new)
    before, after = await connect(str(old)), await connect(str(new))
    try:
        await bring_up_to_date(after, version)
        counts = await _counts(before), await _counts(after)
        lost = [
            name for name, rows in counts[0].items() if name != schema.META and counts[1].get(name) != rows
        ]
        if lost:
            raise MemoryStoreError(f"memory {folder} cannot be brought up to date: {lost[0]} would lose rows")
    finally:
        before.close()
        after.close()
    switch(folder, new)
    tidy(folder)


async def bring_up_to_date(db: Any, version: int) -> None:
    """Changes the tables in place: they must be a copy that is not in force yet."""
    if version == schema.SCHEMA_VERSION:
        return
    for number in range(version, schema.SCHEMA_VERSION):
        if number in STEPS:
            await STEPS[number](db)
    await _add_columns(db, int((await _meta(db))["text_dim"]))
    await _set_version(db)


STEPS: dict[int, Step] = {}
"""By the version that it starts from: what it takes beside new columns (which are null) and new tables (empty)."""


async def _add_columns(db: Any, dim: int) -> None:
    names = await table_names(db)
    for name, shape in schema.schemas(dim).items():
        if name not in names:
            (await db.create_table(name, schema=shape)).close()
            continue
        table = await db.open_table(name)
        there = set((await table.schema()).names)
        new = [field for field in shape if field.name not in there]
        if new:
            await table.add_columns(pa.schema(new))
        table.close()


async def _set_version(db: Any) -> None:
    table = await db.open_table(schema.META)
    await table.delete("key = 'schema_version'")
    row = [{"key": "schema_version", "value": str(schema.SCHEMA_VERSION)}]
    await table.add(pa.Table.from_pylist(row, schema=schema.fixed_schema(schema.META)))
    table.close()


async def _meta(db: Any) -> dict[str, str]:
    table = await db.open_table(schema.META)
    rows = (await table.query().to_arrow()).to_pylist()
    table.close()
    return {row["key"]: row["value"] for row in rows}


async def _counts(db: Any) -> dict[str, int]:
    out = {}
    for name in await table_names(db):
        table = await db.open_table(name)
        out[name] = int(await table.count_rows())
        table.close()
    return out
