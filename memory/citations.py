"""A ranking that learns from what answers cite, after RMM (Tan et al., 2025, arXiv 2503.08026, section 4.2).

What was found and cited is rewarded by +1, what was found and not cited by -1. RMM trains a linear change of the vectors by
REINFORCE; here a linear change of the score is fitted online by pairs (RankNet; Burges et al., 2005): a handful of weights
that can be read, and taken back by removing one file. They are of a memory and its user, and used for questions of now
alone: a question of the past must not know what was cited later.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from math import log, log1p
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from memory.hits import Hit

FILE = "citations.json"
"""Beside the tables."""
FEATURES = ("words", "meaning", "prior", "said", "read", "seen", "length")

_RATE = 0.05
_KEEP = 0.999
"""What one answer leaves of the weights, so that what is no longer borne out fades."""
_MOST = 0.3
_SEARCHES = 8
"""How many searches back an answer can cite: those that it looked again for, and of others meanwhile."""
_APART = 0.1
"""A difference of scores that is nearly sure: they are mostly between 0 and 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Citations:
    """weights: of FEATURES, added to a hit's score. answers: how many they were learned from."""

    weights: NDArray[np.float64] = field(default_factory=lambda: np.zeros(len(FEATURES)))
    answers: int = 0

    def ranked(self, hits: Sequence[Hit]) -> list[Hit]:
        """The hits with what was learned in their scores, best first; equals keep their order."""
        if not self.weights.any():
            return list(hits)
        gains = features(hits) @ self.weights
        changed = [
            replace(hit, scores=replace(hit.scores, total=hit.scores.total + float(gain)))
            for hit, gain in zip(hits, gains, strict=True)
        ]
        return sorted(changed, key=lambda hit: -hit.scores.total)

    def learned(self, hits: Sequence[Hit], cited: Collection[str]) -> Citations:
        """One step from an answer. hits: what it was made from, with the scores that `ranked` gave them."""
        mine = np.array([hit.record.id in cited for hit in hits], np.bool_)
        if mine.all() or not mine.any():
            return self
        found, total = features(hits), np.array([hit.scores.total for hit in hits])
        apart = total[mine][:, None] - total[~mine][None, :]
        wrong = 1.0 / (1.0 + np.exp(np.clip(apart / _APART, -30.0, 30.0)))
        step = wrong.sum(axis=1) @ found[mine] - wrong.sum(axis=0) @ found[~mine]
        weights = self.weights * _KEEP + _RATE * step / wrong.size
        return Citations(np.clip(weights, -_MOST, _MOST), self.answers + 1)


def features(hits: Sequence[Hit]) -> NDArray[np.float64]:
    """(len(hits), len(FEATURES)), each from 0 to about 1."""
    return np.array(
        [
            [
                hit.scores.lexical,
                hit.scores.vector,
                log(max(hit.scores.prior, 1.0)),
                *(float(hit.record.modality == modality) for modality in ("said", "read", "seen")),
                log1p(len(hit.text.split())) / 4.0,
            ]
            for hit in hits
        ]
    ).reshape(len(hits), len(FEATURES))


class Learner:
    """The citations of one memory, where it learns from them. folder None: it does not."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._shown: deque[Sequence[Hit]] = deque(maxlen=_SEARCHES)

    def ranked(self, hits: Sequence[Hit], k: int) -> list[Hit]:
        """The k best, which are kept for a while, for what will be cited of them."""
        if self._folder is None:
            return list(hits[:k])
        found = read_citations(self._folder).ranked(hits)[:k]
        self._shown.append(found)
        return found

    def cited(self, ids: Collection[str]) -> None:
        """An answer cited these. Lost where the folder cannot be written: an answer does not depend on it."""
        hits = next((s for s in reversed(self._shown) if any(h.record.id in ids for h in s)), None)
        if self._folder is not None and hits is not None:
            with suppress(OSError):
                write_citations(self._folder, read_citations(self._folder).learned(hits, ids))


def read_citations(folder: Path) -> Citations:
    """Nothing learned where there is no file, or one of another form."""
    try:
        data = json.loads((folder / FILE).read_text("utf-8"))
        weights = np.array([float(data["weights"][name]) for name in FEATURES])
        return Citations(np.clip(weights, -_MOST, _MOST), int(data["answers"]))
    except (OSError, ValueError, TypeError, KeyError):
        return Citations()


def write_citations(folder: Path, found: Citations) -> None:
    """Raises OSError: it cannot be written."""
    named = {name: round(float(w), 6) for name, w in zip(FEATURES, found.weights, strict=True)}
    draft = folder / f".{FILE}.{os.getpid()}"
    draft.write_text(json.dumps({"answers": found.answers, "weights": named}) + "\n", "utf-8")
    os.replace(draft, folder / FILE)


def reset_citations(folder: Path) -> bool:
    """Takes back what was learned; whether there was anything."""
    try:
        (folder / FILE).unlink()
    except FileNotFoundError:
        return False
    return True
