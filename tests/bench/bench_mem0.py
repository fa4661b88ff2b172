"""Side by side with mem0 on the same conversations: `python -m tests.bench.bench_mem0 FILE [--samples 2]`.

FILE is in LoCoMo's format. Needs mem0 (`pip install mem0ai fastembed`, here or in a folder named with --mem0). Both add one
turn at a time, with the speaker's name before it, and use the same text encoder. mem0 runs without a language model
(infer=False), with a local Qdrant on disk, and with its keyword search and entities on: as they want downloads at run
time, its spaCy model is the one in Hearsight's cache, and its BM25 gets Hearsight's stop words.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from memory import Memory, Message
from memory.text import STOP_WORDS
from memory.text_encoder import MiniLMEncoder
from runtime.app.locomo import LocomoSample, read_locomo, recall
from runtime.weights import Registry

RANKS = (1, 5, 10, 20)
Add = Callable[[Message], Awaitable[None]]
Search = Callable[[str], Awaitable[list[str]]]


@dataclass
class Figures:
    shares: list[list[float]] = field(default_factory=list)
    writes_s: list[float] = field(default_factory=list)
    searches_s: list[float] = field(default_factory=list)
    disk: int = 0

    def report(self) -> dict[str, float]:
        out = {f"R@{k}": round(float(np.mean([s[i] for s in self.shares])), 4) for i, k in enumerate(RANKS)}
        return out | {
            "ms per write": round(1e3 * float(np.mean(self.writes_s)), 1),
            "search p50 ms": round(1e3 * float(np.percentile(self.searches_s, 50)), 1),
            "search p95 ms": round(1e3 * float(np.percentile(self.searches_s, 95)), 1),
            "bytes per turn": round(self.disk / len(self.writes_s)),
        }


async def measure(sample: LocomoSample, add: Add, search: Search, figures: Figures) -> None:
    for message in sample.messages:
        if message.content:
            began = time.perf_counter()
            await add(message)
            figures.writes_s.append(time.perf_counter() - began)
    for question in sample.questions:
        began = time.perf_counter()
        found = await search(question.text)
        figures.searches_s.append(time.perf_counter() - began)
        figures.shares.append([recall(found, question.evidence, k) for k in RANKS])


async def hearsight(sample: LocomoSample, encoder: MiniLMEncoder, folder: Path, figures: Figures) -> None:
    now_s = max(m.time_s for m in sample.messages)
    async with await Memory.open(folder, encoder, read_only=False) as memory:

        async def add(message: Message) -> None:
            await memory.add(message)

        async def search(text: str) -> list[str]:
            hits = await memory.search(text, k=max(RANKS), now_s=now_s)
            return [str(hit.record.details["ref"]) for hit in hits]

        await measure(sample, add, search, figures)
    figures.disk += size(folder)


async def mem0(sample: LocomoSample, encoder: MiniLMEncoder, folder: Path, figures: Figures) -> None:
    import spacy
    from fastembed import SparseTextEmbedding
    from mem0 import Memory as Mem0
    from mem0.utils import spacy_models

    store = {"path": str(folder / "qdrant"), "embedding_model_dims": encoder.dim, "on_disk": True}
    config = {
        "vector_store": {"provider": "qdrant", "config": store},
        "history_db_path": str(folder / "history.db"),
    }
    memory = Mem0.from_config(config)
    memory.embedding_model = _Same(encoder)
    nlp = spacy.load(Registry.load().locate("en-core-web-sm"))
    spacy_models._nlp_full = spacy_models._nlp_lemma = nlp
    (folder / "bm25").mkdir()
    memory.vector_store._bm25_encoder = SparseTextEmbedding(
        model_name="Qdrant/bm25", stopwords=set(STOP_WORDS), specific_model_path=str(folder / "bm25")
    )

    async def add(message: Message) -> None:
        said = {"role": "user", "content": f"{message.speaker}: {message.content}"}
        meta = {"ref": message.ref}
        memory.add([said], user_id="locomo", infer=False, metadata=meta)

    async def search(text: str) -> list[str]:
        found = memory.search(text, filters={"user_id": "locomo"}, top_k=max(RANKS), threshold=0.0)
        return [str(one["metadata"]["ref"]) for one in found["results"]]

    await measure(sample, add, search, figures)
    memory.close()
    figures.disk += size(folder)


class _Same:
    """mem0's embedder, with Hearsight's encoder behind it."""

    config = None

    def __init__(self, encoder: MiniLMEncoder) -> None:
        self._encoder = encoder

    def embed(self, text: str, memory_action: str | None = None) -> list[float]:
        return self.embed_batch([text])[0]

    def embed_batch(self, texts: Sequence[str], memory_action: str | None = None) -> list[list[float]]:
        vectors: list[list[float]] = self._encoder.encode(list(texts)).tolist()
        return vectors


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--samples", type=int, default=2)
    parser.add_argument("--mem0", type=Path, help="a site-packages folder that has it")
    args = parser.parse_args()
    if args.mem0 is not None:
        sys.path.append(str(args.mem0))
    # It reports home and calls its model's maker unless told otherwise; neither is wanted here.
    os.environ |= {"MEM0_TELEMETRY": "False", "OPENAI_API_KEY": "none"}
    logging.disable(logging.WARNING)
    encoder = MiniLMEncoder(Registry.load().locate("minilm"), threads=2, remembered=0)
    ways: dict[str, Callable[..., Awaitable[None]]] = {"hearsight": hearsight, "mem0": mem0}
    figures: dict[str, Any] = {name: Figures() for name in ways}
    for sample in read_locomo(args.file)[: args.samples]:
        for name, way in ways.items():
            with tempfile.TemporaryDirectory(prefix="hearsight-mem0-") as folder:
                await way(sample, encoder, Path(folder), figures[name])
    for name, found in figures.items():
        print(
            json.dumps(
                {"memory": name, "turns": len(found.writes_s), "questions": len(found.shares)}
                | found.report()
            )
        )


if __name__ == "__main__":
    asyncio.run(main())
