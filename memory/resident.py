"""What a reader holds in memory to search: the index of keys, the levels above them, and which sources there are."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from memory import index_file, schema
from memory.index import KeyIndex
from memory.lance import give_back
from memory.priors import Priors
from memory.records import SourceInfo
from memory.settings import SearchSettings
from memory.store import Store
from runtime.compute import Compute

THREAD = "memory search"
_INDEXED = (
    "seq",
    "id",
    "record",
    "kind",
    "modality",
    "source",
    "t_start_s",
    "t_end_s",
    "known_at_s",
    "norm",
    "vector",
)
_NODE_COLUMNS = ("source", "level", "t_start_s", "t_end_s", "known_at_s", "vector")
_FOLLOWED = (schema.SOURCES, schema.NODES, schema.KEYS)
_MANY = 50_000
KEPT_FROM = 100_000
"""Keys of a memory whose index is kept beside its tables: with fewer it is made in two seconds."""
_GROWN = 0.25
_AT_ONCE = 200_000

log = logging.getLogger(__name__)


class Resident:
    """Follows the tables of a store: `refresh` takes in what this or another process has committed since."""

    def __init__(self, store: Store, compute: Compute, settings: SearchSettings) -> None:
        self._store = store
        self._compute = compute
        self._settings = settings
        self._refreshing = asyncio.Lock()
        self.index = KeyIndex(settings)
        self._last_seq = -1
        self._versions: dict[str, int] = {}
        self.priors = Priors(None, settings)
        self.sources: list[SourceInfo] = []

    async def refresh(self) -> None:
        """Takes in what was committed since; `search` does so itself. Cheap when there is nothing new."""
        # A version counts as taken in once it was: who asks may be interrupted at any await.
        async with self._refreshing:
            newer = dict(zip(_FOLLOWED, await asyncio.gather(*map(self._newer, _FOLLOWED)), strict=True))
            if (version := newer[schema.SOURCES]) is not None:
                self.sources = await self._store.sources()
                self._versions[schema.SOURCES] = version
            if (version := newer[schema.NODES]) is not None:
                rows = await self._store.rows(schema.NODES, columns=_NODE_COLUMNS)
                self.priors = await self._compute.run(THREAD, Priors, rows, self._settings)
                self._versions[schema.NODES] = version
            if (version := newer[schema.KEYS]) is not None:
                await self._refresh_index()
                self._versions[schema.KEYS] = version

    async def _refresh_index(self) -> None:
        tables = self._store.tables
        opening = self._last_seq < 0
        if opening and tables is not None:
            await self._compute.run(THREAD, self._take_kept, tables)
        kept = before = len(self.index)
        if opening:
            await self._take_all_but_the_last()
        where = f"seq > {self._last_seq}" if self._last_seq >= 0 else None
        found = await self._store.counted_rows(schema.KEYS, where, _INDEXED)
        if found is None:
            return
        # Without a count the next refresh compares: the version that counts as taken in is that from before.
        rows, count = found
        if count is not None and self._last_seq >= 0 and len(self.index) + rows.num_rows != count:
            # Rows that this index holds are gone (an interrupted ingest was taken back): begin anew.
            self.index = KeyIndex(self._settings)
            self._last_seq = -1
            kept = before = 0
            del rows
            await self._take_all_but_the_last()
            where = f"seq > {self._last_seq}" if self._last_seq >= 0 else None
            rows = await self._store.rows(schema.KEYS, where, _INDEXED)
            if rows is None:
                return
        if rows.num_rows:
            many = len(self.index) - before + rows.num_rows >= _MANY
            await self._compute.run(THREAD, self._take, rows)
            del rows
            if opening and count is not None and tables is not None and self._is_to_be_kept(kept):
                await self._keep(tables)
            if many:
                await self._compute.run(THREAD, give_back)

    async def _take_all_but_the_last(self) -> None:
        """Of many new keys all but the last _AT_ONCE, piece by piece: their vectors are large until they are small integers."""
        where = f"seq > {self._last_seq}" if self._last_seq >= 0 else None
        found = await self._store.rows(schema.KEYS, where, ("seq", "kind"))
        if found is None or found.num_rows <= _AT_ONCE:
            return
        order = np.argsort(np.asarray(found["seq"]))
        numbers = np.asarray(found["seq"])[order]
        # A message and its sentences stay together.
        begins = np.flatnonzero(~np.asarray(pc.equal(found["kind"], "sentence"))[order])
        for begin in begins[np.searchsorted(begins, np.arange(_AT_ONCE, int(begins[-1]), _AT_ONCE))]:
            piece = f"seq > {self._last_seq} AND seq < {numbers[begin]}"
            rows = await self._store.rows(schema.KEYS, piece, _INDEXED)
            if rows is not None and rows.num_rows:
                await self._compute.run(THREAD, self._take, rows, True)

    def _take_kept(self, tables: Path) -> None:
        """Takes the index that lies beside the tables, where one does."""
        kept = index_file.read(tables)
        if kept is not None:
            self.index = KeyIndex.of_parts(kept.parts, self._settings)
            self._last_seq = kept.last_seq

    def _is_to_be_kept(self, kept: int) -> bool:
        return len(self.index) >= KEPT_FROM and len(self.index) - kept > _GROWN * kept

    async def _keep(self, tables: Path) -> None:
        """Writes the index beside the tables, and goes on with what was written in its place."""
        with index_file.writing(tables) as mine:
            # Whoever forgets takes the rows away first and the index last: what is here is all there, or goes soon.
            if not mine or not await self._holds_what_is_there():
                return
            try:
                await self._compute.run(THREAD, self._write_kept, tables)
            except OSError as error:
                log.info("the index of memory %s is not kept: %s", tables, error)

    async def _holds_what_is_there(self) -> bool:
        found = await self._store.counted_rows(schema.KEYS, f"seq > {self._last_seq}", ("seq",))
        return found is not None and len(self.index) + found[0].num_rows == found[1]

    def _write_kept(self, tables: Path) -> None:
        index_file.write(tables, index_file.KeptIndex(self._last_seq, self.index.parts()))
        self._take_kept(tables)

    def _take(self, rows: pa.Table, more: bool = False) -> None:
        """In the order of writing, in which a record's keys follow each other. more: as `KeyIndex.add`."""
        numbers = np.asarray(rows["seq"])
        if np.any(np.diff(numbers) < 0):
            rows = rows.sort_by("seq")
        self.index.add(rows, more)
        self._last_seq = max(self._last_seq, int(numbers.max()))

    async def _newer(self, name: str) -> int | None:
        """The table's version, where it is another than that which was taken in."""
        version = await self._store.version(name)
        return None if self._versions.get(name) == version else version
