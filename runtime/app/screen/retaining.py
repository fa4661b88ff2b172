"""What of a screen is kept for how long, and whether there is room for more."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from math import ceil, inf
from pathlib import Path
from stat import S_ISDIR
from typing import Protocol

from memory import Store, schema
from memory.generations import tables_folder
from memory.screen import ScreenMemory, ScreenWriter
from runtime.app.screen.settings import ScreenSettings
from runtime.clock import WallClock
from runtime.errors import MemoryStoreError

_DAY_S = 86400.0
_EVERY_S = 60.0
_MEASURE_EVERY_S = 3600.0
_STILL_S = 30.0
_PATIENCE_S = 600.0
_ROOM = 0.05  # of keep_mb: how much is made at once, so that it is not done again soon
_ROUNDS = 8
_SPARED_S = 3600.0


@dataclass(frozen=True, slots=True)
class Retained:
    """One run. at: Unix time. bytes_before, bytes_after: what the memory's folder took on the disk. count: records and
    pictures that went.
    """

    at: float
    bytes_before: int
    bytes_after: int
    count: int

    @property
    def freed_bytes(self) -> int:
        return max(0, self.bytes_before - self.bytes_after)


class Recording(Protocol):
    """The recorder, beside which room is made. still_s: for how long nothing has changed on the screen."""

    @property
    def still_s(self) -> float: ...
    def making_room(self) -> AbstractAsyncContextManager[None]: ...


class Retention:
    """run() in a task of its own: what is too old goes once a day, and what is too much soon after it is.

    Whether it is too much is told by what was written since the folder was last measured; its files are only counted when
    that may have passed the goal, or an hour has. It waits for a screen that stands still, ten minutes at most.
    """

    def __init__(
        self,
        store: Store,
        writer: ScreenWriter,
        settings: ScreenSettings,
        clock: WallClock,
        recording: Recording,
        report: Callable[[str], None],
    ) -> None:
        """report: is told in one line what went wrong, once."""
        self._store = store
        self._writer = writer
        self._settings = settings
        self._clock = clock
        self._recording = recording
        self._report = report
        self._trouble = ""
        self._measured_bytes = self._written_bytes = 0
        self._measure_at_s = self._forget_at_s = -inf
        self._in_vain = False  # a run could not free enough: the next one waits for the next measure
        self._waiting_since_s: float | None = None
        self._ahead_s = clock.wall() - clock.now()
        self.last: Retained | None = None

    async def run(self) -> None:
        while True:
            await self._clock.sleep(_EVERY_S)
            await self.once()

    async def once(self) -> None:
        """Runs when it is due and nobody is at work."""
        now, ahead_s = self._clock.now(), self._clock.wall() - self._clock.now()
        # The clock may have been set wrong: nothing is thrown away for that.
        if abs(ahead_s - self._ahead_s) > _DAY_S:
            self._forget_at_s = max(self._forget_at_s, now + _MEASURE_EVERY_S)
        self._ahead_s = ahead_s
        if now < self._forget_at_s and not await self._too_much(now):
            self._waiting_since_s = None
            return
        if self._waiting_since_s is None:
            self._waiting_since_s = now
        if self._recording.still_s < _STILL_S and now - self._waiting_since_s < _PATIENCE_S:
            return
        self._waiting_since_s = None
        old = now >= self._forget_at_s
        try:
            async with self._recording.making_room():
                wall = self._clock.wall()
                self.last = await retain(self._store, self._writer, self._settings, wall, old)
            self._forget_at_s = now + _DAY_S if old else self._forget_at_s
            self._note(self.last.bytes_after)
            self._in_vain = self.last.bytes_after > self._settings.keep_mb * 1e6
            self._trouble = ""
        except MemoryStoreError as error:
            if str(error) != self._trouble:
                self._report(f"nothing could be thrown away: {error}")
            self._trouble = str(error)
            self._forget_at_s = max(self._forget_at_s, now + _MEASURE_EVERY_S)

    async def _too_much(self, now: float) -> bool:
        goal = self._settings.keep_mb * 1e6
        written = self._store.written_bytes - self._written_bytes
        if now >= self._measure_at_s:
            self._in_vain = False
        elif self._in_vain or self._measured_bytes + written <= goal:
            return False
        if self._measured_bytes <= goal or now >= self._measure_at_s:
            self._note(await asyncio.to_thread(disk_bytes, self._store.folder))
        return self._measured_bytes > goal

    def _note(self, measured: int) -> None:
        self._measured_bytes, self._written_bytes = measured, self._store.written_bytes
        self._measure_at_s = self._clock.now() + _MEASURE_EVERY_S


async def ensure_room(store: Store, settings: ScreenSettings) -> None:
    """Raises MemoryStoreError: the disk is nearly full."""
    folder = store.folder
    if folder is None or not settings.min_free_mb:
        return
    free = await asyncio.to_thread(lambda: shutil.disk_usage(folder).free)
    if free < settings.min_free_mb * 1e6:
        raise MemoryStoreError(f"less than {settings.min_free_mb:.0f} MB of space left on the disk")


async def retain(
    store: Store, writer: ScreenWriter, settings: ScreenSettings, now_wall: float, old: bool = True
) -> Retained:
    """Forgets what is older than keep_days (pictures: keep_picture_days), if old; where the memory takes more than keep_mb,
    the oldest pictures, then the oldest text but that of the last hour, until a twentieth of keep_mb is free. Raises
    MemoryStoreError.
    """
    before = await asyncio.to_thread(disk_bytes, store.folder)
    zeros = {s.id: s.wall_zero_s or 0.0 for s in await ScreenMemory(store).sources()}
    count = 0
    for days, pictures_only in ((settings.keep_days, False), (settings.keep_picture_days, True)):
        until = now_wall - days * _DAY_S
        before_s = {name: until - zero for name, zero in zeros.items() if old and zero < until}
        count += await writer.forget_before(before_s, pictures_only)
    size = await asyncio.to_thread(disk_bytes, store.folder) if count else before
    goal = settings.keep_mb * 1e6
    if size > goal:
        await store.optimize()  # many small files are one
        size = await asyncio.to_thread(disk_bytes, store.folder)
    if size > goal:
        for table, until in ((schema.KEYFRAMES, inf), (schema.OBSERVATIONS, now_wall - _SPARED_S)):
            for _ in range(_ROUNDS):
                if size <= (1 - _ROOM) * goal:
                    break
                part = await _oldest(store, writer, table, zeros, until, size - (1 - _ROOM) * goal)
                if not part:
                    break
                count += await writer.forget_before(part, pictures_only=table == schema.KEYFRAMES)
                size = await asyncio.to_thread(disk_bytes, store.folder)
    return Retained(now_wall, before, size, count)


async def _oldest(
    store: Store,
    writer: ScreenWriter,
    table: str,
    zeros: dict[str, float],
    until_wall: float,
    excess_bytes: float,
) -> dict[str, float]:
    """By source: before when the rows of a table begin that take as much as is too much, judged by what one takes; those
    that begin later than until_wall are spared.
    """
    all_ = await writer.times(table)
    begun = (zeros[name] + t_s for name, t_s in all_ if name in zeros)
    rows = sorted(wall for wall in begun if wall <= until_wall)
    if not rows:
        return {}
    tables = [table] if table == schema.KEYFRAMES else [table, schema.KEYS, schema.SPANS]
    taken = sum([await asyncio.to_thread(_table_bytes, store, name) for name in tables])
    number = min(len(rows), max(1, ceil(excess_bytes * len(all_) / max(1, taken))))
    until = rows[number - 1] + 0.001
    return {name: until - zero for name, zero in zeros.items() if zero < until}


def _table_bytes(store: Store, name: str) -> int:
    folder = store.folder
    return 0 if folder is None else disk_bytes(tables_folder(folder) / f"{name}.lance")


def disk_bytes(folder: Path | None) -> int:
    """What a folder takes on the disk, as du counts it: blocks, and a file of several names once."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for found in _files(folder) if folder is not None else ():
        if found.st_nlink > 1 and not S_ISDIR(found.st_mode):
            if (found.st_dev, found.st_ino) in seen:
                continue
            seen.add((found.st_dev, found.st_ino))
        blocks = getattr(found, "st_blocks", None)
        total += found.st_size if blocks is None else 512 * blocks
    return total


def _files(folder: Path) -> Iterator[os.stat_result]:
    try:
        entries = list(os.scandir(folder))
    except OSError:  # compacted away meanwhile
        return
    for entry in entries:
        try:
            yield entry.stat(follow_symlinks=False)
            if entry.is_dir(follow_symlinks=False):
                yield from _files(Path(entry.path))
        except OSError:
            continue
