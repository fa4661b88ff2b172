"""What the recorder says by itself: tasks that are due, watches that came true, a summary of yesterday. It never nags."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from memory import Store
from memory.screen import ScreenMemory
from reasoning.proactive import Watches
from reasoning.screen.tasks import Tasks, is_quiet, line_of
from reasoning.screen.timeline import synopsis
from runtime.app.screen.settings import ScreenSettings
from runtime.clock import WallClock
from runtime.messages import Observation

_EVERY_S = 20.0
_HELD = 50
_NOTIFY_S = 5.0


class Assistant:
    """run() in a task of its own; remembered() gets every record as it is written."""

    def __init__(
        self,
        tasks: Tasks,
        watches: Watches,
        store: Store,
        settings: ScreenSettings,
        clock: WallClock,
        tell: Callable[[str], None],
    ) -> None:
        self.tasks = tasks
        self.watches = watches
        self._store = store
        self._settings = settings
        self._clock = clock
        self._tell = tell
        self._held = list(tasks.waiting)

    async def remembered(self, record: Observation, wall_s: float) -> None:
        if record.modality == "read" or record.details.get("ear") == "microphone":
            self.tasks.notice(record, wall_s)
        self._held += [(a.watch, a.text) for a in await self.watches.observe(record, record.known_at_s)]
        await self.say_held()

    async def run(self) -> None:
        while True:
            await self.look_around()
            await self._clock.sleep(_EVERY_S)

    async def look_around(self) -> None:
        """What is due now; in quiet hours it waits."""
        now = self._clock.wall()
        self._held += [(alert.watch, alert.text) for alert in await self.watches.due(now)]
        if self._quiet(now):
            await self.say_held()
            return
        for task in self.tasks.due(now, self._settings.nudge_cooldown_minutes * 60):
            self._held.append((task.id, f"Due: {line_of(task, now)}. (hearsight screen dismiss {task.id})"))
        await self._morning(now)
        await self.say_held()

    async def dismiss(self, id_: str) -> bool:
        """A task or a watch: it is not brought up again, not even what waits to be said of it. False: there is none."""
        known = self.tasks.dismiss(id_) is not None or await self.watches.remove(id_) is not None
        self._held = [(of, text) for of, text in self._held if of != id_]
        self.tasks.keep_waiting(self._held)
        return known

    def forget(self, from_wall: float) -> None:
        """What was noticed from then on, and what waits to be said."""
        self.tasks.forget(from_wall)
        self._held.clear()

    async def say_held(self) -> None:
        if not self._held or self._quiet(self._clock.wall()):
            del self._held[:-_HELD]
            self.tasks.keep_waiting(self._held)
            return
        held, self._held = self._held, []
        self.tasks.keep_waiting(())
        for _, text in held:
            self._tell(text)
            await notify(text)

    async def _morning(self, now: float) -> None:
        """Once a day, of the day before, when there was something."""
        today = datetime.fromtimestamp(now).date()
        if self.tasks.summarised == str(today):
            return
        self.tasks.summary_told(str(today))
        screen = ScreenMemory(self._store)
        yesterday = today - timedelta(days=1)
        done = [
            a
            for a in await screen.activities(await screen.sources())
            if datetime.fromtimestamp(a.wall_s).date() == yesterday
        ]
        if done:
            self._held.append((None, f"Yesterday, {synopsis(done)}"))

    def _quiet(self, now: float) -> bool:
        return is_quiet(now, self._settings.quiet_from, self._settings.quiet_to)


async def notify(text: str) -> None:
    """On the desktop, where it has notifications."""
    program = shutil.which("notify-send")
    if program is None:
        return
    with suppress(OSError, TimeoutError):
        process = await asyncio.create_subprocess_exec(
            program, "--app-name=Hearsight", "Hearsight", text,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            async with asyncio.timeout(_NOTIFY_S):
                await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
