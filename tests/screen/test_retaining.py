"""How much of a screen is kept, on virtual time: a busy day, a person at work, a memory of which something else takes most."""

from __future__ import annotations

from pathlib import Path

import pytest

from perception.screen.settings import ScreenReadSettings
from runtime.app.screen import retaining
from runtime.app.screen.retaining import disk_bytes
from runtime.app.screen.settings import ScreenSettings
from runtime.app.screen.status import retained_line
from tests.conftest import Run
from tests.screen.test_busy import page
from tests.screen.test_recorder import WALL, Desk, recorded

GOAL_MB = 0.55
SETTINGS = ScreenSettings(
    min_free_mb=0, keep_mb=GOAL_MB, read=ScreenReadSettings(picture_every_s=1.0, picture_quality=100)
)


def test_a_busy_day_does_not_pass_the_size_that_is_wanted_for_long(
    tmp_path: Path, run_virtual: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    walks: list[Path] = []

    def counted(folder: Path) -> int:
        if folder == tmp_path / "m":
            walks.append(folder)
        return disk_bytes(folder)

    monkeypatch.setattr(retaining, "disk_bytes", counted)

    async def play(desk: Desk) -> None:
        await desk.show(120, "a first line")
        assert desk.retention.last is not None
        assert desk.retention.last.count == 0
        before = len(walks)
        for number in range(60):
            await desk.show(10, *page(number))
        assert disk_bytes(desk.folder) > GOAL_MB * 1e6
        assert len(walks) - before <= 3, "the files are not counted each minute"
        pictures = await desk.store.count("keyframes")
        await desk.show(150, *page(60))
        assert disk_bytes(desk.folder) <= GOAL_MB * 1e6
        last = desk.retention.last
        assert last.at > WALL + 720
        assert 0 < last.count < pictures, (last, pictures)
        assert last.bytes_after == last.bytes_before - last.freed_bytes < last.bytes_before
        read = {line for text in await desk.texts() for line in text.splitlines()}
        assert all(read.issuperset(page(n)) for n in range(61)), "no text went"
        assert "freed" in retained_line(last, GOAL_MB, desk.clock.wall())

    run_virtual(recorded(tmp_path / "m", play, SETTINGS)())


def test_where_pictures_are_not_enough_the_oldest_text_of_the_day_goes_too(
    tmp_path: Path, run_virtual: Run
) -> None:
    async def play(desk: Desk) -> None:
        for number in range(120):
            await desk.show(60, *page(number))
        await desk.show(600, *page(119))
        last = desk.retention.last
        assert last is not None
        read = {line for text in await desk.texts() for line in text.splitlines()}
        assert not read & set(page(0)), "of two hours ago"
        assert not desk.on_disk(page(0)[0])
        hour = int((last.at - 3600 - WALL) // 60) + 1
        assert all(len(read & set(page(n))) >= 7 for n in range(hour, 120)), "two pages may have a line alike"
        assert "more than is wanted" in retained_line(last, last.bytes_after / 2e6, last.at)
        await desk.show(60, "something new")
        assert (await desk.texts())[-1].endswith("something new"), "recording goes on"

    settings = ScreenSettings(min_free_mb=0, keep_mb=0.3, read=ScreenReadSettings(pictures=False))
    run_virtual(recorded(tmp_path / "m", play, settings)())


def test_room_is_made_when_the_screen_stands_still_or_after_ten_minutes(
    tmp_path: Path, run_virtual: Run
) -> None:
    async def play(desk: Desk) -> None:
        for number in range(32):
            await desk.show(20, f"a counter at {number}")
        assert desk.retention.last is None
        for number in range(6):
            await desk.show(20, f"a counter at {number}")
        assert desk.retention.last is not None

    run_virtual(recorded(tmp_path / "m", play)())


def test_what_is_read_while_room_is_made_is_written_afterwards(tmp_path: Path, run_virtual: Run) -> None:
    async def play(desk: Desk) -> None:
        await desk.show(30, "a first line")
        async with desk.recorder.making_room():
            await desk.show(30, "a first line", "a second line")
            assert len(await desk.texts()) == 1
            assert desk.recorder.status.looks > 20, "it goes on looking"
        await desk.show(10, "a first line", "a second line")
        assert len(await desk.texts()) == 2

    run_virtual(recorded(tmp_path / "m", play)())


def test_where_something_else_takes_the_room_it_is_said_and_tried_again_in_an_hour(
    tmp_path: Path, run_virtual: Run
) -> None:
    async def play(desk: Desk) -> None:
        (desk.folder / "notes.bin").write_bytes(bytes(4_000_000))
        await desk.show(300, "a line")
        first = desk.retention.last
        assert first is not None
        assert "more than is wanted" in retained_line(first, 3, desk.clock.wall())
        await desk.show(3000, "a line")
        assert desk.retention.last is first
        (desk.folder / "notes.bin").unlink()
        await desk.show(1200, "a line")
        assert desk.retention.last is first, "it was measured, and is small again"

    run_virtual(recorded(tmp_path / "m", play, ScreenSettings(min_free_mb=0, keep_mb=3))())


def test_a_file_of_two_names_is_counted_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(100_000))
    one = disk_bytes(tmp_path)
    assert one >= 100_000
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    assert disk_bytes(tmp_path) == one
