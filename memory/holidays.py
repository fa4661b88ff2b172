"""The days that people tell a time by without a date: Christmas, Easter, New Year's Eve."""

from __future__ import annotations

import re
from datetime import date, timedelta

from dateutil.easter import easter

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
        sunday = easter(year)
        return sunday - timedelta(days=2), sunday + timedelta(days=2)
    if name == "thanksgiving":
        first = date(year, 11, 1)
        fourth = first + timedelta(days=(3 - first.weekday()) % 7 + 21)
        return fourth, fourth + timedelta(days=1)
    month, day, days = _FIXED[name]
    begin = date(year, month, day)
    return begin, begin + timedelta(days=days)
