"""The days that people tell a time by without a date: Christmas, Easter, New Year's Eve."""

from __future__ import annotations

import re
from datetime import date, timedelta

_FIXED = {
    "christmas eve": (12, 24, 1),
    "christmas day": (12, 25, 1),
    "boxing day": (12, 26, 1),
    "christmas": (12, 24, 3),
    "new year's eve": (12, 31, 1),
    "new year's day": (1, 1, 1),
    "new year": (12, 31, 2),
    "halloween": (10, 31, 1),
    "valentine's day": (2, 14, 1),
}
"""Month and day on which it begins, and how many days it has."""
HOLIDAY = r"(?:{})".format("|".join(re.escape(name) for name in (*_FIXED, "easter", "thanksgiving")))


def holiday(name: str, year: int) -> tuple[date, date]:
    """Its first day in a year, and the day after its last. name: as `HOLIDAY` has it, in lower case."""
    if name == "easter":
        sunday = _easter(year)
        return sunday - timedelta(days=2), sunday + timedelta(days=2)
    if name == "thanksgiving":
        first = date(year, 11, 1)
        fourth = first + timedelta(days=(3 - first.weekday()) % 7 + 21)
        return fourth, fourth + timedelta(days=1)
    month, day, days = _FIXED[name]
    begin = date(year, month, day)
    return begin, begin + timedelta(days=days)


def _easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (Meeus, Astronomical Algorithms, chapter 8)."""
    golden, century = year % 19, year // 100
    leap, rest = divmod(year % 100, 4)
    moon = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    week = (32 + 2 * (century % 4) + 2 * leap - moon - rest) % 7
    shift = (golden + 11 * moon + 22 * week) // 451
    month, day = divmod(moon + week - 7 * shift + 114, 31)
    return date(year, month, day + 1)
