"""Looks at the screen while it is being read, so that a page that is turned meanwhile is read afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from perception.screen.stands import Stand, Stands
from runtime.clock import WallClock
from runtime.compute import Compute
from runtime.messages import ScreenFrame
from runtime.session import cancel_and_wait

_WAITING = 4
_SHARE = 0.3  # of the time, that looking may take where the machine is busy
_CANCEL_S = 1.0


Look = Callable[[], Awaitable[tuple[float, Sequence[ScreenFrame]] | None]]
"""The media time, and the monitors that have changed; None: not now."""


class Looks(Protocol):
    """A display. Blocking, for one thread."""

    def look(self, t_s: float) -> list[ScreenFrame]: ...
    def close(self) -> None: ...


class Stirs(Protocol):
    """Tells that something has changed on the screen since arm."""

    def arm(self) -> None: ...
    async def wait(self) -> None: ...
    def close(self) -> None: ...


class Glances:
    """Pages that wait to be read: few, since each is a whole picture of a screen."""

    def __init__(self, compute: Compute, clock: WallClock, every_s: float) -> None:
        self._compute = compute
        self._clock = clock
        self._every_s = every_s
        self._due_s = 0.0
        self._turning = False
        self._stands = Stands()
        self._waiting: list[Stand] = []
        self._dropped = 0

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def missed(self) -> int:
        """Pages for which there was no room, of those that waited what had stood there for the shortest time; and those
        that stood between two looks, as far as they were seen.
        """
        return self._dropped + self._stands.missed

    async def look(self, look: Look) -> bool:
        """Looks once. False: not now. Raises what look raises."""
        began_s = self._clock.now()
        seen = await look()
        if seen is not None:
            for stand in await self._compute.run("screen", self._stands.look, seen[1], seen[0]):
                self._wait_for_its_turn(stand)
        now_s = self._clock.now()
        self._due_s = max(began_s + self._every_s, now_s + (now_s - began_s) * (1 / _SHARE - 1))
        return seen is not None

    async def until(self, work: asyncio.Future[Any], look: Look) -> None:
        """Looks now and then until the work is done. Raises what look raises."""
        turned = self._stands.turned
        while not work.done():
            sleeping = asyncio.ensure_future(self._clock.sleep(max(0.0, self._due_s - self._clock.now())))
            try:
                await asyncio.wait({work, sleeping}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await cancel_and_wait(sleeping, _CANCEL_S)
            if not work.done():
                await self.look(look)
        self._turning = self._stands.turned > turned

    def rest_s(self, seconds: float) -> float:
        """Until the next look, seconds after what was seen at the last one was read; where pages were turned meanwhile, at
        once if it is due.
        """
        return max(0.0, min(seconds, self._due_s - self._clock.now())) if self._turning else seconds

    def _wait_for_its_turn(self, stand: Stand) -> None:
        self._waiting.append(stand)
        if len(self._waiting) > _WAITING:
            self._waiting.remove(min(self._waiting, key=lambda s: s.lasted_s))
            self._dropped += 1

    def take(self) -> list[ScreenFrame]:
        """Looks at each page that waits, and at what stands there now, in order of time."""
        waiting, self._waiting = self._waiting, []
        frames = [frame for stand in (*waiting, *self._stands.take()) for frame in stand.frames]
        return sorted(frames, key=lambda frame: frame.t_s)

    def clear(self) -> None:
        """What was seen is not wanted any more."""
        self._waiting.clear()
        self._stands.clear()
