"""What a recorder is doing right now, and how that is told."""

from __future__ import annotations

from dataclasses import dataclass

from memory import Store
from reasoning.screen.when import at_text, span_text
from runtime.app.screen.retaining import Retained

_BEHIND_S = 5.0


@dataclass(frozen=True, slots=True)
class Status:
    """state: "recording", "paused", or why it does not record. since, until: Unix times. now: what is in front.

    looks, records, pictures: since the start. missed: pages that were turned too fast for this machine to read them.
    behind_s: since what is being read was looked at. waiting: pages that are read after it.
    """

    state: str
    since: float
    source: str
    now: str
    looks: int
    records: int
    pictures: int
    looked: float
    until: float | None = None
    missed: int = 0
    behind_s: float = 0.0
    waiting: int = 0


def status_line(status: Status, now: float) -> str:
    since = at_text(status.since, now)
    if status.state == "recording":
        return f"recording since {since}: {status.now or 'the desktop'}"
    until = f", until {at_text(status.until, now)}" if status.until is not None else ""
    return f"{status.state}, since {since}{until}"


def status_detail(status: Status, store: Store) -> str:
    missed = f", {status.missed} pages not read: the machine was too busy" if status.missed else ""
    return f"{status.records} records and {status.pictures} pictures since the start, in {store.uri}{missed}"


def behind_line(status: Status) -> str:
    """ "" where reading keeps up."""
    if status.behind_s < _BEHIND_S:
        return ""
    waiting = f", {status.waiting} more pages wait" if status.waiting else ""
    return f"reading is {span_text(status.behind_s)} behind{waiting}: the machine is busy"


def retained_line(last: Retained | None, keep_mb: float, now: float) -> str:
    """What the last run of retention did, and whether the memory is as small as is wanted."""
    if last is None:
        return "nothing was thrown away yet"
    held_mb = last.bytes_after / 1e6
    freed = f"{last.freed_bytes / 1e6:.1f} MB freed" if last.freed_bytes else "nothing to throw away"
    over = (
        ", more than is wanted: the rest is not the screen's, or of the last hour"
        if held_mb > keep_mb
        else ""
    )
    return f"last cleared {at_text(last.at, now)}: {freed}, {held_mb:.1f} MB kept{over}"
