"""The recorder on virtual time: paused, forgotten, a display that goes, a disk that is full, and ten thousand looks."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from memory import Store
from memory.screen import ScreenMemory, ScreenWriter
from perception.screen.reader import ScreenReader
from perception.screen.settings import ScreenReadSettings
from perception.sources.pulse import EarName
from runtime.app.screen.ears import Ears
from runtime.app.screen.recorder import Recorder
from runtime.app.screen.retaining import Retention, retain
from runtime.app.screen.settings import ScreenSettings
from runtime.clock import VirtualClock
from runtime.compute import Compute
from runtime.errors import MediaError
from runtime.messages import Observation, ScreenFrame
from tests.conftest import Run
from tests.memory.world import HashEncoder
from tests.screen.painted import PaintedReader, column, frame

WALL = datetime(2024, 5, 17, 10, 0).timestamp()
SETTINGS = ScreenSettings(min_free_mb=0)
Lines = Mapping[tuple[int, int], str]


class Screen:
    """A display whose text a test writes. looks: how often it was looked at; broken: why it cannot be."""

    def __init__(self) -> None:
        self.lines: Lines = {}
        self.title = "notes.txt - Mousepad"
        self.looks = 0
        self.broken = ""
        self.opened = 0
        self.closed = 0
        self._last: tuple[Lines, str] | None = None

    def open(self) -> Screen:
        if self.broken:
            raise MediaError(self.broken)
        self.opened += 1
        self._last = None
        return self

    def look(self, t_s: float) -> list[ScreenFrame]:
        if self.broken:
            raise MediaError(self.broken)
        self.looks += 1
        if (self.lines, self.title) == self._last:
            return []
        self._last = (self.lines, self.title)
        return [frame(t_s, self.lines, self.title)]

    def close(self) -> None:
        self.closed += 1


@asynccontextmanager
async def standing_still() -> AsyncIterator[None]:
    """Virtual time does not pass while LanceDB's own threads, of which it does not know, are at work."""
    done = threading.Event()
    waiting = asyncio.get_running_loop().run_in_executor(None, done.wait)
    try:
        yield
    finally:
        done.set()
        await waiting


class TimelessStore(Store):
    """Reading and writing take no virtual time."""

    async def rows(self, name: str, where: str | None = None, columns: Sequence[str] | None = None) -> Any:
        async with standing_still():
            return await super().rows(name, where, columns)

    async def add(self, name: str, rows: Any) -> None:
        async with standing_still():
            await super().add(name, rows)

    async def count(self, name: str) -> int:
        async with standing_still():
            return await super().count(name)

    async def optimize(self) -> None:
        async with standing_still():
            await super().optimize()


class TimelessWriter(ScreenWriter):
    """Erasing, too: it goes past the store to its tables."""

    async def forget(self, source: str, from_s: float) -> int:
        async with standing_still():
            return await super().forget(source, from_s)

    async def forget_before(self, before_s: Mapping[str, float], pictures_only: bool = False) -> int:
        async with standing_still():
            return await super().forget_before(before_s, pictures_only)


class Desk:
    """A recorder on a screen, and what it wrote."""

    def __init__(self, folder: Path, store: Store, settings: ScreenSettings) -> None:
        self.folder = folder
        self.store = store
        self.clock = VirtualClock(WALL)
        self.screen = Screen()
        self.compute = Compute()
        self.told: list[str] = []
        self.reader = ScreenReader(PaintedReader(), "", settings.read)
        self.writer = TimelessWriter(store, HashEncoder(), self.compute)
        self.remembered: list[tuple[Observation, float]] = []
        self.ears = Ears(self._hear)
        self.recorder = Recorder(
            self.screen.open,
            self.reader,
            self.writer,
            store,
            settings,
            self.compute,
            self.clock,
            notice=self.told.append,
            remembered=self._remember,
            ears=self.ears,
        )
        self.retention = Retention(store, self.writer, settings, self.clock, self.recorder, self.told.append)

    async def _hear(self, ear: EarName, said: Observation) -> None:
        await self.recorder.hear(ear, said)

    async def _remember(self, record: Observation, wall_s: float) -> None:
        self.remembered.append((record, wall_s))

    async def show(self, seconds: float, *lines: str) -> None:
        self.screen.lines = column(*lines)
        await self.clock.sleep(seconds)

    async def texts(self) -> list[str]:
        memory = ScreenMemory(self.store)
        return [o.text for o in await memory.texts(await memory.sources())]

    def on_disk(self, canary: str) -> bool:
        return any(canary.encode() in p.read_bytes() for p in self.folder.rglob("*") if p.is_file())


