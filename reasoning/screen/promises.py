"""What was promised, or was to be done: lines of the screen that say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from memory.text import tokens
from reasoning.screen.find import Finder, Moment, around
from reasoning.screen.heard import people_near, without_call
from reasoning.screen.tasks import spoken_lines, tasks_in
from reasoning.screen.when import When
from reasoning.screen.words import SPEAKER, content, covered

_HALF = 0.5


async def promised(finder: Finder, phrase: str, when: When, who: str = "") -> Sequence[Moment]:
    """In order of time, each promise once, what was said among them. phrase: to whom, or of what; "" for all of them.
    who: whose promises, by the name before a line of a chat; "" for the user's.
    """
    phrase, in_call = without_call(phrase)
    wanted = content(f"{phrase} {in_call or ''}")
    said = await finder.heard()
    of_who = [m for m in said if (set(tokens(who)) & _speaker(m) if who else m.ear == "microphone")]
    spoken = [m for m in of_who if when.overlaps(m.wall_s, m.end_wall_s)]
    written = [] if in_call is not None else await finder.texts(when)
    out: dict[str, Moment] = {}
    for moment in sorted([*written, *spoken], key=lambda m: m.wall_s):
        record = spoken_lines(moment.evidence.text) if moment.ear else moment.evidence.text
        where = tokens(f"{moment.document} {moment.site} {moment.program}")
        if moment.ear:
            where += tokens(" ".join(people_near(moment, said)))
        for task in tasks_in(record, moment.wall_s, finder.zone):
            if not moment.ear and not _of(task.text, who, wanted):
                continue
            near = covered(wanted, {*tokens(task.text), *where})
            # Whom a letter is to stands at its top.
            near = max(near, 0.9 * covered(wanted, {*tokens(record), *where}))
            if near >= _HALF or not wanted:
                shown = moment if moment.ear else _at(moment, task.text)
                found = replace(shown, line=task.text, coverage=near)
                out.setdefault(" ".join(tokens(task.text)), found)
    return list(out.values())


def _at(moment: Moment, line: str) -> Moment:
    lines = [one.strip() for one in moment.evidence.text.splitlines()]
    return around(moment, lines.index(line) if line in lines else 0)


def _of(line: str, who: str, wanted: Sequence[str]) -> bool:
    """Whether a line is a promise of that person, by the name before it. The user's own is not of whom it was made to."""
    label = SPEAKER.match(line)
    named = set(tokens(label[1])) if label is not None else set()
    return bool(named & set(tokens(who))) if who else not named or not named <= set(wanted)


def _speaker(moment: Moment) -> set[str]:
    return set(tokens(moment.evidence.speaker or ""))
