"""Promises on the screen: noticed once, due once, dismissed for good."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from reasoning.screen.tasks import Tasks, is_quiet, tasks_in
from runtime.messages import Observation

NOW = datetime(2024, 5, 17, 15, 0, tzinfo=UTC).timestamp()
HOUR = 3600.0


def shown(text: str, record: str = "r1") -> Observation:
    details = {"screen": True, "heading": 1, "app": "Slack", "document": "Ana"}
    return Observation(record, "screen-a", "read", f"Ana - Slack\n{text}", 0.0, 1.0, 1.0, details=details)


@pytest.mark.parametrize(
    "text",
    [
        "I'll send it tomorrow",
        "Sure, I will call Hansen on Monday at 9",
        "TODO: renew the mooring contract",
        "[ ] order new buoys",
        "please return the keys by Friday",
    ],
)
def test_promises_and_things_to_do_are_noticed(text: str) -> None:
    assert [f.text for f in tasks_in(text, NOW, UTC)] == [text]


@pytest.mark.parametrize(
    "text",
    [
        "the ferry will leave at noon",
        "please accept our cookies",
        "I've sent it",
        "I'll",
        "You need to enable JavaScript to run this app",
        "[x] order new buoys",
    ],
)
def test_other_sentences_are_not(text: str) -> None:
    assert tasks_in(text, NOW, UTC) == []


def test_tomorrow_is_when_it_is_due(tmp_path: Path) -> None:
    tasks = Tasks(tmp_path / "tasks.json", UTC)
    (task,) = tasks.notice(shown("I'll send it tomorrow at 10:00"), NOW)
    assert task.due == datetime(2024, 5, 18, 10, 0, tzinfo=UTC).timestamp()
    assert task.place == "Ana in Slack"


def test_a_task_is_brought_up_when_it_is_due_and_rarely_again(tmp_path: Path) -> None:
    tasks = Tasks(tmp_path / "tasks.json", UTC)
    tasks.notice(shown("I'll send it today at 16:00"), NOW)
    assert tasks.due(NOW, HOUR) == []
    times = [t for t in range(int(NOW), int(NOW + 100 * HOUR), 600) if tasks.due(t, HOUR)]
    assert [round((t - NOW) / HOUR, 1) for t in times] == [1.0, 3.0, 7.0]


def test_dismissed_means_dismissed_also_when_it_is_seen_again_and_after_a_restart(tmp_path: Path) -> None:
    tasks = Tasks(tmp_path / "tasks.json", UTC)
    (task,) = tasks.notice(shown("I'll send it today at 16:00"), NOW)
    tasks.dismiss(task.id)
    again = Tasks(tmp_path / "tasks.json", UTC)
    assert again.notice(shown("I'll send it today at 16:00", "r2"), NOW + 60) == []
    assert again.notice(shown("I'll send it today at", "r3"), NOW + 60) == []
    assert again.all() == []
    assert again.due(NOW + 10 * HOUR, HOUR) == []


def test_what_was_noticed_in_a_forgotten_time_is_gone_from_the_file(tmp_path: Path) -> None:
    tasks = Tasks(tmp_path / "tasks.json", UTC)
    tasks.notice(shown("I'll send the canary tomorrow"), NOW)
    tasks.notice(shown("I will call the pilot tomorrow", "r2"), NOW + 600)
    assert tasks.forget(NOW + 300) == 1
    assert "pilot" not in (tmp_path / "tasks.json").read_text()
    assert [t.text for t in Tasks(tmp_path / "tasks.json", UTC).all()] == ["I'll send the canary tomorrow"]


def test_a_damaged_file_is_told_and_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "tasks.json").write_text("{broken")
    told: list[str] = []
    tasks = Tasks(tmp_path / "tasks.json", UTC, told.append)
    assert tasks.all() == []
    assert len(told) == 1


def test_quiet_hours_may_pass_midnight() -> None:
    def at(hour: int) -> float:
        return datetime(2024, 5, 17, hour, 0, tzinfo=UTC).timestamp()

    assert [is_quiet(at(h), "22:00", "08:00", UTC) for h in (21, 22, 3, 8)] == [False, True, True, False]
    assert [is_quiet(at(h), "12:00", "13:00", UTC) for h in (11, 12, 13)] == [False, True, False]
    assert not is_quiet(at(3), "00:00", "00:00", UTC)
