"""The LanceDB tables of a memory: where they lie, brought up to date, and opened once each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from memory import schema
from memory.generations import tables_folder
from memory.lance import connect, table_names
from memory.lock import WriterLock
from memory.migration import migrate
from runtime.errors import MemoryStoreError

T = TypeVar("T")
_TRIES = 5
"""Each begins with the newest version: it takes as many compactions in a row to lose them all."""


class Tables:
    """Begin with `connect`, end with `disconnect`. What Lance raises comes out as it is."""

    def __init__(self, uri: str, folder: Path | None, read_only: bool) -> None:
        """folder: the memory's, None where it is not a local one."""
        self.place: Path | None = None  # where they lie, if in a local folder
        self._uri = uri
        self._folder = folder
        self._read_only = read_only
        self._db: Any = None
        self._open: dict[str, Any] = {}
        self._connecting = asyncio.Lock()

    async def connect(self) -> None:
        place = None if self._folder is None else tables_folder(self._folder)
        self._db = await connect(self._uri if place is None else str(place))
        self.place = place

    def disconnect(self) -> None:
        for table in self._open.values():
            table.close()
        self._open.clear()
        self._db.close()

    async def table(self, name: str) -> Any | None:
        """At its newest version, None where it has not been made yet."""
        if self._read_only and self._moved():
            async with self._connecting:
                if self._moved():  # another task may have been first
                    self.disconnect()
                    await self.connect()
        table = self._open.get(name)
        if table is None:
            if name not in await self.names():
                return None
            try:
                table = self._open[name] = await self._db.open_table(name)
            except ValueError as error:
                if "was not found" not in str(error):
                    raise
                return None  # its writer has made the folder, and not yet the first version
        elif self._read_only:
            await table.checkout_latest()
        return table

    async def look_again(self, name: str) -> None:
        """Goes to the newest version of a table that is open."""
        if name in self._open:
            await self._open[name].checkout_latest()

    async def read(self, name: str, read: Callable[[Any], Awaitable[T]]) -> T | None:
        """read(the table at its newest version), again where that version was compacted away meanwhile, by the writer or
        beside this one; None where it has not been made yet.
        """
        for attempt in range(_TRIES):
            try:
                if attempt:
                    await self.look_again(name)
                table = await self.table(name)
                return None if table is None else await read(table)
            except (RuntimeError, OSError):
                if attempt == _TRIES - 1:
                    raise
        return None

    async def create(self, name: str, **what: Any) -> None:
        """what: its first rows as data, or its schema."""
        self._open[name] = await self._db.create_table(name, **what)

    async def names(self) -> set[str]:
        """Of those that are there."""
        return await table_names(self._db)

    async def bring_up_to_date(self, lock: WriterLock | None) -> None:
        """Migrates tables of an older schema, whoever comes first. lock: the writer's; a reader, who has none, holds it
        meanwhile. Raises MemoryStoreError.
        """
        version = await self._schema_version()
        if not 0 < version < schema.SCHEMA_VERSION:
            return
        if self._folder is None:
            raise MemoryStoreError(
                f"memory {self._uri} was written by an older Hearsight, and only one in a local folder can be "
                "brought up to date: copy it to one"
            )
        own = WriterLock(self._folder)
        if lock is None:
            own.acquire()
        try:
            self.disconnect()
            await self.connect()
            version = await self._schema_version()  # another reader may have been first
            if version < schema.SCHEMA_VERSION:
                self.disconnect()
                await migrate(self._folder, version)
                await self.connect()
        finally:
            own.release()

    async def _schema_version(self) -> int:
        async def read(table: Any) -> int:
            rows = await table.query().where("key = 'schema_version'").to_arrow()
            return int(rows["value"][0].as_py()) if rows.num_rows else 0

        return await self.read(schema.META, read) or 0

    def _moved(self) -> bool:
        """Another generation of the tables is in force than that which is open (memory/generations.py)."""
        return self._folder is not None and tables_folder(self._folder) != self.place
