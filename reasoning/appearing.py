"""Questions of who was to be seen when, answered by the faces that memory knows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from memory import Appearance, Memory, SearchRequest
from memory.naming import same_name
from memory.text import tokens
from reasoning.compose import ABSTAINED
from reasoning.kinds import time_range_of
from reasoning.times import clock_text
from runtime.messages import Answer, Evidence, Query

_PLACE = (
    r"(?:to be seen|seen|visible|shown|there|present|around|in (?:the )?(?:picture|view|shot|frame|video|scene|room)|"
    r"on (?:the )?(?:screen|camera|video|picture))"
)
_BE = r"(?:is|was|are|were|has been|have been)"
_COME = r"(?:appear(?:s|ed)?|show(?:s|ed)? up|turn(?:s|ed)? up|come(?:s)? into view|came into view)"
_ORDER = r"(?P<order>first |last )?"
_WHEN = r"^(?:at what times?|when|at which (?:time|moment)s?|how often) "
_WHO = re.compile(
    rf"^who(?:m)? (?:else )?(?:{_BE} {_PLACE}|{_COME}|(?:did|do|can|could) (?:you|we|one) see)\b(?! (?:say|said|with the))",
    re.I,
)
_GAP_S = 6.0
_TIMES = 5


@dataclass(frozen=True, slots=True)
class AskedFace:
    """name: of somebody, None where it is asked who was there. order: "first", "last" or ""."""

    name: str | None
    order: str = ""


def asked_face(text: str, names: Iterable[str]) -> AskedFace | None:
    """names: what the people are called whose faces are known. None: something else is asked."""
    text = " ".join(text.split())
    if _WHO.search(text):
        return AskedFace(None)
    parts = {part: name for name in names for part in (name.split()[0], name)}
    parts |= {name: name for name in names}
    for part, name in sorted(parts.items(), key=lambda item: (-len(item[0]), item)):
        if found := _asked_when(text, re.escape(part)):
            return AskedFace(name, (found["order"] or "").strip().lower())
    return None


def asked_stranger(text: str) -> str | None:
    """The name in "when was Ana on the screen": words with a capital and no article."""
    found = _asked_when(" ".join(text.split()), r"(?P<name>(?-i:[A-Z][\w'-]+(?: [A-Z][\w'-]+)?))")
    return found["name"] if found else None


def _asked_when(text: str, called: str) -> re.Match[str] | None:
    """called: a pattern for who it is."""
    for pattern in (
        rf"{_WHEN}(?:did|does|do) {called} {_ORDER}{_COME}\b",
        rf"{_WHEN}{_BE} {called} {_ORDER}{_PLACE}\b",
        rf"{_WHEN}(?:did|do|can|could) (?:you|we|one) {_ORDER}see {called}\b",
    ):
        if found := re.search(pattern, text, re.I):
            return found
    return None


async def appearing(memory: Memory, query: Query, most: int) -> Answer | None:
    """The answer with its proof; None where something else is asked, or no face that is known has to do with it. Where faces are
    known, the name of nobody who was seen is refused, if it is a person's or stands nowhere: no scene looks like it.

    most: pieces of evidence.
    """
    if query.options or (not _WHO.search(query.text) and not re.search(_WHEN, query.text.strip(), re.I)):
        return None
    seen = await memory.appearances(query.as_of_s, query.sources)
    asked = asked_face(query.text, {_label(one) for one in seen})
    if asked is None:
        name = asked_stranger(query.text) if seen else None
        if name is None or await _may_be_a_thing(memory, query, name):
            return None
        return Answer(query.turn_id, ABSTAINED, (), abstained=True)
    from_s, to_s = _range(query.text.lower())
    here = [
        one
        for one in seen
        if (from_s is None or one.t_end_s >= from_s)
        and (to_s is None or one.t_start_s <= to_s)
        and (asked.name is None or same_name(_label(one), asked.name))
    ]
    if not here:
        return None
    stays = _stays(here, seen)
    text = _who(stays) if asked.name is None else _when(stays, asked)
    if asked.order == "last":
        stays.reverse()
    evidence = tuple(_evidence(one) for one in stays[:most])
    return Answer(query.turn_id, text, evidence, abstained=False)


async def _may_be_a_thing(memory: Memory, query: Query, name: str) -> bool:
    people = await memory.cast(query.as_of_s, query.sources)
    if any(same_name(name, person) for person in people.names().values()):
        return False
    request = SearchRequest(name, as_of_s=query.as_of_s, sources=query.sources, k=5)
    words = set(tokens(name))
    return any(words & set(tokens(hit.text)) for hit in await memory.search(request))


def _label(one: Appearance) -> str:
    """Somebody who was only seen is no speaker."""
    return one.who.label if one.who.named else f"person {one.who.id[1:]}"


def _range(low: str) -> tuple[float | None, float | None]:
    """Here a clock is one of the recording: what is asked for is when something was to be seen in it."""
    if at := re.search(r"\bat (?:(\d+):)?(\d{1,2}):(\d{2})\b", low):
        t_s = int(at[1] or 0) * 3600.0 + int(at[2]) * 60.0 + int(at[3])
        return t_s, t_s + 1.0
    return time_range_of(f"{low.rstrip(' ?')} in the video")


def _stays(here: Sequence[Appearance], seen: Sequence[Appearance]) -> list[Appearance]:
    """Those of one person that follow each other as one, in order of time; each with the first one's clip.

    seen: everybody; a short while in which another is to be seen instead is no staying.
    """
    out: list[Appearance] = []
    for one in sorted(here, key=lambda a: (a.who.id, a.source, a.t_start_s)):
        last = out[-1] if out else None
        if (
            last is not None
            and (last.who.id, last.source) == (one.who.id, one.source)
            and one.t_start_s - last.t_end_s <= _GAP_S
            and not any(_instead(other, last, one) for other in seen)
        ):
            out[-1] = replace(last, t_end_s=max(last.t_end_s, one.t_end_s))
        else:
            out.append(one)
    return sorted(out, key=lambda a: (a.source, a.t_start_s, a.id))


def _instead(other: Appearance, last: Appearance, one: Appearance) -> bool:
    return (
        (other.who.id, other.source) != (one.who.id, one.source)
        and other.source == one.source
        and other.t_start_s < one.t_start_s
        and other.t_end_s > last.t_end_s
    )


def _when(stays: Sequence[Appearance], asked: AskedFace) -> str:
    chosen = {"first": stays[:1], "last": stays[-1:]}.get(asked.order, stays[:_TIMES])
    more = len(stays) - _TIMES if not asked.order else 0
    rest = f", and {more} more times" if more > 0 else ""
    label = _label(stays[0])
    return f"{label[0].upper()}{label[1:]} is to be seen {_times(chosen)}{rest}."


def _who(stays: Sequence[Appearance]) -> str:
    by_person: dict[str, list[Appearance]] = {}
    for one in stays:
        by_person.setdefault(_label(one), []).append(one)
    told = [f"{label} ({_times(mine[:_TIMES])})" for label, mine in by_person.items()]
    text = ", ".join(told)
    return f"{text[0].upper()}{text[1:]}."


def _times(stays: Sequence[Appearance]) -> str:
    """From 0:05 to 0:42 and from 1:10 to 1:20."""
    return " and ".join(f"from {clock_text(one.t_start_s)} to {clock_text(one.t_end_s)}" for one in stays)


def _evidence(one: Appearance) -> Evidence:
    text = f"{_label(one)}, by face"
    return Evidence(one.clip, one.source, "seen", text, one.t_start_s, one.t_end_s, 1.0)
