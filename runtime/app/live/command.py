"""hearsight live: the parts that all sessions share, and the server."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from memory import People, Store
from reasoning.captions import Captioner
from reasoning.engine import Start
from reasoning.proactive import Watches
from reasoning.voices import choose_voice
from runtime.app import console
from runtime.app.console import say
from runtime.app.context import App, open_answerer, open_app, open_engine
from runtime.app.idle import IdleConsolidation
from runtime.app.live.parts import Parts
from runtime.app.live.server import LiveServer
from runtime.app.live.telemetry import turn_spans
from runtime.app.settings import default_memory
from runtime.collector import start_up_frozen
from runtime.malloc import give_back_memory

_ENGINE_PATIENCE_S = 2.0


async def run_live(args: argparse.Namespace) -> int:
    """Until a signal. Raises HearsightError: something that it cannot do without is missing."""
    async with open_app(args) as app:
        given = (("host", args.host), ("port", args.port), ("record", args.record))
        changes = {name: value for name, value in given if value is not None}
        live = app.settings.live.model_copy(update=changes)
        app = replace(app, settings=app.settings.model_copy(update={"live": live}))
        async with (
            turn_spans(app.clock, say) as spans,
            open_parts(app, args.memory or default_memory(), args.engine) as (parts, new_watches),
        ):
            server = LiveServer(replace(parts, spans=spans), new_watches)
            async with server.serving() as address:
                if server.token and live.certificate is None:
                    say("note     without https (live.certificate) browsers give a camera to localhost only")
                if live.record is not None:
                    say(
                        f"note     {live.record} keeps sound, pictures and words as they come, secrets included"
                    )
                # After the # it stays in the browser, and the page takes it out of the address.
                secret = f"#token={server.token}" if server.token else ""
                console.stdout.print(f"live     {address}{secret}", markup=False)
                console.stdout.file.flush()
                idle = IdleConsolidation(
                    parts.memory, app.compute, app.clock, server.is_idle, parts.engine, say
                )
                with start_up_frozen():
                    async with asyncio.TaskGroup() as group:
                        group.create_task(idle.run(), name="consolidation")
                        await asyncio.Event().wait()
        return 0


@asynccontextmanager
async def open_parts(
    app: App, uri: str, engine: bool, start: Start | None = None
) -> AsyncIterator[tuple[Parts, Callable[[bool], Watches]]]:
    """What a LiveServer is made of, for a memory and with a language model or without one. start: how it starts."""
    settings = app.settings
    text_encoder = await app.models.text_encoder()
    async with (
        await Store.open(uri, text_encoder) as store,
        # A spoken answer does not wait for three passages to be read, on the cores that see and hear.
        open_engine(app, engine, _ENGINE_PATIENCE_S, start, reader=False) as reasoner,
    ):
        if reasoner is not None:
            reasoner.begin()
        vision = await app.models.vision.to_perceive(store)
        detector = await app.models.turn_detector()
        async with open_answerer(app, store, reasoner) as (answerer, memory):
            verifier = await app.models.verifier()
            folder = store.folder if store.folder is not None else Path(default_memory()).parent
            parts = Parts(
                store=store,
                memory=memory,
                answerer=answerer,
                text_encoder=text_encoder,
                transcriber=await app.models.transcriber(),
                turn_detector=detector,
                vision=vision,
                reader=await app.models.reader(),
                language=verifier.language,
                reasoner="none" if reasoner is None else settings.engine.model,
                voice=await choose_voice(settings.speech, app.registry, app.compute, say),
                compute=app.compute,
                metrics=app.metrics,
                clock=app.clock,
                app=settings,
                live=settings.live,
                people=await People.open(store, app.compute, settings.memory.voices, settings.memory.faces),
                voices=await app.models.voice_encoder(),
                faces=await app.models.face_encoder(),
                captioner=Captioner(reasoner),
                engine=reasoner,
            )

            async def text(texts: Sequence[str]) -> NDArray[np.float32]:
                return await app.compute.run("text encoder", text_encoder.encode, texts)

            async def seen(texts: Sequence[str]) -> NDArray[np.float32]:
                return await app.compute.run("vision text", vision.encode_text, texts)

            def new_watches(kept: bool) -> Watches:
                return Watches(
                    folder / "watches.json" if kept else None,
                    text=text,
                    vision=seen,
                    class_vectors=getattr(vision, "class_vectors", None),
                    report=say,
                )

            give_back_memory()  # models are read in through buffers larger than they are
            yield parts, new_watches
