"""The time a question names, found by rules: "yesterday afternoon", "in May 2023", "last Tuesday", "after the ferry
notice".

Days, months and parts of a day are those of the zone in which the question is asked, whose days have 23 or 25 hours when
its clocks change.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from math import inf

from memory.time_words import MONTH, PARTS_OF_DAY, WEEKDAYS, month_number

_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
_COUNTS = {
    word: i
    for i, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
} | {"a": 1, "an": 1, "couple": 2, "few": 3, "several": 4}
_UNITS = {"minute": 60.0, "hour": 3600.0, "day": 86400.0, "week": 7 * 86400.0}

_MONTH = f"({MONTH})"
_YEAR = r"((?:19|20)\d\d)"
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
_COUNT = "(" + "|".join([r"\d+", *sorted(_COUNTS, key=len, reverse=True)]) + ")"
_PART = "(" + "|".join(PARTS_OF_DAY) + ")"
_WEEKDAY = "(" + "|".join(WEEKDAYS) + ")"


def _re(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_ISO = _re(r"\b((?:19|20)\d\d)-(\d\d)(?:-(\d\d))?\b")
_DAY_MONTH = _re(rf"\b{_DAY}(?: of)? {_MONTH},?(?: {_YEAR}\b)?")
_MONTH_DAY = _re(rf"\b{_MONTH} {_DAY}\b(?!:)(?:,? {_YEAR}\b)?")
_MONTH_YEAR = _re(rf"\b{_MONTH},? (?:of )?{_YEAR}\b")
_IN_MONTH = _re(rf"\b(?:in|during|of|since|before|after|until|by|last|this|early|late|mid)[ -]{_MONTH}")
_SEASON = _re(
    rf"\b(?:(last|this|in|during|over)(?: the)? )?(spring|summer|autumn|fall|winter)(?: of)?,? ?{_YEAR}?"
)
_IN_YEAR = _re(rf"\b(?:in|during|of|since|before|after|until|by|year) {_YEAR}\b")
_AGO = _re(rf"\b{_COUNT}(?: of)? (minute|hour|day|week|month|year)s? (?:ago|earlier|back)\b")
_LAST_N = _re(
    rf"\b(?:in|over|during|within|for) the (?:last|past) (?:{_COUNT} )?(minute|hour|day|week|month|year)s?\b"
)
_DAY_WORD = _re(
    rf"\b(the day before yesterday|yesterday|today|tonight|last night|this {_PART})(?:'s)?(?: {_PART})?\b"
)
_LAST = _re(r"\b(last|this|next|past) (weekend|week|month|year)\b")
_ON_DAY = _re(rf"\b(?:(last|this|next|on|past) )?{_WEEKDAY}(?: {_PART})?\b")
_BETWEEN = _re(r"\b(?:between|from) (.+?) (?:and|to|until|till) (.+?)(?=[?,.;]|$)")
_SIDE = _re(r"\b(before|until|till|by|after|since|following)\s+$")
_ANCHOR = _re(
    r"\b(right after|just after|after|since|right before|just before|before|until) "
    r"((?:the|his|her|their|our|my|your|that|this|[a-z]+'s) [^?,.;]+?)(?=[?,.;]|$)"
)


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From start_s to end_s, either of which may be infinite. words: those that name it. near: it is told from now as a day or
    less ("yesterday", "this morning", "two hours ago"), which people do not mix up with the day beside it.
    """

    start_s: float
    end_s: float
    words: str
    near: bool = False


@dataclass(frozen=True, slots=True)
class Anchor:
    """A time told by something that happened: "after the ferry notice". text: what; after: or before it; soon: right
    then.
    """

    text: str
    after: bool
    soon: bool = False


def time_range(text: str, now_s: float | None = None, zone: tzinfo | None = None) -> TimeRange | None:
    """The time that a question names. now_s: when it is asked; without it nothing that is told from there is found
    ("yesterday", a month without its year). zone: where; the machine's if None.
    """
    text = " ".join(text.split())
    if (found := _BETWEEN.search(text)) is not None:
        first, last = _single(found[1], now_s, zone), _single(found[2], now_s, zone)
        if first is None and last is not None:
            # "between 3 and 9 July 2023": the first day takes its month from the second.
            first = _single(f"{found[1]} {' '.join(last.words.split()[1:])}", now_s, zone)
        if first is not None and last is not None and first.start_s < last.end_s:
            return TimeRange(first.start_s, last.end_s, found[0])
    one = _single(text, now_s, zone)
    if one is None:
        return None
    side = _SIDE.search(text[: text.lower().find(one.words.lower())])
    if side is None:
        return one
    words = f"{side[1]} {one.words}"
    if side[1].lower() in ("before", "until", "till", "by"):
        end_s = one.start_s if side[1].lower() == "before" else one.end_s
        return TimeRange(-inf, end_s, words)
    return TimeRange(one.start_s if side[1].lower() == "since" else one.end_s, inf, words)


def anchor(text: str, now_s: float | None = None) -> Anchor | None:
    """What a question tells its time by, unless that is a date."""
    found = _ANCHOR.search(text)
    if found is None or _single(found[2], now_s, None) is not None:
        return None
    first, _, last = found[1].lower().rpartition(" ")
    return Anchor(found[2].strip(), last in ("after", "since"), bool(first))


def _single(text: str, now_s: float | None, zone: tzinfo | None) -> TimeRange | None:
    # The second 02:30 of a night in autumn is told from like the first: no day begins there.
    now = None if now_s is None else datetime.fromtimestamp(now_s, zone).replace(fold=0)
    found = _dated(text, now, zone)
    if found is None and now is not None and now_s is not None:
        found = _told_from(text, now, now_s)
    return found


