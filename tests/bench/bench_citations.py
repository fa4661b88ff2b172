"""Does the ranking gain by what answers cite? `python -m tests.bench.bench_citations FILE` (in LoCoMo's format).

Each conversation's questions are halved by turns. The first half are asked with learning on; what is cited is the evidence
among the first twenty, which is the best that an answer could cite. Then the second half is asked, before and after. Last,
one set of weights learned from all other conversations is tried on each.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from memory import Memory, MemorySettings, SearchRequest
from memory.citations import Citations, read_citations, reset_citations, write_citations
from runtime.app.context import App, open_app
from runtime.app.evaluation import RANKS, remember
from runtime.app.locomo import LocomoQuestion, LocomoSample, read_locomo, recall

Shares = list[list[float]]


async def ask(
    memory: Memory, sample: LocomoSample, questions: Sequence[LocomoQuestion], cite: bool
) -> Shares:
    now_s = max(m.time_s for m in sample.messages)
    shares = []
    for question in questions:
        hits = await memory.search(SearchRequest(question.text, k=max(RANKS), now_s=now_s))
        refs = [str(hit.record.details["ref"]) for hit in hits]
        shares.append([recall(refs, question.evidence, k) for k in RANKS])
        if cite:
            pairs = zip(refs, hits, strict=True)
            memory.cited({hit.record.id for ref, hit in pairs if ref in question.evidence})
    return shares


async def one(
    app: App, folder: Path, sample: LocomoSample, settings: MemorySettings
) -> tuple[Shares, Shares]:
    reset_citations(folder)
    encoder = await app.models.text_encoder()
    async with await Memory.open(folder, encoder, compute=app.compute, settings=settings) as memory:
        taught, asked = sample.questions[::2], sample.questions[1::2]
        before = await ask(memory, sample, asked, cite=False)
        await ask(memory, sample, taught, cite=True)
        return before, await ask(memory, sample, asked, cite=False)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", type=Path)
    args = parser.parse_args()
    samples = read_locomo(args.file)
    before: Shares = []
    after: Shares = []
    everywhere: list[Citations] = []
    moved: Shares = []
    with tempfile.TemporaryDirectory(prefix="hearsight-citations-") as top:
        async with open_app(argparse.Namespace(config=None, overrides=(), quiet=True)) as app:
            encoder = await app.models.text_encoder()
            search = app.settings.memory.search.model_copy(update={"learn": True})
            settings = app.settings.memory.model_copy(update={"search": search})
            for sample in samples:
                folder = Path(top) / sample.name
                await remember(app, folder, {sample.name: sample.messages})
                plain, learned = await one(app, folder, sample, settings)
                before += plain
                after += learned
                everywhere.append(read_citations(folder))
            for number, sample in enumerate(samples):
                others = [c.weights for i, c in enumerate(everywhere) if i != number]
                folder = Path(top) / sample.name
                write_citations(folder, Citations(np.mean(others, axis=0), 1))
                async with await Memory.open(
                    folder, encoder, compute=app.compute, settings=settings
                ) as memory:
                    moved += await ask(memory, sample, sample.questions[1::2], cite=False)
    for label, shares in (("before", before), ("after", after), ("learned elsewhere", moved)):
        means = np.mean(shares, axis=0)
        print(f"{label}: " + ", ".join(f"R@{k} {m:.4f}" for k, m in zip(RANKS, means, strict=True)))
    print({name.name: c.weights.round(3).tolist() for name, c in zip(samples, everywhere, strict=True)})


if __name__ == "__main__":
    asyncio.run(main())
