"""What is said unasked: when it is due, not in quiet hours, not too often, and never again once it was dismissed."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

import pytest

from reasoning.proactive import Watch, Watches
from reasoning.screen.tasks import Tasks
from runtime.app.screen.assistant import Assistant
from runtime.app.screen.settings import ScreenSettings
from runtime.clock import SystemClock
from runtime.messages import Observation
from tests.screen.days import Day, Scene, remembered

HOUR, DAY = 3600.0, 86400.0
MIDNIGHT = datetime(2024, 5, 17).timestamp()
PRICES = ("prices.txt - Mousepad", ("Mooring costs 48 euro",))
FERRIES = ("Ferries - Firefox", ("Helsinki 18:40",))
WORK: tuple[Scene, ...] = (
    (0.0, *PRICES), (600.0, *PRICES), (1200.0, *PRICES), (1800.0, *FERRIES), (2400.0, *FERRIES),
)  # fmt: skip
"""Looked at every ten minutes."""


class SetClock(SystemClock):
    """It is what time a test says."""

    def __init__(self) -> None:
        self.at = MIDNIGHT

    def wall(self) -> float:
        return self.at


class Person:
    """Somebody with an assistant: what it told, and the time that passes for it, looked around every ten minutes."""

    def __init__(self, assistant: Assistant, clock: SetClock, told: list[tuple[float, str]]) -> None:
        self.assistant = assistant
        self.told = told
        self._clock = clock

    def restarted(self) -> Person:
        """The same folder and clock, and a process that knows nothing else."""
        old = self.assistant
        folder = old.tasks._path.parent
        assistant = Assistant(
            Tasks(folder / "tasks.json"),
            Watches(folder / "watches.json"),
            old._store, old._settings, old._clock, old._tell,
        )  # fmt: skip
        return Person(assistant, self._clock, self.told)

    async def until(self, hours: float) -> None:
        """hours: after midnight of the first day."""
        while self._clock.at < MIDNIGHT + hours * HOUR:
            self._clock.at += 600.0
            await self.assistant.look_around()

    async def sees(self, text: str) -> None:
        details = {"screen": True, "heading": 0, "app": "Chat", "document": "Ana"}
        record = Observation(text, "screen-a", "read", text, 9.0, 10.0, 10.0, details=details)
        await self.assistant.remembered(record, self._clock.at)

    async def hears(self, text: str, ear: str) -> None:
        details = {"screen": True, "app": "zoom", "document": "Call with Ben", "ear": ear}
        record = Observation(text, "screen-a", "said", text, 9.0, 10.0, 10.0, details=details)
        await self.assistant.remembered(record, self._clock.at)

    async def sleeps(self, hours: float) -> None:
        """The machine, which wakes up hours after midnight of the first day."""
        self._clock.at = MIDNIGHT + hours * HOUR
        await self.assistant.look_around()

    def heard(self) -> list[tuple[float, str]]:
        """Hours after midnight, and the first word."""
        return [(round((at - MIDNIGHT) / HOUR, 1), text.partition(" ")[0]) for at, text in self.told]


@pytest.fixture(autouse=True)
def _no_notifications(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs this on a desktop is left in peace."""
    monkeypatch.setattr(shutil, "which", lambda _: None)


def lives(folder: Path, play: Callable[[Person], Awaitable[None]], *days: Day) -> None:
    async def main() -> None:
        async with remembered(folder, *days) as (memory, _):
            clock, told = SetClock(), list[tuple[float, str]]()
            assistant = Assistant(
                Tasks(folder / "tasks.json"),
                Watches(folder / "watches.json"),
                memory.store,
                ScreenSettings(quiet_from="22:00", quiet_to="08:00", nudge_cooldown_minutes=60),
                clock,
                lambda text: told.append((clock.at, text)),
            )
            await play(Person(assistant, clock, told))

    asyncio.run(main())


def test_a_task_is_brought_up_when_it_is_due_and_more_and_more_rarely(tmp_path: Path) -> None:
    async def play(person: Person) -> None:
        await person.until(9.0)
        await person.sees("I'll send the list today at 11:00")
        await person.until(21.5)
        assert person.heard() == [(11.0, "Due:"), (13.0, "Due:"), (17.0, "Due:")]
        assert "hearsight screen dismiss t1" in person.told[0][1]

    lives(tmp_path, play)


def test_what_was_due_while_the_machine_slept_is_brought_up_once_when_it_wakes(tmp_path: Path) -> None:
    async def play(person: Person) -> None:
        await person.until(9.0)
        await person.sees("I'll send the list today at 11:00")
        await person.sees("I'll call the mayor today at 12:00")
        await person.sleeps(15.0)
        await person.until(16.5)
        assert person.heard() == [(15.0, "Due:"), (15.0, "Due:")]

    lives(tmp_path, play)


