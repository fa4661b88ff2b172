"""Folders of screenshots, and the times in their names."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import cv2
import pytest

from perception.sources.screenshots import ScreenshotFolder, load, time_in
from runtime.errors import InputError
from tests.screen.painted import paint


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("2023-12-20_11-19-39-756126", datetime(2023, 12, 20, 11, 19, 39, 756126)),
        ("Screenshot 2024-05-17 at 9.05.07 PM", datetime(2024, 5, 17, 21, 5, 7)),
        ("Screenshot_20240517-090507", datetime(2024, 5, 17, 9, 5, 7)),
        ("Bildschirmfoto vom 2024-05-17 09-05-07", datetime(2024, 5, 17, 9, 5, 7)),
        ("shot-2024-05-17T09:05", datetime(2024, 5, 17, 9, 5)),
        ("1715936707", datetime(2024, 5, 17, 9, 5, 7)),
        ("1715936707250", datetime(2024, 5, 17, 9, 5, 7, 250_000)),
    ],
)
def test_a_name_says_when(name: str, expected: datetime) -> None:
    assert time_in(name, UTC) == expected.replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize("name", ["holiday", "IMG_0042", "2024-13-40_11-00-00", "report-2024-05-17"])
def test_other_names_say_nothing(name: str) -> None:
    assert time_in(name, UTC) is None


def test_a_folder_is_in_order_of_time_and_the_same_wherever_it_lies(tmp_path: Path) -> None:
    for place in ("one", "two"):
        folder = tmp_path / place
        folder.mkdir()
        for name in ("2024-05-17_09-10-00.png", "2024-05-17_09-05-00.png", "notes.png"):
            cv2.imwrite(str(folder / name), paint({(0, 0): name}))
    first, second = (ScreenshotFolder.open(tmp_path / place, UTC) for place in ("one", "two"))
    assert [s.path.name[11:16] for s in first.shots] == ["09-05", "09-10"]
    assert first.skipped == 1
    assert first.id == second.id
    assert first.id.startswith("screen-")


def test_what_is_no_folder_of_screenshots_is_told_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        ScreenshotFolder.open(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no screenshots named by their time"):
        ScreenshotFolder.open(tmp_path)


def test_a_damaged_picture_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG no picture")
    assert load(path) is None
    path.write_bytes(b"")
    assert load(path) is None
