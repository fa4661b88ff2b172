"""The few things that are asked of LanceDB itself, and not of a store."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import pyarrow as pa

from runtime.malloc import give_back_memory

_INDEX_FROM_ROWS = 10_000
_ANY_AGE = timedelta(milliseconds=1)
_TIDYINGS = 3
_INDEX_CACHE_BYTES = 128 << 20
_METADATA_CACHE_BYTES = 8 << 20
"""Lance's own bounds are 6 GB and 1 GB, and what it holds is the manifest of every version that was ever written: whoever
commits every few seconds fills that in a few hours, with versions that are long gone from the disk.
"""


async def connect(uri: str) -> Any:
    # Read by lancedb as it is imported: what it would log it also raises, and a user is to see one line.
    os.environ.setdefault("LANCEDB_LOG", "off")
    import lancedb  # here, because it takes over a second, and many a command ends before it is needed

    session = lancedb.Session(
        index_cache_size_bytes=_INDEX_CACHE_BYTES, metadata_cache_size_bytes=_METADATA_CACHE_BYTES
    )
    return await lancedb.connect_async(uri, session=session)


def give_back() -> None:
    """Returns to the system what was freed after much was read or written. Milliseconds; in a thread."""
    pa.default_memory_pool().release_unused()
    give_back_memory()


async def table_names(db: Any) -> set[str]:
    found: set[str] = set()
    token = None
    while True:
        page = await db.list_tables(page_token=token, limit=100)
        found.update(page.tables)
        token = page.page_token
        if not token:
            return found


async def _index_ids(table: Any) -> None:
    """Found records are fetched by id: in a large table that takes an index."""
    from lancedb.index import BTree

    if await table.count_rows() >= _INDEX_FROM_ROWS and not await table.list_indices():
        await table.create_index("id", config=BTree())


async def compact(table: Any, with_ids: bool = False) -> None:
    """Few fragments, and one version. with_ids: it is asked for rows by id."""
    if with_ids:
        await _index_ids(table)
    # Zero would warn that readers fail; ours look again (`Store.rows`, `Store.nearest`).
    for _ in range(_TIDYINGS):
        await table.optimize(cleanup_older_than=_ANY_AGE)
        if len(await table.list_versions()) == 1:
            break  # else a version within that age is left, and every file that it names
