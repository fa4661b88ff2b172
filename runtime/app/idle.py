"""Consolidation in the background of the live and the screen mode: only while nothing else is to be done."""

from __future__ import annotations

from collections.abc import Callable

from memory import Memory
from reasoning.consolidation import extractors
from reasoning.engine import Reasoner
from runtime.clock import WallClock
from runtime.compute import Compute
from runtime.errors import HearsightError


class IdleConsolidation:
    """run() in a task of its own, beside what it must not disturb: between two batches it asks whether it is still idle."""

    def __init__(
        self,
        memory: Memory,
        compute: Compute,
        clock: WallClock,
        idle: Callable[[], bool],
        reasoner: Reasoner | None,
        say: Callable[[str], None],
    ) -> None:
        """idle: whether nobody speaks or waits. reasoner: used where it is more than a small model."""
        self._memory = memory
        self._compute = compute
        self._clock = clock
        self._idle = idle
        self._reasoner = reasoner
        self._say = say
        self._trouble = ""

    async def run(self) -> None:
        settings = self._memory.settings.consolidation
        while settings.when_idle:
            await self._clock.sleep(settings.idle_s)
            if self._idle():
                await self.once()

    async def once(self) -> None:
        """One pass, as far as it comes. What goes wrong is said once, and tried again the next time."""
        try:
            settings = self._memory.settings
            zone = self._memory.store.zone(settings.timezone)
            for extractor in await extractors(self._compute, settings, zone, self._reasoner):
                await self._memory.consolidate(extractor, stop=lambda: not self._idle())
            self._trouble = ""
        except HearsightError as error:
            if str(error) != self._trouble:
                self._say(f"facts    {error}")
            self._trouble = str(error)
