"""What people call the months, the days of the week and the parts of a day."""

from __future__ import annotations

from typing import NamedTuple

MONTHS = tuple(
    "january february march april may june july august september october november december".split()
)
WEEKDAYS = tuple("monday tuesday wednesday thursday friday saturday sunday".split())
MONTH = rf"(?:{'|'.join(f'{m}|{m[:3]}' for m in MONTHS)}|sept)\b\.?"
"""Regular expression of a month as it is written, in lower case."""


class PartOfDay(NamedTuple):
    """start_h, end_h: hours since midnight. usual_h: the one meant where a single one is wanted."""

    start_h: float
    end_h: float
    usual_h: int


PARTS_OF_DAY = {
    "morning": PartOfDay(5, 12, 9),
    "afternoon": PartOfDay(12, 18, 15),
    "evening": PartOfDay(17, 24, 19),
    "night": PartOfDay(18, 30, 21),
}
"""They overlap, as people use them. A night ends on the next day."""
TIME_WORDS = frozenset(
    """today tomorrow tonight yesterday noon midday midnight weekend week month year spring summer autumn fall winter
    daily weekly oclock""".split()
) | {*MONTHS, *WEEKDAYS, *PARTS_OF_DAY}


def month_number(name: str) -> int:
    """From 1, of a name as `MONTH` matches it."""
    return 1 + [m[:3] for m in MONTHS].index(name[:3].lower())


def hour_of(hour: int, part: str) -> int:
    """Of 24, from one of twelve: 3 in the afternoon is 15, at night 3; 9 at night is 21."""
    late = part in ("afternoon", "evening") or (part == "night" and 5 <= hour < 12)
    return hour % 12 + (12 if late else 0)
