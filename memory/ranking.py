"""From key scores to records: weights by kind of key, and the priors of the levels above."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memory.index import KINDS, KeyIndex, KeyScore, KeyScores, Question
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
    keys = index.search(question)
    if keys is None:
        return []
    weights = np.array([settings.kinds.get(kind, 1.0) for kind in KINDS])[keys.kinds]
    scores = weights * (settings.lexical * keys.lexical + settings.vector * keys.vector)
    found: dict[str, dict[str, tuple[float, KeyScore]]] = {}
    for at in _worth(keys, scores, settings, k):
        key, score = keys[at], float(scores[at])
        kinds = found.setdefault(key.record, {})
        if key.kind not in kinds or (-score, key.number) < (-kinds[key.kind][0], kinds[key.kind][1].number):
            kinds[key.kind] = (score, key)
    if question.vector is None:
        factors = [1.0] * len(found)
    else:
        any_key = [next(iter(kinds.values()))[1] for kinds in found.values()]
        places = [(key.source, key.t_start_s) for key in any_key]
        factors = priors.factors(places, question.vector, question.as_of_s)
    out = [_ranked(kinds, prior, settings) for kinds, prior in zip(found.values(), factors, strict=True)]
    out.sort(key=lambda r: (-r.total, r.best.known_at_s, r.record))
    return out[:k]


def _worth(keys: KeyScores, scores: NDArray[np.float64], settings: SearchSettings, k: int) -> list[int]:
    """The keys of all records that can be among the k best, whatever their second keys and priors turn out to be."""
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] > 0.0]
    # Record j's total lies between best / (1 + second_key) and best times the largest prior.
    spread = (1.0 + settings.second_key) * (1.0 + settings.event_prior + settings.episode_prior)
    records: set[str] = set()
    least = 0.0
    for at in order.tolist():
        if len(records) >= k and scores[at] * spread < least:
            break
        records.add(keys.records[at])
        if len(records) <= k:
            least = float(scores[at])
    return [at for at in order.tolist() if keys.records[at] in records]


def _ranked(found: dict[str, tuple[float, KeyScore]], prior: float, settings: SearchSettings) -> Ranked:
    ordered = sorted(found.values(), key=lambda pair: (-pair[0], pair[1].kind))
    best = ordered[0][1]
    # A record with one kind of key (a first turn has none before it) must not lose to those with two.
    second = ordered[min(1, len(ordered) - 1)][0]
    score = (ordered[0][0] + settings.second_key * second) / (1.0 + settings.second_key)
    shown = next((found[kind][1] for kind in _POINTS_AT if kind in found), best)
    return Ranked(best.record, best, shown, prior, score * prior)
