"""Where something stood that a question names in other words: by the meaning of the lines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from reasoning.screen.find import Finder, Moment, around
from reasoning.screen.reading import has_all, needed
from reasoning.screen.when import When

_RECORDS, _LINES = 6, 60
_MEANT, _AS_NEAR = 0.5, 0.03
"""Cosine of all-MiniLM-L6-v2 from which on a pair of lines is meant, and how much nearer the best one may be
(docs/decisions.md)."""

Nearness = Callable[[str, Sequence[str]], Awaitable[list[float]]]
"""Cosines of a text with others."""


async def by_meaning(
    finder: Finder, question: str, phrase: str, when: When, nearness: Nearness
) -> list[Moment]:
    """The moments that a phrase of a question means, in order of time; none where nothing is near enough. What the question
    names or numbers must stand there.
    """
    names, numbers = needed(when.rest or question)
    records = [m for m in await finder.read(phrase, when, windows=0) if has_all(m, [*names, *numbers])][
        :_RECORDS
    ]
    places = [(m, i) for m in records for i in range(min(_LINES, len(_lines(m))))]
    if not places:
        return []
    near = await nearness(phrase, [" ".join(_lines(m)[i : i + 2]) for m, i in places])
    least = max(_MEANT, max(near) - _AS_NEAR)
    best: dict[str, tuple[float, Moment, int]] = {}
    for cosine, (moment, i) in zip(near, places, strict=True):
        if cosine >= least and cosine > best.get(moment.evidence.id, (0.0, moment, i))[0]:
            best[moment.evidence.id] = (cosine, moment, i)
    found = []
    for _, moment, i in best.values():
        alone = await nearness(phrase, _lines(moment)[i : i + 2])
        found.append(around(moment, i + alone.index(max(alone))))
    return sorted(found, key=lambda m: (m.wall_s, m.evidence.id))


def _lines(moment: Moment) -> list[str]:
    return moment.evidence.text.splitlines()
