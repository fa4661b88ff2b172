from __future__ import annotations

import asyncio
import threading

import pytest

from runtime.clock import Stopwatch, SystemClock, VirtualClock, hurry, run_virtual
from runtime.errors import StuckError
from tests.conftest import Run


def test_an_hour_of_sleep_takes_no_time(run_virtual: Run) -> None:
    async def main() -> float:
        clock = VirtualClock()
        await clock.sleep(3600)
        return clock.now()

    with Stopwatch() as watch:
        assert run_virtual(main()) == 3600
    assert watch.seconds < 5


def test_sleepers_wake_in_the_order_of_their_times(run_virtual: Run) -> None:
    async def main() -> list[tuple[str, float]]:
        clock, woken = VirtualClock(), []

        async def sleeper(name: str, seconds: float) -> None:
            await clock.sleep(seconds)
            woken.append((name, clock.now()))

        async with asyncio.TaskGroup() as group:
            for name, seconds in (("late", 7.0), ("early", 0.1), ("middle", 2.5)):
                group.create_task(sleeper(name, seconds))
        return woken

    assert run_virtual(main()) == [("early", 0.1), ("middle", 2.5), ("late", 7.0)]


def test_the_loops_own_timers_follow(run_virtual: Run) -> None:
    async def main() -> tuple[float, list[float]]:
        clock, called = VirtualClock(), []
        asyncio.get_running_loop().call_later(5, lambda: called.append(clock.now()))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.Event().wait()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 12)
        return clock.now(), called

    assert run_virtual(main()) == (42.0, [5.0])


def test_time_stands_still_while_work_is_ready(run_virtual: Run) -> None:
    async def main() -> float:
        clock = VirtualClock()
        asyncio.get_running_loop().call_later(0.001, lambda: None)
        for _ in range(100):
            await clock.sleep(0)
        return clock.now()

    assert run_virtual(main()) == 0


def test_time_stands_still_while_a_thread_works(run_virtual: Run) -> None:
    """The thread works until the loop has long gone idle: its timer must not fire before that."""

    async def main() -> list[str]:
        happened: list[str] = []
        begun, release = threading.Event(), threading.Event()

        def work() -> None:
            begun.set()
            release.wait(30)
            happened.append("thread")

        call = asyncio.get_running_loop().run_in_executor(None, work)
        timer = asyncio.get_running_loop().call_later(1, lambda: happened.append("timer"))
        await asyncio.to_thread(begun.wait, 30)
        threading.Timer(0.1, release.set).start()
        await call
        assert not timer.cancelled()
        await VirtualClock().sleep(2)
        return happened

    assert run_virtual(main()) == ["thread", "timer"]


def test_results_of_threads_arrive(run_virtual: Run) -> None:
    async def main() -> list[int]:
        clock = VirtualClock()

        async def worker(number: int) -> int:
            await clock.sleep(number)
            return await asyncio.to_thread(lambda: number * number)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(worker(number)) for number in range(20)]
        assert clock.now() == 19
        return [task.result() for task in tasks]

    assert run_virtual(main()) == [number * number for number in range(20)]


def test_a_cancelled_call_still_holds_time_until_its_thread_is_free(run_virtual: Run) -> None:
    async def main() -> bool:
        begun, release, freed = threading.Event(), threading.Event(), threading.Event()

        def work() -> None:
            begun.set()
            release.wait(30)
            freed.set()

        call = asyncio.create_task(asyncio.to_thread(work))
        await asyncio.to_thread(begun.wait, 30)
        call.cancel()
        await asyncio.wait([call])
        threading.Timer(0.05, release.set).start()
        await VirtualClock().sleep(1)
        return freed.is_set()

    assert run_virtual(main())


def test_a_hung_thread_can_be_given_up_on(run_virtual: Run) -> None:
    async def main() -> float:
        release = threading.Event()
        try:
            async with asyncio.timeout(10):
                await asyncio.to_thread(release.wait, 30)
        except TimeoutError:
            return VirtualClock().now()
        finally:
            release.set()
        raise AssertionError("the thread was waited for")

    assert run_virtual(main(), thread_patience_s=0.05) == 10


@pytest.mark.parametrize(("what", "told"), [("the answer", "the answer"), (None, "what will never come")])
def test_work_that_does_not_end_can_be_an_error(what: str | None, told: str) -> None:
    async def main() -> None:
        if what is None:
            await asyncio.Event().wait()
        with VirtualClock().held(what or ""):
            await VirtualClock().sleep(10)

    with pytest.raises(StuckError, match=f"^nothing has happened for 0.05 s; waited for: {told}$"):
        run_virtual(main(), thread_patience_s=0.05, fail_when_stuck=True)


def test_who_is_in_a_hurry_waits_for_no_thread() -> None:
    release = threading.Event()

    async def main() -> float:
        loop = asyncio.get_running_loop()
        call = loop.run_in_executor(None, release.wait, 30)
        loop.call_soon(hurry, loop)
        await asyncio.wait([call], timeout=20)
        return VirtualClock().now()

    with Stopwatch() as watch:
        assert run_virtual(main()) == 20
    assert watch.seconds < 20
    release.set()


def test_grace_waits_for_threads_the_loop_does_not_know(run_virtual: Run) -> None:
    async def main() -> str:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str] = loop.create_future()

        def foreign() -> None:
            loop.call_soon_threadsafe(answer.set_result, "answered")

        threading.Timer(0.05, foreign).start()
        async with asyncio.timeout(60):
            return await answer

    assert run_virtual(main(), grace_s=10) == "answered"


def test_time_lands_exactly_on_the_timer(run_virtual: Run) -> None:
    """Sleeping "until" in a loop must end: no rounding may leave now() just before the deadline."""

    async def main() -> int:
        clock, turns = VirtualClock(), 0
        for step in range(1, 2000):
            deadline = step * 0.1
            while clock.now() < deadline:
                await clock.sleep(deadline - clock.now())
                turns += 1
                assert turns < 10_000
        return turns

    assert run_virtual(main()) < 4000


def test_sockets_still_work(run_virtual: Run) -> None:
    async def main() -> bytes:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readline())
            writer.close()
            await writer.wait_closed()

        async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"hello\n")
            line = await reader.readline()
            writer.close()
            await writer.wait_closed()
            return line

    assert run_virtual(main()) == b"hello\n"


def test_errors_come_out() -> None:
    async def main() -> None:
        raise KeyError("inside")

    with pytest.raises(KeyError, match="inside"):
        run_virtual(main())


def test_virtual_clock_before_and_outside_its_loop() -> None:
    clock = VirtualClock(wall_zero_s=1_700_000_000)
    assert clock.now() == 0
    assert clock.wall() == 1_700_000_000
    with pytest.raises(TypeError, match="outside run_virtual"):
        asyncio.run(clock.sleep(1))


def test_wall_time_goes_along(run_virtual: Run) -> None:
    async def main() -> float:
        clock = VirtualClock(wall_zero_s=1000)
        await clock.sleep(5)
        return clock.wall()

    assert run_virtual(main()) == 1005


def test_system_clock_grows() -> None:
    async def main() -> tuple[float, float]:
        clock = SystemClock()
        before = clock.now()
        await clock.sleep(0.001)
        return before, clock.now()

    before, after = asyncio.run(main())
    assert after > before
    assert SystemClock().wall() > 1_600_000_000


def test_stopwatch_stops_at_the_end_of_the_block() -> None:
    with Stopwatch() as watch:
        assert watch.seconds >= 0
    first = watch.seconds
    assert watch.seconds == first
