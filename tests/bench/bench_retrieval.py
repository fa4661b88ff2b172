"""How fast a large memory answers: `python -m tests.bench.bench_retrieval [--rows 10000 100000 1000000] [--messages]`.

Prints for each size the rate of writing, the time to open, p50 and p95 of a search (by the clock, and the processor's
time of this process, which does not count what else the machine does), RSS and disk. Texts are sentences drawn from a
vocabulary whose words are as uneven as English (Zipf); a tenth of the records are screens, the rest is speech, so there
are about two keys to a record. --messages: conversations instead, in sessions of twenty messages. The vectors are random
unit vectors unless --vectors minilm is asked for (slow: about 3 ms a key); random ones are the harder case, as nothing
is near anything. The question's own embedding is not in the times.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import tempfile
import time
import zlib
from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from memory import (
    Memory,
    MemorySettings,
    MemoryWriter,
    Message,
    SearchRequest,
    SourceInfo,
    Store,
    text_source,
)
from memory.conversation import observations
from memory.generations import tables_folder
from runtime.channel import Channel, Policy
from runtime.compute import Compute
from runtime.messages import Clip, FrameFeature, Observation, Watermark
from runtime.models import TextEncoder

Percept = FrameFeature | Observation | Clip | Watermark
ONSETS = ["b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "br", "st", "tr", "pl"]
SYLLABLES = [onset + rime for onset in ONSETS for rime in ("a", "e", "i", "o", "u", "ai", "or", "en")]
SOURCES = 10


class RandomVectors:
    """A TextEncoder that gives each text its own random direction."""

    name, dim = "random", 384

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = [np.random.default_rng(zlib.crc32(text.encode())).standard_normal(self.dim) for text in texts]
        found = np.stack(rows).astype(np.float32)
        return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True))


class Language:
    """Sentences of a made-up tongue of 20,000 words."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        pick = random.Random(seed)
        self._words = np.array(
            ["".join(pick.choices(SYLLABLES, k=pick.randint(2, 4))) for _ in range(20_000)]
        )
        weights = 1.0 / np.arange(2, len(self._words) + 2)
        self._weights = weights / weights.sum()

    def sentence(self, length: int) -> str:
        drawn = self._rng.choice(len(self._words), size=length, p=self._weights)
        return f"{' '.join(self._words[drawn])} {self._rng.integers(10_000)}"


def messages(name: str, rows: int, language: Language) -> list[Percept]:
    out: list[Percept] = []
    for i in range(rows):
        t = 5.0 * i
        if i % 10 == 9:
            text = "\n".join(language.sentence(3) for _ in range(4))
            out.append(Observation(f"{name}/r{i}", name, "read", text, t, t + 4, t + 1))
        else:
            out.append(Observation(f"{name}/s{i}", name, "said", language.sentence(10), t, t + 4, t + 4))
    return [*out, Watermark("vision", inf), Watermark("read", inf), Watermark("said", inf)]


