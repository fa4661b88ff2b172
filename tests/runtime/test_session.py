from __future__ import annotations

import asyncio
import threading

import pytest

from runtime.channel import Channel, Policy
from runtime.clock import Clock, SystemClock, VirtualClock
from runtime.errors import MediaError, MemoryStoreError
from runtime.metrics import Metrics
from runtime.session import Session, cancel_and_wait
from runtime.stage import Backoff, Stage
from tests.conftest import Run


class Line:
    """A source that counts, a doubler and a writer, with channels between them."""

    def __init__(
        self, items: int = 10, pause_s: float = 0.0, write_s: float = 0.0, clock: Clock | None = None
    ) -> None:
        self.clock = clock or VirtualClock()
        self.session = Session(self.clock, Metrics())
        self.numbers = Channel[int]("numbers", 2, Policy.BLOCK, clock=self.clock)
        self.doubled = Channel[int]("doubled", 2, Policy.BLOCK, clock=self.clock)
        self.items, self.pause_s, self.write_s = items, pause_s, write_s
        self.sent: list[int] = []
        self.written: list[int] = []

    async def count(self) -> None:
        for number in range(self.items):
            await self.clock.sleep(self.pause_s)
            await self.numbers.put(number)
            self.sent.append(number)

    async def double(self) -> None:
        async for number in self.numbers:
            await self.doubled.put(2 * number)

    async def write(self) -> None:
        async for number in self.doubled:
            await self.clock.sleep(self.write_s)
            self.written.append(number)

    def source(self) -> Stage:
        return Stage("source", self.count, outboxes=[self.numbers], source=True)

    def doubler(self) -> Stage:
        return Stage("double", self.double, inboxes=[self.numbers], outboxes=[self.doubled])

    def writer(self) -> Stage:
        return Stage("write", self.write, inboxes=[self.doubled], essential=True)

    def complete(self) -> Session:
        for stage in (self.source(), self.doubler(), self.writer()):
            self.session.add(stage)
        return self.session


def test_a_session_ends_when_its_source_does(run_virtual: Run) -> None:
    line = Line(items=10)
    run_virtual(line.complete().run())
    assert line.written == [2 * number for number in range(10)]
    assert line.doubled.closed
    assert [row.items for row in line.session.metrics.table_rows(1)] == [0, 10, 10]


def test_a_degraded_stage_neither_blocks_nor_kills_the_others(run_virtual: Run) -> None:
    """The second reader of the source's items dies; the first one gets them all."""

    async def main() -> None:
        line = Line(items=50)
        copy = Channel[int]("copy", 2, Policy.BLOCK)

        async def count() -> None:
            for number in range(50):
                await line.numbers.put(number)
                await copy.put(number)

        async def broken() -> None:
            await copy.get()
            raise RuntimeError("no weights")

        line.session.add(Stage("source", count, outboxes=[line.numbers, copy]))
        line.session.add(Stage("broken", broken, inboxes=[copy], restarts=2, backoff=Backoff(0.1)))
        line.session.add(line.doubler())
        line.session.add(line.writer())
        await line.session.run()
        assert len(line.written) == 50
        assert line.session.degraded == {"broken": "RuntimeError: no weights"}
        assert line.session.metrics.stage("broken").restarts == 2

    run_virtual(main())


def test_an_outbox_closes_with_its_last_writer(run_virtual: Run) -> None:
    async def main() -> list[str]:
        clock = VirtualClock()
        session = Session(clock, Metrics())
        outbox = Channel[str]("all", 1, Policy.BLOCK)
        got: list[str] = []

        def writer(name: str, at_s: float) -> Stage:
            async def write() -> None:
                await clock.sleep(at_s)
                await outbox.put(name)

            return Stage(name, write, outboxes=[outbox])

        async def read() -> None:
            got.extend([name async for name in outbox])

        for stage in (writer("early", 1), writer("late", 60), Stage("reader", read)):
            session.add(stage)
        await session.run()
        return got

    assert run_virtual(main()) == ["early", "late"]


def test_an_essential_failure_fails_the_session_with_its_own_error(run_virtual: Run) -> None:
    line = Line(items=10**9)

    async def broken() -> None:
        await line.doubled.get()
        raise MemoryStoreError("the disk is full")

    line.session.add(line.source())
    line.session.add(line.doubler())
    line.session.add(Stage("write", broken, inboxes=[line.doubled], essential=True))
    with pytest.raises(MemoryStoreError, match="the disk is full"):
        run_virtual(line.session.run())
    assert line.numbers.closed and line.doubled.closed


