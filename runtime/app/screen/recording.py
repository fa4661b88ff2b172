"""hearsight screen: the parts of a recording, put together."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from memory import Memory, People, Store
from memory.screen import ScreenWriter
from perception.audio.vad import SileroVad
from perception.screen.privacy import Exclusions
from perception.screen.reader import ScreenReader
from perception.sources.display import Display
from perception.sources.pulse import EarName, Playing, PulseSound
from perception.sources.stirring import Stirring
from reasoning.proactive import Watches
from reasoning.screen.tasks import Tasks
from runtime.app import console
from runtime.app.console import say
from runtime.app.context import App, open_app, open_engine
from runtime.app.idle import IdleConsolidation
from runtime.app.screen.assistant import Assistant
from runtime.app.screen.control import Control
from runtime.app.screen.desk import Desk
from runtime.app.screen.ear import Ear, HearingParts
from runtime.app.screen.ears import Ears
from runtime.app.screen.pausing import PauseKey
from runtime.app.screen.reading import open_reader
from runtime.app.screen.recorder import Recorder
from runtime.app.screen.retaining import Retention
from runtime.app.settings import default_memory
from runtime.errors import MemoryStoreError

_ENGINE_PATIENCE_S = 5.0


async def record(args: argparse.Namespace) -> int:
    """Until a signal. Raises HearsightError: no display, another recorder, a memory that cannot be written."""
    async with open_app(args) as app:
        settings = app.settings.screen
        exclusions = Exclusions(settings.exclude_programs, settings.exclude_titles)
        open_display = partial(Display, exclusions, settings.without_windows)
        # What is wrong with the display is said now, not tried again for ever.
        display = await app.compute.run("screen", open_display)
        await app.compute.run("screen", display.close)
        encoder = await app.models.text_encoder()
        async with (
            await Store.open(args.memory or default_memory(), encoder) as store,
            open_engine(app, True, _ENGINE_PATIENCE_S, reader=settings.reader) as engine,
        ):
            folder = store.folder
            if folder is None:
                raise MemoryStoreError("a screen is remembered in a local folder only")
            reader = ScreenReader(await open_reader(app, settings.read), "", settings.read)

            async def text(texts: Sequence[str]) -> NDArray[np.float32]:
                return await app.compute.run("text encoder", encoder.encode, texts)

            tasks = Tasks(folder / "tasks.json", report=say)
            watches = Watches(folder / "watches.json", text=text, report=say)

            def tell(text: str) -> None:
                console.stdout.print(text, markup=False)
                console.stdout.file.flush()
                desk.told(text)

            assistant = Assistant(tasks, watches, store, settings, app.clock, tell)
            ears = Ears(lambda ear, said: recorder.hear(ear, said))
            await _add_ears(app, args, exclusions, ears)
            people = await People.open(store, app.compute, app.settings.memory.voices)
            writer = ScreenWriter(store, encoder, app.compute, app.settings.memory)
            recorder = Recorder(
                open_display,
                reader,
                writer,
                store,
                settings,
                app.compute,
                app.clock,
                notice=lambda state: say(f"screen   {state}"),
                remembered=assistant.remembered,
                stirs=Stirring() if sys.platform.startswith("linux") else None,
                ears=ears,
                people=people,
                user=app.settings.memory.user or "you",
            )
            retention = Retention(
                store, writer, settings, app.clock, recorder, lambda line: say(f"screen   {line}")
            )
            desk = Desk(app, store, recorder, assistant, engine, ears, retention)
            key = PauseKey(settings.hotkey, recorder, app.clock, say)
            memory = await Memory.open(store, encoder, compute=app.compute, settings=app.settings.memory)
            idle = IdleConsolidation(memory, app.compute, app.clock, lambda: True, None, say)
            async with Control(desk.commands(), desk.picture, desk.hear, settings.port).serving(
                folder
            ) as address:
                console.stdout.print(f"screen   {address.url}#token={address.token}", markup=False)
                console.stdout.file.flush()
                async with asyncio.TaskGroup() as group:
                    group.create_task(recorder.run(), name="recorder")
                    group.create_task(ears.run(), name="ears")
                    group.create_task(assistant.run(), name="assistant")
                    group.create_task(idle.run(), name="consolidation")
                    group.create_task(key.run(), name="pause key")
                    group.create_task(retention.run(), name="retention")
    return 0


async def _add_ears(app: App, args: argparse.Namespace, exclusions: Exclusions, ears: Ears) -> None:
    """Those that are wanted; without any, no model is loaded. Raises ModelError."""
    settings = app.settings.screen
    wanted: list[tuple[EarName, str]] = []
    if settings.microphone or args.microphone:
        wanted.append(("microphone", settings.microphone_device))
    if settings.system_sound or args.system_sound:
        wanted.append(("system", settings.system_sound_device))
    if not wanted:
        return
    parts = HearingParts(SileroVad, await app.models.transcriber(), await app.models.voice_encoder())

    def hides(playing: Playing) -> bool:
        return exclusions.hides_program(playing.name) or exclusions.hides_program(playing.binary)

    for name, device in wanted:
        source = PulseSound(name, app.clock, device, hides).run
        ears.add(
            Ear(
                name,
                source,
                parts,
                app.settings.audio,
                settings.hear_span_s,
                app.compute,
                app.clock,
                ears.take,
                report,
            )
        )


def report(line: str) -> None:
    say(f"hearing  {line}")
