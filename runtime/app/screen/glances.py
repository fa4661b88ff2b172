"""Looks at the screen while it is being read, so that a page that is turned meanwhile is read afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from perception.screen.stands import Stand, Stands
from runtime.channel import Channel, Policy
from runtime.clock import WallClock
from runtime.compute import Compute
from runtime.messages import ScreenFrame
from runtime.session import cancel_and_wait

_WAITING = 4
_CANCEL_S = 1.0


class Looks(Protocol):
    """A display. Blocking, for one thread."""

    def look(self, t_s: float) -> list[ScreenFrame]: ...
    def close(self) -> None: ...


class Glances:
    """Pages that wait to be read: few, since each is a whole picture of a screen. dropped: what there was no room for."""

    def __init__(self, compute: Compute, clock: WallClock, every_s: float) -> None:
        self._compute = compute
        self._clock = clock
        self._every_s = every_s
        self._stands = Stands()
        self._waiting: Channel[Stand] = Channel("pages to read", _WAITING, Policy.DROP_OLDEST, clock=clock)

    @property
    def dropped(self) -> int:
        return self._waiting.drops

    async def until(
        self,
        reading: asyncio.Future[Any],
        look: Callable[[], Awaitable[tuple[float, Sequence[ScreenFrame]] | None]],
    ) -> None:
        """look: the media time, and the monitors that have changed; None: not now. Raises what look raises."""
        while not reading.done():
            sleeping = asyncio.ensure_future(self._clock.sleep(self._every_s))
            try:
                await asyncio.wait({reading, sleeping}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await cancel_and_wait(sleeping, _CANCEL_S)
            if reading.done() or (seen := await look()) is None:
                continue
            for stand in await self._compute.run("screen", self._stands.look, seen[1], seen[0]):
                self._waiting.put_nowait(stand)

    def take(self) -> list[ScreenFrame]:
        """Looks at each page that waits, and at what stands there now, in order of time."""
        waiting = [self._waiting.get_nowait() for _ in range(self._waiting.depth)]
        return [frame for stand in (*waiting, *self._stands.take()) for frame in stand.frames]

    def clear(self) -> None:
        """What was seen is not wanted any more."""
        self.take()
