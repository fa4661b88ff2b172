"""What was done on a day, in a few words, and what can be opened again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from memory.screen import Activity
from reasoning.screen.find import place_text
from reasoning.screen.when import span_text
from runtime.messages import Observation

_BREAK_S = 900.0
_URL = re.compile(r"\b(?:https?://|file://|www\.)[^\s<>\"'“”]+", re.I)
_PATH = re.compile(r"(?<![\w:/])(?:~|/[\w.-]+|[A-Z]:\\[\w.-]+)(?:[/\\][\w.@+-]+)+")
_FILE = re.compile(
    r"(?<![\w/.-])[\w-][\w.-]*\.(?:py|js|ts|md|txt|pdf|odt|ods|odp|docx?|xlsx?|pptx?|csv|json|ya?ml|toml|html?|css|c|h|cpp|rs|go|"
    r"java|sh|sql|ipynb|png|jpe?g|svg|zip|tex|log)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Resource:
    """kind: "address", "file" or "path". first_s, last_s: Unix times at which it was seen. seen: how often."""

    name: str
    kind: str
    first_s: float
    last_s: float
    seen: int


def entries(activities: Sequence[Activity], zone: tzinfo | None = None) -> list[str]:
    """A line for each activity, breaks said; the same one after a glance elsewhere is one."""
    out = []
    before: Activity | None = None
    for a in merged(activities):
        if before is not None and a.wall_s - before.end_wall_s > _BREAK_S:
            out.append(f"{_clock(before.end_wall_s, zone)}-{_clock(a.wall_s, zone)}  (nothing recorded)")
        span = f"{_clock(a.wall_s, zone)}-{_clock(a.end_wall_s, zone)}"
        out.append(f"{span}  {place_text(a.program, a.document, a.site)}")
        before = a
    return out


def synopsis(activities: Sequence[Activity], zone: tzinfo | None = None) -> str:
    """A day in a sentence or two: from when to when, and where most of the time went."""
    if not activities:
        return ""
    total = sum(a.duration_s for a in activities)
    by: dict[str, float] = {}
    for a in activities:
        name = place_text(a.program, a.document, a.site)
        by[name] = by.get(name, 0.0) + a.duration_s
    top = sorted(by.items(), key=lambda item: -item[1])[:4]
    parts = "; ".join(f"{name} ({span_text(seconds)})" for name, seconds in top if seconds >= 0.02 * total)
    span = f"{_clock(activities[0].wall_s, zone)} to {_clock(activities[-1].end_wall_s, zone)}"
    return f"{span}, {span_text(total)} at the screen: {parts}."


def resources(
    activities: Sequence[Activity], texts: Sequence[Observation], zeros: dict[str, float]
) -> list[Resource]:
    """Addresses, files and paths that were seen, the last seen first. zeros: Unix time of each source's zero."""
    found: dict[tuple[str, str], list[float]] = {}
    for a in activities:
        for name in _FILE.findall(a.document):
            found.setdefault(("file", name), []).append(a.wall_s)
        if a.site:
            found.setdefault(("address", a.site), []).append(a.wall_s)
    for record in texts:
        at = zeros[record.source] + record.t_start_s
        for kind, pattern in (("address", _URL), ("path", _PATH), ("file", _FILE)):
            for match in pattern.finditer(record.text):
                found.setdefault((kind, match.group().rstrip(".,;:)]}…")), []).append(at)
    made = [Resource(name, kind, min(at), max(at), len(at)) for (kind, name), at in found.items()]
    return sorted(made, key=lambda r: (-r.last_s, r.name))


def merged(activities: Sequence[Activity]) -> list[Activity]:
    """The same one after a glance elsewhere is one; glances at nothing are left out."""
    out: list[Activity] = []
    for a in activities:
        last = out[-1] if out else None
        if last is not None and last.text == a.text and a.wall_s - last.end_wall_s < 60.0:
            seconds = a.end_wall_s - last.wall_s
            out[-1] = Activity(
                last.id, last.source, last.t_start_s, last.t_start_s + seconds, last.wall_s, a.program, a.document,
                a.site, a.text,
            )  # fmt: skip
        elif a.program or a.document or a.duration_s >= 60.0:
            out.append(a)
    return out


def _clock(wall_s: float, zone: tzinfo | None) -> str:
    return f"{datetime.fromtimestamp(wall_s, zone):%H:%M}"
