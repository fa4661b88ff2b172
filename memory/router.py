"""Which granularities a question trusts: those whose scores single something out (MemGAS, Xu et al., 2025)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TEMPERATURE = 0.2


def decided(scores: Floats) -> float:
    """1 - H(softmax(scores / T)) / ln N: 0 where all are alike, 1 where one stands out. scores: float64 [N]."""
    if len(scores) < 2:
        return 0.0
    shifted = (scores - scores.max()) / TEMPERATURE
    weights = np.exp(shifted)
    total = weights.sum()
    # H = ln Z - sum(p * x), without the logarithm of a probability that is 0.
    entropy = np.log(total) - (weights * shifted).sum() / total
    return float(np.clip(1.0 - entropy / np.log(len(scores)), 0.0, 1.0))


def routed(weights: Sequence[float], scores: Sequence[Floats], strength: float) -> list[float]:
    """The weights of several granularities, moved towards those that are decided; their mean factor stays 1.

    strength: 0, as they are, to 1. Scores of each granularity: float64 [N], over the same N candidates.
    """
    sure = np.array([decided(one) for one in scores])
    mean = sure.mean() if len(sure) else 0.0
    if strength == 0.0 or mean == 0.0:
        return list(weights)
    return [
        weight * (1.0 - strength + strength * one / mean) for weight, one in zip(weights, sure, strict=True)
    ]
