"""The recorder was ended, or killed, and is started again: what still stands on the screen is not something new."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path

import pytest

from memory.screen import ScreenMemory
from memory.screen_resuming import left_off
from runtime.clock import VirtualClock
from runtime.errors import MemoryStoreError
from tests.conftest import Run
from tests.memory.world import HashEncoder
from tests.screen.test_recorder import SETTINGS, WALL, Desk, TimelessStore, recorded

CARD = "4111 1111 1111 1111"


def runs(
    folder: Path, plays: list[Callable[[Desk], Awaitable[None]]], apart_s: float = 60.0, killed: bool = False
) -> Callable[[], Awaitable[None]]:
    """One recorder after the other on one memory and one clock. killed: the first ones write nothing when they end."""

    async def main() -> None:
        for number, play in enumerate(plays):

            def prepare(desk: Desk, last: bool = number == len(plays) - 1) -> None:
                if killed and not last:

                    async def nothing() -> None:
                        """It is not there any more to write something."""

                    desk.recorder._end = nothing  # type: ignore[method-assign]

            await recorded(folder, play, SETTINGS, prepare)()
            await VirtualClock().sleep(apart_s)

    return main


async def lines(desk: Desk) -> list[list[str]]:
    return [text.splitlines()[1:] for text in await desk.texts()]


@pytest.mark.parametrize("killed", [False, True], ids=["ended", "killed"])
def test_text_that_still_stands_after_a_restart_is_one_record_with_two_spans(
    tmp_path: Path, run_virtual: Run, killed: bool
) -> None:
    async def before(desk: Desk) -> None:
        await desk.show(1200, "a line that stays", "a line that goes", f"card {CARD}", "a line that stays")

    async def after(desk: Desk) -> None:
        await desk.show(60, "a line that stays", "a line that is new", f"card {CARD}", "a line that stays")
        assert await lines(desk) == [
            ["a line that stays", "a line that goes", "card [card]", "a line that stays"],
            ["a line that is new"],
        ]
        memory = ScreenMemory(desk.store)
        (source,) = await memory.sources()
        for t_s, there in ((10.0, (1, 2, 3, 4)), (1230.0, ()), (1300.0, (1, 3, 4))):
            found = await memory.standing(source, t_s, open_ended=True)
            assert [n for record, those in found if record.t_start_s < 900 for n in those] == list(there)
        first, second = await memory.activities([source])
        assert 900 - 4 <= first.t_end_s <= 1200, "the last look that is known of"
        assert second.t_start_s >= 1260
        assert desk.remembered[-1][1] >= WALL + 1260

    run_virtual(runs(tmp_path / "m", [before, after], killed=killed)())


def test_what_had_gone_long_before_the_end_is_new_when_it_is_shown_again(
    tmp_path: Path, run_virtual: Run
) -> None:
    async def before(desk: Desk) -> None:
        await desk.show(30, "a page of the morning")
        await desk.show(2 * 3600, "another page")

    async def after(desk: Desk) -> None:
        await desk.show(30, "another page")
        await desk.show(30, "a page of the morning")
        assert await lines(desk) == [["a page of the morning"], ["another page"], ["a page of the morning"]]
        last, wall_s = desk.remembered[-1]
        assert wall_s >= WALL + 2 * 3600
        assert last.t_start_s >= 2 * 3600

    run_virtual(runs(tmp_path / "m", [before, after])())


def test_the_next_day_is_a_source_of_its_own_after_a_restart_too(tmp_path: Path, run_virtual: Run) -> None:
    async def play(desk: Desk) -> None:
        await desk.show(30, "a line that stays")

    async def after(desk: Desk) -> None:
        await play(desk)
        assert await lines(desk) == [["a line that stays"]] * 2
        assert len(await ScreenMemory(desk.store).sources()) == 2

    run_virtual(runs(tmp_path / "m", [play, after], apart_s=20 * 3600)())


def test_what_was_left_open_is_ended_once(tmp_path: Path, run_virtual: Run) -> None:
    """However often it is killed, and if the disk is full when it starts."""

    async def before(desk: Desk) -> None:
        await desk.show(30, "a line that stays")

    async def full(desk: Desk) -> None:
        async def no_room(*_: object) -> None:
            raise MemoryStoreError("no space left on the disk")

        desk.writer._write_spans = no_room  # type: ignore[method-assign]
        await desk.show(30, "a line that stays")

    async def after(desk: Desk) -> None:
        await desk.show(30, "a line that stays")
        memory = ScreenMemory(desk.store)
        (source,) = await memory.sources()
        (record,) = await memory.texts([source])
        spans = (await memory.standings([record.id]))[record.id]
        starts = [since for since, until, _ in spans if until < float("inf")]
        assert len(starts) == len(set(starts)) == 2
        assert len(await lines(desk)) == 1

    run_virtual(runs(tmp_path / "m", [before, full, before, after], killed=True)())


@pytest.mark.parametrize("apart_s", [60.0, 20 * 3600.0], ids=["same day", "next day"])
@pytest.mark.parametrize("killed", [False, True], ids=["ended", "killed"])
def test_what_was_forgotten_and_still_stands_is_not_taken_up_after_a_restart(
    tmp_path: Path, run_virtual: Run, killed: bool, apart_s: float
) -> None:
    async def before(desk: Desk) -> None:
        await desk.show(600, "a line to keep", f"card {CARD}")
        await desk.show(60, "a line to keep", f"card {CARD}", "canary pelican")
        assert await desk.recorder.forget(120) == 1
        await desk.show(30, "a line to keep", f"card {CARD}", "canary pelican")

    async def again(desk: Desk) -> None:
        await desk.show(90, "a line to keep", f"card {CARD}", "canary pelican")

    async def after(desk: Desk) -> None:
        await again(desk)
        assert not desk.on_disk("pelican")
        await desk.show(60, "a line to keep", f"card {CARD}", "canary pelican", "something else")
        assert await lines(desk) == [["a line to keep", "card [card]"], ["something else"]]
        assert not desk.on_disk("pelican")

    run_virtual(runs(tmp_path / "m", [before, again, after], apart_s, killed)())


def test_after_it_has_gone_for_long_a_restart_takes_up_everything(tmp_path: Path, run_virtual: Run) -> None:
    async def before(desk: Desk) -> None:
        await desk.show(60, "a line to forget")
        await desk.recorder.forget(120)
        await desk.show(60, "a line to forget")
        desk.screen.title = "letter - Mousepad"
        await desk.show(2 * 3600, "another one")

    async def after(desk: Desk) -> None:
        desk.screen.title = "letter - Mousepad"
        await desk.show(60, "another one", "written meanwhile")
        assert await lines(desk) == [["another one"], ["written meanwhile"]]

    run_virtual(runs(tmp_path / "m", [before, after])())


def test_a_clock_that_was_set_back_begins_another_source(tmp_path: Path, run_virtual: Run) -> None:
    async def before(desk: Desk) -> None:
        await desk.show(600, "a line")

    async def main() -> None:
        await recorded(tmp_path / "m", before)()
        async with await TimelessStore.open(tmp_path / "m", HashEncoder()) as store:
            (source,) = await ScreenMemory(store).sources()
            day = date(2024, 5, 17)
            assert await left_off(store, day, WALL + 300, 3600.0) is None
            assert await left_off(store, day.replace(day=18), WALL + 86400, 3600.0) is None
            found = await left_off(store, day, WALL + 700, 3600.0)
            assert found is not None
            assert found.source == source
            assert found.ends == ()

    run_virtual(main())
