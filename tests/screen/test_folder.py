"""A folder of screenshots by the command line: remembered once, taken up again, and asked by the wall clock."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.app.commandline import fails_with_one_line, hearsight

pytestmark = pytest.mark.slow

EDITOR = (
    "File Edit Selection View",
    "Mooring costs 48 euro a night",
    "TODO: I'll send Ana the list tomorrow",
)
BROWSER = (
    "https://harbour.example/ferries",
    "Ferry to Helsinki leaves at 18:40",
    "Contact: pilot@harbour.example",
)
TERMINAL = ("$ make harbour", "ERROR: cannot find the chart of Lisbon", "login password: hunter2zebra")
SHOTS = {
    "2024-05-17_09-00-00": ("prices.txt - Mousepad", EDITOR[:2]),
    "2024-05-17_09-05-00": ("prices.txt - Mousepad", EDITOR),
    "2024-05-17_10-30-00": ("Ferries - Mozilla Firefox", BROWSER),
    "2024-05-17_13-15-00": ("build log - Terminal", TERMINAL),
}


def screenshot(title: str, lines: tuple[str, ...]) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    picture = np.full((600, 960, 3), 250, np.uint8)
    picture[:24] = 225
    cv2.putText(picture, title, (330, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (20, 20, 20), 1, cv2.LINE_AA)
    for i, line in enumerate(lines):
        cv2.putText(
            picture, line, (40, 62 + 48 * i), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (20, 20, 20), 1, cv2.LINE_AA
        )
    return picture


@pytest.fixture(scope="module")
def memory(weights: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made in two runs: the folder has grown meanwhile."""
    folder = tmp_path_factory.mktemp("shots")
    place = tmp_path_factory.mktemp("memory") / "m"
    for n, (name, (title, lines)) in enumerate(SHOTS.items()):
        cv2.imwrite(str(folder / f"{name}.png"), screenshot(title, lines))
        if n == 2:
            (folder / "2024-05-17_11-00-00.png").write_bytes(b"damaged")
            first = hearsight("screen", "--folder", folder, "--memory", place)
            assert first.returncode == 0, first.stderr
            assert "3 screenshots remembered" in first.stderr
            assert "1 could not be read" in first.stderr
    again = hearsight("screen", "--folder", folder, "--memory", place)
    assert "1 screenshots remembered" in again.stderr, again.stderr
    return place


@pytest.mark.parametrize(
    ("question", "says", "at"),
    [
        ("What does the mooring cost a night?", "48 euro", "2024-05-17T09:00:00"),
        ("When does the ferry to Helsinki leave?", "18:40", "2024-05-17T10:30:00"),
        ("What did the error in the terminal say?", "cannot find the chart of Lisbon", "2024-05-17T13:15:00"),
        ("Where did I see the ferry to Helsinki?", "harbour.example", "2024-05-17T10:30:00"),
        ("When did I look at the ferries?", "10:30", "2024-05-17T10:30:00"),
        ("What was I doing before lunch?", "Ferries", "2024-05-17T09:00:00"),
    ],
)
def test_questions_are_answered_with_the_time_on_the_wall(
    memory: Path, question: str, says: str, at: str
) -> None:
    done = hearsight("ask", question, "--memory", memory, "--json")
    answer = json.loads(done.stdout)
    assert not answer["abstained"]
    assert says in answer["answer"]
    assert answer["evidence"][0]["at"] == at


def test_what_was_never_there_is_not_answered(memory: Path) -> None:
    answer = json.loads(
        hearsight("ask", "What is the phone number of Hansen?", "--memory", memory, "--json").stdout
    )
    assert answer["abstained"]


def test_the_picture_of_the_moment(memory: Path, tmp_path: Path) -> None:
    strip = tmp_path / "moment.jpg"
    done = hearsight("ask", "Where did I see the ferry to Helsinki?", "--memory", memory, "--strip", strip)
    assert "10:30" in done.stdout
    picture = cv2.imread(str(strip))
    assert picture is not None
    assert picture.shape[0] > 100


def test_a_password_is_nowhere_in_the_memory(memory: Path) -> None:
    assert not [p for p in memory.rglob("*") if p.is_file() and b"hunter2zebra" in p.read_bytes()]


def test_the_timeline_the_resources_and_the_tasks_of_the_day(memory: Path) -> None:
    timeline = hearsight("screen", "timeline", "--memory", memory).stdout
    assert timeline.startswith("Friday 17 May 2024, ")
    assert "prices.txt in Mousepad" in timeline
    assert "Ferries (harbour.example) in Mozilla Firefox" in timeline
    lines = [
        json.loads(line)
        for line in hearsight("screen", "timeline", "--json", "--memory", memory).stdout.splitlines()
    ]
    assert lines[0] | {"to": ""} == {
        "from": "2024-05-17T09:00:00", "to": "", "program": "Mousepad", "document": "prices.txt", "site": "",
    }  # fmt: skip
    assert "https://harbour.example/ferries" in hearsight("screen", "resources", "--memory", memory).stdout
    fails_with_one_line(
        hearsight("screen", "timeline", "--day", "2024-05-18", "--memory", memory), "nothing was recorded"
    )


def test_mistakes_are_told_in_a_line(memory: Path, tmp_path: Path) -> None:
    fails_with_one_line(
        hearsight("screen", "--folder", tmp_path / "nowhere", "--memory", memory), "no such folder"
    )
    fails_with_one_line(hearsight("screen", "forget", "soon", "--memory", memory), "not a span of time")
    fails_with_one_line(hearsight("screen", "pause", "--memory", memory), "does not run")
    fails_with_one_line(hearsight("screen", "timeline", "--day", "someday", "--memory", memory), "not a day")
    done = hearsight("screen", "--memory", tmp_path / "m", env={"WAYLAND_DISPLAY": "wayland-0"})
    fails_with_one_line(done, "Wayland")
