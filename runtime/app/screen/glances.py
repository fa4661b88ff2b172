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
    """Pages that wait to be read: few, since each is a whole picture of a screen. dropped: what there was no room for, of
    those that waited what had stood there for the shortest time.
    """

    def __init__(self, compute: Compute, clock: WallClock, every_s: float) -> None:
        self._compute = compute
        self._clock = clock
        self._every_s = every_s
        self._stands = Stands()
        self._waiting: list[Stand] = []
        self.dropped = 0

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def until(
        self,
        reading: asyncio.Future[Any],
        look: Callable[[], Awaitable[tuple[float, Sequence[ScreenFrame]] | None]],
    ) -> None:
        """look: the media time, and the monitors that have changed; None: not now. Raises what look raises."""
        took_s = 0.0
        while not reading.done():
            wait_s = max(self._every_s, took_s * (1 / _SHARE - 1))
            sleeping = asyncio.ensure_future(self._clock.sleep(wait_s))
            try:
                await asyncio.wait({reading, sleeping}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await cancel_and_wait(sleeping, _CANCEL_S)
            if reading.done():
                return
            began_s = self._clock.now()
            if (seen := await look()) is not None:
                for stand in await self._compute.run("screen", self._stands.look, seen[1], seen[0]):
                    self._wait_for_its_turn(stand)
            took_s = self._clock.now() - began_s

    def _wait_for_its_turn(self, stand: Stand) -> None:
        self._waiting.append(stand)
        if len(self._waiting) > _WAITING:
            self._waiting.remove(min(self._waiting, key=lambda s: s.lasted_s))
            self.dropped += 1

    def take(self) -> list[ScreenFrame]:
        """Looks at each page that waits, and at what stands there now, in order of time."""
        waiting, self._waiting = self._waiting, []
        return [frame for stand in (*waiting, *self._stands.take()) for frame in stand.frames]

    def clear(self) -> None:
        """What was seen is not wanted any more."""
        self.take()
