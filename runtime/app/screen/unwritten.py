"""What was read of the screen and is not yet in memory: written together every few seconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from math import inf

from memory import People
from memory.screen import ScreenWriter
from runtime.clock import Clock
from runtime.messages import Observation, ScreenReading

_MOST = 512
_SOURCES = 8
_REACHED_EVERY_S = 300.0


class Unwritten:
    """records, pictures: how many were written. waits: they are held until they are many."""

    def __init__(
        self,
        writer: ScreenWriter,
        clock: Clock,
        commit_s: float,
        people: People | None,
        remembered: Callable[[Observation, float], Awaitable[None]] | None,
    ) -> None:
        """commit_s: what is new is written at most so much later. people: who says by the voice who speaks. remembered:
        gets every record that has been written, and its Unix time.
        """
        self._writer = writer
        self._clock = clock
        self._commit_s = commit_s
        self._people = people
        self._remembered = remembered
        self._held: list[ScreenReading] = []
        self._held_s = 0.0
        self._writing: ScreenReading | None = None
        self.zeros: deque[tuple[float, str]] = deque(maxlen=_SOURCES)
        """Of the last sources: Unix time of the beginning, and the name; the one that is written now is the last."""
        self._until_s = -inf
        self.waits = False
        self.records = self.pictures = 0

    def begin(self, source: str, zero_wall: float) -> None:
        """What is held from now on is of another source; of the one before nothing is held any more."""
        self.zeros.append((zero_wall, source))
        self._until_s = -inf

    def hold(self, reading: ScreenReading) -> None:
        if reading.observations or reading.standings or reading.pictures:
            if not self._held:
                self._held_s = self._clock.now()
            self._held.append(reading)

    async def commit(self, force: bool) -> None:
        """What is due; force: all of it. Raises MemoryStoreError: it is tried again the next time."""
        if self._writing is None:
            due = not self.waits and self._clock.now() - self._held_s >= self._commit_s
            if not self._held or not (force or due or len(self._held) >= _MOST):
                return
            held, self._held = self._held, []
            self._writing = ScreenReading(
                tuple(o for r in held for o in r.observations),
                tuple(s for r in held for s in r.standings),
                tuple(p for r in held for p in r.pictures),
                max(r.until_s for r in held),
            )
            self._writing = await self._with_speakers(self._writing)
        # One that failed (the disk was full) is written first, from where it failed.
        reading = self._writing
        zero_wall, source = self.zeros[-1]
        await self._writer.write(source, reading)
        self._writing, self._until_s = None, reading.until_s
        self.records += len(reading.observations)
        self.pictures += len(reading.pictures)
        if self._remembered is not None:
            zeros = {source: wall for wall, source in self.zeros}
            for observation in reading.observations:
                # What was said before midnight may be understood after it.
                wall_s = zeros.get(observation.source, zero_wall) + observation.known_at_s
                await self._remembered(observation, wall_s)

    async def reached(self, t_s: float) -> None:
        """The screen was looked at until t_s, and nothing was new; that is noted now and then. Raises MemoryStoreError."""
        if t_s - self._until_s >= _REACHED_EVERY_S and not (self._held or self._writing or self.waits):
            self._until_s = t_s
            await self._writer.reached(self.zeros[-1][1], t_s)

    def drop(self) -> None:
        """It is never written."""
        self._held.clear()
        self._writing = None

    async def _with_speakers(self, reading: ScreenReading) -> ScreenReading:
        """What was said gets its speakers by voice, in order of time."""
        said = [o for o in reading.observations if o.voice is not None]
        if self._people is None or not said:
            return reading
        said.sort(key=lambda o: (o.source, o.t_start_s, o.id))
        known = {o.id: o for o in await self._people.hear(said)}
        return replace(reading, observations=tuple(known.get(o.id, o) for o in reading.observations))
