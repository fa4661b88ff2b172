"""A memory on disk: LanceDB tables, one writer, any number of readers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import tzinfo
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from memory import schema
from memory.compacting import LARGE_ROWS, compact_apart
from memory.generations import tidy
from memory.integrity import seal
from memory.lance import compact
from memory.lock import WriterLock
from memory.meta import check, first_meta, meta_table, unclaimed
from memory.place import is_to_be_made, local_folder, told
from memory.records import ResumePoint, SourceInfo
from memory.tables import Tables
from memory.zone import OLD_ZONE, zone_of
from runtime.errors import MemoryStoreError
from runtime.models import TextEncoder

T = TypeVar("T")

_VERSION_BYTES = 16_384  # a manifest, a transaction and the heads of a data file, in blocks of 4 KB


class Store:
    """Open with `Store.open`, close with `close` (or use as an async context manager)."""

    def __init__(self, uri: str, lock: WriterLock | None, read_only: bool) -> None:
        self.uri = uri
        self.read_only = read_only
        self._tables = Tables(uri, self.folder, read_only)
        self._lock = lock
        self._writing = asyncio.Lock()
        self.deriving = asyncio.Lock()
        """Held by whoever forgets, and by whoever writes what was made of records."""
        self._meta: dict[str, str] = {}
        self._next_seq = 0
        self._progress_seq = 0
        self.written_bytes = 0
        """What was added since it was opened: rows as in memory, and the files of each version. Compaction takes less."""

    @classmethod
    async def open(
        cls, uri: str | Path, text_encoder: TextEncoder | None = None, read_only: bool = False
    ) -> Store:
        """Opens a memory; makes a new one when there is none, it is not read_only and text_encoder is given.

        uri: a folder, or any LanceDB URI (no lock is held there: keep to one writer yourself).
        Raises MemoryStoreError: no memory there, a folder of something else, not writable, another writer,
        written by a newer Hearsight, or with another text encoder.
        """
        folder = local_folder(uri)
        lock = None
        with told(str(uri)):
            fresh = folder is not None and is_to_be_made(folder, read_only)
            if folder is not None and not read_only:
                if fresh:
                    folder.mkdir(parents=True, exist_ok=True)
                lock = WriterLock(folder)
                lock.acquire()
        try:
            with told(str(uri)):
                if folder is not None and lock is not None:
                    tidy(folder)
                self = cls(str(uri), lock, read_only)
                await self._tables.connect()
                await self._tables.bring_up_to_date(lock)
                await self._begin(text_encoder)
            return self
        except BaseException:
            if lock is not None:
                lock.release()
            raise

    async def __aenter__(self) -> Store:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Notes the checksums, and closes."""
        with suppress(MemoryStoreError):  # a full disk must not turn what was committed into a failure
            await self.seal()
        self.close()

    async def seal(self) -> None:
        """Notes the checksums of what was written since the last time (memory/integrity.py)."""
        if self.folder is not None and self._lock is not None:
            with told(self.uri):
                await seal(self.folder)

    def close(self) -> None:
        """Closes without noting checksums; `aclose` notes them. A second time it does nothing."""
        self._tables.disconnect()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    @property
    def folder(self) -> Path | None:
        """The memory's folder, None where it is not a local one."""
        return local_folder(self.uri)

    @property
    def tables(self) -> Path | None:
        """Where they lie now, None where that is not in a local folder."""
        return self._tables.place

    @property
    def text_dim(self) -> int:
        """Of the text encoder's vectors."""
        return int(self._meta["text_dim"])

    @property
    def meta(self) -> dict[str, str]:
        """A copy of what is noted of the memory itself: schema version, models, zone."""
        return dict(self._meta)

    def zone(self, wanted: str = "") -> tzinfo | None:
        """In which a time without a zone is read, and days begin. wanted: by the settings; else that in which the memory was
        made. Raises InputError.
        """
        return zone_of(wanted or self._meta.get("timezone", OLD_ZONE))

    async def table(self, name: str) -> Any | None:
        """The LanceDB table at its newest version, None where it has not been made yet."""
        return await self._tables.table(name)

    async def rows(
        self, name: str, where: str | None = None, columns: Sequence[str] | None = None
    ) -> pa.Table | None:
        """All rows that match, unordered; None where the table has not been made yet."""

        async def read(table: Any) -> pa.Table:
            query = table.query()
            if where:
                query = query.where(where)
            if columns:
                query = query.select(list(columns))
            return await query.to_arrow()

        return await self.read(name, read)

    async def nearest(
        self, name: str, vector: NDArray[np.float32], where: str, limit: int, columns: Sequence[str]
    ) -> list[dict[str, Any]]:
        """The rows of least cosine distance of their vector column, filtered first, scanned exhaustively."""

        async def read(table: Any) -> list[dict[str, Any]]:
            query = table.query().where(where).nearest_to(vector.astype(np.float16)).column("vector")
            query = query.distance_type("cosine").bypass_vector_index().select(list(columns)).limit(limit)
            found: list[dict[str, Any]] = (await query.to_arrow()).to_pylist()
            return found

        return await self.read(name, read) or []

    async def version(self, name: str) -> int:
        """Grows with every change of a table; -1 where it has not been made yet."""

        async def read(table: Any) -> int:
            return int(await table.version())

        found = await self.read(name, read)
        return -1 if found is None else found

    async def counted_rows(
        self, name: str, where: str | None, columns: Sequence[str]
    ) -> tuple[pa.Table, int | None] | None:
        """The rows that match, and how many rows the table had in that version; None for how many where this process
        changed it in between. None where the table has not been made yet.
        """

        async def read(table: Any) -> tuple[pa.Table, int | None]:
            version = await table.version()  # a reader's handle stays at it
            query = table.query().select(list(columns))
            rows = await (query.where(where) if where else query).to_arrow()
            count = int(await table.count_rows())
            return rows, count if await table.version() == version else None

        return await self.read(name, read)

    async def read(self, name: str, read: Callable[[Any], Awaitable[T]]) -> T | None:
        """read(the table at its newest version), again where that version was compacted away meanwhile; None where it has not
        been made yet.
        """
        with told(self.uri):
            return await self._tables.read(name, read)

    async def count(self, name: str) -> int:
        """Rows of a table, 0 where it has not been made yet."""

        async def read(table: Any) -> int:
            return int(await table.count_rows())

        return await self.read(name, read) or 0

    async def add(self, name: str, rows: pa.Table) -> None:
        """Appends in one version. Makes the table (of the rows' schema) if need be."""
        if not rows.num_rows:
            return
        self.written_bytes += rows.nbytes + _VERSION_BYTES
        async with self.writing():
            table = await self.table(name)
            if table is None:
                await self._tables.create(name, data=rows)
                return
            await table.add(rows)

    async def add_keys(self, rows: list[dict[str, Any]], vectors: pa.FixedSizeListArray) -> None:
        """Appends keys, numbering them. rows: the columns of keys_schema but seq and vector."""
        if not rows:
            return
        shape = schema.keys_schema(self.text_dim)
        numbers = range(self._next_seq, self._next_seq + len(rows))
        self._next_seq += len(rows)
        columns = [pa.array(numbers, pa.int64())]
        columns += [pa.array([row[f.name] for row in rows], f.type) for f in list(shape)[1:-1]]
        await self.add(schema.KEYS, pa.table([*columns, vectors], schema=shape))

    async def delete(self, name: str, where: str) -> int:
        """Deletes what matches and returns how many rows that were; writes no version when none match."""
        async with self.writing():
            table = await self.table(name)
            if table is None:
                return 0
            rows = int(await table.count_rows(where))
            if rows:
                await table.delete(where)
            return rows

    async def claim_model(self, kind: str, name: str, weights: str = "") -> None:
        """Remembers which model made this kind of vectors (meta KIND_model), and where its weights were
        (KIND_weights). Raises MemoryStoreError if it was another one.
        """
        if new := unclaimed(self.uri, self._meta, kind, name, weights):
            await self.set_meta(new)

    async def sources(self) -> list[SourceInfo]:
        """In the order in which they were added."""
        rows = await self.rows(schema.SOURCES)
        found = [SourceInfo(**row) for row in rows.to_pylist()] if rows is not None else []
        return sorted(found, key=lambda source: (source.added_at_s, source.id))

    async def resume_point(self, source: str) -> ResumePoint:
        """How far a source has been written."""
        rows = await self.rows(schema.PROGRESS, f"source = {quoted(source)}")
        last = max(rows.to_pylist(), key=lambda row: row["seq"], default=None) if rows is not None else None
        if last is None:
            return ResumePoint()
        return ResumePoint(last["video_done_s"], last["said_done_s"], last["complete"])

    async def set_progress(self, source: str, point: ResumePoint) -> None:
        """The commit: everything before the point has been written."""
        row = {
            "seq": self._progress_seq,
            "source": source,
            "video_done_s": point.video_done_s,
            "said_done_s": point.said_done_s,
            "complete": point.complete,
        }
        self._progress_seq += 1
        await self.add(
            schema.PROGRESS, pa.Table.from_pylist([row], schema=schema.fixed_schema(schema.PROGRESS))
        )

    async def optimize(self) -> None:
        """Compacts fragments and removes old versions. Readers that had one open look again (`rows`)."""
        large = []
        for name in await self.names():
            async with self.writing():
                table = await self.table(name)
                if table is None:
                    continue
                if self._lock is not None and await table.count_rows() >= LARGE_ROWS:
                    if len(await table.list_versions()) > 1:
                        large.append(name)
                else:
                    await compact(table, with_ids=name == schema.OBSERVATIONS)
        if large:
            await self._optimize_apart(large)
        else:
            await self.seal()

    async def _optimize_apart(self, names: Sequence[str]) -> None:
        assert self.folder is not None and self.tables is not None and self._lock is not None
        async with self.writing():
            try:
                await compact_apart(self.folder, self.tables, names, self._lock.fd)
            finally:
                for name in names:
                    await self._tables.look_again(name)

    async def _begin(self, text_encoder: TextEncoder | None) -> None:
        rows = await self.rows(schema.META)
        if rows is None:  # never made, or its maker died (or found the disk full) over it
            if self.read_only or text_encoder is None:
                raise MemoryStoreError(f"there is no memory at {self.uri}")
            # Written whole in one version, and first: a folder with a meta table is a memory.
            await self._tables.create(schema.META, data=meta_table(first_meta(text_encoder)))
            rows = await self.rows(schema.META)
        self._meta = {row["key"]: row["value"] for row in rows.to_pylist()} if rows is not None else {}
        check(self.uri, self._meta, text_encoder)
        if not self.read_only:
            await self._create_missing()
            # Numbers of rows that were taken back are not given again, or a reader that holds them could not
            # tell: every writer starts above the table's version, which only grows.
            self._next_seq = max(
                (await self.version(schema.KEYS)) << 24, await self._last_seq(schema.KEYS) + 1
            )
            self._progress_seq = await self._last_seq(schema.PROGRESS) + 1
            from memory.erasing import finish_erasing  # it is built on stores

            await finish_erasing(self)

    async def _last_seq(self, name: str) -> int:
        rows = await self.rows(name, columns=["seq"])
        return -1 if rows is None or not rows.num_rows else int(np.asarray(rows["seq"]).max())

    async def _create_missing(self) -> None:
        for name, shape in schema.schemas(self.text_dim).items():
            if await self.table(name) is None:
                await self._tables.create(name, schema=shape)

    async def set_meta(self, values: dict[str, str]) -> None:
        """Of keys that are not set yet."""
        await self.add(schema.META, meta_table(values))
        self._meta |= values

    async def names(self) -> set[str]:
        """Of the tables that are there."""
        return await self._tables.names()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Holds what a change of a table must hold; raises MemoryStoreError where reading is all that is allowed."""
        async with self._writing:
            if self.read_only:
                raise MemoryStoreError(f"memory {self.uri} was opened for reading only")
            with told(self.uri):
                yield


def quoted(text: str) -> str:
    """A string literal of LanceDB's filter language."""
    return "'" + text.replace("'", "''") + "'"
