"""What every command that perceives or answers opens first, and closes in the end."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from memory import Memory, Store
from memory.retention import note_recalls
from reasoning.answer import Answerer
from reasoning.engine import Engine, Start
from reasoning.visual import Scenes
from runtime.app.console import say
from runtime.app.models import Models
from runtime.app.settings import AppSettings, app_settings
from runtime.clock import SystemClock, WallClock
from runtime.compute import Compute
from runtime.messages import Answer
from runtime.metrics import Metrics
from runtime.weights import Registry


@dataclass(frozen=True, slots=True)
class App:
    settings: AppSettings
    registry: Registry
    compute: Compute
    metrics: Metrics
    models: Models
    clock: WallClock


@asynccontextmanager
async def open_app(args: argparse.Namespace, clock: WallClock | None = None) -> AsyncIterator[App]:
    settings = app_settings(args.config, args.overrides)
    registry, metrics, clock = Registry.load(), Metrics(), clock or SystemClock()
    compute = Compute(metrics)
    tell = (lambda _: None) if getattr(args, "quiet", False) else say
    try:
        yield App(settings, registry, compute, metrics, Models(settings, registry, compute, tell), clock)
    finally:
        await compute.close(settings.pipeline.stop_deadline_s)


@asynccontextmanager
async def open_engine(
    app: App,
    wanted: bool,
    patience_s: float | None = None,
    start: Start | None = None,
    *,
    reader: bool = True,
) -> AsyncIterator[Engine | None]:
    """reader: a model that reads may be taken, where the settings do not forbid it."""
    if not wanted or app.settings.engine.mode == "off":
        yield None
        return
    settings = app.settings.engine
    settings = settings.model_copy(update={"reader": settings.reader and reader})
    async with Engine(settings, say, app.clock, patience_s=patience_s, start=start) as engine:
        yield engine


@asynccontextmanager
async def open_answerer(
    app: App, store: Store, engine: Engine | None
) -> AsyncIterator[tuple[Answerer, Memory]]:
    memory = await Memory.open(
        store, await app.models.text_encoder(), compute=app.compute, settings=app.settings.memory
    )
    try:
        encoder = await app.models.vision.to_ask(store)
        scenes = Scenes(memory, encoder, app.compute, getattr(encoder, "class_vectors", None))
        verifier = await app.models.verifier()
        yield (
            Answerer(memory, verifier, scenes, app.compute, app.settings.answer, app.clock, engine),
            memory,
        )
    finally:
        await memory.close()


def note_cited(memory: Memory, answer: Answer, clock: WallClock) -> None:
    """What an answer cites is held on to for longer (memory/retention.py), and what it is made of, its first piece of
    evidence, is found sooner where the ranking learns (memory/citations.py)."""
    folder = memory.store.folder
    if folder is not None and answer.evidence and not answer.abstained:
        note_recalls(folder, (e.id for e in answer.evidence), clock.wall())
        memory.cited((answer.evidence[0].id,))
