"""What was promised, or was to be done: lines of the screen that say so."""

from __future__ import annotations

from collections.abc import Sequence

from memory.text import tokens
from reasoning.screen.find import Finder, Moment, content, covered
from reasoning.screen.tasks import tasks_in
from reasoning.screen.when import When

_HALF = 0.5


async def promised(finder: Finder, phrase: str, when: When) -> Sequence[Moment]:
    """In order of time, each promise once. phrase: to whom, or of what; "" for all of them."""
    wanted = content(phrase)
    out: dict[str, Moment] = {}
    for moment in await finder.texts(when):
        record = moment.evidence.text
        where = tokens(f"{moment.document} {moment.site} {moment.program}")
        for task in tasks_in(record, moment.wall_s, finder.zone):
            near = covered(wanted, {*tokens(task.text), *where})
            # Whom a letter is to stands at its top.
            near = max(near, 0.9 * covered(wanted, {*tokens(record), *where}))
            if near >= _HALF or not wanted:
                out.setdefault(" ".join(tokens(task.text)), finder.with_line(moment, task.text, near))
    return list(out.values())
