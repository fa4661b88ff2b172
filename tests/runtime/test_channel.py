from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from runtime.channel import Channel, ChannelClosed, ChannelEmpty, ChannelFull, Policy
from runtime.clock import VirtualClock
from tests.conftest import Run


async def settle() -> None:
    """Lets every task go on until it waits."""
    for _ in range(10):
        await VirtualClock().sleep(0)


def block(bound: float = 2, weigh: Callable[[int], float] | None = None) -> Channel[int]:
    return Channel("test", bound, Policy.BLOCK, weigh=weigh, clock=VirtualClock())


def test_bound_and_policy_are_mandatory() -> None:
    with pytest.raises(TypeError):
        Channel("test", 3)  # type: ignore[call-arg]
    for bound in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="bound must be positive"):
            Channel[int]("test", bound, Policy.BLOCK)


def test_block_waits_for_room_and_keeps_order(run_virtual: Run) -> None:
    async def main() -> list[int]:
        channel = block(bound=3)

        async def produce() -> None:
            for number in range(100):
                await channel.put(number)
            channel.close()

        async with asyncio.TaskGroup() as group:
            group.create_task(produce())
            got = [item async for item in channel]
        assert channel.max_depth == 3
        assert (channel.items, channel.drops, channel.depth) == (100, 0, 0)
        return got

    assert run_virtual(main()) == list(range(100))


def test_nowait_is_refused_when_full_and_behind_others(run_virtual: Run) -> None:
    async def main() -> None:
        channel = block(bound=1)
        channel.put_nowait(1)
        with pytest.raises(ChannelFull):
            channel.put_nowait(2)
        waiting = asyncio.create_task(channel.put(2))
        await settle()
        assert channel.get_nowait() == 1
        with pytest.raises(ChannelFull):  # the room belongs to the one who waited
            channel.put_nowait(3)
        await waiting
        assert channel.get_nowait() == 2
        with pytest.raises(ChannelEmpty):
            channel.get_nowait()

    run_virtual(main())


def test_drop_oldest_keeps_the_newest_in_order(run_virtual: Run) -> None:
    async def main() -> list[int]:
        channel = Channel[int]("test", 3, Policy.DROP_OLDEST)
        for number in range(10):
            await channel.put(number)
        channel.close()
        assert (channel.items, channel.drops, channel.depth) == (10, 7, 3)
        return [item async for item in channel]

    assert run_virtual(main()) == [7, 8, 9]


def test_latest_shows_only_the_newest_whatever_the_bound(run_virtual: Run) -> None:
    async def main() -> list[int]:
        channel = Channel[int]("test", 8, Policy.LATEST)
        for number in range(10):
            channel.put_nowait(number)
        channel.close()
        assert (channel.items, channel.drops, channel.max_depth) == (10, 9, 1)
        return [item async for item in channel]

    assert run_virtual(main()) == [9]


def test_error_raises_when_full(run_virtual: Run) -> None:
    async def main() -> None:
        channel = Channel[int]("test", 1, Policy.ERROR)
        await channel.put(1)
        with pytest.raises(ChannelFull):
            await channel.put(2)
        assert await channel.get() == 1
        assert channel.items == 1

    run_virtual(main())


def test_a_bound_in_milliseconds(run_virtual: Run) -> None:
    async def main() -> None:
        channel = Channel[int]("audio", 100, Policy.DROP_OLDEST, weigh=float)
        for milliseconds in (40, 40, 20):
            await channel.put(milliseconds)
        assert (channel.load, channel.depth, channel.drops) == (100, 3, 0)
        await channel.put(50)
        assert (channel.load, channel.depth, channel.drops) == (70, 2, 2)
        for impossible in (0, -1, 101):
            with pytest.raises(ValueError, match="channel audio"):
                await channel.put(impossible)

    run_virtual(main())


def test_float_weights_leave_no_residue(run_virtual: Run) -> None:
    async def main() -> float:
        channel = Channel[float]("audio", 1.0, Policy.BLOCK, weigh=lambda item: item)
        for _ in range(1000):
            for weight in (0.1, 0.2, 0.3):
                await channel.put(weight)
            for _ in range(3):
                await channel.get()
        return channel.load

    assert run_virtual(main()) == 0


def test_a_heavy_item_is_not_starved_by_light_ones(run_virtual: Run) -> None:
    async def main() -> list[int]:
        channel = block(bound=10, weigh=float)
        await channel.put(6)
        heavy = asyncio.create_task(channel.put(9))
        await settle()
        light = asyncio.create_task(channel.put(1))
        await settle()
        got = [await channel.get() for _ in range(3)]
        await asyncio.gather(heavy, light)
        return got

    assert run_virtual(main()) == [6, 9, 1]


def test_one_big_get_makes_room_for_several_waiting_puts(run_virtual: Run) -> None:
    async def main() -> int:
        channel = block(bound=10, weigh=float)
        await channel.put(10)
        puts = [asyncio.create_task(channel.put(2)) for _ in range(5)]
        await settle()
        await channel.get()
        await asyncio.gather(*puts)
        return channel.depth

    assert run_virtual(main()) == 5


