"""What a session tells its tape: here nothing is kept. A recording (recorder.py) keeps it, a replay plays it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from runtime.channel import Channel
from runtime.compute import Compute, ComputeStats
from runtime.messages import AudioChunk, VideoFrame

T = TypeVar("T")

Work = Callable[[], Awaitable[T]]


class Tape:
    """records: sound and pictures pass through `sound` and `pictures` before anything else perceives them."""

    records = False

    def begin(self, zero_s: float) -> None:
        """zero_s: what the clock showed at the session's zero. Called first."""

    async def run(self, name: str, work: Work[T]) -> T:
        """Does what takes as long as the machine needs. A recording notes when, a replay waits until then."""
        return await work()

    async def late(self, name: str, work: Work[T]) -> T:
        """The same for what others see the effect of: a replay waits first, so that nothing is there before it was."""
        return await work()

    async def acquire(self, name: str, lock: asyncio.Lock) -> None:
        """Takes a lock that another task of the session may hold for a while."""
        await lock.acquire()

    async def sound(self, inbox: Channel[AudioChunk], outbox: Channel[AudioChunk]) -> None:
        raise NotImplementedError

    async def pictures(self, inbox: Channel[VideoFrame], outbox: Channel[VideoFrame]) -> None:
        raise NotImplementedError

    def page(self, act: str, **fields: Any) -> None:
        """Something that came from the page, or that the server does for it: attach, detach, take, remind."""

    def shown(self, kind: str, fields: Mapping[str, Any]) -> None:
        """An event for the page, whether or not there is one."""

    async def forget(self, from_s: float, to_s: float) -> None:
        """Everything from then on; to_s: now. What was perceived before it and is still on its way is not kept either."""

    async def close(self) -> None:
        """The session is over."""


class TapedCompute(Compute):
    """The compute of one session: its calls are on the tape."""

    def __init__(self, inner: Compute, tape: Tape) -> None:
        self._inner = inner
        self._tape = tape

    async def run(self, name: str, fn: Callable[..., T], *args: Any) -> T:
        return await self._tape.run(name, lambda: self._inner.run(name, fn, *args))

    def stats(self) -> dict[str, ComputeStats]:
        return self._inner.stats()

    async def close(self, deadline_s: float) -> tuple[str, ...]:
        """Nothing: the threads are everybody's."""
        return ()
