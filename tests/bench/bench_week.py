"""A week of a stream under a budget: what it takes, and what is still found, by age; against no limit, and against
keeping the newest only.

    python -m tests.bench.bench_week [--days 7] [--budget-mb 12]

The stream is made up: every five minutes a scene with a picture and patch tokens, every ten a fact among small
talk. The
text encoder is the packaged one. Each fact is asked for once; "found" is its record among the first five, "shown" that a
picture of that scene is still there.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
from dataclasses import dataclass
from math import inf
from pathlib import Path

import numpy as np

from memory import Memory, MemorySettings, MemoryWriter, SearchRequest, SourceInfo, Store, schema
from memory.forgetting import Selection, forget
from memory.stats import memory_stats
from runtime.app.models import Models
from runtime.app.settings import AppSettings
from runtime.channel import Channel, Policy
from runtime.compute import Compute
from runtime.messages import Clip, FrameFeature, Observation, Watermark
from runtime.models import TextEncoder
from runtime.weights import Registry

DAY_S = 86_400.0
_SCENE_S, _FACT_S, _HOUR_S = 300.0, 600.0, 3600.0
_TALK = (
    "We should go on now.",
    "Can you see my screen?",
    "That sounds good to me.",
    "I will write it down later.",
)
_THINGS = ("parcel", "key", "meeting", "ticket", "plant", "letter", "bicycle", "invoice", "guest", "recipe")
_PLACES = (
    "kitchen",
    "garage",
    "library",
    "office",
    "garden",
    "station",
    "cellar",
    "attic",
    "harbour",
    "workshop",
)
_PICTURE_BYTES = 15_000


@dataclass(frozen=True, slots=True)
class Fact:
    """t_s: seconds of its day."""

    day: int
    t_s: float
    text: str
    question: str


def facts_of(day: int) -> list[Fact]:
    rng = random.Random(1000 + day)
    out = []
    for n in range(int(DAY_S // _FACT_S)):
        thing, place, number = rng.choice(_THINGS), rng.choice(_PLACES), day * 1000 + n
        text = f"The {thing} number {number} is in the {place}."
        out.append(Fact(day, n * _FACT_S + 30.0, text, f"Where is the {thing} number {number}?"))
    return out


def stream(day: int, source: str) -> list[FrameFeature | Observation | Watermark]:
    rng = np.random.default_rng(day)
    told = {fact.t_s: fact.text for fact in facts_of(day)}
    out: list[FrameFeature | Observation | Watermark] = []
    for scene in range(int(DAY_S // _SCENE_S)):
        t = scene * _SCENE_S
        vector = rng.standard_normal(32).astype(np.float32)
        vector /= np.linalg.norm(vector)
        patches = rng.standard_normal((16, 32)).astype(np.float16)
        jpeg = rng.bytes(_PICTURE_BYTES)
        out.append(FrameFeature(t, int(t // _HOUR_S), vector, vector, patches, (("room", 0.5),), jpeg))
        at = t + 30.0
        text = told.get(at, _TALK[scene % len(_TALK)])
        out.append(Observation(f"{source}/said/{scene:05d}", source, "said", text, at, at + 3.0, at + 3.0))
        out.append(Watermark("said", at + 3.0))
        out += [Watermark("vision", t + _SCENE_S), Watermark("read", t + _SCENE_S)]
    return [*out, *(Watermark(s, inf) for s in ("vision", "read", "said"))]


async def write_day(
    store: Store, encoder: TextEncoder, compute: Compute, day: int, settings: MemorySettings
) -> None:
    source = f"day{day}"
    about = SourceInfo(source, source, source, DAY_S, wall_zero_s=day * DAY_S)
    inbox: Channel[FrameFeature | Observation | Clip | Watermark] = Channel("inbox", 1e6, Policy.BLOCK)
    for message in stream(day, source):
        await inbox.put(message)
    inbox.close()
    writer = MemoryWriter(store, encoder, compute, settings, about, wall=lambda: (day + 1) * DAY_S)
    await writer.run(inbox)


async def keep_newest(store: Store, settings: MemorySettings, budget: int, day: int) -> None:
    """The plain way: whole hours go, oldest first, until it fits."""
    for hour in range((day + 1) * 24):
        if (await memory_stats(store)).disk_bytes <= budget:
            return
        old, begin = divmod(hour, 24)
        span = Selection(sources=(f"day{old}",), t_min_s=begin * _HOUR_S, t_max_s=(begin + 1) * _HOUR_S - 1)
        await forget(store, span, settings)


async def measure(
    store: Store, encoder: TextEncoder, compute: Compute, days: int
) -> list[tuple[float, float]]:
    """By age in days, newest first: shares of facts found and shown."""
    out = []
    memory = await Memory.open(store, encoder, compute=compute)
    rows = await store.rows(schema.KEYFRAMES, columns=["source", "t_start_s"])
    shown = (
        {(r["source"], r["t_start_s"] // _SCENE_S) for r in rows.to_pylist()} if rows is not None else set()
    )
    for day in reversed(range(days)):
        asked = facts_of(day)[::6]
        found = pictures = 0
        for fact in asked:
            hits = await memory.search(SearchRequest(fact.question, k=5))
            found += any(hit.text == fact.text for hit in hits)
            pictures += (f"day{day}", fact.t_s // _SCENE_S) in shown
        out.append((found / len(asked), pictures / len(asked)))
    await memory.close()
    return out


async def main(days: int, budget_mb: float) -> None:
    compute = Compute()
    models = Models(AppSettings(), Registry.load(), compute, lambda _: None)
    encoder = await models.text_encoder()
    plain = MemorySettings(chapter_s=_HOUR_S, said_commit_s=_HOUR_S)
    budget = int(budget_mb * 1e6)
    policies = {
        "no limit": plain,
        "thinned": plain.model_copy(update={"total_bytes": budget}),
        "newest only": plain,
    }
    print(f"{days} days, budget {budget_mb:g} MB (found in the first five / still shown, by age in days)")
    for name, settings in policies.items():
        with tempfile.TemporaryDirectory() as folder:
            async with await Store.open(Path(folder, "m"), encoder) as store:
                for day in range(days):
                    await write_day(store, encoder, compute, day, settings)
                    if name == "newest only":
                        await keep_newest(store, settings, budget, day)
                size = (await memory_stats(store)).disk_bytes / 1e6
                ages = await measure(store, encoder, compute, days)
        shares = "  ".join(f"{found:.2f}/{pictures:.2f}" for found, pictures in ages)
        print(f"{name:12}  {size:6.1f} MB  {shares}", flush=True)
    await compute.close(5.0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--budget-mb", type=float, default=12.0)
    asked = parser.parse_args()
    asyncio.run(main(asked.days, asked.budget_mb))