def test_of_several_failures_the_users_one_is_shown(run_virtual: Run) -> None:
    async def main() -> None:
        session = Session(VirtualClock(), Metrics())
        for name, error in (("a", RuntimeError("x")), ("b", MediaError("not a video"))):

            async def fail(error: Exception = error) -> None:
                raise error

            session.add(Stage(name, fail, restarts=0, essential=True))
        await session.run()

    with pytest.raises(MediaError, match="not a video"):
        run_virtual(main())


def test_drain_stops_the_source_and_lets_the_rest_arrive(run_virtual: Run) -> None:
    async def main() -> None:
        line = Line(items=10**9, pause_s=0.3, write_s=1)
        running = asyncio.create_task(line.complete().run())
        await line.clock.sleep(60)
        assert await line.session.drain(deadline_s=30)
        await running
        assert line.written == [2 * number for number in line.sent]
        assert line.clock.now() < 90

    run_virtual(main())


def test_drain_has_a_deadline(run_virtual: Run) -> None:
    async def main() -> None:
        line = Line(items=10**9, write_s=1000)
        running = asyncio.create_task(line.complete().run())
        await line.clock.sleep(10)
        assert not await line.session.drain(deadline_s=5)
        await running
        assert line.clock.now() == 15
        assert line.written == []

    run_virtual(main())


def test_stop_cancels_and_awaits_everything(run_virtual: Run) -> None:
    async def main() -> None:
        line = Line(items=10**9, pause_s=1)
        running = asyncio.create_task(line.complete().run())
        await line.clock.sleep(10)
        assert await line.session.stop(deadline_s=5) == ()
        await running
        assert line.clock.now() == 10

    run_virtual(main())


def test_stop_names_what_does_not_end(run_virtual: Run) -> None:
    async def main() -> None:
        clock = VirtualClock()
        session = Session(clock, Metrics())

        async def stubborn() -> None:
            try:
                await clock.sleep(100)
            except asyncio.CancelledError:
                await clock.sleep(50)

        session.add(Stage("stubborn", stubborn))
        session.add(Stage("polite", asyncio.Event().wait))  # type: ignore[arg-type]
        running = asyncio.create_task(session.run())
        await clock.sleep(1)
        assert await session.stop(deadline_s=2) == ("stubborn",)
        assert clock.now() == 3
        await running
        assert clock.now() == 51

    run_virtual(main())


def test_stop_before_the_first_step_closes_outboxes(run_virtual: Run) -> None:
    async def main() -> None:
        line = Line()
        running = asyncio.create_task(line.complete().run())
        assert await line.session.stop(5) == ()
        await running
        assert line.numbers.closed and line.sent == []

    run_virtual(main())


def test_cancelling_run_leaves_no_task(run_virtual: Run) -> None:
    async def main() -> None:
        line = Line(items=10**9, pause_s=1)
        running = asyncio.create_task(line.complete().run())
        await line.clock.sleep(5)
        assert await cancel_and_wait(running, 5)

    run_virtual(main())


def test_a_stage_may_join_a_running_session(run_virtual: Run) -> None:
    async def main() -> None:
        line = Line(items=3, pause_s=1)
        running = asyncio.create_task(line.complete().run())
        await line.clock.sleep(0.5)
        more = Channel[int]("more", 5, Policy.BLOCK)
        line.session.add(Stage("more", lambda: more.put(1), outboxes=[more]))
        await running
        assert more.closed and more.depth == 1

    run_virtual(main())


def test_names_of_stages_are_unique() -> None:
    line = Line()
    line.session.add(line.source())
    with pytest.raises(ValueError, match="two stages are called source"):
        line.session.add(line.source())


def test_cancel_and_wait(run_virtual: Run) -> None:
    async def main() -> None:
        clock = VirtualClock()

        async def ends(after_s: float, error: Exception | None = None) -> None:
            try:
                await clock.sleep(100)
            finally:
                await clock.sleep(after_s)
                if error is not None:
                    raise error

        quick, failing, slow = (
            asyncio.create_task(job) for job in (ends(1), ends(1, ValueError("late")), ends(60))
        )
        never_begun = asyncio.create_task(ends(1000))
        assert await cancel_and_wait(never_begun, 1)
        await clock.sleep(1)
        assert await cancel_and_wait(quick, 5)
        assert await cancel_and_wait(quick, 5)
        assert await cancel_and_wait(failing, 5)
        assert not await cancel_and_wait(slow, 5)
        with pytest.raises(asyncio.CancelledError):
            await slow

    run_virtual(main())


def test_a_thread_that_hangs_does_not_hold_the_end(run_real: Run) -> None:
    async def main() -> None:
        session, release = Session(SystemClock(), Metrics()), threading.Event()

        async def hang() -> None:
            await asyncio.to_thread(release.wait, 60)

        session.add(Stage("hangs", hang))
        running = asyncio.create_task(session.run())
        await asyncio.to_thread(int)
        assert await session.stop(deadline_s=10) == ()
        await running
        release.set()

    run_real(main())
