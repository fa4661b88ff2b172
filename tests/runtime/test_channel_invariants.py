"""Any order of puts, gets, cancellations and closes keeps the channel's promises (Hypothesis, stateful)."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from runtime.channel import Channel, ChannelClosed, ChannelEmpty, ChannelFull, Policy
from runtime.clock import SystemClock


class Item(NamedTuple):
    number: int
    weight: int


class ChannelMachine(RuleBasedStateMachine):
    """Drives a channel and a model of it.

    Tasks note what they did in the very step in which their put or get returned, so the model is exact
    between any two steps of the loop, also while woken tasks have not run yet.
    """

    @initialize(policy=st.sampled_from(Policy), bound=st.integers(1, 6), weighted=st.booleans())
    def open(self, policy: Policy, bound: int, weighted: bool) -> None:
        self.runner = asyncio.Runner()
        self.loop = self.runner.get_loop()
        self.bound = bound
        self.weighted = weighted
        weigh = (lambda item: item.weight) if weighted else None
        self.channel = Channel[Item]("test", bound, policy, weigh=weigh)
        self.policy = policy
        self.waiting: deque[Item] = deque()
        self.begun = 0
        self.put: list[Item] = []
        self.queued: list[Item] = []
        self.taken = 0
        self.dropped = 0
        self.putters: list[asyncio.Task[None]] = []
        self.getters: list[asyncio.Task[None]] = []
        self.closed = False

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.runner.close()

    # The model

    def weight(self, item: Item) -> int:
        return item.weight if self.weighted else 1

    def load(self) -> int:
        return sum(map(self.weight, self.waiting))

    def fits(self, item: Item) -> bool:
        return self.load() + self.weight(item) <= self.bound

    def new_item(self, weight: int) -> Item:
        self.begun += 1
        return Item(self.begun, min(weight, self.bound))

    def note_put(self, item: Item) -> None:
        assert not self.closed
        if self.policy is Policy.LATEST:
            self.dropped += len(self.waiting)
            self.waiting.clear()
        while not self.fits(item):
            assert self.policy is Policy.DROP_OLDEST
            self.waiting.popleft()
            self.dropped += 1
        self.waiting.append(item)
        self.put.append(item)

    def note_get(self, item: Item) -> None:
        assert item == self.waiting.popleft()
        self.taken += 1

    # What tasks do

    async def one_put(self, weight: int) -> None:
        item = self.new_item(weight)
        self.queued.append(item)
        try:
            await self.channel.put(item)
        except ChannelFull:
            assert self.policy is Policy.ERROR and not self.fits(item)
        except ChannelClosed:
            assert self.closed
        else:
            self.note_put(item)
        finally:
            self.queued.remove(item)

    async def one_get(self) -> None:
        try:
            item = await self.channel.get()
        except ChannelClosed:
            assert self.closed and not self.waiting
        else:
            self.note_get(item)

    # Rules

    @rule(weight=st.integers(1, 6))
    def begin_put(self, weight: int) -> None:
        self.putters.append(self.loop.create_task(self.one_put(weight)))

    @rule()
    def begin_get(self) -> None:
        self.getters.append(self.loop.create_task(self.one_get()))

    @rule(weight=st.integers(1, 6))
    def put_at_once(self, weight: int) -> None:
        item = self.new_item(weight)
        try:
            self.channel.put_nowait(item)
        except ChannelFull:
            assert self.policy in (Policy.BLOCK, Policy.ERROR)
            assert not self.fits(item) or any(not task.done() for task in self.putters)
        except ChannelClosed:
            assert self.closed
        else:
            self.note_put(item)

    @rule()
    def get_at_once(self) -> None:
        try:
            item = self.channel.get_nowait()
        except ChannelEmpty:
            assert not self.waiting and not self.closed
        except ChannelClosed:
            assert not self.waiting and self.closed
        else:
            self.note_get(item)

    @rule(data=st.data())
    def cancel_one(self, data: st.DataObject) -> None:
        tasks = [task for task in (*self.putters, *self.getters) if not task.done()]
        if tasks:
            data.draw(st.sampled_from(tasks)).cancel()

    @rule()
    def clear(self) -> None:
        assert self.channel.clear() == len(self.waiting)
        self.dropped += len(self.waiting)
        self.waiting.clear()

    @precondition(lambda self: self.begun > 5)
    @rule()
    def close(self) -> None:
        self.channel.close()
        self.closed = True

    @rule()
    def step(self) -> None:
        """One turn of the loop."""
        self.runner.run(SystemClock().sleep(0))

    @rule()
    def settle(self) -> None:
        """Until nobody can go on: then nobody waits for what is there."""

        async def turns() -> None:
            for _ in range(2 * len(self.putters + self.getters) + 5):
                await SystemClock().sleep(0)

        self.runner.run(turns())
        for task in self.putters + self.getters:
            if task.done() and not task.cancelled():
                task.result()
        self.putters = [task for task in self.putters if not task.done()]
        self.getters = [task for task in self.getters if not task.done()]
        assert not (self.getters and (self.waiting or self.closed))
        assert len(self.queued) == len(self.putters)
        if self.queued:
            assert not self.closed and not self.fits(min(self.queued))
        assert len(self.channel._putters) == len(self.putters)
        assert len(self.channel._getters) == len(self.getters)

    # Always

    @invariant()
    def the_bound_holds(self) -> None:
        if hasattr(self, "channel"):
            assert self.channel.load == self.load() <= self.bound
            assert self.channel.max_depth <= self.bound

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        if hasattr(self, "channel"):
            channel = self.channel
            assert channel.items == len(self.put) == self.taken + channel.drops + channel.depth
            assert channel.drops == self.dropped
            assert channel.depth == len(channel) == len(self.waiting)
            if self.policy in (Policy.BLOCK, Policy.ERROR):
                assert self.put == sorted(self.put), "those who came first went first"


ChannelMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
test_channel_invariants = ChannelMachine.TestCase
