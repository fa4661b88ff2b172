"""Times as people say them: "in half an hour", "at quarter to six", "tomorrow morning", "every Monday at nine"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from memory.text import TENS, UNITS, tokens
from memory.time_words import MONTHS, PARTS_OF_DAY, WEEKDAYS, hour_of, month_number

DAY_S = 86_400.0

_UNITS_S = {"second": 1.0, "sec": 1.0, "minute": 60.0, "min": 60.0, "hour": 3600.0, "hr": 3600.0}
_UNITS_S |= {"day": DAY_S, "week": 7 * DAY_S}
_ONES, _TEENS, _TENS = ("|".join(words) for words in (UNITS[1:10], UNITS[10:], TENS))
_WORD = rf"(?:(?:{_TENS})(?:[\s-](?:{_ONES}))?|{_TEENS}|{_ONES})"
_COUNT = rf"(?:\d+(?:[.,]\d+)?|(?:an?\s+|one\s+)?hundred|a\s+couple(?:\s+of)?|a\s+few|{_WORD}|an?)"
_UNIT = r"(?:seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?)"
_SPAN = (
    rf"(?:(?:a\s+)?half[\s-]+(?:an?\s+)?{_UNIT}|(?:a\s+|three\s+)?quarters?\s+of\s+an?\s+{_UNIT}"
    rf"|{_COUNT}\s+and\s+a\s+half\s+{_UNIT}|{_COUNT}[\s-]+{_UNIT}(?:\s+and\s+a\s+(?:half|quarter)\b)?)"
)
DURATION = rf"{_SPAN}(?:(?:,\s*|\s+)(?:and\s+)?{_SPAN})*"
_ONE_SPAN = re.compile(_SPAN, re.I)

_HALF_DAY = (
    r"(?:\s*(?P<half>[ap]\.?\s?m\b\.?)|\s+in\s+the\s+(?P<half_part>morning|afternoon|evening)"
    r"|\s+at\s+(?P<half_night>night))"
)
_HOUR = rf"(?:\d{{1,2}}|{_TEENS}|{_ONES})"
_CLOCK = (
    rf"(?:(?P<named>noon|midday|midnight)"
    rf"|(?:(?P<past>half|(?:a\s+)?quarter|{_WORD}(?:\s+minutes?)?|\d{{1,2}}(?:\s+minutes?)?)\s+(?P<side>past|to|after|before|of|till)\s+(?P<past_hour>{_HOUR})"
    rf"|(?P<digits>\d{{1,2}})[:.](?P<minutes>\d{{2}})(?!\d)"
    rf"|(?P<hour>{_HOUR})(?:[\s-](?P<spoken>(?:oh[\s-])?{_WORD})(?!\s+(?:minutes?|hours?|seconds?|days?|times?)))?)"
    rf"(?:\s*o'?\s?clock)?{_HALF_DAY}?)(?![\w:])"
)
_DAY = (
    rf"(?:(?P<day>today|tonight|tomorrow|(?:on\s+|next\s+|this\s+(?:coming\s+)?|coming\s+)?(?:{'|'.join(WEEKDAYS)}))"
    r"(?:\s+(?P<part>morning|afternoon|evening|night))?"
    r"|(?:in\s+the|this)\s+(?P<part_alone>morning|afternoon|evening)"
    rf"|on\s+(?:the\s+)?(?:(?P<date>\d{{1,2}})(?:st|nd|rd|th)?(?:\s+of)?\s+(?P<month>{'|'.join(MONTHS)})"
    rf"|(?P<month_first>{'|'.join(MONTHS)})\s+(?:the\s+)?(?P<date_last>\d{{1,2}})(?:st|nd|rd|th)?))\b"
)
_AT = r"(?:at|by|around|about|for)(?:\s+(?:about|around|exactly))?\s+"
_EVERY = (
    rf"(?:every|each)\s+(?:(?P<every_span>{DURATION})|(?P<every_unit>second|minute|hour|day|week)"
    rf"|(?P<every_part>morning|afternoon|evening|night)|(?P<every_day>{'|'.join(WEEKDAYS)}))\b"
)


def _again(pattern: str, suffix: str) -> str:
    """The same pattern under other group names, for a second place in one expression."""
    return re.sub(r"\(\?P<(\w+)>", rf"(?P<\1_{suffix}>", pattern)


_TIME = re.compile(
    rf"\b(?:(?:in|after)\s+(?:like\s+|about\s+|around\s+)?(?P<later>{DURATION})(?:'s?\s+time)?(?:\s+from\s+now)?\b"
    rf"|(?P<from_now>{DURATION})\s+from\s+now\b|in\s+(?P<minutes_later>{_WORD}|\d{{1,3}})$"
    rf"|{_EVERY}(?:\s+{_AT}{_again(_CLOCK, 'e')})?"
    rf"|{_DAY}(?:[\s,]+{_AT}{_again(_CLOCK, 'd')})?"
    rf"|{_AT}{_again(_CLOCK, 'c')}(?:[\s,]+{_again(_DAY, 'c')})?)",
    re.I,
)
# The end of each group's name says in which place of the expression its clock or day stood.
_PLACES = ("_e", "_d", "_c")


@dataclass(frozen=True, slots=True)
class When:
    """due: Unix time.  every_s: comes again after so long.  start, end: where in the text it stands.

    whole: it names the hour; False for a mere day ("tomorrow"), whose hour may stand elsewhere.
    """

    due: float
    every_s: float | None
    start: int
    end: int
    whole: bool = True


def find_times(text: str, now_wall: float, zone: tzinfo | None = None) -> list[When]:
    """All times named in a text, in order. zone: of the user; None is the machine's.

    An hour without "am" or "pm" is the next one to come that is not between midnight and six.
    """
    found = []
    now = datetime.fromtimestamp(now_wall, zone)
    for match in _TIME.finditer(text):
        when = _resolve(match, now_wall, now)
        if when is not None:
            found.append(when)
    return found


def duration_s(text: str) -> float | None:
    """Seconds of a text that is a duration as a whole, else None."""
    return _seconds(text) if re.fullmatch(DURATION, text.strip(), re.I) else None


def at_clock(hour_of: When, day_of: When, zone: tzinfo | None = None) -> float:
    """Unix time at the hour of the one on the day of the other."""
    day = datetime.fromtimestamp(day_of.due, zone).date()
    clock = datetime.fromtimestamp(hour_of.due, zone)
    return _wall(day, clock.time().replace(tzinfo=None), zone)


def next_time(due: float, every_s: float, now_wall: float, zone: tzinfo | None = None) -> float:
    """When it comes again after now. Whole days keep the hour of the day over a change of the clocks."""
    if every_s % DAY_S:
        return due + every_s * max(1, (now_wall - due) // every_s + 1)
    at = datetime.fromtimestamp(due, zone)
    step = timedelta(days=round(every_s / DAY_S))
    while (due := _wall(at.date(), at.time(), zone)) <= now_wall:
        at = at + step
    return due


def _resolve(match: re.Match[str], now_wall: float, now: datetime) -> When | None:
    start, end = match.span()
    later = match["later"] or match["from_now"]
    if later:
        return When(now_wall + _seconds(later), None, start, end)
    if match["minutes_later"]:
        return When(now_wall + 60.0 * _number(match["minutes_later"]), None, start, end)
    if match["every_span"] or match["every_unit"]:
        every_s = (
            _seconds(match["every_span"]) if match["every_span"] else _UNITS_S[match["every_unit"].lower()]
        )
        clock = _clock(match, "_e", None)
        if clock is None:
            return When(now_wall + every_s, every_s, start, end)
        return When(_next(now, _Clock(_hours(clock, True)[0], clock.minute, True), None), every_s, start, end)
    if match["every_part"] or match["every_day"]:
        part = (match["every_part"] or "").lower() or None
        weekday = _weekday(match["every_day"])
        clock = _clock(match, "_e", part) or _at_part(part)
        day = None if weekday is None else _coming(now, weekday, clock)
        return When(_next(now, clock, day), DAY_S * (7 if weekday is not None else 1), start, end)
    clock_at = "_d" if match["day"] or match["part_alone"] or match["month"] or match["month_first"] else "_c"
    suffix = "" if clock_at == "_d" else "_c"
    part = (match[f"part{suffix}"] or match[f"part_alone{suffix}"] or "").lower() or None
    named = (match[f"day{suffix}"] or "").lower()
    if named.endswith("tonight"):
        part = "night"
    clock = _clock(match, clock_at, part)
    whole = clock is not None or part is not None
    if clock is None and not (named or part or match[f"month{suffix}"] or match[f"month_first{suffix}"]):
        return None  # 25:00
    if clock is None:
        clock = _at_part(part)
    try:
        day = _day(named, match[f"month{suffix}"] or match[f"month_first{suffix}"],
                   match[f"date{suffix}"] or match[f"date_last{suffix}"], now, clock)  # fmt: skip
        return When(_next(now, clock, day), None, start, end, whole)
    except ValueError:  # the 31st of February
        return None


@dataclass(frozen=True, slots=True)
class _Clock:
    """sure: hour is one of 24, not of twelve."""

    hour: int
    minute: int
    sure: bool


def _at_part(part: str | None) -> _Clock:
    """ "tomorrow" alone is its morning."""
    return _Clock(PARTS_OF_DAY[part or "morning"].usual_h, 0, True)


def _clock(match: re.Match[str], suffix: str, part: str | None) -> _Clock | None:
    def group(name: str) -> str | None:
        value: str | None = match[f"{name}{suffix}"]
        return value.lower() if value is not None else None

    named = group("named")
    if named:
        return _Clock(0 if named == "midnight" else 12, 0, True)
    minute = 0
    sure = False
    if (past := group("past")) is not None:
        hour = _number(group("past_hour") or "")
        minute = 30 if past == "half" else 15 if past.endswith("quarter") else _number(past)
        if group("side") in ("to", "before", "of", "till"):
            hour, minute = 12 if hour == 1 else (hour - 1) % 24, 60 - minute
    elif (digits := group("digits")) is not None:
        hour, minute = int(digits), int(group("minutes") or 0)
        sure = digits.startswith("0")
    elif (spoken_hour := group("hour")) is not None:
        hour = _number(spoken_hour)
        spoken = group("spoken")
        minute = _number(spoken.replace("oh", "").strip(" -")) if spoken else 0
    else:
        return None
    if hour > 24 or minute > 59:
        return None
    half = (group("half") or "")[:1]
    part = group("half_part") or ("night" if group("half_night") else None) or part
    if half and hour <= 12:
        return _Clock(hour % 12 + (12 if half == "p" else 0), minute, True)
    if part and hour <= 12:
        return _Clock(hour_of(hour, part), minute, True)
    return _Clock(hour % 24, minute, sure or hour > 12 or hour == 0)


def _next(now: datetime, clock: _Clock, day: date | None) -> float:
    """Unix time of the clock on a day, or of the next one to come."""
    today = now.date()
    days = [day] if day is not None else [today, today + timedelta(days=1)]
    times = [
        _wall(d, time(h, clock.minute), now.tzinfo)
        for d in days
        for h in _hours(clock, day not in (None, today))
    ]
    return next((t for t in times if t > now.timestamp()), times[-1] + DAY_S)


def _hours(clock: _Clock, another_day: bool) -> list[int]:
    """The hours of 24 that it may be: from six on; on another day from seven to six, as one plans ahead."""
    if clock.sure:
        return [clock.hour]
    hours = [clock.hour % 12, clock.hour % 12 + 12]
    return [h for h in hours if (7 <= h <= 18 if another_day else h >= 6)]


def _wall(day: date, at: time, zone: tzinfo | None) -> float:
    return datetime.combine(day, at, tzinfo=zone).timestamp()


def _day(named: str, month: str | None, number: str | None, now: datetime, clock: _Clock) -> date | None:
    """The date that a name means; None where none is named. ValueError: there is no such date."""
    today = now.date()
    if month and number:
        day = date(today.year, month_number(month), int(number))
        return day if day >= today else day.replace(year=today.year + 1)
    if not named:
        return None
    if named.endswith(("today", "tonight")):
        return today
    if named.endswith("tomorrow"):
        return today + timedelta(days=1)
    weekday = _weekday(named)
    assert weekday is not None
    return _coming(now, weekday, clock)


def _weekday(named: str | None) -> int | None:
    return next((i for i, day in enumerate(WEEKDAYS) if named and named.lower().endswith(day)), None)


def _coming(now: datetime, weekday: int, clock: _Clock) -> date:
    """The next such day; today only while the hour is still to come."""
    days = (weekday - now.weekday()) % 7
    if days == 0 and all((h, clock.minute) <= (now.hour, now.minute) for h in _hours(clock, False)):
        days = 7
    return now.date() + timedelta(days=days)


def _seconds(text: str) -> float:
    return sum(_span_s(match[0].lower()) for match in _ONE_SPAN.finditer(text))


def _span_s(text: str) -> float:
    words = text.replace("-", " ").split()
    unit_s = next(
        _UNITS_S[stem]
        for word in words
        if (stem := word.rstrip("s")) in _UNITS_S or (stem := word) in _UNITS_S
    )
    if "quarter" in words and "of" in words:
        return unit_s / 4
    if "quarters" in words:
        return unit_s * 3 / 4
    if "half" in words and "and" not in words:
        return unit_s / 2
    extra = 0.5 if "half" in words else 0.25 if "quarter" in words else 0.0
    return (_amount(words) + extra) * unit_s


def _amount(words: Sequence[str]) -> float:
    if "couple" in words:
        return 2.0
    if "few" in words:
        return 3.0
    first = words[0].replace(",", ".")
    if first.replace(".", "", 1).isdigit():
        return float(first)
    if first in ("a", "an") and "hundred" not in words:
        return 1.0
    return float(_number(" ".join(w for w in words if w not in ("and", "a", "half", "quarter"))))


def _number(text: str) -> int:
    """The first number of a text that holds one."""
    return next((int(t) for t in tokens(text) if t.isdigit()), 0)
