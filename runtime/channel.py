"""The typed, bounded queue between any two stages."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from enum import Enum
from typing import Generic, TypeVar

from runtime.clock import Clock, SystemClock

T = TypeVar("T")

_Waiters = OrderedDict[asyncio.Future[None], None]


class Policy(Enum):
    """What a put does when the item does not fit."""

    BLOCK = "block"
    """Wait for room: nothing is lost (batch)."""
    DROP_OLDEST = "drop_oldest"
    """Drop from the front until it fits (live audio)."""
    LATEST = "latest"
    """Every put replaces all that waits: a reader only ever sees the newest (live video)."""
    ERROR = "error"
    """Raise ChannelFull: running full is a defect."""


class ChannelClosed(Exception):
    """The channel is closed; on get: and empty."""


class ChannelFull(Exception):
    """The item does not fit now."""


class ChannelEmpty(Exception):
    """Nothing waits now, but the channel is open."""


class Channel(Generic[T]):
    """FIFO between tasks of one event loop, any number of writers and readers (not between threads).

    bound: how many items may wait; with weigh, the sum of what weigh returns for the waiting ones (audio: in
    milliseconds). clock is what the items' age is read from.

    A put that raises, cancellation included, has put nothing; a get that raises has taken nothing. Both are
    O(1) (a put that drops pays for what it drops) and only suspend when they must wait.
    """

    def __init__(
        self,
        name: str,
        bound: float,
        policy: Policy,
        *,
        weigh: Callable[[T], float] | None = None,
        clock: Clock | None = None,
    ) -> None:
        if not bound > 0:
            raise ValueError(f"channel {name}: bound must be positive, not {bound}")
        self.name = name
        self.bound = bound
        self.policy = policy
        self._weigh = weigh
        self._now = (clock or SystemClock()).now
        # LATEST never lets a second item in beside the first.
        self._room = 0.0 if policy is Policy.LATEST else bound
        self._entries: deque[tuple[T, float, float]] = deque()  # item, weight, time of put
        self._load: float = 0
        self._getters: _Waiters = OrderedDict()
        self._putters: _Waiters = OrderedDict()
        self._closed = False
        self._items = 0
        self._drops = 0
        self._max_depth = 0

    # What a gauge reads

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def depth(self) -> int:
        """Items waiting now."""
        return len(self._entries)

    @property
    def max_depth(self) -> int:
        """The most items that ever waited."""
        return self._max_depth

    @property
    def load(self) -> float:
        """What waits now, in units of the bound."""
        return self._load

    @property
    def items(self) -> int:
        """Items ever put. items == taken + drops + depth, always."""
        return self._items

    @property
    def drops(self) -> int:
        """Items put that no reader will ever see."""
        return self._drops

    @property
    def oldest_age_s(self) -> float:
        """Seconds the item at the front has waited, 0 when none waits."""
        return self._now() - self._entries[0][2] if self._entries else 0.0

    @property
    def closed(self) -> bool:
        return self._closed

    # Writers

    async def put(self, item: T) -> None:
        """Adds an item; only BLOCK ever waits.

        Raises ChannelClosed; ChannelFull under ERROR; ValueError for a weight that is not in (0, bound].
        """
        if self._closed:
            raise ChannelClosed(self.name)
        weight = 1 if self._weigh is None else self._weight_of(item)
        if self._load + weight > self._room or self._putters:
            if self.policy is Policy.BLOCK:
                await self._wait_for_room(weight)
            else:
                self._make_room(weight)
        self._entries.append((item, weight, self._now()))
        self._load += weight
        self._items += 1
        if len(self._entries) > self._max_depth:
            self._max_depth = len(self._entries)
        if self._getters:
            _wake_first(self._getters)

    def put_nowait(self, item: T) -> None:
        """Like put, but raises ChannelFull where put would wait (also when others already wait)."""
        if self._closed:
            raise ChannelClosed(self.name)
        weight = 1 if self._weigh is None else self._weight_of(item)
        if self._load + weight > self._room or self._putters:
            self._make_room(weight)
        self._entries.append((item, weight, self._now()))
        self._load += weight
        self._items += 1
        if len(self._entries) > self._max_depth:
            self._max_depth = len(self._entries)
        if self._getters:
            _wake_first(self._getters)

    def close(self) -> None:
        """No more puts (waiting ones raise ChannelClosed); readers drain what waits. May be repeated."""
        self._closed = True
        for waiters in (self._getters, self._putters):
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)

    def clear(self) -> int:
        """Drops all that waits, and says how many that were."""
        dropped = len(self._entries)
        self._entries.clear()
        self._load = 0
        self._drops += dropped
        if self._putters:
            _wake_first(self._putters)
        return dropped

    # Readers

    async def get(self) -> T:
        """The oldest item. Raises ChannelClosed once the channel is closed and empty."""
        if not self._entries or self._getters:
            await self._wait_for_item()
        return self._take()

    def get_nowait(self) -> T:
        """The oldest item. Raises ChannelEmpty, or ChannelClosed when there will never be one."""
        if not self._entries:
            raise ChannelClosed(self.name) if self._closed else ChannelEmpty(self.name)
        return self._take()

    def __aiter__(self) -> Channel[T]:
        return self

    async def __anext__(self) -> T:
        if not self._entries or self._getters:
            try:
                await self._wait_for_item()
            except ChannelClosed:
                raise StopAsyncIteration from None
        return self._take()

    # Inside

    def _take(self) -> T:
        item, weight, _ = self._entries.popleft()
        # An empty channel weighs exactly nothing: rounding errors of float weights do not pile up.
        self._load = self._load - weight if self._entries else 0
        if self._putters:
            _wake_first(self._putters)
        return item

    def _weight_of(self, item: T) -> float:
        assert self._weigh is not None
        weight = self._weigh(item)
        if not 0 < weight <= self.bound:
            raise ValueError(
                f"channel {self.name}: an item of weight {weight} never fits into a bound of {self.bound}"
            )
        return weight

    def _make_room(self, weight: float) -> None:
        if self.policy in (Policy.BLOCK, Policy.ERROR):
            raise ChannelFull(self.name)
        while self._entries and self._load + weight > self._room:
            _, dropped, _ = self._entries.popleft()
            self._load = self._load - dropped if self._entries else 0
            self._drops += 1

    async def _wait_for_room(self, weight: float) -> None:
        waited = False
        while self._load + weight > self._room or (self._putters and not waited):
            await self._wait_in(self._putters, first=waited)
            waited = True
            if self._closed:
                raise ChannelClosed(self.name)
        if self._putters and self._load + weight < self._room:
            _wake_first(self._putters)

    async def _wait_for_item(self) -> None:
        waited = False
        while not self._entries or (self._getters and not waited):
            if self._closed and not self._entries:
                _wake_first(self._getters)
                raise ChannelClosed(self.name)
            await self._wait_in(self._getters, first=waited)
            waited = True
        if self._closed or len(self._entries) > 1:
            _wake_first(self._getters)

    async def _wait_in(self, waiters: _Waiters, *, first: bool) -> None:
        """Queues up (again at the front, for one who was called but found nothing) until woken.

        Being woken hands over nothing, it is only a call to look again: so a cancelled waiter holds no item,
        and needs but to pass the call on.
        """
        waiter = asyncio.get_running_loop().create_future()
        waiters[waiter] = None
        if first:
            waiters.move_to_end(waiter, last=False)
        try:
            await waiter
        except BaseException:
            del waiters[waiter]
            # Even if it was never called itself: one who came since may be queueing only behind it.
            _wake_first(waiters)
            raise
        del waiters[waiter]


def _wake_first(waiters: _Waiters) -> None:
    """Calls the first waiter that is not being cancelled; it calls the next one if there is more to have."""
    for waiter in waiters:
        if waiter.done():
            if waiter.cancelled():
                continue
            return
        waiter.set_result(None)
        return
