"""Pages that stand for less than a second, on virtual time: between others, on a screen that stood still, while one is read."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from memory.screen import ScreenMemory
from perception.sources.stirring import Stirring
from runtime.app.screen.settings import ScreenSettings
from tests.conftest import Run, require
from tests.screen.desktop import Desktop, end
from tests.screen.test_busy import page, slowly
from tests.screen.test_recorder import Desk, recorded

SHORT_S = 0.6


class Stirs:
    """Tells of every change that a test makes."""

    def __init__(self, desk: Desk) -> None:
        self._drawn = asyncio.Event()
        self._desk = desk

    def arm(self) -> None:
        self._drawn.clear()

    async def wait(self) -> None:
        await self._drawn.wait()

    def close(self) -> None:
        """It holds nothing."""

    async def show(self, seconds: float, *lines: str) -> None:
        asyncio.get_running_loop().call_soon(self._drawn.set)
        await self._desk.show(seconds, *lines)


def stirring(desk: Desk) -> None:
    desk.recorder._stirs = Stirs(desk)


async def read(desk: Desk) -> set[str]:
    return {line for text in await desk.texts() for line in text.splitlines()}


def test_each_of_some_pages_that_are_turned_fast_is_read(tmp_path: Path, run_virtual: Run) -> None:
    async def play(desk: Desk) -> None:
        await desk.show(30, *page(0))
        for number in range(1, 6):
            await desk.show(3.0 if number == 1 else SHORT_S, *page(number))
        await desk.show(30, *page(6))
        there = await read(desk)
        assert [n for n in range(7) if not there.issuperset(page(n))] == []

    run_virtual(recorded(tmp_path / "m", play)())


def test_the_first_short_page_after_a_long_rest_is_read_where_the_display_tells_that_it_stirs(
    tmp_path: Path, run_virtual: Run
) -> None:
    async def play(desk: Desk) -> None:
        stirs = desk.recorder._stirs
        assert isinstance(stirs, Stirs)
        for number in range(1, 6):
            await stirs.show(60 + 0.37 * number, *page(0))
            looks = desk.screen.looks
            await stirs.show(SHORT_S, *page(number))
            assert desk.screen.looks - looks <= 4
        await stirs.show(60, *page(0))
        there = await read(desk)
        assert [n for n in range(6) if not there.issuperset(page(n))] == []
        looks = desk.screen.looks
        await stirs.show(60, *page(0))
        assert desk.screen.looks - looks <= 60 / 2.0 + 1, (
            "a screen that stands still costs no more than before"
        )

    run_virtual(recorded(tmp_path / "m", play, prepare=stirring)())


def test_short_pages_while_another_is_read_are_read_afterwards(tmp_path: Path, run_virtual: Run) -> None:
    async def play(desk: Desk) -> None:
        await desk.show(1.2, *page(0))
        for number in range(1, 4):
            await desk.show(SHORT_S, *page(number))
        await desk.show(60, *page(4))
        there = await read(desk)
        assert [n for n in range(5) if not there.issuperset(page(n))] == []
        assert desk.recorder.status.missed == 0

    run_virtual(recorded(tmp_path / "m", play, prepare=slowly(3.5))())


def test_short_pages_in_a_row_are_read_though_reading_and_writing_take_longer(
    tmp_path: Path, run_virtual: Run
) -> None:
    def prepare(desk: Desk) -> None:
        slowly(0.7)(desk)
        write = desk.writer.write

        async def slow(*given: Any) -> None:
            await desk.clock.sleep(0.3)
            await write(*given)

        desk.writer.write = slow  # type: ignore[method-assign]

    async def play(desk: Desk) -> None:
        await desk.show(30, *page(0))
        for number in range(1, 7):
            await desk.show(3.0 if number == 1 else SHORT_S, *page(number))
        await desk.show(60, *page(7))
        there = await read(desk)
        assert [n for n in range(8) if not there.issuperset(page(n))] == []
        assert desk.recorder.status.missed == 0
        memory = ScreenMemory(desk.store)
        (source,) = await memory.sources()
        spans = [(r.t_start_s, r.t_end_s) for r in await memory.texts([source])]
        assert spans == sorted(spans)
        assert all(after[0] >= before[1] for before, after in pairwise(spans)), (
            "pages are read in order of time"
        )

    run_virtual(recorded(tmp_path / "m", play, ScreenSettings(min_free_mb=0, commit_s=0), prepare)())


@pytest.mark.parametrize("began_s", [30.0, 30.13, 30.3])
def test_pages_that_a_slow_machine_saw_only_once_are_counted(
    tmp_path: Path, run_virtual: Run, began_s: float
) -> None:
    async def play(desk: Desk) -> None:
        await desk.show(began_s, *page(0))
        for number in range(1, 8):
            await desk.show(3.0 if number == 1 else SHORT_S, *page(number))
        await desk.show(60, *page(8))
        there = await read(desk)
        pages = sum(there.issuperset(page(n)) for n in range(9))
        assert desk.recorder.status.missed == 9 - pages > 0

    run_virtual(recorded(tmp_path / "m", play, prepare=slowly(1.5, looking_s=0.05))())


def test_where_too_many_wait_those_that_stood_longest_are_read(tmp_path: Path, run_virtual: Run) -> None:
    async def play(desk: Desk) -> None:
        await desk.show(1.2, *page(0))
        await desk.show(3.0, *page(1))
        for number in range(2, 9):
            await desk.show(SHORT_S, *page(number))
        await desk.show(120, *page(9))
        there = await read(desk)
        assert there.issuperset(page(1))
        assert desk.recorder.status.missed > 0

    run_virtual(recorded(tmp_path / "m", play, prepare=slowly(20.0))())


def test_what_passes_by_is_not_read(tmp_path: Path, run_virtual: Run) -> None:
    """Scrolled through: another picture at each look."""

    async def play(desk: Desk) -> None:
        await desk.show(30, *page(0))
        for number in range(1, 20):
            await desk.show(0.2, *page(number))
        await desk.show(30, *page(20))
        assert await read(desk) == {"notes.txt - Mousepad", *page(0), *page(20)}

    run_virtual(recorded(tmp_path / "m", play)())


@pytest.mark.slow
def test_an_x_server_tells_what_is_drawn_and_nothing_else(tmp_path: Path, run_real: Run) -> None:
    require(all(shutil.which(name) for name in ("Xvfb", "xdotool", "xterm")), "no X11 programs are installed")

    async def main() -> None:
        stirring = Stirring(desktop.env["DISPLAY"])
        stirring.arm()
        await asyncio.to_thread(desktop.type, "letter", "a word")
        async with asyncio.timeout(60):
            await stirring.wait()
        for _ in range(100):  # what was drawn last may still come
            stirring.arm()
            try:
                async with asyncio.timeout(0.5):
                    await stirring.wait()
            except TimeoutError:
                break
        else:
            pytest.fail("a screen that stands still stirs")
        await asyncio.to_thread(end, desktop.server)
        async with asyncio.timeout(60):
            await stirring.wait()
        stirring.arm()
        stirring.close()

    with ExitStack() as stack:
        desktop = Desktop(stack, tmp_path)
        desktop.terminal("letter", "56x8+4+4", "cat")
        run_real(main())
