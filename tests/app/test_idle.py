"""Facts are made while nothing else is to be done, and only then."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from memory import Memory
from runtime.app.idle import IdleConsolidation
from runtime.clock import VirtualClock
from runtime.compute import Compute
from tests.conftest import Run
from tests.memory.test_consolidation import MOVES, talk
from tests.memory.world import SETTINGS, HashEncoder


async def begun_s(folder: Path, idle_from_s: float) -> float:
    """When the first facts are there, where somebody talks until idle_from_s."""
    clock, compute = VirtualClock(), Compute()
    async with await Memory.open(folder, HashEncoder(), settings=SETTINGS, read_only=False) as memory:
        await memory.add(talk(MOVES), source="chat")
        began_s = clock.now()
        worker = IdleConsolidation(
            memory, compute, clock, lambda: clock.now() - began_s >= idle_from_s, None, pytest.fail
        )
        running = asyncio.create_task(worker.run())
        for _ in range(3000):
            await clock.sleep(30.0)
            if await memory.facts():
                break
        running.cancel()
        await asyncio.wait([running])
    await compute.close(5.0)
    return clock.now() - began_s


def test_it_waits_until_nobody_talks(tmp_path: Path, run_virtual: Run) -> None:
    assert 5000.0 <= run_virtual(begun_s(tmp_path / "m", 5000.0)) < 80_000.0


def test_what_goes_wrong_is_said_once(tmp_path: Path, run_virtual: Run) -> None:
    async def main() -> list[str]:
        clock, compute = VirtualClock(), Compute()
        async with await Memory.open(
            tmp_path / "m", HashEncoder(), settings=SETTINGS, read_only=False
        ) as memory:
            await memory.add(talk(MOVES), source="chat")
        said: list[str] = []
        async with await Memory.open(tmp_path / "m", HashEncoder(), settings=SETTINGS) as memory:
            worker = IdleConsolidation(memory, compute, clock, lambda: True, None, said.append)
            await worker.once()
            await worker.once()
        await compute.close(5.0)
        return said

    (line,) = run_virtual(main())
    assert "reading only" in line
