"""hearsight screen: the parts of a recording, put together, and what can be asked of it while it runs."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memory import Store
from memory.screen import ScreenMemory, ScreenWriter
from perception.screen.privacy import Exclusions
from perception.screen.reader import ScreenReader
from perception.sources.display import Display
from reasoning.proactive import Watch, Watches, parse_watch
from reasoning.screen.tasks import Tasks, line_of
from reasoning.screen.timeline import entries
from reasoning.screen.when import at_text
from reasoning.watches import replies
from runtime.app import console
from runtime.app.console import say
from runtime.app.context import App, open_answerer, open_app
from runtime.app.screen.asking import Times, choose_answerer
from runtime.app.screen.assistant import Assistant
from runtime.app.screen.control import Command, Control
from runtime.app.screen.reading import open_reader
from runtime.app.screen.recorder import Recorder, Status
from runtime.app.settings import default_memory
from runtime.errors import InputError, MemoryStoreError
from runtime.messages import Query


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
        async with await Store.open(args.memory or default_memory(), encoder) as store:
            folder = store.folder
            if folder is None:
                raise MemoryStoreError("a screen is remembered in a local folder only")
            reader = ScreenReader(await open_reader(app, settings.read), "", settings.read)

            async def text(texts: Sequence[str]) -> NDArray[np.float32]:
                return await app.compute.run("text encoder", encoder.encode, texts)

            tasks = Tasks(folder / "tasks.json", report=say)
            watches = Watches(folder / "watches.json", text=text, report=say)
            assistant = Assistant(tasks, watches, store, settings, app.clock, _tell)
            recorder = Recorder(
                open_display,
                reader,
                ScreenWriter(store, encoder, app.compute, app.settings.memory),
                store,
                settings,
                app.compute,
                app.clock,
                notice=lambda state: say(f"screen   {state}"),
                remembered=assistant.remembered,
            )
            desk = Desk(app, store, recorder, assistant)
            async with Control(desk.commands(), desk.picture, settings.port).serving(folder) as address:
                console.stdout.print(f"screen   {address.url}#token={address.token}", markup=False)
                console.stdout.file.flush()
                async with asyncio.TaskGroup() as group:
                    group.create_task(recorder.run(), name="recorder")
                    group.create_task(assistant.run(), name="assistant")
    return 0


def _tell(text: str) -> None:
    console.stdout.print(text, markup=False)
    console.stdout.file.flush()


class Desk:
    """The commands of a running recorder, by name."""

    def __init__(self, app: App, store: Store, recorder: Recorder, assistant: Assistant) -> None:
        self._app = app
        self._store = store
        self._recorder = recorder
        self._assistant = assistant

    def commands(self) -> dict[str, Command]:
        return {
            "status": self._status,
            "pause": self._pause,
            "resume": self._resume,
            "forget": self._forget,
            "ask": self._ask,
            "tasks": self._tasks,
            "dismiss": self._dismiss,
            "watch": self._watch,
        }

    async def picture(self, source: str, t_s: float) -> bytes | None:
        async with open_answerer(self._app, self._store, None) as (_, memory):
            found = await memory.keyframe_at(source, t_s)
        return found.jpeg if found is not None else None

    async def _status(self, _: dict[str, Any]) -> dict[str, Any]:
        status = self._recorder.status
        now = self._app.clock.wall()
        screen = ScreenMemory(self._store)
        today = datetime.fromtimestamp(now).date()
        done = [
            a
            for a in await screen.activities(await screen.sources())
            if datetime.fromtimestamp(a.wall_s).date() == today
        ]
        return {
            "state": status.state,
            "line": status_line(status, now),
            "detail": status_detail(status, self._store),
            "today": entries(done),
            "tasks": [{"id": t.id, "line": line_of(t, now)} for t in self._assistant.tasks.all()],
        }

    async def _pause(self, arguments: dict[str, Any]) -> dict[str, Any]:
        seconds = arguments.get("seconds")
        await self._recorder.pause(float(seconds) if seconds is not None else None)
        return {"line": status_line(self._recorder.status, self._app.clock.wall())}

    async def _resume(self, _: dict[str, Any]) -> dict[str, Any]:
        await self._recorder.resume()
        return {"line": "recording goes on"}

    async def _forget(self, arguments: dict[str, Any]) -> dict[str, Any]:
        seconds = float(arguments["seconds"])
        self._assistant.tasks.forget(self._app.clock.wall() - seconds)
        return {"records": await self._recorder.forget(seconds)}

    async def _ask(self, arguments: dict[str, Any]) -> dict[str, Any]:
        question = str(arguments["question"]).strip()
        if not question:
            raise InputError("the question is empty")
        async with open_answerer(self._app, self._store, None) as (answerer, memory):
            times = Times(await memory.sources(), self._app.clock)
            chosen = choose_answerer(
                self._app, memory, answerer, await self._app.models.verifier(), tuple(times.sources)
            )
            answer = await chosen.answer(Query("ask", question))
        return {
            "text": answer.text,
            "evidence": [
                {"at": times.span(e), "text": e.text, "source": e.source, "t": e.t_start_s}
                for e in answer.evidence[:3]
            ],
        }

    async def _tasks(self, _: dict[str, Any]) -> dict[str, Any]:
        now = self._app.clock.wall()
        return {"tasks": [f"{t.id}  {line_of(t, now)}" for t in self._assistant.tasks.all()]}

    async def _dismiss(self, arguments: dict[str, Any]) -> dict[str, Any]:
        task = self._assistant.tasks.dismiss(str(arguments["id"]))
        if task is None and await self._assistant.watches.remove(str(arguments["id"])) is None:
            raise InputError(f"there is no open task or watch {arguments['id']}")
        return {"line": "dismissed"}

    async def _watch(self, arguments: dict[str, Any]) -> dict[str, Any]:
        now = self._app.clock.wall()
        language = (await self._app.models.verifier()).language
        wish = parse_watch(str(arguments["text"]), language, now)
        if not isinstance(wish, Watch):
            raise InputError('say what to be told of: "tell me when the build is done"')
        watch = await self._assistant.watches.add(wish, self._recorder.t_s)
        return {"line": f"{watch.id}  {replies.confirmation(watch, now)}"}


def status_line(status: Status, now: float) -> str:
    since = at_text(status.since, now)
    if status.state == "recording":
        return f"recording since {since}: {status.now or 'the desktop'}"
    return f"{status.state}, since {since}"


def status_detail(status: Status, store: Store) -> str:
    return f"{status.records} records and {status.pictures} pictures since the start, in {store.uri}"
