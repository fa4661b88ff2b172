"""A machine on which reading takes longer than a person turns pages. On virtual time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from perception.screen.pieces import RegionReader
from runtime.app.screen.glances import Glances
from runtime.app.screen.status import behind_line
from runtime.clock import Clock
from runtime.compute import Compute
from tests.conftest import Run
from tests.screen.painted import PaintedReader
from tests.screen.test_recorder import SETTINGS, Desk, recorded

T = TypeVar("T")


class SlowReading(Compute):
    """Recognising text takes so many seconds, wherever there is some to be read."""

    def __init__(self, clock: Clock, reader: PaintedReader, seconds: float, looking_s: float = 0.0) -> None:
        """looking_s: what a look takes."""
        super().__init__()
        self._looking_s = looking_s
        self._clock = clock
        self._reader = reader
        self._seconds = seconds

    async def run(self, name: str, fn: Callable[..., T], *args: Any) -> T:
        before = len(self._reader.reads)
        result = await super().run(name, fn, *args)
        if name == "screen" and self._looking_s:
            await self._clock.sleep(self._looking_s)
        if len(self._reader.reads) > before:
            await self._clock.sleep(self._seconds)
        return result


WORDS = (
    "harbour lantern copper violin market tide anchor bridge garden letter mirror candle museum pepper"
).split()


def page(number: int) -> list[str]:
    """Lines of which no two are alike."""
    draw = Random(number)
    return [" ".join(draw.sample(WORDS, 5)) for _ in range(8)]


def slowly(seconds: float, looking_s: float = 0.0) -> Callable[[Desk], None]:
    def prepare(desk: Desk) -> None:
        ocr = PaintedReader()
        desk.reader._regions = RegionReader(ocr)
        desk.compute = desk.recorder._compute = SlowReading(desk.clock, ocr, seconds, looking_s)
        desk.recorder._glances = Glances(desk.compute, desk.clock, SETTINGS.fast_s)

    return prepare


def test_pages_that_are_turned_while_another_one_is_read_are_read_afterwards(
    tmp_path: Path, run_virtual: Run
) -> None:
    async def play(desk: Desk) -> None:
        for number in range(4):
            await desk.show(3.0, *page(number))
        await desk.show(60.0, *page(4))
        texts = await desk.texts()
        read = {line for text in texts for line in text.splitlines()}
        missing = {n for n in range(5) if not read.issuperset(page(n))}
        assert missing == set()

    run_virtual(recorded(tmp_path / "m", play, prepare=slowly(3.5))())


def test_of_pages_that_are_turned_faster_than_that_the_last_is_read_and_the_others_are_counted(
    tmp_path: Path, run_virtual: Run
) -> None:
    async def play(desk: Desk) -> None:
        for number in range(7):
            await desk.show(1.6, *page(number))
        await desk.show(300.0, *page(7))
        read = {line for text in await desk.texts() for line in text.splitlines()}
        assert read.issuperset(page(7))
        pages = sum(read.issuperset(page(n)) for n in range(8))
        assert pages + desk.recorder.status.missed == 8
        assert desk.recorder.status.missed > 0

    run_virtual(recorded(tmp_path / "m", play, prepare=slowly(20.0))())


def test_a_pause_waits_for_one_reading_only_and_nothing_is_looked_at_meanwhile(
    tmp_path: Path, run_virtual: Run
) -> None:
    async def play(desk: Desk) -> None:
        for number in range(4):
            await desk.show(3.0, *page(number))
        looks, began = desk.screen.looks, desk.clock.now()
        await desk.recorder.pause()
        assert desk.clock.now() - began <= 20.0
        assert desk.screen.looks == looks
        await desk.show(600.0, "canary pelican")
        assert desk.screen.looks == looks
        assert not desk.on_disk("pelican")

    run_virtual(recorded(tmp_path / "m", play, prepare=slowly(20.0))())


def test_how_far_reading_is_behind_is_told(tmp_path: Path, run_virtual: Run) -> None:
    async def play(desk: Desk) -> None:
        for number in range(4):
            await desk.show(3.0, *page(number))
        status = desk.recorder.status
        assert status.state == "recording"
        assert 8.0 <= status.behind_s <= 12.0
        assert status.waiting >= 2
        line = behind_line(status)
        assert line.startswith("reading is 1")
        assert f"{status.waiting} more pages wait" in line
        await desk.show(300.0, *page(3))
        assert behind_line(desk.recorder.status) == ""

    run_virtual(recorded(tmp_path / "m", play, prepare=slowly(20.0))())


def test_looking_takes_a_third_of_the_time_at_most_while_something_is_read(
    tmp_path: Path, run_virtual: Run
) -> None:
    async def play(desk: Desk) -> None:
        await desk.show(2.5, *page(0))
        looks = desk.screen.looks
        await desk.show(30.0, *page(0))
        assert 1 <= desk.screen.looks - looks <= 30 * 0.3 / 0.5 + 1

    run_virtual(recorded(tmp_path / "m", play, prepare=slowly(60.0, looking_s=0.25))())