def recorded(
    folder: Path,
    play: Callable[[Desk], Awaitable[None]],
    settings: ScreenSettings = SETTINGS,
    prepare: Callable[[Desk], None] = lambda _: None,
) -> Callable[[], Awaitable[None]]:
    async def main() -> None:
        async with await TimelessStore.open(folder, HashEncoder()) as store:
            desk = Desk(folder, store, settings)
            prepare(desk)
            running = [
                asyncio.create_task(desk.recorder.run()),
                asyncio.create_task(desk.ears.run()),
                asyncio.create_task(desk.retention.run()),
            ]
            try:
                await play(desk)
            finally:
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)
                await desk.compute.close(5.0)

    return main


def test_what_the_screen_shows_is_in_memory_within_ten_seconds(tmp_path: Path, run_virtual: Run) -> None:
    async def play(desk: Desk) -> None:
        await desk.show(30, "an old line")
        await desk.show(10, "an old line", "a new line")
        assert await desk.texts() == ["notes.txt - Mousepad\nan old line", "notes.txt - Mousepad\na new line"]
        last, wall_s = desk.remembered[-1]
        assert last.text.endswith("a new line")
        assert WALL + 30 <= wall_s <= WALL + 40
        assert desk.recorder.status.state == "recording"
        assert desk.recorder.status.now == "notes.txt in Mousepad"

    run_virtual(recorded(tmp_path / "m", play)())


def test_a_screen_that_stands_still_is_looked_at_rarely(tmp_path: Path, run_virtual: Run) -> None:
    async def play(desk: Desk) -> None:
        await desk.show(60, "nothing happens")
        before = desk.screen.looks
        await desk.show(100, "nothing happens")
        assert desk.screen.looks - before <= 100 / SETTINGS.slow_s + 1

    run_virtual(recorded(tmp_path / "m", play)())


def test_nothing_is_looked_at_while_it_is_paused(tmp_path: Path, run_virtual: Run) -> None:
    async def play(desk: Desk) -> None:
        await desk.show(10, "before")
        await desk.recorder.pause()
        looks = desk.screen.looks
        await desk.show(100, "canary pelican")
        assert desk.screen.looks == looks
        assert desk.recorder.status.state == "paused"
        await desk.recorder.resume()
        await desk.show(10, "after")
        assert [t.splitlines()[1] for t in await desk.texts()] == ["before", "after"]
        assert not desk.on_disk("pelican")

    run_virtual(recorded(tmp_path / "m", play)())


def test_text_that_still_stands_after_a_pause_is_not_remembered_again(
    tmp_path: Path, run_virtual: Run
) -> None:
    async def play(desk: Desk) -> None:
        await desk.show(20, "a line that stays", "a line that goes")
        await desk.recorder.pause()
        await desk.show(3 * 3600)
        await desk.recorder.resume()
        await desk.show(20, "a line that stays", "a line that is new")
        assert [t.splitlines()[1:] for t in await desk.texts()] == [
            ["a line that stays", "a line that goes"],
            ["a line that is new"],
        ]
        memory = ScreenMemory(desk.store)
        (source,) = await memory.sources()
        for t_s, there in ((10.0, (1, 2)), (3600.0, ()), (3 * 3600 + 35.0, (1,))):
            found = await memory.standing(source, t_s, open_ended=True)
            assert [line for record, lines in found if record.t_start_s == 0 for line in lines] == list(there)

    run_virtual(recorded(tmp_path / "m", play)())


def test_a_pause_may_end_by_itself(tmp_path: Path, run_virtual: Run) -> None:
    async def play(desk: Desk) -> None:
        await desk.show(10, "before")
        await desk.recorder.pause(600)
        await desk.show(590, "canary pelican")
        await desk.show(60, "after")
        assert [t.splitlines()[1] for t in await desk.texts()] == ["before", "after"]
        assert desk.told == ["recording", "paused", "recording"]

    run_virtual(recorded(tmp_path / "m", play)())


def test_the_last_minutes_are_forgotten_off_the_disk_and_not_taken_up_again(
    tmp_path: Path, run_virtual: Run
) -> None:
    async def play(desk: Desk) -> None:
        await desk.show(600, "a line to keep")
        await desk.show(60, "a line to keep", "canary pelican")
        assert desk.on_disk("pelican")
        assert await desk.recorder.forget(120) == 1
        assert not desk.on_disk("pelican")
        await desk.show(60, "a line to keep", "canary pelican")
        await desk.show(60, "a line to keep", "canary pelican", "something else")
        assert [t.splitlines()[1] for t in await desk.texts()] == ["a line to keep", "something else"]
        assert not desk.on_disk("pelican")

    run_virtual(recorded(tmp_path / "m", play)())


def test_what_was_forgotten_and_still_stands_at_midnight_is_not_taken_up_into_the_next_day(
    tmp_path: Path, run_virtual: Run
) -> None:
    async def play(desk: Desk) -> None:
        await desk.show(60, "canary pelican")
        await desk.recorder.forget(120)
        await desk.show(60, "canary pelican")
        await desk.show(15 * 3600, "canary pelican", "another line")
        assert [t.splitlines()[1:] for t in await desk.texts()] == [["another line"]] * 2
        assert not desk.on_disk("pelican")

    run_virtual(recorded(tmp_path / "m", play)())