def test_what_the_user_says_is_promised_and_what_others_say_is_not(tmp_path: Path) -> None:
    async def play(person: Person) -> None:
        await person.until(9.0)
        await person.hears("Good morning. I'll send the list today at 11:00.", "microphone")
        await person.hears("I'll bring the maps today at 11:00.", "system")
        assert [t.text for t in person.assistant.tasks.all()] == ["I'll send the list today at 11:00."]
        await person.until(11.5)
        assert person.heard() == [(11.0, "Due:")]

    lives(tmp_path, play)


@pytest.mark.parametrize("ear", ["microphone", "system"])
def test_a_watch_hears(tmp_path: Path, ear: str) -> None:
    async def play(person: Person) -> None:
        await person.until(9.0)
        await person.assistant.watches.add(
            Watch("said", "seagull", "tell me when someone says seagull", MIDNIGHT)
        )
        await person.sees("there is a seagull on the screen")
        await person.hears("nothing of that kind", ear)
        await person.hears("there is a seagull on the roof", ear)
        assert len(person.told) == 1
        assert "seagull" in person.told[0][1]

    lives(tmp_path, play)


def test_dismissed_means_dismissed(tmp_path: Path) -> None:
    async def play(person: Person) -> None:
        await person.until(9.0)
        await person.sees("I'll send the list today at 11:00")
        await person.until(11.5)
        assert await person.assistant.dismiss("t1")
        await person.sees("I'll send the list today at 11:00")
        await person.until(47.0)
        assert person.heard() == [(11.0, "Due:")]
        assert not await person.assistant.dismiss("t9")

    lives(tmp_path, play)


def test_what_is_due_in_quiet_hours_is_said_when_they_end(tmp_path: Path) -> None:
    async def play(person: Person) -> None:
        await person.until(21.0)
        await person.sees("I'll call Ana today at 23:00")
        await person.until(31.5)
        assert person.heard() == []
        await person.until(32.5)
        assert person.heard() == [(32.0, "Due:")]

    lives(tmp_path, play)


def test_a_watch_that_comes_true_at_night_waits_for_the_morning_unless_it_is_dismissed(
    tmp_path: Path,
) -> None:
    async def play(person: Person) -> None:
        await person.until(21.0)
        watches = person.assistant.watches
        for what in ("build finished", "ferry cancelled"):
            await watches.add(Watch("read", what, f"tell me when {what}", MIDNIGHT))
        await person.until(23.5)
        await person.sees("the build finished")
        await person.sees("the ferry cancelled")
        assert person.told == []
        assert await person.assistant.dismiss("w1")
        await person.until(32.5)
        assert len(person.told) == 1
        assert "ferry cancelled" in person.told[0][1]

    lives(tmp_path, play)


def test_what_waits_for_the_morning_survives_a_restart_at_night(tmp_path: Path) -> None:
    async def play(person: Person) -> None:
        await person.until(21.0)
        await person.assistant.watches.add(Watch("read", "build finished", "tell me", MIDNIGHT))
        await person.until(23.5)
        await person.sees("the build finished")
        told = person.told
        again = person.restarted()
        await again.until(32.5)
        assert [at for at, text in told if "build finished" in text] == [MIDNIGHT + 32 * HOUR]
        assert person.restarted().assistant.tasks.waiting == []

    lives(tmp_path, play)


def test_the_morning_tells_of_yesterday_once(tmp_path: Path) -> None:
    async def play(person: Person) -> None:
        await person.until(60.0)
        ((at, summary),) = person.told
        assert at == MIDNIGHT + 32 * HOUR
        assert summary.startswith("Yesterday, 10:00 to 10:40")
        assert "prices.txt in Mousepad (30 minutes)" in summary
        assert "Ferries in Firefox (10 minutes)" in summary

    lives(tmp_path, play, (MIDNIGHT + 10 * HOUR, WORK))


def test_after_a_day_without_a_screen_the_morning_says_nothing(tmp_path: Path) -> None:
    async def play(person: Person) -> None:
        await person.until(40.0)
        assert person.told == []

    lives(tmp_path, play, (MIDNIGHT - 5 * DAY, WORK))


def test_what_waits_to_be_said_is_forgotten_too(tmp_path: Path) -> None:
    async def play(person: Person) -> None:
        await person.until(23.0)
        await person.assistant.watches.add(Watch("read", "build finished", "tell me", MIDNIGHT))
        await person.sees("the build finished")
        person.assistant.forget(MIDNIGHT + 22 * HOUR)
        await person.until(33.0)
        assert person.told == []

    lives(tmp_path, play)