def test_readers_are_served_in_turn(run_virtual: Run) -> None:
    async def main() -> list[int]:
        channel = block(bound=5)
        readers = [asyncio.create_task(channel.get()) for _ in range(3)]
        await settle()
        for number in range(3):
            channel.put_nowait(number)
        return await asyncio.gather(*readers)

    assert run_virtual(main()) == [0, 1, 2]


def test_close_lets_readers_drain_and_stops_writers(run_virtual: Run) -> None:
    async def main() -> list[int]:
        channel = block(bound=2)
        await channel.put(1)
        await channel.put(2)
        late = asyncio.create_task(channel.put(3))
        await settle()
        channel.close()
        channel.close()
        with pytest.raises(ChannelClosed):
            await late
        with pytest.raises(ChannelClosed):
            await channel.put(4)
        with pytest.raises(ChannelClosed):
            channel.put_nowait(4)
        got = [item async for item in channel]
        with pytest.raises(ChannelClosed):
            await channel.get()
        with pytest.raises(ChannelClosed):
            channel.get_nowait()
        assert channel.closed and channel.items == 2
        return got

    assert run_virtual(main()) == [1, 2]


def test_close_wakes_every_waiting_reader(run_virtual: Run) -> None:
    async def main() -> None:
        channel = block()
        readers = [asyncio.create_task(channel.get()) for _ in range(3)]
        await settle()
        await channel.put(1)
        channel.close()
        results = await asyncio.gather(*readers, return_exceptions=True)
        assert results[0] == 1
        assert [type(result) for result in results[1:]] == [ChannelClosed, ChannelClosed]

    run_virtual(main())


def test_a_cancelled_reader_that_was_called_passes_the_item_on(run_virtual: Run) -> None:
    async def main() -> int:
        channel = block()
        first, second = (asyncio.create_task(channel.get()) for _ in range(2))
        await settle()
        channel.put_nowait(1)
        first.cancel()  # called already, but it has not run since
        await asyncio.wait([first])
        assert first.cancelled()
        return await second

    assert run_virtual(main()) == 1


def test_a_call_skips_a_reader_that_is_being_cancelled(run_virtual: Run) -> None:
    async def main() -> int:
        channel = block()
        first, second = (asyncio.create_task(channel.get()) for _ in range(2))
        await settle()
        first.cancel()
        channel.put_nowait(1)
        return await second

    assert run_virtual(main()) == 1


def test_a_cancelled_put_has_put_nothing(run_virtual: Run) -> None:
    async def main() -> list[int]:
        channel = block(bound=1)
        await channel.put(1)
        second, third = (asyncio.create_task(channel.put(number)) for number in (2, 3))
        await settle()
        assert channel.get_nowait() == 1
        second.cancel()
        await asyncio.wait([second])
        await third
        channel.close()
        return [item async for item in channel]

    assert run_virtual(main()) == [3]


def test_a_reader_whose_item_was_taken_keeps_its_place(run_virtual: Run) -> None:
    async def main() -> list[int]:
        channel = block()
        first, second = (asyncio.create_task(channel.get()) for _ in range(2))
        await settle()
        channel.put_nowait(1)
        assert channel.get_nowait() == 1
        await settle()
        channel.put_nowait(2)
        await settle()
        channel.put_nowait(3)
        return [await first, await second]

    assert run_virtual(main()) == [2, 3]


def test_timed_out_readers_leave_nothing_behind(run_virtual: Run) -> None:
    async def main() -> None:
        channel = block()
        patient = asyncio.create_task(channel.get())
        for _ in range(1000):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await channel.get()
        assert len(channel._getters) == 1
        channel.put_nowait(1)
        assert await patient == 1
        assert not channel._getters

    run_virtual(main())


def test_clear_drops_and_makes_room(run_virtual: Run) -> None:
    async def main() -> None:
        channel = block(bound=2)
        await channel.put(1)
        await channel.put(2)
        waiting = asyncio.create_task(channel.put(3))
        await settle()
        assert channel.clear() == 2
        await waiting
        assert (channel.items, channel.drops, channel.depth) == (3, 2, 1)

    run_virtual(main())


def test_age_of_the_oldest(run_virtual: Run) -> None:
    async def main() -> None:
        clock = VirtualClock()
        channel = Channel[int]("test", 4, Policy.BLOCK, clock=clock)
        assert channel.oldest_age_s == 0
        await channel.put(1)
        await clock.sleep(3)
        await channel.put(2)
        await clock.sleep(1)
        assert channel.oldest_age_s == 4
        await channel.get()
        assert channel.oldest_age_s == 1

    run_virtual(main())


def test_many_writers_and_readers_lose_nothing(run_virtual: Run) -> None:
    async def main() -> None:
        clock, channel = VirtualClock(), block(bound=3)
        got: list[int] = []

        async def write(first: int) -> None:
            for number in range(first, first + 50):
                await channel.put(number)
                if number % 7 == 0:
                    await clock.sleep(0.3)

        async def read(pause_s: float) -> None:
            async for item in channel:
                got.append(item)
                await clock.sleep(pause_s)

        async with asyncio.TaskGroup() as readers:
            for pause_s in (0.0, 0.1, 0.5):
                readers.create_task(read(pause_s))
            async with asyncio.TaskGroup() as writers:
                for first in (0, 50, 100):
                    writers.create_task(write(first))
            channel.close()
        assert sorted(got) == list(range(150))

    run_virtual(main())
