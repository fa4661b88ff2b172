"""kill -9 before and after every single change of the disk: nothing acknowledged is lost, nothing is there twice."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import Any

import pytest

from memory import Memory, Store, schema
from memory.integrity import check
from memory.snapshots import list_snapshots, snapshot_folder
from tests.memory.crashing import MESSAGES, OFTEN, TALK, TWO_AT_ONCE, WORK
from tests.memory.test_forgetting import ROOT
from tests.memory.test_migration import OLD
from tests.memory.test_portable import exported
from tests.memory.world import HashEncoder, after, contents, ingest, remembered, source, stream

pytestmark = pytest.mark.slow


class Crashes:
    """tests/memory/crashing.py, which does a work in a new process each time."""

    def __init__(self, server: subprocess.Popen[str]) -> None:
        self._server = server

    def killed(self, work: str, folder: Path, point: int) -> tuple[int, list[str]]:
        """The exit status and what the process had said."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        print(work, folder, point, file=self._server.stdin, flush=True)
        done = json.loads(self._server.stdout.readline())
        assert done["status"] in (0, -9)
        return done["status"], done["lines"]

    def points(self, work: str, folder: Path) -> int:
        """How many there are: an undisturbed run counts them."""
        status, lines = self.killed(work, folder, 0)
        assert status == 0
        return int(lines[-1].removeprefix("points "))


@pytest.fixture(scope="module")
def crashes() -> Iterator[Crashes]:
    command = [sys.executable, "-m", "tests.memory.crashing"]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, env=env, text=True, **pipes) as server:
        yield Crashes(server)
        assert server.stdin is not None
        server.stdin.close()


def spread(count: int, at_most: int) -> list[int]:
    """All of them, or as many as there is time for, evenly."""
    return sorted({1 + i * (count - 1) // (min(count, at_most) - 1) for i in range(min(count, at_most))})


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    asyncio.run(remembered(tmp_path / "m", MESSAGES, source(duration_s=50.0)))
    return tmp_path


async def reopened(folder: Path) -> None:
    async with await Store.open(folder, HashEncoder()):
        pass


def is_whole(folder: Path) -> None:
    assert asyncio.run(check(folder)).findings == ()


def test_while_it_is_written(crashes: Crashes, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    count = crashes.points("ingest", whole)
    wanted = asyncio.run(contents(whole))
    assert count > 60

    async def goes_on(folder: Path, acknowledged: tuple[float, float]) -> None:
        async with await Store.open(folder, HashEncoder()) as store:
            point = await store.resume_point("film")
            assert (point.video_done_s, point.said_done_s) >= acknowledged
            await ingest(store, source(duration_s=50.0), after(MESSAGES, point), OFTEN)

    for number in spread(count, 30):
        folder = tmp_path / "cut"
        status, lines = crashes.killed("ingest", folder, number)
        assert status == -9
        told = [tuple(map(float, line.split()[1:])) for line in lines if line.startswith("committed")]
        asyncio.run(goes_on(folder, (told[-1][0], told[-1][1]) if told else (0.0, 0.0)))
        assert asyncio.run(contents(folder)) == wanted, f"killed at point {number}"
        is_whole(folder)
        shutil.rmtree(folder)


async def derived(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """All that was made of the records, without the times at which it was made."""
    out = {}
    async with await Store.open(folder, read_only=True) as store:
        for name in (schema.FACTS, schema.NOTES):
            rows = await store.rows(name)
            assert rows is not None
            found = rows.to_pylist()
            for row in found:
                row.pop("made_at_s", None)
            out[name] = sorted(found, key=lambda row: str(row["id"]))
    return out


@pytest.mark.parametrize("work", ["consolidate", "rebuild"])
def test_while_facts_are_made(crashes: Crashes, tmp_path: Path, work: str) -> None:
    """Of the records nothing changes; of what was made nothing acknowledged is lost, and gone on with it is the same."""

    async def said(folder: Path) -> None:
        async with await Memory.open(folder, HashEncoder(), settings=TWO_AT_ONCE, read_only=False) as memory:
            await memory.add(TALK, source="chat")

    old, whole = tmp_path / "m", tmp_path / "whole"
    asyncio.run(said(old))
    if work == "rebuild":
        assert crashes.killed("consolidate", old, 0)[0] == 0
    shutil.copytree(old, whole)
    count = crashes.points(work, whole)
    records, wanted = asyncio.run(contents(old)), asyncio.run(derived(whole))
    assert len(wanted[schema.FACTS]) > 5
    assert len(wanted[schema.NOTES]) == len(TALK)
    for number in spread(count, 14):
        folder = tmp_path / "cut"
        shutil.copytree(old, folder)
        status, lines = crashes.killed(work, folder, number)
        assert status == -9
        done_s = max((float(line.split()[1]) for line in lines if line.startswith("committed")), default=-inf)
        asyncio.run(reopened(folder))
        left = asyncio.run(derived(folder))[schema.FACTS]
        assert [f for f in left if f not in wanted[schema.FACTS]] == []
        promised = [f for f in wanted[schema.FACTS] if f["known_at_s"] <= done_s]
        assert [f for f in promised if f not in left] == [], f"{work} was killed at point {number} of {count}"
        assert crashes.killed("consolidate", folder, 0)[0] == 0
        assert asyncio.run(derived(folder)) == wanted, f"{work} was killed at point {number} of {count}"
        assert asyncio.run(contents(folder)) == records
        is_whole(folder)
        shutil.rmtree(folder)


@pytest.mark.parametrize("work", sorted(set(WORK) - {"ingest", "consolidate", "rebuild"}))
def test_while_a_whole_memory_changes(crashes: Crashes, prepared: Path, work: str) -> None:
    """It is the old one or the new one, and with the work done once more the new one."""
    old = prepared / "m"
    if work == "migrate":
        shutil.rmtree(old)
        with tarfile.open(OLD) as tar:
            tar.extractall(prepared, filter="data")
        (prepared / "memory").rename(old)
    if work == "import":
        asyncio.run(remembered(prepared / "other", stream(3, 40.0, "walk"), source("walk")))
        asyncio.run(exported(prepared / "other", prepared / "other.zip"))
    new = prepared / "new"
    shutil.copytree(old, new)
    count = crashes.points(work, new)
    wanted = asyncio.run(contents(new))
    shutil.copytree(old, prepared / "before")
    before = asyncio.run(contents(prepared / "before"))
    for number in spread(count, 10):
        folder = prepared / "cut"
        shutil.copytree(old, folder)
        assert crashes.killed(work, folder, number)[0] == -9
        asyncio.run(reopened(folder))
        found = asyncio.run(contents(folder))
        assert found in (before, wanted), f"{work} was killed at point {number} of {count}"
        is_whole(folder)
        if work == "snapshot":
            taken = [s.name for s in list_snapshots(folder)]
            assert taken in ([], ["now"])
            if taken:
                assert asyncio.run(contents(snapshot_folder(folder, "now"))) == before
                shutil.rmtree(folder)
                continue
        assert crashes.killed(work, folder, 0)[0] == 0
        assert asyncio.run(contents(folder)) == wanted
        is_whole(folder)
        shutil.rmtree(folder)
