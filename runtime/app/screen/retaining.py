"""What of a screen is kept for how long, and whether there is room for more."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from memory import Store
from memory.screen import ScreenMemory, ScreenWriter
from runtime.app.screen.settings import ScreenSettings
from runtime.errors import MemoryStoreError


async def ensure_room(store: Store, settings: ScreenSettings) -> None:
    """Raises MemoryStoreError: the disk is nearly full."""
    folder = store.folder
    if folder is None or not settings.min_free_mb:
        return
    free = await asyncio.to_thread(lambda: shutil.disk_usage(folder).free)
    if free < settings.min_free_mb * 1e6:
        raise MemoryStoreError(f"less than {settings.min_free_mb:.0f} MB of space left on the disk")


async def retain(store: Store, writer: ScreenWriter, settings: ScreenSettings, now_wall: float) -> int:
    """Forgets what is older than keep_days (pictures: keep_picture_days); while the memory is larger than keep_mb, the
    oldest day's pictures, then the oldest days. Returns how many records and pictures that were.
    """
    count = 0
    sources = await ScreenMemory(store).sources()
    for source in sources:
        zero = source.wall_zero_s or 0.0
        count += await writer.forget_before(source.id, now_wall - settings.keep_days * 86400 - zero)
        before_s = now_wall - settings.keep_picture_days * 86400 - zero
        count += await writer.forget_before(source.id, before_s, pictures_only=True)
    for pictures_only in (True, False):
        for source in sources[:-1] if not pictures_only else sources:
            if await asyncio.to_thread(_size, store.folder) <= settings.keep_mb * 1e6:
                return count
            count += await writer.forget_before(source.id, 1e12, pictures_only)
    return count


def _size(folder: Path | None) -> int:
    total = 0
    for path in folder.rglob("*") if folder is not None else ():
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total
