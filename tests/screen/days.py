"""Days of a made-up screen, read and remembered as a real one is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from memory import Memory, SourceInfo, Store
from memory.screen import ScreenMemory, ScreenWriter
from perception.screen.reader import ScreenReader
from perception.screen.settings import ScreenReadSettings
from reasoning.screen.find import Finder
from runtime.compute import Compute
from tests.memory.world import HashEncoder
from tests.screen.painted import PaintedReader, column, frame

Scene = tuple[float, str, tuple[str, ...]]
"""From which second on, under which title, which lines."""
Day = tuple[float, tuple[Scene, ...]]
"""Unix time of its zero, and what was shown."""


@asynccontextmanager
async def remembered(folder: Path, *days: Day) -> AsyncIterator[tuple[Memory, Compute]]:
    compute = Compute()
    try:
        async with await Store.open(folder / "memory", HashEncoder()) as store:
            writer = ScreenWriter(store, HashEncoder(), compute)
            for zero, scenes in days:
                name = f"screen-{zero:.0f}"
                reader = ScreenReader(PaintedReader(), name, ScreenReadSettings(gap_s=900.0))
                await writer.begin(SourceInfo(name, name, name, wall_zero_s=zero))
                for begin_s, title, lines in scenes:
                    for later_s in (0.0, 1.0, 5.0):
                        looked = frame(begin_s + later_s, column(*lines), title, title.rpartition(" - ")[2])
                        await writer.write(name, reader.look(looked))
                await writer.write(name, reader.close())
            async with await Memory.open(store, HashEncoder(), compute=compute) as memory:
                yield memory, compute
    finally:
        await compute.close(5.0)


async def finder_of(memory: Memory) -> Finder:
    screen = ScreenMemory(memory.store)
    return Finder(memory, screen, await screen.sources(), None)
