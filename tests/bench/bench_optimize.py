"""Does compaction block a reader? `python -m tests.bench.bench_optimize [--rows 100000] [--seconds 60]`.

A process of its own writes to the memory without pause, eight utterances a commit, and compacts after every sixteen commits. This
one searches all the while. Prints how long searches took while a compaction ran, and while none did. --busy: besides, a process
that does nothing but spin.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from memory import Memory, MemorySettings, MemoryWriter, SearchRequest, SourceInfo, Store
from runtime.collector import start_up_frozen
from runtime.compute import Compute
from runtime.messages import Observation, Watermark
from tests.bench.bench_retrieval import Language, RandomVectors, build

_COMMIT, _EVERY = 8, 16
_GOAL_MS = 100
_SPIN = "while True: pass"


async def write(folder: Path, seconds: float) -> None:
    """One line of JSON for each compaction: when it began and ended, Unix time."""
    language, compute, encoder = Language(7), Compute(), RandomVectors()
    settings = MemorySettings(optimize_every=1_000_000)
    ends, commits = time.time() + seconds, 0
    async with await Store.open(folder, encoder) as store:
        writer = MemoryWriter(store, encoder, compute, settings, SourceInfo("live", "live", "live"))
        await writer.begin()
        while time.time() < ends:
            first = commits * _COMMIT
            said = [
                Observation(
                    f"live/s{i}", "live", "said", language.sentence(10), 5.0 * i, 5.0 * i + 4, 5.0 * i + 4
                )
                for i in range(first, first + _COMMIT)
            ]
            await writer.write([*said, Watermark("said", said[-1].known_at_s)])
            commits += 1
            if commits % _EVERY == 0:
                began = time.time()
                await store.optimize()
                print(json.dumps([began, time.time()]), flush=True)
        await writer.finish()
    await compute.close(5.0)
    print(json.dumps({"commits": commits}), flush=True)


async def read(folder: Path, seconds: float, busy: bool) -> list[tuple[float, float]]:
    encoder = RandomVectors()
    spinning = await asyncio.create_subprocess_exec(sys.executable, "-c", _SPIN) if busy else None
    asked, spans = Language(2), []
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.bench_optimize", "--write", str(folder), "--seconds", str(seconds),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with await Memory.open(folder, encoder) as memory:
        await memory.refresh()
        with start_up_frozen():
            while process.returncode is None:
                text = asked.sentence(6)
                request = SearchRequest(text, encoder.encode([text])[0], k=20)
                began = time.time()
                await memory.search(request)
                spans.append((began, time.time()))
    if spinning is not None:
        spinning.kill()
        await spinning.wait()
    assert process.stdout is not None
    lines = [json.loads(line) for line in (await process.stdout.read()).splitlines()]
    compactions = [tuple(line) for line in lines if isinstance(line, list)]
    during = [e - b for b, e in spans if any(b < end and e > begin for begin, end in compactions)]
    without = [e - b for b, e in spans if not any(b < end and e > begin for begin, end in compactions)]
    print(
        f"{lines[-1]['commits']} commits, {len(compactions)} compactions of {_ms([e - b for b, e in compactions])}"
    )
    print(f"{len(during)} searches while one ran: {_ms(during)}")
    print(f"{len(without)} searches while none did: {_ms(without)}")
    return spans


def _ms(times: list[float]) -> str:
    if not times:
        return "none"
    p50, p95, most = (1e3 * float(v) for v in (*np.percentile(times, [50, 95]), max(times)))
    over = sum(1e3 * t > _GOAL_MS for t in times)
    return f"p50 {p50:.0f} ms, p95 {p95:.0f} ms, longest {most:.0f} ms, {over} over {_GOAL_MS} ms"


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.write is not None:
        await write(args.write, args.seconds)
        return
    with tempfile.TemporaryDirectory(prefix="hearsight-optimize-") as top:
        folder = Path(top) / "memory"
        took = await build(folder, args.rows, RandomVectors(), Language(1))
        print(f"{args.rows} records written in {took:.0f} s", flush=True)
        await read(folder, args.seconds, args.busy)


if __name__ == "__main__":
    asyncio.run(main())