async def build(folder: Path, rows: int, encoder: TextEncoder, language: Language) -> float:
    compute = Compute()
    start = time.perf_counter()
    async with await Store.open(folder, encoder) as store:
        for number in range(SOURCES):
            name = f"source{number}"
            inbox: Channel[Percept] = Channel("inbox", inf, Policy.BLOCK)
            for message in messages(name, rows // SOURCES, language):
                await inbox.put(message)
            inbox.close()
            info = SourceInfo(name, name, name, duration_s=5.0 * rows / SOURCES)
            await MemoryWriter(store, encoder, compute, MemorySettings(), info).run(inbox)
    await compute.close(5.0)
    return time.perf_counter() - start


def conversation(rows: int, language: Language) -> list[Message]:
    return [
        Message(f"{language.sentence(10)}.", 1e9 + 20.0 * i, f"{i // 20}", "Ana" if i % 2 else "Ben")
        for i in range(rows)
    ]


async def build_messages(folder: Path, rows: int, encoder: TextEncoder, language: Language) -> float:
    compute = Compute()
    start = time.perf_counter()
    async with await Store.open(folder, encoder) as store:
        for number in range(SOURCES):
            source = text_source(f"source{number}")
            # As one batch: so many small commits would measure the disk, not the memory.
            writer = MemoryWriter(store, encoder, compute, MemorySettings(), source)
            await writer.begin()
            told = observations(source.id, conversation(rows // SOURCES, language))
            await writer.write([*told, Watermark("said", told[-1].known_at_s)])
            await writer.finish()
    await compute.close(5.0)
    return time.perf_counter() - start


async def measure(memory: Memory, requests: Sequence[SearchRequest]) -> str:
    times, busy = [], []
    for request in requests:
        start, begun = time.perf_counter(), time.process_time()
        await memory.search(request)
        times.append(1e3 * (time.perf_counter() - start))
        busy.append(1e3 * (time.process_time() - begun))
    p50, p95, cpu50, cpu95 = (np.percentile(t, p) for t in (times, busy) for p in (50, 95))
    return f"p50 {p50:.1f} ms, p95 {p95:.1f} ms (processor {cpu50:.1f}, {cpu95:.1f})"


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--messages", action="store_true")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--vectors", choices=("random", "minilm"), default="random")
    parser.add_argument("--minilm", type=Path, help="folder of the text encoder, for --vectors minilm")
    parser.add_argument(
        "--keep", type=Path, help="build them here and keep them; measured again if they are there"
    )
    args = parser.parse_args()
    encoder: TextEncoder = RandomVectors()
    if args.vectors == "minilm":
        from memory.text_encoder import MiniLMEncoder

        encoder = MiniLMEncoder(args.minilm, threads=2)
    for rows in args.rows:
        kept = args.keep / str(rows) if args.keep is not None else None
        folder = kept or Path(tempfile.mkdtemp(prefix="hearsight-bench-"))
        try:
            await one_size(folder, rows, encoder, args)
        finally:
            if kept is None:
                shutil.rmtree(folder)


async def one_size(folder: Path, rows: int, encoder: TextEncoder, args: argparse.Namespace) -> None:
    if not (tables_folder(folder) / "meta.lance").exists():
        make = build_messages if args.messages else build
        took = await make(folder, rows, encoder, Language(1))
        print(f"{rows} records: written in {took:.1f} s, {rows / took:.0f} a second", flush=True)
    before = psutil.Process().memory_info().rss
    start = time.perf_counter()
    async with await Memory.open(folder, encoder) as memory:
        await memory.refresh()
        print(f"{rows} records: opened and loaded in {time.perf_counter() - start:.2f} s", flush=True)
        asked = Language(2)
        texts = [asked.sentence(6) for _ in range(args.queries)]
        vectors = encoder.encode(texts)
        span = (20.0 if args.messages else 5.0) * rows / SOURCES
        zero = 1e9 if args.messages else 0.0
        tenth = {"t_min_s": zero, "t_max_s": zero + span / 10}
        ways: dict[str, dict[str, Any]] = {
            "everything": {},
            "one source as of its middle": {"sources": ("source3",), "as_of_s": zero + span / 2},
            "speech of a tenth of the time": {**tenth, "modalities": ("said",)},
        }
        if args.messages:  # only conversations have a time in common
            ways["everything as of its middle"] = {"as_of_s": zero + span / 2}
            ways["everything as of now"] = {"as_of_s": zero + span}
        for text, vector in zip(texts[:5], vectors[:5], strict=True):
            await memory.search(SearchRequest(text, vector))
        for label, how in ways.items():
            requests = [SearchRequest(t, v, k=20, **how) for t, v in zip(texts, vectors, strict=True)]
            print(f"{rows} records: search, {label}: {await measure(memory, requests)}", flush=True)
        rss = psutil.Process().memory_info().rss
        stats = await memory.stats()
        print(
            f"{rows} records: {stats.tables['keys'].rows} keys, {args.vectors} vectors; on disk "
            f"{stats.disk_bytes / 1e6:.0f} MB; RSS {rss / 1e6:.0f} MB, {(rss - before) / 1e6:.0f} MB of it since opening",
            flush=True,
        )


if __name__ == "__main__":
    asyncio.run(main())
