"""A process that is killed at its N-th change of the disk, as kill -9 does it. Run by tests/memory/test_crash_points.py.

A change is whatever the code asks of Lance or the file system that another process could see: making a table, adding,
deleting, updating, compacting, renaming. Each has two points: just before and just after.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import signal
import sys
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from lancedb.db import AsyncConnection
from lancedb.table import AsyncTable

from memory import Memory, MemorySettings, Message, Store, schema
from memory.forgetting import Selection, forget
from memory.portable import import_memory
from memory.snapshots import take_snapshot
from tests.memory.world import SETTINGS, HashEncoder, ingest, source, stream

OFTEN = SETTINGS.model_copy(update={"optimize_every": 3})
MESSAGES = stream(11, 50.0, patches=4)


async def _ingest(folder: Path) -> None:
    async with await Store.open(folder, HashEncoder()) as store:
        set_progress = store.set_progress

        async def told(name: str, point: Any) -> None:
            await set_progress(name, point)
            print("committed", point.video_done_s, point.said_done_s, flush=True)

        store.set_progress = told  # type: ignore[method-assign]
        await ingest(store, source(duration_s=50.0), MESSAGES, OFTEN)


async def _forget(folder: Path) -> None:
    async with await Store.open(folder, HashEncoder()) as store:
        await forget(store, Selection(sources=("film",), t_min_s=15.0, t_max_s=30.0), SETTINGS)


async def _snapshot(folder: Path) -> None:
    async with await Store.open(folder, HashEncoder()) as store:
        await take_snapshot(store, "now", 1.0)


async def _migrate(folder: Path) -> None:
    async with await Store.open(folder, HashEncoder()):
        pass


async def _import(folder: Path) -> None:
    await import_memory(folder.with_name("other.zip"), folder)


DAY_S = 86400.0
TALK = [
    Message(text, DAY_S * (19844 + n), f"{n:02d}", who)
    for n, (who, text) in enumerate(
        [
            ("Ana", "I live in Bergen, and I work at the hospital."),
            ("Ben", "Ana lives in Bergen. I love cats."),
            ("Ana", "Good news: I moved to Oslo!"),
            ("Ana", "My sister is called Mia."),
            ("Ben", "I don't like cats."),
            ("Ana", "I quit my job."),
        ]
    )
]
TWO_AT_ONCE = MemorySettings.model_validate(SETTINGS.model_dump() | {"consolidation": {"batch": 2}})


async def _consolidate(folder: Path, rebuild: bool = False) -> None:
    async with await Store.open(folder, HashEncoder()) as store:
        add = store.add

        async def told(name: str, rows: Any) -> None:
            await add(name, rows)
            if name == schema.CONSOLIDATED:
                print("committed", rows["done_s"][0].as_py(), flush=True)

        store.add = told  # type: ignore[method-assign]
        async with await Memory.open(store, HashEncoder(), settings=TWO_AT_ONCE) as memory:
            await memory.consolidate(rebuild=rebuild)


async def _rebuild(folder: Path) -> None:
    await _consolidate(folder, rebuild=True)


WORK: dict[str, Callable[[Path], Awaitable[None]]] = {
    "ingest": _ingest,
    "forget": _forget,
    "snapshot": _snapshot,
    "migrate": _migrate,
    "import": _import,
    "consolidate": _consolidate,
    "rebuild": _rebuild,
}


def crash_at(point: int) -> None:
    """0: never; the points are counted and said at the end. As compaction goes on beside the writing, one run may have
    fewer points than another: a run that ends before its point is killed at its very end.
    """
    passed = 0

    def pass_point() -> None:
        nonlocal passed
        passed += 1
        if passed == point:
            os.kill(os.getpid(), signal.SIGKILL)

    def wrapped(change: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def changes(*args: Any, **more: Any) -> Any:
            pass_point()
            result = await change(*args, **more)
            pass_point()
            return result

        return changes

    def wrapped_file(change: Callable[..., Any]) -> Callable[..., Any]:
        def changes(*args: Any, **more: Any) -> Any:
            pass_point()
            result = change(*args, **more)
            pass_point()
            return result

        return changes

    for name in ("add", "delete", "update", "optimize", "add_columns"):
        setattr(AsyncTable, name, wrapped(getattr(AsyncTable, name)))
    AsyncConnection.create_table = wrapped(AsyncConnection.create_table)  # type: ignore[method-assign, assignment]
    for name in ("replace", "rename"):
        setattr(os, name, wrapped_file(getattr(os, name)))
    Path.rename = wrapped_file(Path.rename)  # type: ignore[method-assign, assignment]

    def at_the_end() -> None:
        print("points", passed, flush=True)
        if passed < point:
            os.kill(os.getpid(), signal.SIGKILL)

    atexit.register(at_the_end)


def serve() -> None:
    """A line "WORK FOLDER POINT" on stdin is done in a process of its own, forked from this one, which has loaded
    everything and used none of it; its exit status and output are answered as one line of JSON.
    """
    warnings.filterwarnings("ignore", "lancedb fork support is experimental", RuntimeWarning)
    for line in sys.stdin:
        work, folder, point = line.split()
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.dup2(writer, 1)
            sys.stdout = os.fdopen(1, "w")
            status = 1
            try:
                crash_at(int(point))
                asyncio.run(WORK[work](Path(folder)))  # type: ignore[arg-type]
                status = 0
            finally:
                atexit._run_exitfuncs()
                os._exit(status)
        os.close(writer)
        with os.fdopen(reader) as said:
            lines = said.read().splitlines()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(json.dumps({"status": status, "lines": lines}), flush=True)


if __name__ == "__main__":
    serve()