def test_a_display_that_goes_and_comes_back(tmp_path: Path, run_virtual: Run) -> None:
    """X restarts."""

    async def play(desk: Desk) -> None:
        await desk.show(20, "first")
        desk.screen.broken = "the X11 display does not answer"
        await desk.show(120, "unseen")
        desk.screen.broken = ""
        await desk.show(20, "second")
        assert [t.splitlines()[1] for t in await desk.texts()] == ["first", "second"]
        assert desk.told == ["recording", "stopped: the X11 display does not answer", "recording"]
        assert desk.screen.opened == 2

    run_virtual(recorded(tmp_path / "m", play)())


def test_a_full_disk_stops_the_recording_and_it_goes_on_when_there_is_room(
    tmp_path: Path, run_virtual: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = {"bytes": 10**12}
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free["bytes"]))

    async def play(desk: Desk) -> None:
        await desk.show(20, "first")
        free["bytes"] = 10**6
        await desk.show(300, "unseen")
        free["bytes"] = 10**12
        await desk.show(20, "second")
        assert [t.splitlines()[1] for t in await desk.texts()] == ["first", "second"]
        assert desk.told == ["recording", "stopped: the disk is full", "recording"]

    run_virtual(recorded(tmp_path / "m", play, ScreenSettings(min_free_mb=100))())


def test_each_day_is_a_source_of_its_own(tmp_path: Path, run_virtual: Run) -> None:
    async def play(desk: Desk) -> None:
        await desk.show(15 * 3600, "over midnight")
        memory = ScreenMemory(desk.store)
        sources = await memory.sources()
        assert [s.path for s in sources] == ["screen of 2024-05-17", "screen of 2024-05-18"]
        days = [datetime.fromtimestamp(a.wall_s).day for a in await memory.activities(sources)]
        assert days == [17, 18]

    run_virtual(recorded(tmp_path / "m", play)())


def test_old_pictures_go_before_old_text_and_the_disk_is_freed(tmp_path: Path, run_virtual: Run) -> None:
    async def play(desk: Desk) -> None:
        await desk.show(60, "canary pelican")
        await desk.recorder.pause()
        now = WALL + 40 * 86400
        assert (await retain(desk.store, desk.writer, SETTINGS, now)).count > 0
        assert await desk.store.count("keyframes") == 0
        assert len(await desk.texts()) == 1
        await retain(desk.store, desk.writer, SETTINGS, WALL + 100 * 86400)
        assert await desk.texts() == []
        assert not desk.on_disk("pelican")

    run_virtual(recorded(tmp_path / "m", play)())


def test_a_picture_after_all_were_thrown_away_shows_the_whole_screen(
    tmp_path: Path, run_virtual: Run
) -> None:
    async def play(desk: Desk) -> None:
        await desk.show(30, "a first line")
        assert await desk.store.count("keyframes") > 0
        await desk.show(300, "a first line")
        assert await desk.store.count("keyframes") == 0
        await desk.show(60, "a first line", "a second line")
        pictures = await desk.store.rows("keyframes", columns=["clip"])
        (clip,) = pictures["clip"].to_pylist()
        assert clip.count("/") == 3, "it rests on none"

    run_virtual(recorded(tmp_path / "m", play, ScreenSettings(min_free_mb=0, keep_mb=0.001))())


@pytest.mark.slow
def test_ten_thousand_looks_leave_nothing_behind_and_lose_no_line(tmp_path: Path, run_virtual: Run) -> None:
    """Every look is another screen: a counter runs, a chat grows by a line every 20 s, windows change."""
    sizes: list[int] = []
    shown: set[str] = set()

    async def play(desk: Desk) -> None:
        n = 0
        while desk.screen.looks < 10_000:
            n += 1
            chat = [_message(i) for i in range(n // 80, n // 80 + 6)]
            shown.update(chat)
            desk.screen.title = f"{'room' if n // 400 % 2 else 'mail'} - Chat"
            await desk.show(0.25, f"{n} of 20000", *chat)
            if n % 1000 == 0:
                sizes.append(psutil.Process().memory_info().rss)
        await desk.show(10, *chat)
        assert desk.recorder.status.looks >= 10_000
        assert len(sizes) >= 9
        assert shown - {line for text in await desk.texts() for line in text.splitlines()} == set()

    settings = ScreenSettings(min_free_mb=0, read=ScreenReadSettings(picture_every_s=300.0))
    run_virtual(recorded(tmp_path / "m", play, settings)())
    middle, last = max(sizes[2:5]), max(sizes[-3:])
    assert last - middle < 40e6, sizes


def _message(number: int) -> str:
    """Each another one, by whole words of letters."""
    return "message " + " ".join(chr(97 + number // 26**place % 26) * 4 for place in range(2, -1, -1))
