"""Promises and things to do that were on the screen: noticed, listed, and brought up when they are due."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, tzinfo
from difflib import SequenceMatcher
from pathlib import Path
from typing import Literal

from memory.text import sentences, tokens
from reasoning.screen.find import place_text
from reasoning.screen.when import at_text
from reasoning.watches.times import find_times
from runtime.messages import Observation

MOST = 500
_NUDGES = 3
_SAME = 0.85
_PROMISE = re.compile(
    r"\b(?:I['’]?ll|I will|I['’]?m going to|I am going to|we['’]?ll|we will|let me)\s+(?:also |then |just |definitely |gladly )?"
    r"(?P<verb>send|get back|call|phone|write|reply|answer|check|look into|look at|finish|share|bring|pay|book|review|fix|update|"
    r"prepare|forward|let you know|ask|order|buy|submit|deliver|upload|push|merge|meet|pick up|follow up|take care|do|make|sign|"
    r"confirm|schedule|invite|report|return|transfer|talk to|speak to|remind|draft|have it|have that|have the|be there|try)\b",
    re.I,
)
_TODO = re.compile(
    r"^\W{0,4}(?:TODO|To[ -]do|Action item|AI)\b\s*(?:\([^)]*\))?\s*[:–-]\s*(?P<what>\S.{4,})", re.I
)
_BOX = re.compile(r"^\s*(?:[-*]\s*)?\[ ?\]\s+(?P<what>\S.{3,})")
_DUTY = re.compile(
    r"\b(?:don['’]?t forget to|remember to|(?:I|we|you) (?:need|have|promised) to|(?:I|we) must|please|can you|could you|"
    r"deadline|due|reminder)\b",
    re.I,
)
_DONE = re.compile(
    r"\b(?:I['’]?ve|I have) (?:just )?(?:sent|done|called|finished|paid|replied|fixed|shared|booked)\b", re.I
)


@dataclass(frozen=True, slots=True)
class Task:
    """text: the line as it stood there. place: where. noticed, due, nudged: Unix times. nudges: how often it was brought up."""

    id: str
    text: str
    place: str
    record: str
    noticed: float
    due: float | None = None
    state: Literal["open", "dismissed"] = "open"
    nudged: float | None = None
    nudges: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    text: str
    due: float | None


def tasks_in(text: str, now_wall: float, zone: tzinfo | None = None) -> list[Found]:
    """The lines that promise something, or say that something is to be done by a time. text: with its heading."""
    out = []
    for line in text.splitlines():
        line = line.strip()
        if not 8 <= len(line) <= 300 or _DONE.search(line):
            continue
        promise, todo = _PROMISE.search(line), _TODO.match(line) or _BOX.match(line)
        duty = _DUTY.search(line)
        if not (promise or todo or duty):
            continue
        times = find_times(line, now_wall, zone)
        due = times[0].due if times else None
        # "Please", "you have to": only with a time is it somebody's task, and not a page's phrase.
        if promise or todo or due is not None:
            out.append(Found(line, due))
    return out


def spoken_lines(text: str) -> str:
    """What was said, a sentence a line."""
    return "\n".join(sentences(text))


class Tasks:
    """Kept in a file that only the user can read. Of one event loop; the file is small."""

    def __init__(
        self, path: Path, zone: tzinfo | None = None, report: Callable[[str], None] = lambda _: None
    ) -> None:
        self._path = path
        self._zone = zone
        self._report = report
        self._tasks: dict[str, Task] = {}
        self._next = 1
        self.summarised = ""
        self.waiting: list[tuple[str | None, str]] = []
        """What is to be said when quiet hours are over: id of its task or watch, and the text."""
        self._load()

    def all(self) -> list[Task]:
        """The open ones, those due first, then as they were noticed."""
        found = [t for t in self._tasks.values() if t.state == "open"]
        return sorted(found, key=lambda t: (t.due is None, t.due or 0.0, t.noticed))

    def notice(self, record: Observation, wall_s: float) -> list[Task]:
        """Takes up what a record of the screen promises, or what the user said. What was noticed before, dismissed or not,
        is not again.
        """
        heading = int(record.details.get("heading", 0))
        about = record.details
        said = record.modality == "said"
        lines = spoken_lines(record.text) if said else "\n".join(record.text.splitlines()[heading:])
        place = place_text(
            str(about.get("app", "")), str(about.get("document", "")), str(about.get("site", ""))
        )
        place = f"said with {place} in front" if said else place
        new = []
        for found in tasks_in(lines, wall_s, self._zone):
            if any(_same(found.text, t.text) for t in self._tasks.values()):
                continue
            task = Task(f"t{self._next}", found.text, place, record.id, wall_s, found.due)
            self._next += 1
            self._tasks[task.id] = task
            new.append(task)
        while len(self._tasks) > MOST:
            del self._tasks[
                min(self._tasks, key=lambda i: (self._tasks[i].state == "open", self._tasks[i].noticed))
            ]
        if new:
            self._save()
        return new

    def dismiss(self, task_id: str) -> Task | None:
        """It is not brought up again, nor noticed again. None: there is none of this id."""
        task = self._tasks.get(task_id)
        if task is None:
            return None
        self._tasks[task_id] = replace(task, state="dismissed")
        self._save()
        return task

    def due(self, now_wall: float, cooldown_s: float) -> list[Task]:
        """Those to be brought up now: each when it is due, then a few times more, never within the cooldown."""
        come = [
            t
            for t in self.all()
            if t.due is not None
            and t.due <= now_wall
            and t.nudges < _NUDGES
            and (t.nudged is None or now_wall - t.nudged >= cooldown_s * 2**t.nudges)
        ]
        for t in come:
            self._tasks[t.id] = replace(t, nudged=now_wall, nudges=t.nudges + 1)
        if come:
            self._save()
        return come

    def forget(self, from_wall: float) -> int:
        """Those that were noticed from then on, and all that waits to be said."""
        gone = [i for i, t in self._tasks.items() if t.noticed >= from_wall]
        for i in gone:
            del self._tasks[i]
        waited, self.waiting = bool(self.waiting), []
        if gone or waited:
            self._save()
        return len(gone)

    def summary_told(self, day: str) -> None:
        self.summarised = day
        self._save()

    def keep_waiting(self, waiting: Sequence[tuple[str | None, str]]) -> None:
        if self.waiting != list(waiting):
            self.waiting = list(waiting)
            self._save()

    def _load(self) -> None:
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            self._tasks = {t["id"]: Task(**t) for t in kept["tasks"]}
            self._next, self.summarised = int(kept["next"]), str(kept["summarised"])
            self.waiting = [(of, str(text)) for of, text in kept.get("waiting", [])]
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError) as error:
            self._report(f"open tasks: {self._path} cannot be read and is begun anew: {error}")
            self._tasks, self._next = {}, 1

    def _save(self) -> None:
        kept = {
            "next": self._next,
            "summarised": self.summarised,
            "waiting": self.waiting,
            "tasks": [asdict(t) for t in self._tasks.values()],
        }
        try:
            handle, name = tempfile.mkstemp(prefix=f".{self._path.name}-", dir=self._path.parent)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(kept, file, ensure_ascii=False)
            os.replace(name, self._path)
        except OSError as error:
            self._report(f"open tasks: {self._path} cannot be written: {error.strerror or error}")


def line_of(task: Task, now_wall: float, zone: tzinfo | None = None) -> str:
    due = f" (due {at_text(task.due, now_wall, zone)})" if task.due is not None else ""
    return f"“{task.text}”{due}, {task.place}, at {at_text(task.noticed, now_wall, zone)}"


def is_quiet(now_wall: float, quiet_from: str, quiet_to: str, zone: tzinfo | None = None) -> bool:
    """quiet_from, quiet_to: "22:00", "08:00"; equal ones mean never."""
    clock = f"{datetime.fromtimestamp(now_wall, zone):%H:%M}"
    if quiet_from <= quiet_to:
        return quiet_from <= clock < quiet_to
    return clock >= quiet_from or clock < quiet_to


def _same(a: str, b: str) -> bool:
    """One may be a part of the other: the rest was not typed yet, or covered."""
    x, y = " ".join(tokens(a)), " ".join(tokens(b))
    both = sum(
        m.size for m in SequenceMatcher(None, x, y, autojunk=False).get_matching_blocks() if m.size > 3
    )
    return x == y or both >= _SAME * min(len(x), len(y))


def open_lines(tasks: Sequence[Task], now_wall: float, zone: tzinfo | None = None) -> list[str]:
    return [f"{t.id}  {line_of(t, now_wall, zone)}" for t in tasks]
