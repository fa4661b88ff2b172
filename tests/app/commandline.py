"""The command as a user types it, and what it left in a memory."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from memory import ResumePoint, Store
from runtime.clock import perf
from runtime.errors import MemoryStoreError

COMMAND = (sys.executable, "-m", "runtime.app.cli")
TALK = Path(__file__).parent.parent / "fixtures" / "talk.mp4"

_TABLES = ("observations", "keys", "clips", "keyframes", "short_term", "nodes", "sources")
_NOT_COMPARED = {
    "seq",
    "added_at_s",
    "ingested_at_s",
    "jpeg",
    "data",
    "confidence",
    "details",
    "surprise",
    "tag_probs",
}
_VECTORS = {"vector", "appearance"}

Rows = list[dict[str, Any]]


def hearsight(
    *args: str | Path, env: Mapping[str, str] | None = None, timeout_s: float = 240
) -> subprocess.CompletedProcess[str]:
    """env: on top of this process's. No language model is started unless it says so."""
    command = [*COMMAND, *map(str, args)]
    environment = {**os.environ, "HEARSIGHT__ENGINE__MODE": "off", **(env or {})}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=timeout_s, check=False
    )


def fails_with_one_line(done: subprocess.CompletedProcess[str], *says: str) -> None:
    """A failure that a user can read: one line on stderr, by hearsight, and a status that says so."""
    assert done.returncode in (1, 2), done.stderr
    assert "Traceback" not in done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("hearsight: ")
    for part in says:
        assert part in lines[0]


@contextmanager
def started(*args: str | Path) -> Iterator[subprocess.Popen[str]]:
    """A command that runs while the test goes on; killed if the test leaves it running."""
    command = [*COMMAND, *map(str, args)]
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)


def wait_for_files(process: subprocess.Popen[str], folder: Path, new: int) -> bool:
    """Until so many files that were not there have been seen below a folder; False if the process ends before."""
    old, seen = _files(folder), set[Path]()

    def enough() -> bool:
        seen.update(_files(folder) - old)
        return len(seen) >= new

    return _wait_until(process, enough, look_every_s=0.01)


def stopped_at_commit(process: subprocess.Popen[str], memory: Path) -> bool:
    """Until more is committed than there was; then the process stands still (SIGSTOP), in the middle of its work. It also does
    whenever it is looked at, so that it cannot be done before that is seen. False if it ends before.
    """
    before = committed_s(memory)

    def enough() -> bool:
        process.send_signal(signal.SIGSTOP)
        state = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        assert state is not None
        if state.si_code != os.CLD_STOPPED:
            return False
        if committed_s(memory) > before:
            return True
        process.send_signal(signal.SIGCONT)
        return False

    return _wait_until(process, enough, look_every_s=0.1)


def committed_s(memory: Path) -> float:
    """Seconds of its video and of its sound that a memory of one source has committed, added up."""
    try:
        point = resume_point(memory)
    except MemoryStoreError:
        return 0.0
    return point.video_done_s + point.said_done_s


def resume_point(memory: Path) -> ResumePoint:
    """Of the only source in it."""

    async def read() -> ResumePoint:
        async with await Store.open(memory, read_only=True) as store:
            points = [await store.resume_point(source.id) for source in await store.sources()]
        assert len(points) <= 1
        return points[0] if points else ResumePoint()

    return asyncio.run(read())


def rows_of(memory: Path, *tables: str) -> dict[str, Rows]:
    """All rows of the tables, in the order of their ids."""

    async def read() -> dict[str, Rows]:
        async with await Store.open(memory, read_only=True) as store:
            found = {name: await store.rows(name) for name in tables}
        return {
            name: sorted(rows.to_pylist() if rows is not None else [], key=lambda row: str(_id(row)))
            for name, rows in found.items()
        }

    return asyncio.run(read())


def assert_same_records(memory: Path, expected: Path) -> None:
    """The same ids, spans and texts, none twice, vectors equal but for their last bits; and complete."""
    assert resume_point(memory).complete
    found, wanted = rows_of(memory, *_TABLES), rows_of(expected, *_TABLES)
    for name in _TABLES:
        ids = [_id(row) for row in found[name]]
        assert len(set(ids)) == len(ids), f"{name}: some are there twice"
        both = zip_longest(map(_plain, found[name]), map(_plain, wanted[name]))
        differ = [(mine, other) for mine, other in both if mine != other]
        assert not differ, f"{name}: {differ[:2]}"
        for column in _VECTORS & {key for row in found[name] for key in row}:
            pairs = zip(found[name], wanted[name], strict=True)
            assert all(np.allclose(a[column], b[column], atol=2e-3) for a, b in pairs)


def _wait_until(process: subprocess.Popen[str], true: Callable[[], bool], look_every_s: float) -> bool:
    began = perf()
    while not true():
        with suppress(subprocess.TimeoutExpired):
            process.wait(look_every_s)
            return False
        assert perf() - began < 240.0
    return True


def _files(folder: Path) -> set[Path]:
    return {Path(base, name) for base, _, names in os.walk(folder) for name in names}


def _id(row: Mapping[str, Any]) -> object:
    return row.get("id") or row.get("clip")


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in _NOT_COMPARED | _VECTORS}
