"""Wall-clock times in questions about a screen: "at 11:37", "before lunch", "yesterday afternoon", "in the last hour"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo

from memory.time_words import MONTH, MONTHS, PARTS_OF_DAY, WEEKDAYS, hour_of, month_number
from reasoning.clock_words import CLOSE, in_digits

_DAY_S = 86400.0
_CLOCK = r"(?P<{0}h>\d{{1,2}})(?:[:.](?P<{0}m>[0-5]\d)(?::[0-5]\d)?)?\s*(?P<{0}half>[ap]\.?m\b\.?)?(?:\s*o'?clock)?"
_BETWEEN = re.compile(
    rf"\b(?:between|from)\s+{_CLOCK.format('a')}\s+(?:and|to|until|till|-)\s+{_CLOCK.format('b')}", re.I
)
_SIDE = re.compile(
    rf"\b(?:(?P<close>{CLOSE})\s+)?(?P<side>after|since|from|before|until|till|by)\s+{_CLOCK.format('a')}(?!\s*\w*(?:minute|hour|day|time|row|line))",
    re.I,
)
_AT = re.compile(
    rf"\b(?:at|around|about|near)\s+(?:about\s+|around\s+)?{_CLOCK.format('a')}(?![\d%]|\s*(?:minute|hour|percent|euro|dollar))",
    re.I,
)
_LUNCH = re.compile(
    rf"\b(?:(?P<close>{CLOSE})\s+)?(?P<side>before|after|over|during|at)\s+(?:my\s+)?(?P<meal>lunch|noon|midday|breakfast|dinner)\b",
    re.I,
)
_PART = re.compile(
    r"\b(?P<before>in the |this |that |on the |last |at |over the |during the )?"
    r"(?P<part>morning|afternoon|evening|night|tonight)\b",
    re.I,
)
_LATELY = re.compile(
    r"\b(?:in |over |during |for )?the (?:last|past) (?:(?P<n>\d+|few|couple of|half(?: an)?) )?"
    r"(?P<unit>minutes?|hours?|days?|week)\b",
    re.I,
)
_AGO = re.compile(r"\b(?P<n>\d+|an?|half an|a few) (?P<unit>minutes?|hours?|days?|weeks?) ago\b", re.I)
_MONTH = f"(?P<month>{MONTH})"
_DATES = (
    re.compile(r"\b(?P<year>20\d\d)-(?P<m>\d\d)-(?P<d>\d\d)\b"),
    re.compile(rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? {_MONTH}(?:,? (?P<year>20\d\d))?", re.I),
    re.compile(
        r"\bthe (?P<d>\d{1,2})(?:st|nd|rd|th)(?=\s*(?:[?.,!]|$|(?:at|in|between|from|before|after|around|until)\b))",
        re.I,
    ),
    re.compile(rf"\b{_MONTH} (?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?:,? (?P<year>20\d\d))?", re.I),
)
_MEALS = {
    "breakfast": (8.0, 9.0),
    "lunch": (12.0, 13.5),
    "noon": (12.0, 12.0),
    "midday": (12.0, 12.0),
    "dinner": (19.0, 20.0),
}
_EARLIEST = 6
"""The hour up to which nobody means the morning who does not say so."""
_FIRST_THING = re.compile(
    r"\b(?:the )?(?:very )?first thing(?= (?:in the|this|that|yesterday) morning\b)", re.I
)
_CLOSE_H = 0.5
"""How many hours "shortly before" and "shortly after" are."""
_DAYS = 5
_NEAR_DAY = re.compile(
    r"\b(?:(?:the day before )?yesterday|last(?= night\b)|(?-i:today|TODAY|(?<!\w )Today))\b", re.I
)
"""Not the last word of a name: "History Today"."""


@dataclass(frozen=True, slots=True)
class When:
    """from_wall, to_wall: Unix times, None where open. point: a moment is meant, not all of a span.

    rest: the question without the words that say when. earlier: the same time on earlier days, where no day was named.
    """

    from_wall: float | None = None
    to_wall: float | None = None
    point: bool = False
    rest: str = ""
    named: bool = False
    earlier: tuple[When, ...] = ()

    def overlaps(self, start_wall: float, end_wall: float) -> bool:
        return (self.from_wall is None or end_wall >= self.from_wall) and (
            self.to_wall is None or start_wall <= self.to_wall
        )


def parse_when(
    text: str,
    now_wall: float,
    days: list[date],
    zone: tzinfo | None = None,
    spans: Sequence[tuple[float, float]] = (),
) -> When:
    """days: those that the memory has, in order. spans: Unix times from when to when something was. A time of day without a
    day means today, if it was recorded and was so late already, else the last day on which something was at that time, else
    the last day.
    """
    now = datetime.fromtimestamp(now_wall, zone)
    low = in_digits(_FIRST_THING.sub("", text))
    if found := _LATELY.search(low):
        span = _amount(found["n"]) * _unit(found["unit"])
        return When(now_wall - span, now_wall, False, _without(low, found), True)
    if found := _AGO.search(low):
        back = _amount(found["n"]) * _unit(found["unit"])
        if back < _DAY_S:
            about = max(300.0, 0.1 * back)
            return When(now_wall - back - about, now_wall - back + about, True, _without(low, found), True)
        day: date | None = (now - timedelta(seconds=back)).date()
        rest = _without(low, found)
    else:
        day, rest = _day(low, now, days)
    of_day = _of_day(rest, day is not None)
    if day is None and of_day is None:
        return When(rest=text)
    from_h, to_h, point, rest = of_day if of_day is not None else (0.0, 24.0, False, rest)

    def on(meant: date) -> When:
        zero = datetime(meant.year, meant.month, meant.day, tzinfo=zone)
        from_s, to_s = ((zero + timedelta(hours=h)).timestamp() for h in (from_h, to_h))
        return When(from_s, to_s - 0.001, point, rest, True)

    if day is not None or not days:
        return on(day or now.date())
    last_first = [
        w for w in (on(d) for d in reversed(days)) if w.from_wall is not None and w.from_wall <= now_wall
    ]
    fit = [
        w
        for i, w in enumerate(last_first)
        if (i == 0 and now.date() in days) or any(w.overlaps(a, b) for a, b in spans)
    ]
    first, *earlier = fit[:_DAYS] or last_first[:1] or [on(days[-1])]
    return replace(first, earlier=tuple(earlier))


def _of_day(text: str, day_named: bool) -> tuple[float, float, bool, str] | None:
    """(from, to, point, rest) in hours of the day. "48 euro a night" is no time, "yesterday night" is."""
    if found := _BETWEEN.search(text):
        return _hours(found, "a"), _hours(found, "b") + 1 / 60, False, _without(text, found)
    if (found := _SIDE.search(text)) and (found["am"] or found["ahalf"]):
        at = _hours(found, "a")
        late = found["side"].lower() in {"after", "since", "from"}
        away = _CLOSE_H if found["close"] else 24.0
        from_h, to_h = (at, min(24.0, at + away)) if late else (max(0.0, at - away), at)
        return from_h, to_h, False, _without(text, found)
    if (found := _AT.search(text)) and (found["am"] or found["ahalf"] or "clock" in found.group().lower()):
        at = _hours(found, "a")
        if not re.match(r"(?:at )?(?:about|around|near)\b", found.group(), re.I):
            return at, at + 1 / 60, True, _without(text, found)
        return at - 0.1, at + 0.1, True, _without(text, found)
    if found := _LUNCH.search(text):
        start, end = _MEALS[found["meal"].lower()]
        side = found["side"].lower()
        away = _CLOSE_H if found["close"] else 24.0
        span = (
            (max(0.0, start - away), start)
            if side == "before"
            else (end, min(24.0, end + away))
            if side == "after"
            else (start - 0.25, end + 0.25)
        )
        return *span, False, _without(text, found)
    found = _PART.search(text)
    if found is not None and (day_named or found["before"] or found["part"].lower() == "tonight"):
        return *PARTS_OF_DAY[_part(found)][:2], False, _without(text, found)
    return None


def _day(text: str, now: datetime, days: list[date]) -> tuple[date | None, str]:
    for pattern in _DATES:
        if found := pattern.search(text):
            groups = found.groupdict()
            if "m" not in groups and "month" not in groups:
                same = [d for d in days if d.day == int(found["d"])]
                if same:
                    return same[-1], _without(text, found)
                continue
            month = int(groups["m"]) if "m" in groups else month_number(found["month"])
            try:
                if found["year"]:
                    return date(int(found["year"]), month, int(found["d"])), _without(text, found)
                # Of the years that fit, the one that was recorded.
                same = [d for d in days if (d.month, d.day) == (month, int(found["d"]))]
                return (same[-1] if same else date(now.year, month, int(found["d"]))), _without(text, found)
            except ValueError:
                continue
    if found := _NEAR_DAY.search(text):
        back = {"today": 0, "yesterday": 1, "last": 1}.get(found.group().lower(), 2)
        return (now - timedelta(days=back)).date(), _without(text, found)
    if found := re.search(rf"\b(?:on |last )?({'|'.join(WEEKDAYS)})\b", text, re.I):
        wanted = WEEKDAYS.index(found[1].lower())
        same = [d for d in days if d.weekday() == wanted]
        back = (now.weekday() - wanted) % 7 or 7
        return (same[-1] if same else (now - timedelta(days=back)).date()), _without(text, found)
    return None, text


def _hours(found: re.Match[str], name: str) -> float:
    """ "3:30 in the afternoon" and, unless it is said otherwise, "3:30" are half past fifteen; "03:30" is not."""
    hour = int(found[f"{name}h"]) % 24
    half = (found[f"{name}half"] or "").lower()
    if half:
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    elif 1 <= hour < 12 and not found[f"{name}h"].startswith("0"):
        part = _PART.search(found.string)
        hour = hour_of(hour, _part(part)) if part else hour + (12 if hour <= _EARLIEST else 0)
    return hour + int(found[f"{name}m"] or 0) / 60


def _part(found: re.Match[str]) -> str:
    part: str = found["part"].lower()
    return "night" if part == "tonight" else part


def _amount(text: str | None) -> float:
    words = {None: 1, "a": 1, "an": 1, "few": 5, "a few": 5, "couple of": 2, "half": 0.5, "half an": 0.5}
    return float(words[text]) if text in words else float(text or 1)


def _unit(text: str) -> float:
    return {"m": 60.0, "h": 3600.0, "d": _DAY_S, "w": 7 * _DAY_S}[text[0].lower()]


def _without(text: str, found: re.Match[str]) -> str:
    before, after = text[: found.start()].rstrip(), text[found.end() :].lstrip()
    if not after or after[0] in "?.!,":
        before = re.sub(r"\b(?:on|at|in|of)$", "", before).rstrip()
    joined = f"{before} {after}"
    return " ".join(joined.split()).replace(" ?", "?").replace(" ,", ",")


def at_text(wall_s: float, now_wall: float, zone: tzinfo | None = None) -> str:
    """ "11:37", with its day where that is not today: "11:37 on 20 December 2023"."""
    at, now = datetime.fromtimestamp(wall_s, zone), datetime.fromtimestamp(now_wall, zone)
    clock = f"{at:%H:%M}"
    if at.date() == now.date():
        return clock
    year = "" if at.year == now.year else f" {at.year}"
    return f"{clock} on {at.day} {MONTHS[at.month - 1].title()}{year}"


def span_text(seconds: float) -> str:
    """ "34 minutes", "1 hour 5 minutes", "20 seconds"."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{round(seconds)} seconds"
    if minutes < 60:
        return f"{minutes} minutes"
    hours, minutes = divmod(minutes, 60)
    text = f"{hours} hour{'s' if hours > 1 else ''}"
    return f"{text} {minutes} minute{'s' if minutes > 1 else ''}" if minutes else text
