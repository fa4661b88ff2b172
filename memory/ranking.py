"""From key scores to records: weights by kind of key, and the priors of the levels above."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memory.index import KeyIndex, KeyScore, KeyScores
from memory.priors import Priors
from memory.router import routed
from memory.segment import KINDS, MESSAGE_KINDS, Question
from memory.settings import SearchSettings

_CROWD = 6
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
    """The k best records, best first; ties: known earlier, then id."""
    keys = index.search(question)
    if keys is None:
        return []
    messages = np.isin(keys.kinds, [KINDS.index(kind) for kind in MESSAGE_KINDS])
    best = _messages(index, question, keys, settings, k) if messages.any() else []
    if not messages.all():
        best += _perceived(priors, question, keys.only(~messages) if best else keys, settings, k)
    return sorted(best, key=lambda r: (-r.total, r.best.known_at_s, r.record))[:k]


def best_of(one: list[Ranked], other: list[Ranked], k: int) -> list[Ranked]:
    """The k best records of two rankings, each by its better place in them; ties as in `rank`."""
    best = {r.record: r for r in other}
    best |= {r.record: r for r in one if r.record not in best or r.total >= best[r.record].total}
    return sorted(best.values(), key=lambda r: (-r.total, r.best.known_at_s, r.record))[:k]


def _perceived(
    priors: Priors, question: Question, keys: KeyScores, settings: SearchSettings, k: int
) -> list[Ranked]:
    """A record scores its best key, and with a smaller weight its second best kind of key (no uniform rank fusion
    over keys of unequal quality), times its prior.
    """
    weights = np.array([settings.kinds.get(kind, 1.0) for kind in KINDS])[keys.kinds]
    scores = weights * (settings.lexical * keys.lexical + settings.vector * keys.vector)
    records, first, owner = np.unique(keys.records, return_index=True, return_inverse=True)
    by_kind = np.zeros((len(records), len(KINDS)))
    np.maximum.at(by_kind, (owner, keys.kinds), scores)
    by_kind.sort(axis=1)
    best, second = by_kind[:, -1], by_kind[:, -2]
    # A record with one kind of key (a first turn has none before it) must not lose to those with two.
    second = np.where(second > 0.0, second, best)
    prior = np.ones(len(records))
    if question.vector is not None:
        places = keys.sources[first], keys.t_start_s[first]
        prior = priors.factors(*places, question.vector, question.as_of_s)
    if question.near_s is not None:
        start_s = keys.t_start_s[first]
        inside = (start_s >= question.near_s[0]) & (start_s <= question.near_s[1])
        prior = prior * np.where(inside, 1.0 + settings.near_prior, 1.0)
    total = (best + settings.second_key * second) / (1.0 + settings.second_key) * prior
    # records is sorted, so its numbers are the order of the ids.
    order = np.lexsort((np.arange(len(records)), keys.known_at_s[first], -total))[:k]
    return [
        _ranked(keys, np.flatnonzero(owner == at), scores, float(prior[at]), float(total[at]))
        for at in order.tolist()
        if total[at] > 0.0
    ]


def _messages(
    index: KeyIndex, question: Question, keys: KeyScores, settings: SearchSettings, k: int
) -> list[Ranked]:
    """A weighted sum over what a message and its surroundings have in common with the question."""
    scores = index.messages(question, keys)
    if scores is None:
        return []
    w, f = settings.dialogue, scores.features
    ranges = (f.pair, f.window, scores.sentence, scores.around, f.session, scores.topic)
    weights = routed((w.pair, w.window, w.sentence, w.around, w.session, w.topic), ranges, w.router)
    weighted = [weight * one for weight, one in zip(weights, ranges, strict=True)]
    alike, coarse = np.sum(weighted[:4], axis=0), np.sum(weighted[4:], axis=0)
    cues = w.speaker * f.speaker + w.length * f.length + w.timed * f.timed + w.dated * f.dated
    cues += w.rare * scores.rare + w.opening * f.opening
    total = alike + coarse + cues
    order = np.lexsort((scores.known_at_s, -total))
    total = (total - w.spread * np.minimum(_earlier(scores.session, order), _CROWD)) / w.scale
    order = np.lexsort((scores.known_at_s, -total))
    order = order[alike[order] > 0.0]
    if len(order) > k:
        # All that tie with the last: which of them stay, the ids decide.
        order = order[total[order] >= total[order[k - 1]]]
    out = []
    for at in order.tolist():
        record, kind, number = index.key(int(scores.sentence_row[at]))
        source, t_start_s = index.place(int(scores.rows[at]))
        key = KeyScore(
            record,
            kind,
            number,
            source,
            t_start_s,
            float(scores.known_at_s[at]),
            float(f.pair[at]),
            float(scores.sentence[at]),
        )
        out.append(Ranked(record, key, key, float(1.0 + coarse[at]), float(total[at])))
    return out


def _earlier(groups: NDArray[np.int32], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each, how many of its group come before it in this order."""
    by_group = order[np.argsort(groups[order], kind="stable")]
    sizes = np.unique(groups, return_counts=True)[1]
    out = np.empty(len(groups), np.int64)
    out[by_group] = np.arange(len(groups)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return out


def _ranked(
    keys: KeyScores, rows: NDArray[np.int64], scores: NDArray[np.float64], prior: float, total: float
) -> Ranked:
    ordered = sorted(((keys[row], scores[row]) for row in rows.tolist()), key=_by_score)
    best = ordered[0][0]
    shown = next((key for kind in _POINTS_AT for key, _ in ordered if key.kind == kind), best)
    return Ranked(best.record, best, shown, prior, total)


def _by_score(scored: tuple[KeyScore, float]) -> tuple[float, str, int]:
    key, score = scored
    return (-score, key.kind, key.number)
