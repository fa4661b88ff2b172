"""How answers about a screen are worded."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from memory.screen import Activity
from reasoning.screen.find import Moment, place_text
from runtime.messages import Evidence

_LITERAL = re.compile(r"\S*\w[._(/]\w*")
_COLUMN, _HEADING = 30, 12


def once(moments: Sequence[Moment]) -> list[Moment]:
    """Of each record the first."""
    out: dict[str, Moment] = {}
    for m in moments:
        out.setdefault(m.evidence.id, m)
    return list(out.values())


def named(a: Activity) -> str:
    return place_text(a.program, a.document, a.site)


def short(moment: Moment) -> str:
    return (
        f"“{moment.line}”"
        if moment.evidence.modality in ("read", "said")
        else place_text("", moment.document, moment.site)
        if (moment.document or moment.site)
        else moment.place
    )


def inside(moment: Moment) -> str:
    return f", {moment.place}" if moment.evidence.modality == "read" and moment.place else ""


def told(said: Moment, at: Callable[[float], str]) -> str:
    """Something that was said: who, the words, by which ear and when, and what was in front."""
    how = "into the microphone" if said.ear == "microphone" else "heard through the loudspeakers"
    where = f", with {said.place} in front" if said.program or said.document or said.site else ""
    return (
        f"{capital(said.evidence.speaker or 'somebody')}: “{said.line}” ({how} at {at(said.wall_s)}{where})"
    )


def capital(text: str) -> str:
    """With a capital letter first, but for what is written as it is: "history.com", "read_root()"."""
    return text if _LITERAL.match(text) else text[:1].upper() + text[1:]


def with_next(unit: str, evidence: Evidence, always: bool = False) -> str:
    """A line that was cut by the edge of its column goes on in the next one, and a heading says little alone."""
    lines = evidence.text.splitlines()
    if unit not in lines:
        return unit
    cut = len(unit) > _COLUMN and unit[-1:] not in ".!?:"
    at = lines.index(unit) + 1
    more = 2 if len(unit) <= _HEADING else 1 if cut or always else 0
    return " ".join([unit, *lines[at : at + more]])
