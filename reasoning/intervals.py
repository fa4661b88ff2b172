"""How far two events lie apart, how long ago one was, and which came first: reckoned from when they were told.

No record says "nine days": the dentist was on one day and the flu shot on another. Each event is looked for by itself, and both
moments are the proof (LongMemEval's temporal reasoning, arXiv 2410.10813).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from math import inf
from typing import Literal

from memory.time_range import time_range
from reasoning import compose
from reasoning.judge import Candidate
from reasoning.times import is_date
from runtime.messages import Answer, Evidence, Query

Find = Callable[[str], Awaitable[Sequence[Candidate]]]
"""The candidates that answer a question, best first."""
_UNIT = r"(?:many (?P<unit>day|week|month|year)s?|long)"
_EVENT = r"(?:when )?(?P<{}>[^?,.;]+?)"
_BETWEEN = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"^how {_UNIT}\b[^?]*? between {_EVENT.format('a')} and {_EVENT.format('b')}\W*$",
        rf"^how {_UNIT}\b[^?]*? from {_EVENT.format('a')} (?:to|until|till) {_EVENT.format('b')}\W*$",
        rf"^how {_UNIT} (?P<side>after|before) {_EVENT.format('a')} (?P<b>(?:did|was|were) [^?,.;]+?)\W*$",
    )
)
_SINCE = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"^how {_UNIT} ago (?P<a>(?:did|was|were) [^?,.;]+?)\W*$",
        rf"^how {_UNIT} (?:has it been|is it|have passed|has passed|passed) since {_EVENT.format('a')}\W*$",
    )
)
_ORDER = re.compile(
    r"^(?:which|what)\b[^?]*?\b(?P<end>first|earlier|last|later|most recently)\b[^?]*?[,:] "
    rf"{_EVENT.format('a')},? or {_EVENT.format('b')}\W*$",
    re.IGNORECASE,
)
_AHEAD = re.compile(r"\b(?:tomorrow|next|will|going to)\b", re.IGNORECASE)
_VERB = re.compile(r"^(?:did|was|were) ", re.IGNORECASE)
_DAY_S = 86_400.0
_SURE_DAYS = {"": 1.1, "day": 1.1, "week": 7.1, "month": 31.1, "year": 367.0}
"""How long the time may be that is told of an event, for a distance in that unit."""
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Asked:
    """events: one or two, as the question calls them. unit: "" where it asks how long. end: which of them is asked for.
    ordered: the question tells that the first one came first.
    """

    kind: Literal["between", "since", "order"]
    events: tuple[str, ...]
    unit: str = ""
    end: Literal["first", "last"] = "first"
    ordered: bool = False


def asked_of_times(text: str) -> Asked | None:
    """None where a question asks nothing of the kind."""
    plain = " ".join(text.split())
    for pattern in _BETWEEN:
        if found := pattern.match(plain):
            events = (found["a"], found["b"])
            if (found.groupdict().get("side") or "").lower() == "before":
                events = events[::-1]
            ordered = pattern is not _BETWEEN[0]
            return Asked("between", events, (found["unit"] or "").lower(), ordered=ordered)
    for pattern in _SINCE:
        if found := pattern.match(plain):
            return Asked("since", (found["a"],), (found["unit"] or "").lower())
    if found := _ORDER.match(plain):
        end: Literal["first", "last"] = "first" if found["end"].lower() in ("first", "earlier") else "last"
        return Asked("order", (found["a"], found["b"]), end=end)
    return None


async def interval(query: Query, find: Find, zone: tzinfo | None, threshold: float) -> Answer | None:
    """The answer to a question about times, None where it is none, or an event is not found or has no day of its own.

    threshold: probability from which on a candidate tells of its event. zone: whose days are counted.
    """
    asked = asked_of_times(query.text)
    if asked is None:
        return None
    if any(time_range(event, 0.0, zone) is not None for event in asked.events):
        return None  # "between Monday and Friday": of the calendar
    told: list[tuple[Evidence, Span]] = []
    for event in asked.events:
        found = await find(f"When {event}?" if _VERB.match(event) else f"When was {event}?")
        best = next((c for c in found if c.support.probability >= threshold), None)
        span = None if best is None else told_of(best.evidence, zone)
        if best is None or span is None:
            return None
        told.append((best.evidence, span))
    if len({evidence.id for evidence, _ in told}) < len(told):
        return None
    short = _short(asked, [span for _, span in told], query, zone)
    if short is None:
        return None
    proofs = " ".join(f"{compose.quote(e)} ({compose.place(e)})" for e, _ in told)
    evidence = tuple(e for e, _ in told)
    return Answer(query.turn_id, f"{short[0].upper()}{short[1:]}. {proofs}", evidence, abstained=False)


def _short(asked: Asked, told: Sequence[Span], query: Query, zone: tzinfo | None) -> str | None:
    if asked.kind == "order":
        (a, a_end), (b, b_end) = told
        if a_end > b and b_end > a:
            return None
        first = (a < b) == (asked.end == "first")
        return _VERB.sub("", asked.events[0 if first else 1])
    if asked.ordered and told[0][0] > told[1][1]:
        return None  # it asks how long after something came what came before it
    if any(end_s - start_s > _SURE_DAYS[asked.unit] * _DAY_S for start_s, end_s in told):
        return None
    days = [datetime.fromtimestamp((start_s + end_s) / 2, zone) for start_s, end_s in told]
    if asked.kind == "since":
        now_s = query.asked_at_s if query.asked_at_s is not None else query.as_of_s
        if now_s is None:
            return None
        days.append(datetime.fromtimestamp(now_s, zone))
    return apart(min(days), max(days), asked.unit)


def told_of(evidence: Evidence, zone: tzinfo | None) -> Span | None:
    """What a moment tells of, from when to when in Unix time: what it names ("yesterday", "this weekend"), else when it was said.
    None where that has no end, or the moment is no date.
    """
    if not is_date(evidence.t_start_s):
        return None
    ahead = _AHEAD.search(evidence.text) is not None
    named = time_range(evidence.text, evidence.t_start_s, zone, ahead=ahead)
    if named is None:
        return evidence.t_start_s, evidence.t_start_s
    return (named.start_s, named.end_s) if -inf < named.start_s <= named.end_s < inf else None


def apart(first: datetime, last: datetime, unit: str) -> str:
    """ "9 days", in the unit asked for: whole ones, and "about" where they are not whole. By days of the calendar."""
    days = (last.date() - first.date()).days
    if unit in ("", "day"):
        return _count(days, "day")
    if unit == "week":
        return ("" if days % 7 == 0 else "about ") + _count(round(days / 7), "week")
    months = (last.year - first.year) * 12 + last.month - first.month
    exact = first.day == last.day
    if not exact:
        months = round(days / 30.44)
    if unit == "month":
        return ("" if exact else "about ") + _count(months, "month")
    return ("" if exact and months % 12 == 0 else "about ") + _count(round(months / 12), "year")


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"
