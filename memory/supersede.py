"""What was learned later supersedes what was said before; both stay.

A pure function over hits, so it is as causal as they are: it never looks beyond what was visible.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from memory.text import is_number, sentences, tokens

_CHANGE = frozenset(
    tokens(
        """now note new newly change changed update updated correction corrected instead longer anymore again
        gone go went up down rise rose risen fall fell move moved become became replace replaced switch
        switched actually today tomorrow yesterday week month year day currently latest old previous former
        formerly"""
    )
)
_SLOT = 4
"""The longest value, in tokens."""
_GAP_S = 1.0
_IS = re.compile(r"\b(is|are|was|were|will be)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Statement:
    """Something stated at a time. id: of its record; texts: what it says, in whole sentences or screen
    lines.
    """

    id: str
    source: str
    known_at_s: float
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Sentence:
    raw: str
    order: tuple[str, ...]
    names: frozenset[str]
    first: frozenset[str]
    changes: bool


def superseded(statements: Sequence[Statement]) -> dict[str, str]:
    """id -> id of the latest statement of the same source that says the same thing with another value.

    The same thing: at least two shared content words (one, if a change is announced or the sentences are the
    same up to the last word), all else being one value on either side (a number, a
    name, or what follows "is") besides words of change. Two differing values (order 58213 to Rotterdam, order
    58214 to Gdansk) are two things.
    """
    parsed = [(s, [_parse(part) for text in s.texts for part in sentences(text)]) for s in statements]
    parsed.sort(key=lambda pair: (pair[0].known_at_s, pair[0].id))
    out: dict[str, str] = {}
    for i, (early, early_says) in enumerate(parsed):
        for late, late_says in parsed[i + 1 :]:
            apart = late.known_at_s - early.known_at_s >= _GAP_S and late.id != early.id
            if apart and late.source == early.source and _any_update(early_says, late_says):
                out[early.id] = late.id
    return out


def _any_update(early: Sequence[_Sentence], late: Sequence[_Sentence]) -> bool:
    return any(_updates(a, b) for a in early for b in late)


def _updates(early: _Sentence, late: _Sentence) -> bool:
    shared = set(early.order) & set(late.order)
    before = [t for t in dict.fromkeys(early.order) if t not in shared]
    after = [t for t in dict.fromkeys(late.order) if t not in shared]
    smaller = min(len(set(early.order)), len(set(late.order)))
    alike = (early.order and late.changes) or _opening(early.raw) == _opening(late.raw)
    if len(shared) < (1 if alike else 2) or not before or not after or len(shared) < 0.4 * smaller:
        return False
    if not (_one_slot(early.order, before) and _one_slot(late.order, after)):
        return False
    numbers = all(map(is_number, before)) and all(map(is_number, after))
    # Every sentence begins with a capital: its first word passes for a name only where a change is announced.
    first = late.changes
    names = (early.names | (early.first if first else early.names)).issuperset(before) and (
        late.names | (late.first if first else late.names)
    ).issuperset(after)
    if numbers or names:
        return True
    at_end = early.order[-1] in before and late.order[-1] in after
    stated = bool(_IS.search(early.raw)) and (late.changes or bool(_IS.search(late.raw)))
    return at_end and stated


def _one_slot(order: Sequence[str], value: Sequence[str]) -> bool:
    """The value's tokens stand together and are few."""
    places = [i for i, token in enumerate(order) if token in set(value)]
    return len(value) <= _SLOT and places[-1] - places[0] < len(places)


def _opening(text: str) -> str:
    """All before the last word, folded: "our rehearsal is on"."""
    return text.casefold().rstrip(" .!?").rpartition(" ")[0]


def _parse(text: str) -> _Sentence:
    clause, comma, rest = text.partition(",")
    if comma and len(clause.split()) <= 6 and any(t in _CHANGE for t in tokens(clause)):
        return replace(_parse(rest), changes=True)  # "From this week on, ..." announces, the rest states
    found = tokens(text)
    words = re.findall(r"[^\W\d_][\w.'-]*", text)
    capitals = [w for w in words if w[0].isupper()]
    first = capitals[:1] if words and words[0][0].isupper() and ":" not in text else []
    names = capitals[len(first) :]
    return _Sentence(
        raw=text,
        order=tuple(t for t in found if t not in _CHANGE),
        names=frozenset(t for name in names for t in tokens(name)),
        first=frozenset(t for name in first for t in tokens(name)),
        changes=any(t in _CHANGE for t in found),
    )
