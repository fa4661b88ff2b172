"""Channel against asyncio.Queue: seconds per put+get, 100,000 items, in one run.

    python -m tests.bench.bench_channel [--items N] [--rounds N]

Prints the time per item of each (median of the rounds, which alternate) and their ratio; exits 1 when a ratio
is over 2.0.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
from collections.abc import Awaitable, Callable
from typing import Protocol

from runtime.channel import Channel, Policy
from runtime.clock import Stopwatch

LIMIT = 2.0
BOUND = 64


class Pipe(Protocol):
    async def put(self, item: int, /) -> None: ...
    async def get(self) -> int: ...


def queue() -> Pipe:
    return asyncio.Queue[int](BOUND)


def channel() -> Pipe:
    return Channel[int]("bench", BOUND, Policy.BLOCK)


async def alternating(pipe: Pipe, items: int) -> None:
    """One task: put, get, put, get."""
    for number in range(items):
        await pipe.put(number)
        await pipe.get()


async def pair(pipe: Pipe, items: int) -> None:
    """A producer and a consumer, which wait for each other at the bound."""

    async def produce() -> None:
        for number in range(items):
            await pipe.put(number)

    async def consume() -> None:
        for number in range(items):
            assert await pipe.get() == number

    async with asyncio.TaskGroup() as group:
        group.create_task(produce())
        group.create_task(consume())


def seconds_per_item(
    make: Callable[[], Pipe], work: Callable[[Pipe, int], Awaitable[None]], items: int
) -> float:
    async def run() -> float:
        pipe = make()
        with Stopwatch() as watch:
            await work(pipe, items)
        return watch.seconds / items

    return asyncio.run(run())


def main() -> int:
    parser = argparse.ArgumentParser(description="Channel against asyncio.Queue")
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    worst = 0.0
    for work in (alternating, pair):
        times: dict[str, list[float]] = {"asyncio.Queue": [], "Channel": []}
        for _ in range(options.rounds):
            times["asyncio.Queue"].append(seconds_per_item(queue, work, options.items))
            times["Channel"].append(seconds_per_item(channel, work, options.items))
        medians = {name: statistics.median(values) for name, values in times.items()}
        ratio = medians["Channel"] / medians["asyncio.Queue"]
        worst = max(worst, ratio)
        shown = ", ".join(f"{name} {median * 1e9:.0f} ns" for name, median in medians.items())
        print(f"{work.__name__}: {shown} per item, ratio {ratio:.2f}")
    print(f"{'ok' if worst <= LIMIT else 'TOO SLOW'}: worst ratio {worst:.2f}, limit {LIMIT}")
    return 0 if worst <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