def _dated(text: str, now: datetime | None, zone: tzinfo | None) -> TimeRange | None:
    if m := _ISO.search(text):
        return _span(m, zone, int(m[1]), int(m[2]), int(m[3]) if m[3] else None)
    if m := _DAY_MONTH.search(text):
        return _span(m, zone, m[3], m[2], m[1], now)
    if m := _MONTH_DAY.search(text):
        return _span(m, zone, m[3], m[1], m[2], now)
    if m := _MONTH_YEAR.search(text):
        return _span(m, zone, m[2], m[1])
    # Without a year "may" and "march" are words like others: a capital, and a preposition, make them months.
    if (m := _IN_MONTH.search(text)) and m[1][0].isupper():
        return _span(m, zone, None, m[1], None, now)
    if (m := _SEASON.search(text)) and (m[3] or (m[1] and now is not None)):
        month = _SEASONS[m[2].lower()]
        year = int(m[3]) if m[3] or now is None else now.year - ((now.month, now.day) < (month, 1))
        begin = datetime(year, month, 1, tzinfo=zone)
        return TimeRange(_stamp(begin), _stamp(_months_on(begin, 3)), m[0])
    if m := _IN_YEAR.search(text):
        begin = datetime(int(m[1]), 1, 1, tzinfo=zone)
        return TimeRange(_stamp(begin), _stamp(_months_on(begin, 12)), m[1])
    return None


def _span(
    found: re.Match[str],
    zone: tzinfo | None,
    year: str | int | None,
    month: str | int,
    day: str | int | None = None,
    now: datetime | None = None,
) -> TimeRange | None:
    """A day, or a whole month. Without a year: the last one before now."""
    number = month if isinstance(month, int) else month_number(month)
    if year is None:
        if now is None:
            return None
        year = now.year if (number, int(day or 1)) <= (now.month, now.day) else now.year - 1
    try:
        begin = datetime(int(year), number, int(day) if day else 1, tzinfo=zone)
    except ValueError:  # 31 February
        return None
    end = begin + timedelta(days=1) if day else _months_on(begin, 1)
    return TimeRange(_stamp(begin), _stamp(end), found[0])


def _told_from(text: str, now: datetime, now_s: float) -> TimeRange | None:
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    day = timedelta(days=1)
    if m := _AGO.search(text):
        count, unit = _COUNTS.get(m[1].lower()) or int(m[1] if m[1].isdigit() else 1), m[2].lower()
        if unit in ("minute", "hour"):
            about_s = now_s - count * _UNITS[unit]
            return TimeRange(about_s - _UNITS[unit] / 2, about_s + _UNITS[unit] / 2, m[0], near=True)
        if unit in ("month", "year"):
            begin = _months_on(today.replace(day=1), -count * (12 if unit == "year" else 1))
            return TimeRange(_stamp(begin), _stamp(_months_on(begin, 1)), m[0])
        begin = today - count * (day if unit == "day" else 7 * day)
        slack = 0 * day if unit == "day" else 3 * day
        return TimeRange(_stamp(begin - slack), _stamp(begin + day + slack), m[0])
    if m := _LAST_N.search(text):
        count = _COUNTS.get((m[1] or "a").lower()) or int(m[1])
        unit = m[2].lower()
        if unit in _UNITS:
            return TimeRange(now_s - count * _UNITS[unit], now_s, m[0])
        return TimeRange(_stamp(_months_on(now, -count * (12 if unit == "year" else 1))), now_s, m[0])
    if m := _DAY_WORD.search(text):
        word = m[1].lower()
        begin = today - {"the day before yesterday": 2, "yesterday": 1, "last night": 1}.get(word, 0) * day
        part = m[3] or m[2] or ("night" if word in ("tonight", "last night") else None)
        return replace(_part_of(begin, part, m[0]), near=True)
    if m := _LAST.search(text):
        return _calendar(today, -1 if m[1].lower() in ("last", "past") else int(m[1].lower() == "next"), m)
    if m := _ON_DAY.search(text):
        which, wanted = (m[1] or "").lower(), WEEKDAYS.index(m[2].lower())
        back = (today.weekday() - wanted) % 7
        begin = today - (back or (7 if which in ("last", "past") else 0)) * day
        if which in ("next", "this") and begin < today:
            begin += 7 * day
        return _part_of(begin, m[3], m[0])
    return None


def _calendar(today: datetime, step: int, found: re.Match[str]) -> TimeRange:
    unit = found[2].lower()
    if unit in ("week", "weekend"):
        monday = today + timedelta(days=7 * step - today.weekday())
        first, length = (5, 2) if unit == "weekend" else (0, 7)
        begin = monday + timedelta(days=first)
        return TimeRange(_stamp(begin), _stamp(begin + timedelta(days=length)), found[0])
    begin = _months_on(today.replace(day=1), step) if unit == "month" else today.replace(
        year=today.year + step, month=1, day=1
    )  # fmt: skip
    return TimeRange(_stamp(begin), _stamp(_months_on(begin, 1 if unit == "month" else 12)), found[0])


def _part_of(day: datetime, part: str | None, words: str) -> TimeRange:
    first, last = PARTS_OF_DAY[part.lower()][:2] if part else (0.0, 24.0)
    return TimeRange(_stamp(day + timedelta(hours=first)), _stamp(day + timedelta(hours=last)), words)


def _months_on(when: datetime, months: int) -> datetime:
    year, month = divmod(when.year * 12 + when.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return when.replace(year=year, month=month + 1, day=min(when.day, last))


def _stamp(when: datetime) -> float:
    return when.timestamp()
