"""Which keys of a large memory are worth weighing: the best by words, and the nearest by sign codes.

Both are functions of the visible rows and the question alone. The best by words are exactly those that weighing every key
would give; frequent words are not followed through their lists once no key that has only them could be among
the best (MaxScore; Turtle and Flood, 1995). The nearest are looked for with a third of their bits first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from memory.quantise import hamming
from memory.segment import K1, Bools, Floats, Ints, Segment, texts_at

_COARSE_WORDS = 2
_COARSE_FACTOR = 16
_FAR = np.iinfo(np.uint16).max
_FEW = 0.25
"""Below this share of eligible rows only theirs are looked at; above, all, and the others are left out after."""


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """A word of the question: its weight, and by segment the visible keys that have it, ascending, with their counts."""

    weight: float
    keys: Sequence[NDArray[np.int32]]
    counts: Sequence[Floats]


def terms_of(
    segments: Sequence[Segment], ids: Sequence[int], visible: Sequence[Bools | None], count: int
) -> list[Term]:
    """count: of the visible texts. A word that nobody said (id -1) has a weight as well."""
    out = []
    for term in ids:
        keys, counts = [], []
        for segment, mask in zip(segments, visible, strict=True):
            found = segment.postings(term) if term >= 0 else slice(0, 0)
            mine, often = segment.keys[found], segment.counts[found]
            if mask is not None:
                keep = mask[mine]
                mine, often = mine[keep], often[keep]
            keys.append(mine)
            counts.append(often.astype(np.float64))
        documents = sum(map(len, keys))
        out.append(Term(log(1.0 + (count - documents + 0.5) / (documents + 0.5)), keys, counts))
    return out


def lexical(segment: Segment, number: int, rows: Ints, terms: Sequence[Term]) -> Floats:
    """BM25 with saturation of these rows, as a share of the most that could be had, in [0, 1]."""
    score = np.zeros(len(rows))
    for term in terms:
        keys = term.keys[number]
        if not len(keys):
            continue
        at = np.minimum(np.searchsorted(keys, rows), len(keys) - 1)
        hit = keys[at] == rows
        counts = term.counts[number][at[hit]]
        score[hit] += term.weight * counts * (K1 + 1) / (counts + segment.drag[rows[hit]])
    ideal = sum(term.weight for term in terms)
    return np.minimum(score / (ideal * (K1 + 1)), 1.0) if ideal else score


def by_words(
    segments: Sequence[Segment], terms: Sequence[Term], eligible: Sequence[Bools | None], limit: int
) -> list[Ints]:
    """By segment, ascending: the rows with the highest BM25; ties by known_at_s, then id."""
    # A count can add no more than weight * (k1 + 1), and what is left adds up.
    ordered = sorted(terms, key=lambda term: -term.weight)
    left = [sum(term.weight * (K1 + 1) for term in ordered[at:]) for at in range(len(ordered) + 1)]
    scores = [np.zeros(len(segment)) for segment in segments]
    touched: list[list[NDArray[np.int32]]] = [[] for _ in segments]
    least = 0.0
    rest = 0.0
    for place, term in enumerate(ordered):
        rest = left[place]
        if least > rest:
            break
        for number, (segment, mask) in enumerate(zip(segments, eligible, strict=True)):
            keys, counts = term.keys[number], term.counts[number]
            if mask is not None:
                keep = mask[keys]
                keys, counts = keys[keep], counts[keep]
            score = scores[number]
            touched[number].append(keys[score[keys] == 0.0])
            score[keys] += term.weight * counts * (K1 + 1) / (counts + segment.drag[keys])
        rest = left[place + 1]
        least = _least(
            [score[row] for score, rows in zip(scores, touched, strict=True) for row in rows], limit
        )
    rows = []
    for score, parts in zip(scores, touched, strict=True):
        found = np.concatenate(parts) if parts else np.zeros(0, np.int32)
        # Sums in another order differ in their last bits.
        rows.append(np.sort(found[score[found] + rest >= least * (1 - 1e-9)]).astype(np.int64))
    costs = [-lexical(segment, i, rows[i], terms) for i, segment in enumerate(segments)]
    return best(segments, rows, costs, limit)


def nearest(
    segments: Sequence[Segment], code: NDArray[np.uint64], eligible: Sequence[Bools | None], limit: int
) -> list[Ints]:
    """By segment, ascending: the rows whose sign codes differ least from code, (words, 1); ties as in by_words."""
    rows, costs = [], []
    for segment, mask in zip(segments, eligible, strict=True):
        mine = None
        if mask is not None and np.count_nonzero(mask) < _FEW * len(segment):
            mine = np.flatnonzero(mask)
        codes = segment.codes[:_COARSE_WORDS]
        cost = hamming(codes if mine is None else codes[:, mine], code[:_COARSE_WORDS])
        if mask is not None and mine is None:
            cost[~mask] = _FAR
        rows.append(mine)
        costs.append(cost)
    whole = np.concatenate(costs)
    most = _FAR - 1
    if len(whole) > _COARSE_FACTOR * limit:
        most = min(most, int(np.partition(whole, _COARSE_FACTOR * limit)[_COARSE_FACTOR * limit]))
    near, far = [], []
    for segment, mine, cost in zip(segments, rows, costs, strict=True):
        kept = np.flatnonzero(cost <= most)
        kept = kept if mine is None else mine[kept]
        near.append(kept)
        far.append(hamming(segment.codes[:, kept], code).astype(np.float64))
    return best(segments, near, far, limit)


def best(segments: Sequence[Segment], rows: list[Ints], costs: Sequence[Floats], limit: int) -> list[Ints]:
    """By segment: the rows of least cost over all segments; ties by known_at_s, then id."""
    cost = np.concatenate(costs)
    if len(cost) <= limit:
        return rows
    cut = np.partition(cost, limit - 1)[limit - 1]
    keep = cost < cut
    tied = np.flatnonzero(cost == cut)
    known = np.concatenate([s.known_at_s[r] for s, r in zip(segments, rows, strict=True)])[tied]
    missing = limit - int(keep.sum())
    edge = np.partition(known, missing - 1)[missing - 1]
    keep[tied[known < edge]] = True
    missing = limit - int(keep.sum())
    last = tied[known == edge]
    ends = np.cumsum([len(r) for r in rows])[:-1]
    if len(last) > missing:
        owner = np.searchsorted(ends, last, side="right")
        at = last - np.concatenate([[0], ends])[owner]
        ids = np.concatenate(
            [texts_at(s.ids, r[at[owner == i]]) for i, (s, r) in enumerate(zip(segments, rows, strict=True))]
        )
        last = last[np.argsort(ids, kind="stable")[:missing]]
    keep[last] = True
    return [r[part] for r, part in zip(rows, np.split(keep, ends), strict=True)]


def _least(parts: Sequence[NDArray[np.generic]], limit: int) -> float:
    """The limit-th highest of all values, 0 where there are fewer."""
    values = np.concatenate(parts) if parts else np.zeros(0)
    if len(values) < limit:
        return 0.0
    return float(np.partition(values, len(values) - limit)[len(values) - limit])
