"""A day in a question that belongs to what stood there: a column of a rota, a line of a list, a date in a row."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from memory.text import tokens
from memory.time_words import MONTH, WEEKDAYS, month_number
from reasoning.screen.find import Finder, Moment, around
from reasoning.screen.measures import cells_of
from reasoning.screen.owner import owner_of
from reasoning.screen.phrasing import inside
from reasoning.screen.when import When
from reasoning.screen.words import content, covered, kind_words, named_in, spaced, with_english

_WEEKDAY = re.compile(rf"\b(?P<day>{'|'.join(WEEKDAYS)})s?\b", re.I)
_SHORT = re.compile(rf"(?-i:\b(?P<day>{'|'.join(d[:3].title() for d in WEEKDAYS)})\b)")
_DAY = r"(?P<d>\d{1,2})(?:st|nd|rd|th|\.)?"
_DATES = (
    re.compile(rf"\b{_DAY} (?:of )?(?P<month>{MONTH})\b(?:,? (?P<year>\d{{4}}))?", re.I),
    re.compile(rf"\b(?P<month>{MONTH})\.? (?P<d>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,? (?P<year>\d{{4}}))?", re.I),
    re.compile(r"\b(?P<year>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)\b"),
    re.compile(r"(?<![\d.])(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<year>\d{4})?(?!\d)"),
)
_BARE = re.compile(r"\bthe (?P<d>\d{1,2})(?:st|nd|rd|th)\b", re.I)
_NUMBERED = re.compile(rf"\b(?:{'|'.join(d[:3].title() for d in WEEKDAYS)})\.?,? (?P<d>\d{{1,2}})\.?$")
_NOW = re.compile(
    r"\b(?:is|are|am|do|does|will|shall|can|must|have to|has to|need to|needs to)\b|['’](?:s|m|re|ll)\b", re.I
)
_THEN = re.compile(r"\b(?:was|were|did|had)\b", re.I)
_MINE = re.compile(r"\b(?:i|my|me|mine)\b", re.I)
_EMPTY = set(
    tokens("date dated day due stand stood happen list planned plan scheduled entry now today whose")
)
_LEAST = 0.6
_HEADS, _UNDER = 3, 12


@dataclass(frozen=True, slots=True)
class Day:
    """A weekday (0 for Monday), or a day of a month; None for what is not said."""

    weekday: int | None = None
    day: int | None = None
    month: int | None = None
    year: int | None = None

    def is_in(self, text: str) -> bool:
        return any(self._is(other) for other in days_in(text))

    def _is(self, other: Day) -> bool:
        if self.weekday is not None:
            return self.weekday == other.weekday
        both = ((self.month, other.month), (self.year, other.year))
        return self.day == other.day and all(a is None or b is None or a == b for a, b in both)


def days_in(text: str) -> Iterator[Day]:
    """The days that a text names, in any of their forms."""
    for pattern in (_WEEKDAY, _SHORT):
        for found in pattern.finditer(text):
            yield Day(weekday=next(i for i, d in enumerate(WEEKDAYS) if d.startswith(found["day"].lower())))
    for pattern in _DATES:
        for found in pattern.finditer(text):
            groups = found.groupdict()
            month = int(groups["m"]) if groups.get("m") else month_number(found["month"])
            yield Day(None, int(found["d"]), month, int(found["year"]) if found["year"] else None)
    for pattern in (_BARE, _NUMBERED):
        for found in pattern.finditer(text):
            yield Day(day=int(found["d"]))


def day_asked(question: str) -> tuple[Day, str] | None:
    """The day that a question names, and the question without it; None for no day, and for more than one."""
    days = list(days_in(question))
    if len(days) != 1:
        return None
    rest = question
    for pattern in (*_DATES, _BARE, _WEEKDAY):
        rest = pattern.sub(" ", rest)
    return days[0], " ".join(re.sub(r"\b(?:on|for|by|at|in) *(?=[?,.]|$)", " ", rest).split())


def speaks_of_plan(question: str) -> bool:
    """Whether it asks for what is, or will be: then the day is not one on which it was seen."""
    return _NOW.search(question) is not None and _THEN.search(question) is None


async def on_day(finder: Finder, question: str, at: Callable[[float], str]) -> tuple[str, Sequence[Moment]]:
    """What stood in the row, line or column of the day that a question names; "" and () for nothing."""
    asked = day_asked(question)
    if asked is None:
        return "", ()
    day, rest = asked
    wanted = [w for w in content(rest) if w not in _EMPTY]
    owner = await owner_of(finder) if _MINE.search(rest) else set()
    best: tuple[float, float, str, Moment] | None = None
    for moment in await finder.read(question, When(), windows=0):
        for score, value, i in _answers(moment, day, rest, wanted, owner):
            if best is None or (round(score, 2), moment.wall_s) > best[:2]:
                best = (round(score, 2), moment.wall_s, value, around(moment, i))
    if best is None:
        return "", ()
    _, _, value, moment = best
    proof = f"“{moment.line}”{inside(moment)} at {at(moment.wall_s)}."
    return f"{f'{value}. ' if value else ''}{proof}", [moment]


def _answers(
    moment: Moment, day: Day, rest: str, wanted: Sequence[str], owner: set[str]
) -> Iterator[tuple[float, str, int]]:
    """(how sure, the cell or "" for the line, which line)."""
    lines = moment.evidence.text.splitlines()
    title = kind_words(moment.program, moment.site) | set(tokens(spaced(moment.document)))
    there = with_english(title.union(*(tokens(spaced(line)) for line in lines)))
    if not wanted and not owner and day.year is None:
        return
    if wanted and covered(wanted, there) < _LEAST:
        return
    names = named_in(rest, wanted)
    for i, line in enumerate(lines):
        row = cells_of(line)
        columns = [c for c, cell in enumerate(row) if day.is_in(cell)]
        if sum(1 for cell in row if any(days_in(cell))) >= _HEADS:
            yield from _under(lines, i, row, columns, wanted, owner)
        elif day.is_in(line) and (wanted or not owner):
            own = title | set(tokens(spaced(line)))
            near = title.union(*(tokens(spaced(one)) for one in lines[max(0, i - 1) : i + 2]))
            if (names and covered(names, near) < 1.0) or (wanted and covered(wanted, near) < _LEAST / 2):
                continue
            yield 1.0 + covered(wanted, own) + 0.5 * covered(wanted, near), "", i


def _under(
    lines: Sequence[str],
    head: int,
    header: Sequence[str],
    columns: Sequence[int],
    wanted: Sequence[str],
    owner: set[str],
) -> Iterator[tuple[float, str, int]]:
    """Rows below a heading of days: the cell of the day where the row has one for each day."""
    for i in range(head + 1, min(len(lines), head + 1 + _UNDER)):
        row = cells_of(lines[i])
        label = row[0].casefold().split()
        mine = bool(owner & set(label))
        said = covered(wanted, set(tokens(row[0])))
        if len(row) < _HEADS or not (mine or (said > 0.0 and not owner)) or not columns:
            continue
        more = len(row) - len(header)
        cell = row[columns[0] + more] if more in (0, 1) else ""
        yield 1.5 + said + mine, cell, i
