"""The time of day jumps: the machine slept, or its clock was set. On virtual time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

from memory.screen import Activity, ScreenMemory
from runtime.app.screen.settings import ScreenSettings
from runtime.clock import VirtualClock
from runtime.messages import Observation
from tests.conftest import Run
from tests.screen.test_ears import Hearing, heard
from tests.screen.test_recorder import SETTINGS, WALL, Desk, recorded

HOUR = 3600.0


class Watch(VirtualClock):
    """Its time of day jumps when a test says so; the time that one sleeps by goes on, as it does over a suspend."""

    def __init__(self) -> None:
        super().__init__(WALL)
        self.jumped_s = 0.0

    def wall(self) -> float:
        return super().wall() + self.jumped_s


def jumpy(
    folder: Path,
    play: Callable[[Desk, Watch], Awaitable[None]],
    settings: ScreenSettings = SETTINGS,
    hearing: Hearing | None = None,
) -> Callable[[], Awaitable[None]]:
    """A recording in which everybody of the desk goes by a clock that jumps."""
    clock = Watch()

    def prepare(desk: Desk) -> None:
        desk.clock = desk.recorder._clock = desk.retention._clock = clock
        if hearing is not None:
            hearing.on(desk)

    return recorded(folder, lambda desk: play(desk, clock), settings, prepare)


async def activities(desk: Desk) -> list[Activity]:
    memory = ScreenMemory(desk.store)
    return await memory.activities(await memory.sources())


def test_nothing_lasts_over_a_night_in_which_the_machine_slept(tmp_path: Path, run_virtual: Run) -> None:
    hearing = Hearing("microphone")

    async def play(desk: Desk, clock: Watch) -> None:
        await desk.show(300, "an evening line")
        hearing.rooms["microphone"].say("good night everybody")
        await desk.show(1, "an evening line")
        clock.jumped_s += 7 * HOUR
        await desk.show(300, "an evening line")
        memory = ScreenMemory(desk.store)
        sources = await memory.sources()
        assert len(sources) == 1
        evening, morning = await activities(desk)
        assert evening.end_wall_s <= WALL + 302
        assert WALL + 7 * HOUR + 299 <= morning.wall_s <= WALL + 7 * HOUR + 310
        (text,) = await memory.texts(sources)
        evening_s, morning_s = (await memory.stood([text]))[text.id]
        assert evening_s[1] <= 302
        assert morning_s[0] >= 7 * HOUR + 299
        (said,) = await heard(desk)
        assert 0 <= said.t_start_s <= said.t_end_s <= 305

    run_virtual(jumpy(tmp_path / "m", play, hearing=hearing)())


def test_over_midnight_asleep_the_next_day_is_a_source_of_its_own(tmp_path: Path, run_virtual: Run) -> None:
    async def play(desk: Desk, clock: Watch) -> None:
        await desk.show(300, "an evening line")
        clock.jumped_s += 20 * HOUR
        await desk.show(300)
        evening, morning = await activities(desk)
        assert evening.source != morning.source
        assert evening.end_wall_s <= WALL + 301
        assert datetime.fromtimestamp(morning.wall_s).day == 18
        late = Observation("", "", "said", "good night", WALL + 299, WALL + 300, WALL + 301)
        await desk.recorder.hear("microphone", late)
        await desk.show(30)
        ((said, wall_s),) = [(o, wall_s) for o, wall_s in desk.remembered if o.modality == "said"]
        assert (said.source, wall_s) == (evening.source, WALL + 301)

    run_virtual(jumpy(tmp_path / "m", play)())


def test_a_clock_that_was_set_back_makes_nothing_negative(tmp_path: Path, run_virtual: Run) -> None:
    hearing = Hearing("microphone")

    async def play(desk: Desk, clock: Watch) -> None:
        await desk.show(300, "the first line")
        clock.jumped_s -= HOUR
        await desk.show(3, "the second line")
        hearing.rooms["microphone"].say("it is an hour earlier")
        await desk.show(300, "the second line")
        done = await activities(desk)
        assert all(a.duration_s >= 0 and a.t_start_s >= 0 for a in done)
        assert max(a.end_wall_s for a in done) <= WALL + 302
        memory = ScreenMemory(desk.store)
        texts = await memory.texts(await memory.sources())
        assert all(0 <= t.t_start_s <= t.t_end_s <= 302 for t in texts)
        (said,) = await heard(desk)
        assert 0 <= said.t_start_s < said.t_end_s < 60
        assert await desk.recorder.forget(60) >= 0

    run_virtual(jumpy(tmp_path / "m", play, hearing=hearing)())


def test_a_pause_ends_by_the_time_of_day_that_was_told(tmp_path: Path, run_virtual: Run) -> None:
    async def play(desk: Desk, clock: Watch) -> None:
        await desk.show(10, "before")
        await desk.recorder.pause(1800)
        await desk.show(60, "canary pelican")
        assert desk.recorder.status.state == "paused"
        clock.jumped_s += 2 * HOUR
        await desk.show(30, "after")
        assert desk.recorder.status.state == "recording"
        await desk.recorder.pause(1800)
        clock.jumped_s -= 10 * HOUR
        await desk.show(1900, "after")
        assert desk.recorder.status.state == "recording"

    run_virtual(jumpy(tmp_path / "m", play)())


def test_a_clock_that_is_years_ahead_for_a_moment_loses_nothing(tmp_path: Path, run_virtual: Run) -> None:
    async def play(desk: Desk, clock: Watch) -> None:
        await desk.show(2 * HOUR, "a line to keep")
        clock.jumped_s += 400 * 24 * HOUR
        await desk.show(600)
        clock.jumped_s -= 400 * 24 * HOUR
        await desk.show(2 * HOUR)
        assert "notes.txt - Mousepad\na line to keep" in await desk.texts()
        assert len(await activities(desk)) == 3

    run_virtual(jumpy(tmp_path / "m", play, ScreenSettings(min_free_mb=0))())
