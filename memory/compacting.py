"""Compaction of large tables, in a process of its own that gives way to everybody else.

Lance rewrites a table's last fragment, up to a million rows, on every core, in threads that serve its reads too: whoever
searches meanwhile waits for a core. So a large table is compacted by a process of low priority with one thread. It inherits
the writer's lock (an flock belongs to the open file, not to a process): should its parent be killed, nobody else writes
until it has ended.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from memory import schema
from memory.integrity import seal
from memory.lance import compact, connect
from memory.place import told
from runtime.errors import MemoryStoreError

LARGE_ROWS = 20_000
"""Below, a table is compacted in some milliseconds, and to start a process takes a second."""
_NICE = 10
_ONE_THREAD = {"LANCE_CPU_THREADS": "1", "TOKIO_WORKER_THREADS": "1"}
"""With LANCE_IO_THREADS=1 a compaction waits for itself."""
_PATIENCE_S = 900.0


async def compact_apart(folder: Path, tables: Path, names: Sequence[str], lock_fd: int) -> None:
    """Compacts these tables of the memory in folder, and seals them. tables: where they lie.

    Raises MemoryStoreError. What is committed is safe whenever the process ends, and it ends when this is cancelled.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "memory.compacting", str(folder), str(tables), *names,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | _ONE_THREAD,
        pass_fds=(lock_fd,),
        start_new_session=True,  # Ctrl-C is its parent's to hear
    )  # fmt: skip
    try:
        async with asyncio.timeout(_PATIENCE_S):
            _, errors = await process.communicate()
    except TimeoutError:
        raise MemoryStoreError(f"memory {folder} was not compacted within {_PATIENCE_S:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        lines = errors.decode("utf-8", "replace").split("\n")
        why = next(filter(None, reversed(lines)), f"ended with {process.returncode}")
        raise MemoryStoreError(f"memory {folder} could not be compacted: {why}")


async def _compact(folder: Path, tables: Path, names: Sequence[str]) -> None:
    with told(str(folder)):
        db = await connect(str(tables))
        for name in names:
            await compact(await db.open_table(name), with_ids=name == schema.OBSERVATIONS)
        db.close()
        await seal(folder)


def main() -> None:
    os.nice(_NICE)
    folder, tables, *names = sys.argv[1:]
    try:
        asyncio.run(_compact(Path(folder), Path(tables), names))
    except MemoryStoreError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
