"""Numbered lists: the third step, rule 4, the last point, how many of them there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from memory.text import UNITS, tokens
from reasoning.screen.find import Finder, Moment
from reasoning.screen.measures import about
from reasoning.screen.phrasing import inside
from reasoning.screen.when import When
from reasoning.screen.words import content, covered, named_in

_NOUN = r"(?:steps?|rules?|points?|items?|instructions?|things?|tips?|tasks?|questions?|chapters?|sections?|entries|entry)"
_PLACES = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()
_NTH = rf"(?P<n>{'|'.join(_PLACES)}|last|final|\d{{1,2}}(?:st|nd|rd|th))"
_PLACED = re.compile(rf"\b(?:the )?(?:very )?{_NTH} {_NOUN}\b", re.I)
_CALLED = re.compile(rf"\b{_NOUN} (?:number |no\.? )?(?P<n>\d{{1,2}}|{'|'.join(UNITS[1:])})\b", re.I)
_TO_DO = re.compile(
    r"^what (?:do|does|must|should|shall|can|is|has) (?:i|we|you|one|people|somebody|to be)\b.*?\b(?:do|done)\s+"
    r"(?P<n>first|last)\b",
    re.I,
)
_HOW_MANY = re.compile(rf"^how many {_NOUN}\b", re.I)
ITEM = re.compile(r"^\W{0,3}(?P<number>\d{1,2})[.)]\s+(?P<text>\S.*)$")
_EMPTY = set(
    tokens(
        "step rule point item instruction thing tip task question chapter section entry first last final number do done"
    )
)
_LEAST, _FEW = 0.6, 3
_LAST = 0


@dataclass(frozen=True, slots=True)
class ItemAsk:
    """number: from 1, 0 for the last one, None for how many there are. phrase: of which list."""

    number: int | None
    phrase: str


def item_asked(question: str) -> ItemAsk | None:
    """None where no place in a list is asked for."""
    text = " ".join(question.split())
    if _HOW_MANY.match(text):
        return ItemAsk(None, _HOW_MANY.sub("", text))
    for pattern in (_PLACED, _CALLED, _TO_DO):
        if found := pattern.search(text):
            rest = f"{text[: found.start('n')]} {text[found.end('n') :]}"
            return ItemAsk(_number(found["n"].lower()), rest)
    return None


def _number(said: str) -> int:
    if digits := re.match(r"\d+", said):
        return int(digits[0])
    return next((names.index(said) + 1 for names in (_PLACES, list(UNITS[1:])) if said in names), _LAST)


async def item_reply(
    finder: Finder, asked: ItemAsk, when: When, at: Callable[[float], str]
) -> tuple[str, Sequence[Moment]]:
    """The item, as it stood there; "" and () where no list is about it, or has no such place."""
    wanted = [w for w in content(asked.phrase) if w not in _EMPTY and not w.isdigit()]
    names = named_in(asked.phrase, wanted)
    pages: dict[str, list[Moment]] = {}
    for moment in await finder.read(asked.phrase, when, windows=0):
        pages.setdefault(moment.place, []).append(moment)
    best: tuple[float, float, dict[int, Moment]] | None = None
    for page in pages.values():
        items = _items(page)
        there = set().union(*map(about, page))
        share = covered(wanted, there)
        if len(items) < _FEW or 1 not in items or share < _LEAST or (names and covered(names, there) < 1.0):
            continue
        if best is None or (round(share, 2), page[0].wall_s) > best[:2]:
            best = (round(share, 2), page[0].wall_s, items)
    if best is None:
        return "", ()
    items = best[2]
    if asked.number is None:
        one = items[max(items)]
        return f"{max(items)}. The last one is “{one.line}”{inside(one)} at {at(one.wall_s)}.", [one]
    found = items.get(asked.number or max(items))
    return (
        (f"“{found.line}”{inside(found)} at {at(found.wall_s)}.", [found]) if found is not None else ("", ())
    )


def _items(page: Sequence[Moment]) -> dict[int, Moment]:
    """By their numbers, each as it stood there last; a long list is read in parts, as it is scrolled."""
    out: dict[int, Moment] = {}
    for moment in sorted(page, key=lambda m: m.wall_s):
        lines = moment.evidence.text.splitlines()
        for line in lines:
            if found := ITEM.match(line):
                out[int(found["number"])] = replace(moment, line=line)
    return out
