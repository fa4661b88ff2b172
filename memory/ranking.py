"""From key scores to records: weights by kind of key, and the priors of the levels above."""

from __future__ import annotations

from dataclasses import dataclass

from memory.index import KeyIndex, KeyScore, Question
from memory.priors import Priors
from memory.settings import SearchSettings

_POINTS_AT = ("turn", "line", "seen")
"""Kinds whose text is what the record itself says there: a screen is shown by its best line."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A record's place. best: the key that scored highest; shown: the one that says where in the record it is."""

    record: str
    best: KeyScore
    shown: KeyScore
    prior: float
    total: float


def rank(
    index: KeyIndex, priors: Priors, question: Question, settings: SearchSettings, k: int
) -> list[Ranked]:
    """The k best records, best first; ties: known earlier, then id.

    A record scores its best key, and with a smaller weight its second best kind of key (no uniform rank fusion over
    keys of unequal quality), times its prior.
    """
    kinds: dict[str, dict[str, tuple[float, KeyScore]]] = {}
    for key in index.search(question):
        fused = settings.lexical * key.lexical + settings.vector * key.vector
        score = settings.kinds.get(key.kind, 1.0) * fused
        found = kinds.setdefault(key.record, {})
        if key.kind not in found or (-score, key.number) < (-found[key.kind][0], found[key.kind][1].number):
            found[key.kind] = (score, key)
    if question.vector is None:
        factors = [1.0] * len(kinds)
    else:
        places = [(key.source, key.t_start_s) for _, key in (next(iter(f.values())) for f in kinds.values())]
        factors = priors.factors(places, question.vector, question.as_of_s)
    out = [_ranked(found, prior, settings) for found, prior in zip(kinds.values(), factors, strict=True)]
    out.sort(key=lambda r: (-r.total, r.best.known_at_s, r.record))
    return out[:k]


def _ranked(found: dict[str, tuple[float, KeyScore]], prior: float, settings: SearchSettings) -> Ranked:
    ordered = sorted(found.values(), key=lambda pair: (-pair[0], pair[1].kind))
    best = ordered[0][1]
    # A record with one kind of key (a first turn has none before it) must not lose to those with two.
    second = ordered[min(1, len(ordered) - 1)][0]
    score = (ordered[0][0] + settings.second_key * second) / (1.0 + settings.second_key)
    shown = next((found[kind][1] for kind in _POINTS_AT if kind in found), best)
    return Ranked(best.record, best, shown, prior, score * prior)
