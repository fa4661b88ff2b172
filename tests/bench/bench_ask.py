#!/usr/bin/env python3
"""How long an answer takes: `python tests/bench/bench_ask.py MEMORY questions.jsonl [--rounds 3] [--engine]`.

Asks every question of the file (lines as for `hearsight qa`), one after another. Prints p50 and p95 in milliseconds
of the whole, and of its two parts: retrieval, all that is asked of the memory (the question's embedding included),
and the answer, everything else: parsing, looking for scenes, weighing, the language model. Without --engine the
evidence is the answer; with it the language model of the settings words it, and is started first. A first question,
which loads what the others find loaded, is not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import numpy as np

from memory import Memory, Store
from reasoning.answer import Answerer
from reasoning.engine import Engine
from reasoning.visual import Scenes
from runtime.app.formats import QuestionLine, read_questions
from runtime.app.models import Models
from runtime.app.settings import app_settings
from runtime.clock import SystemClock, perf
from runtime.compute import Compute
from runtime.messages import Query
from runtime.weights import Registry

P = ParamSpec("P")
T = TypeVar("T")
RETRIEVAL = ("search", "search_clips", "visible_clips", "neighbours_of", "keyframe_at")


class Stopwatch:
    """Seconds spent inside some of an object's coroutines."""

    def __init__(self, watched: object, names: Sequence[str]) -> None:
        self.seconds = 0.0
        for name in names:
            setattr(watched, name, self._timed(getattr(watched, name)))

    def _timed(self, call: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
        @wraps(call)
        async def timed(*args: P.args, **kwargs: P.kwargs) -> T:
            began = perf()
            try:
                return await call(*args, **kwargs)
            finally:
                self.seconds += perf() - began

        return timed


async def ask_all(
    answerer: Answerer, watch: Stopwatch, questions: Sequence[QuestionLine], source: str, rounds: int
) -> list[tuple[float, float]]:
    """(whole, retrieval) in seconds for every question and round."""
    times = []
    for number in range(-1, rounds * len(questions)):
        item = questions[number % len(questions)]
        watch.seconds, began = 0.0, perf()
        await answerer.answer(
            Query(item.id, item.question, item.ask_at, tuple(item.options or ()), (source,))
        )
        if number >= 0:
            times.append((perf() - began, watch.seconds))
    return times


def line(name: str, seconds: Sequence[float]) -> str:
    p50, p95 = np.percentile(np.array(seconds) * 1000, [50, 95])
    return f"{name:<10} p50 {p50:8.1f} ms   p95 {p95:8.1f} ms"


async def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("memory")
    parser.add_argument("questions", type=Path)
    parser.add_argument(
        "--source", help="id of the video that is asked about, where the memory holds several"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engine", action="store_true")
    parser.add_argument("--set", action="append", default=[], dest="overrides", metavar="SECTION.KEY=VALUE")
    args = parser.parse_args()
    settings, clock, compute = app_settings(None, args.overrides), SystemClock(), Compute()
    questions = read_questions(args.questions)

    def report(text: str) -> None:
        print(text, file=sys.stderr)

    models = Models(settings, Registry.load(), compute, report)
    async with AsyncExitStack() as opened:
        opened.push_async_callback(compute.close, 5.0)
        encoder = await models.text_encoder()
        store = await opened.enter_async_context(await Store.open(args.memory, encoder, read_only=True))
        memory = await opened.enter_async_context(
            await Memory.open(store, encoder, compute=compute, settings=settings.memory)
        )
        sources = [source.id for source in await memory.sources()]
        if args.source not in sources and (args.source is not None or len(sources) != 1):
            parser.error(f"--source must be one of {', '.join(sources)}")
        engine = None
        if args.engine:
            engine = await opened.enter_async_context(Engine(settings.engine, report, clock))
            await engine.client()
        vision = await models.vision.to_ask(store)
        scenes = Scenes(memory, vision, compute, getattr(vision, "class_vectors", None))
        answerer = Answerer(memory, await models.verifier(), scenes, compute, settings.answer, clock, engine)
        watch = Stopwatch(memory, RETRIEVAL)
        times = await ask_all(answerer, watch, questions, args.source or sources[0], args.rounds)
        stats = await memory.stats()
    print(
        f"{len(questions)} questions, {args.rounds} rounds, {stats.tables['keys'].rows} keys in memory, "
        f"{'with' if engine else 'without'} a language model, load average {os.getloadavg()[0]:.1f}"
    )
    print(line("ask", [whole for whole, _ in times]))
    print(line("retrieval", [retrieval for _, retrieval in times]))
    print(line("answer", [whole - retrieval for whole, retrieval in times]))


if __name__ == "__main__":
    asyncio.run(main())
