"""How often something was done, and how many lines say something."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from memory.text import tokens
from reasoning.screen.find import Finder, Moment, around
from reasoning.screen.phrasing import inside
from reasoning.screen.when import When
from reasoning.screen.words import content, spaced, with_english

_TIMES = re.compile(
    r"^(?:how (?:many times|often)|on how many occasions) (?:did|have|had) (?:i|we) (?:ever )?"
    r"(?:open(?:ed)?|visit(?:ed)?|us(?:e|ed)|look(?:ed)? at|go(?:ne)? (?:back )?to|went to|switch(?:ed)? to|"
    r"come back to|see|seen|start(?:ed)?|return(?:ed)? to|check(?:ed)?) (?P<x>.+?)\??$",
    re.I,
)
_LINES = re.compile(
    r"^how many (?:of the )?(?:rows|lines|cells|entries|messages|items) (?:in .+? |on .+? |of .+? )??"
    r"(?:say|said|show|showed|have|had|contain|contained|mention|mentioned|are|were|is|with|"
    r"start with|begin with) (?P<x>.+?)\??$",
    re.I,
)
_APART_S = 1.0
_MOST = 5


@dataclass(frozen=True, slots=True)
class CountAsk:
    """lines: of lines that say it; otherwise of times at which it came to the front."""

    phrase: str
    lines: bool


def counted(question: str) -> CountAsk | None:
    """None where nothing of this kind is counted."""
    text = " ".join(question.split())
    if found := _TIMES.match(text):
        return CountAsk(found["x"], lines=False)
    if found := _LINES.match(text):
        return CountAsk(found["x"], lines=True)
    return None


async def count_reply(
    finder: Finder, asked: CountAsk, when: When, at: Callable[[float], str]
) -> tuple[str, Sequence[Moment]]:
    """The number, with the times or the first line; "" and () for none at all."""
    if asked.lines:
        return await _lines(finder, asked, when, at)
    fronts = [m for m in await finder.in_front(asked.phrase, when) if m.coverage == 1.0]
    visits: list[Moment] = []
    for moment in sorted(fronts, key=lambda m: m.wall_s):
        if visits and moment.wall_s - visits[-1].end_wall_s <= _APART_S:
            visits[-1] = replace(visits[-1], end_wall_s=max(visits[-1].end_wall_s, moment.end_wall_s))
        else:
            visits.append(moment)
    if not visits:
        return "", ()
    times = [at(m.wall_s) for m in visits]
    listed = f"at {', '.join(times[:_MOST])}{' and later' if len(times) > _MOST else ''}"
    return f"{len(visits)} time{'s' if len(visits) > 1 else ''}: {visits[0].place}, {listed}.", visits


async def _lines(
    finder: Finder, asked: CountAsk, when: When, at: Callable[[float], str]
) -> tuple[str, Sequence[Moment]]:
    """In the record that has most of them, of equal ones the latest."""
    wanted = tokens(asked.phrase)
    best: tuple[int, float, Moment, int] | None = None
    for moment in await finder.read(asked.phrase, when, windows=0):
        lines = moment.evidence.text.splitlines()
        found = [i for i, line in enumerate(lines) if _says(line, wanted)]
        if found and (best is None or (len(found), moment.wall_s) > best[:2]):
            best = (len(found), moment.wall_s, moment, found[0])
    if best is None or not content(asked.phrase):
        return "", ()
    count, _, moment, first = best
    shown = around(moment, first)
    return f"{count}. “{shown.line}” is the first of them{inside(shown)} at {at(shown.wall_s)}.", [shown]


def _says(line: str, wanted: Sequence[str]) -> bool:
    """The words of a name one after the other: "Student 4", not a student in row 4."""
    said = f" {' '.join(tokens(line))} "
    return f" {' '.join(wanted)} " in said or (
        set(wanted) <= with_english(set(tokens(spaced(line)))) and not any(w.isdigit() for w in wanted)
    )
