"""The time a question names, found by rules: "yesterday afternoon", "in May 2023", "last Tuesday", "after the ferry
notice".

Days, months and parts of a day are those of the zone in which the question is asked, whose days have 23 or 25 hours when
its clocks change.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from math import inf

from memory.holidays import HOLIDAY, holiday
from memory.text import UNITS
from memory.time_words import MONTH, PARTS_OF_DAY, WEEKDAYS, month_number

_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
_COUNTS = {word: i for i, word in enumerate(UNITS[:13])}
_COUNTS |= {"a": 1, "an": 1, "couple": 2, "few": 3, "several": 4}
_UNITS = {"minute": 60.0, "hour": 3600.0, "day": 86400.0, "week": 7 * 86400.0}
_LONG_PARTS = {"early": (0.0, 0.4), "mid": (0.3, 0.7), "late": (0.6, 1.0)}
_DAY_PARTS = {"early": (0.0, 2 / 3), "mid": (0.25, 0.75), "late": (1 / 3, 1.0)}
"""What "late" is of a month, and of an afternoon, as shares of it."""
_OTHER_DAY_S = 14 * 86400.0

_MONTH = f"({MONTH})"
_YEAR = r"((?:19|20)\d\d)"
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
_COUNT = "(" + "|".join([r"\d+", *sorted(_COUNTS, key=len, reverse=True)]) + ")"
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4}
_PART = "(" + "|".join(PARTS_OF_DAY) + ")"
_WEEKDAY = "(" + "|".join(WEEKDAYS) + ")"


def _re(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_ISO = _re(r"\b((?:19|20)\d\d)-(\d\d)(?:-(\d\d))?\b")
_DAY_MONTH = _re(rf"\b{_DAY}(?: of)? {_MONTH},?(?: {_YEAR}\b)?")
_MONTH_DAY = _re(rf"\b{_MONTH} {_DAY}\b(?!:)(?:,? {_YEAR}\b)?")
_MONTH_YEAR = _re(rf"\b{_MONTH},? (?:of )?{_YEAR}\b")
_IN_MONTH = _re(rf"\b(?:in|during|of|since|before|after|until|till|by|last|this|early|late|mid)[ -]{_MONTH}")
_SEASON = _re(
    rf"\b(?:(last|this|in|during|over)(?: the)? )?(spring|summer|autumn|fall|winter)(?: of)?,? ?{_YEAR}?"
)
_IN_YEAR = _re(rf"\b(?:in|during|of|since|before|after|until|by|year) {_YEAR}\b")
_QUARTER = _re(rf"\b(?:Q([1-4])|(first|second|third|fourth) quarter)(?:(?: of)?[ ,/-]*{_YEAR})?\b")
_HOLIDAY = _re(rf"\b(?:last )?({HOLIDAY})\b(?:,? (?:of |in )?{_YEAR}\b)?")
_MONTH_WEEK = _re(rf"\b(first|second|third|fourth) week of {_MONTH}(?:,? {_YEAR}\b)?")
_DAY_ALONE = _re(
    r"(?:^|\b(?:on|since|until|till|by|before|after|from|between|and|to) )(the (\d{1,2})(?:st|nd|rd|th))"
    r"(?= (?:and|to|until|till|at|about|in)\b|[?.,;!]|$)"
)
_FRIDAY_13 = _re(rf"\b{_WEEKDAY},? the {_DAY}(?![\w:])")
_AGO = _re(
    rf"\b(half )?{_COUNT}(?: of)? (minute|hour|day|night|week|fortnight|month|year)s?( and a half)? "
    rf"(?:ago|earlier|back)\b(?: on {_WEEKDAY})?"
)
_WEEKDAYS_AGO = _re(rf"\b{_COUNT} {_WEEKDAY}s? ago\b")
_BEFORE_LAST = _re(rf"\b(?:the )?(?:(week|weekend|month|year)|{_WEEKDAY}) before last\b")
_OTHER_DAY = _re(r"\bthe other (?:day|night|week)\b")
_EDGE = _re(r"(?:\b(early|late|mid)(?:[ -](?:in )?)|\b(beginning|start|middle|end) of )(?:the )?$")
_LAST_N = _re(
    rf"\b(?:in|over|during|within|for) the (?:last|past) (?:{_COUNT}(?: of)? )?"
    r"(minute|hour|day|week|month|year)s?\b"
)
_DAY_WORD = _re(
    rf"\b(the day before yesterday|yesterday|today|tonight|tomorrow|last night|this {_PART})(?:'s)?(?: {_PART})?\b"
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


def time_range(
    text: str, now_s: float | None = None, zone: tzinfo | None = None, ahead: bool = False
) -> TimeRange | None:
    """The time that a question names. now_s: when it is asked; without it nothing that is told from there is found
    ("yesterday", a month without its year). zone: where; the machine's if None. ahead: a month without its year, or a
    weekday, is the next one and not the last: a plan is told.
    """
    text = " ".join(text.split())
    if (found := _BETWEEN.search(text)) is not None:
        first, last = _single(found[1], now_s, zone, ahead), _single(found[2], now_s, zone, ahead)
        if first is None and last is not None:
            # "between 3 and 9 July 2023": the first day takes its month from the second.
            first = _single(f"{found[1]} {' '.join(last.words.split()[1:])}", now_s, zone, ahead)
        if first is not None and last is not None and first.start_s >= last.end_s:
            # "between the 28th and the 3rd": the first is told from the second.
            first = _single(found[1], last.start_s, zone)
        if first is not None and last is not None and first.start_s < last.end_s:
            return TimeRange(first.start_s, last.end_s, found[0])
    one = _single(text, now_s, zone, ahead)
    if one is None:
        return None
    one = _narrowed(one, text)
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
    if found is None or _single(found[2], now_s, None, False) is not None:
        return None
    first, _, last = found[1].lower().rpartition(" ")
    return Anchor(found[2].strip(), last in ("after", "since"), bool(first))


def _narrowed(one: TimeRange, text: str) -> TimeRange:
    """The beginning, the middle or the end of it, where that is asked for: "late last night", "early in May"."""
    edge = _EDGE.search(text[: text.lower().find(one.words.lower())])
    if edge is None:
        return one
    word = (edge[1] or edge[2]).lower()
    word = {"beginning": "early", "start": "early", "middle": "mid", "end": "late"}.get(word, word)
    length_s = one.end_s - one.start_s
    first, last = (_LONG_PARTS if length_s > 1.1 * _UNITS["day"] else _DAY_PARTS)[word]
    words = text[edge.start() :][: len(edge[0]) + len(one.words)]
    return replace(
        one, start_s=one.start_s + first * length_s, end_s=one.start_s + last * length_s, words=words
    )


def _single(text: str, now_s: float | None, zone: tzinfo | None, ahead: bool = False) -> TimeRange | None:
    # The second 02:30 of a night in autumn is told from like the first: no day begins there.
    now = None if now_s is None else datetime.fromtimestamp(now_s, zone).replace(fold=0)
    found = _dated(text, now, zone, ahead)
    if found is None and now is not None and now_s is not None:
        found = _told_from(text, now, now_s, ahead)
    return found


def _dated(text: str, now: datetime | None, zone: tzinfo | None, ahead: bool) -> TimeRange | None:
    if m := _ISO.search(text):
        return _span(m, zone, int(m[1]), int(m[2]), int(m[3]) if m[3] else None)
    if (m := _MONTH_WEEK.search(text)) and (whole := _span(m, zone, m[3], m[2], None, now, ahead)):
        begin = datetime.fromtimestamp(whole.start_s, zone) + timedelta(
            days=7 * (_ORDINALS[m[1].lower()] - 1)
        )
        return TimeRange(_stamp(begin), _stamp(begin + timedelta(days=7)), m[0])
    if m := _DAY_MONTH.search(text):
        return _span(m, zone, m[3], m[2], m[1], now, ahead)
    if m := _MONTH_DAY.search(text):
        return _span(m, zone, m[3], m[1], m[2], now, ahead)
    if m := _MONTH_YEAR.search(text):
        return _span(m, zone, m[2], m[1])
    # Without a year "may" and "march" are words like others: a capital, and a preposition, make them months.
    if (m := _IN_MONTH.search(text)) and m[1][0].isupper():
        found = _span(m, zone, None, m[1], None, now, ahead)
        return None if found is None else replace(found, words=m[1])
    if (m := _HOLIDAY.search(text)) and (m[2] or now is not None):
        return _holiday(m, int(m[2]) if m[2] else None, now, zone, ahead)
    if (m := _QUARTER.search(text)) and (m[3] or now is not None):
        month = 3 * (int(m[1]) if m[1] else _ORDINALS[m[2].lower()]) - 2
        year = int(m[3]) if m[3] or now is None else now.year - (now.month < month)
        begin = datetime(year, month, 1, tzinfo=zone)
        return TimeRange(_stamp(begin), _stamp(_months_on(begin, 3)), m[0])
    if (m := _SEASON.search(text)) and (m[3] or (m[1] and now is not None)):
        month = _SEASONS[m[2].lower()]
        year = int(m[3]) if m[3] or now is None else now.year - ((now.month, now.day) < (month, 1)) + ahead
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
    ahead: bool = False,
) -> TimeRange | None:
    """A day, or a whole month. Without a year: the last one before now; ahead: the next one."""
    number = month if isinstance(month, int) else month_number(month)
    if year is None:
        if now is None:
            return None
        year = now.year if (number, int(day or 1)) <= (now.month, now.day) else now.year - 1
        passed = (number, int(day or 31)) < (now.month, now.day)
        year = year if not ahead else now.year + 1 if passed else now.year
    try:
        begin = datetime(int(year), number, int(day) if day else 1, tzinfo=zone)
    except ValueError:  # 31 February
        return None
    end = begin + timedelta(days=1) if day else _months_on(begin, 1)
    return TimeRange(_stamp(begin), _stamp(end), found[0])


def _holiday(
    found: re.Match[str], year: int | None, now: datetime | None, zone: tzinfo | None, ahead: bool
) -> TimeRange | None:
    """The one of that year; without a year the last one, or the next."""
    years = [year] if year is not None or now is None else [now.year - 1, now.year, now.year + 1]
    spans = [
        TimeRange(_midnight(first, zone), _midnight(after, zone), found[0])
        for first, after in (holiday(found[1].lower(), y) for y in years if y is not None)
    ]
    if now is None or year is not None:
        return spans[0]
    now_s = _stamp(now)
    return next(
        (s for s in spans if s.end_s > now_s) if ahead else (s for s in spans[::-1] if s.start_s <= now_s)
    )


def _midnight(day: date, zone: tzinfo | None) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()


def _ago(found: re.Match[str], today: datetime, now_s: float) -> TimeRange:
    unit = found[3].lower()
    day = timedelta(days=1)
    count = _counted(found[2]) * (0.5 if found[1] else 1.0) + (0.5 if found[4] else 0.0)
    if unit in ("minute", "hour"):
        about_s, slack_s = now_s - count * _UNITS[unit], _UNITS[unit] / (2 if count >= 1 else 4)
        return TimeRange(about_s - slack_s, about_s + slack_s, found[0], near=True)
    if unit in ("month", "year"):
        begin = _months_on(today.replace(day=1), -int(count * (12 if unit == "year" else 1)))
        return TimeRange(_stamp(begin), _stamp(_months_on(begin, 1)), found[0])
    begin = today - int(count * {"day": 1, "night": 1, "week": 7, "fortnight": 14}[unit]) * day
    if found[5]:  # "a week ago on Tuesday": the Tuesday of that week
        begin += (WEEKDAYS.index(found[5].lower()) - begin.weekday()) * day
    elif unit in ("week", "fortnight"):
        return TimeRange(_stamp(begin - 3 * day), _stamp(begin + 4 * day), found[0])
    return _part_of(begin, "night" if unit == "night" else None, found[0])


def _alone(text: str, today: datetime, ahead: bool) -> TimeRange | None:
    """A day of a month that is not named: the last one, or the next. Of several the first, as they are told in order."""
    if m := _FRIDAY_13.search(text):
        weekday, number, words = WEEKDAYS.index(m[1].lower()), int(m[2]), m[0]
    elif m := _DAY_ALONE.search(text):
        weekday, number, words = None, int(m[2]), m[1]
    else:
        return None
    for days in range(0 if not ahead else 1, 366 * (1 if weekday is None else 7)):
        one = today + timedelta(days=days if ahead else -days)
        if one.day == number and weekday in (None, one.weekday()):
            return _part_of(one, None, words)
    return None  # the 40th


def _counted(word: str | None) -> int:
    word = (word or "a").lower()
    return int(word) if word.isdigit() else _COUNTS[word]


def _told_from(text: str, now: datetime, now_s: float, ahead: bool) -> TimeRange | None:
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    day = timedelta(days=1)
    if m := _AGO.search(text):
        return _ago(m, today, now_s)
    if m := _WEEKDAYS_AGO.search(text):
        back = (today.weekday() - WEEKDAYS.index(m[2].lower())) % 7 or 7
        return _part_of(today - (back + 7 * (_counted(m[1]) - 1)) * day, None, m[0])
    if m := _BEFORE_LAST.search(text):
        if m[1]:
            return _calendar(today, -2, m[1], m[0])
        back = (today.weekday() - WEEKDAYS.index(m[2].lower())) % 7 or 7
        return _part_of(today - (back + 7) * day, None, m[0])
    if m := _OTHER_DAY.search(text):
        return TimeRange(now_s - _OTHER_DAY_S, now_s, m[0])
    if found := _alone(text, today, ahead):
        return found
    if m := _LAST_N.search(text):
        count = _counted(m[1])
        unit = m[2].lower()
        if unit in _UNITS:
            return TimeRange(now_s - count * _UNITS[unit], now_s, m[0])
        return TimeRange(_stamp(_months_on(now, -count * (12 if unit == "year" else 1))), now_s, m[0])
    if m := _DAY_WORD.search(text):
        word = m[1].lower()
        if word == "tomorrow" and not ahead:
            return None  # what is known of it was told before
        begin = (
            today
            - {"the day before yesterday": 2, "yesterday": 1, "last night": 1, "tomorrow": -1}.get(word, 0)
            * day
        )
        part = m[3] or m[2] or ("night" if word in ("tonight", "last night") else None)
        return replace(_part_of(begin, part, m[0]), near=True)
    if m := _LAST.search(text):
        step = -1 if m[1].lower() in ("last", "past") else int(m[1].lower() == "next")
        return _calendar(today, step, m[2], m[0])
    if m := _ON_DAY.search(text):
        which, wanted = (m[1] or "").lower(), WEEKDAYS.index(m[2].lower())
        back = (today.weekday() - wanted) % 7
        begin = today - (back or (7 if which in ("last", "past") else 0)) * day
        if (which in ("next", "this") or (ahead and not which.endswith("st"))) and begin < today:
            begin += 7 * day
        return _part_of(begin, m[3], m[0])
    return None


def _calendar(today: datetime, step: int, unit: str, words: str) -> TimeRange:
    unit = unit.lower()
    if unit in ("week", "weekend"):
        monday = today + timedelta(days=7 * step - today.weekday())
        first, length = (5, 2) if unit == "weekend" else (0, 7)
        begin = monday + timedelta(days=first)
        return TimeRange(_stamp(begin), _stamp(begin + timedelta(days=length)), words)
    begin = _months_on(today.replace(day=1), step) if unit == "month" else today.replace(
        year=today.year + step, month=1, day=1
    )  # fmt: skip
    return TimeRange(_stamp(begin), _stamp(_months_on(begin, 1 if unit == "month" else 12)), words)


def _part_of(day: datetime, part: str | None, words: str) -> TimeRange:
    first, last = PARTS_OF_DAY[part.lower()][:2] if part else (0.0, 24.0)
    return TimeRange(_stamp(day + timedelta(hours=first)), _stamp(day + timedelta(hours=last)), words)


def _months_on(when: datetime, months: int) -> datetime:
    year, month = divmod(when.year * 12 + when.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return when.replace(year=year, month=month + 1, day=min(when.day, last))


def _stamp(when: datetime) -> float:
    return when.timestamp()
