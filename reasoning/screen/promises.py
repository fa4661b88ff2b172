"""What was promised, or was to be done: lines of the screen that say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from memory.text import tokens
from reasoning.screen.find import Finder, Moment
from reasoning.screen.heard import people_near, without_call
from reasoning.screen.tasks import spoken_lines, tasks_in
from reasoning.screen.when import When
from reasoning.screen.words import content, covered

_HALF = 0.5


async def promised(finder: Finder, phrase: str, when: When) -> Sequence[Moment]:
    """In order of time, each promise once, what the user said among them. phrase: to whom, or of what; "" for all of them."""
    phrase, in_call = without_call(phrase)
    wanted = content(f"{phrase} {in_call or ''}")
    said = await finder.heard()
    mine = [m for m in said if m.ear == "microphone" and when.overlaps(m.wall_s, m.end_wall_s)]
    written = [] if in_call is not None else await finder.texts(when)
    out: dict[str, Moment] = {}
    for moment in sorted([*written, *mine], key=lambda m: m.wall_s):
        record = spoken_lines(moment.evidence.text) if moment.ear else moment.evidence.text
        where = tokens(f"{moment.document} {moment.site} {moment.program}")
        if moment.ear:
            where += tokens(" ".join(people_near(moment, said)))
        for task in tasks_in(record, moment.wall_s, finder.zone):
            near = covered(wanted, {*tokens(task.text), *where})
            # Whom a letter is to stands at its top.
            near = max(near, 0.9 * covered(wanted, {*tokens(record), *where}))
            if near >= _HALF or not wanted:
                found = (
                    replace(moment, line=task.text, coverage=near)
                    if moment.ear
                    else finder.with_line(moment, task.text, near)
                )
                out.setdefault(" ".join(tokens(task.text)), found)
    return list(out.values())
