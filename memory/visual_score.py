"""How well clips fit a question, for encoders that only name classes (ConSE on log-lift)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

# Probabilities below this are noise of the classifier: they neither count nor make a class rare.
_NOISE = 1e-3


def score_clips(
    texts: Matrix,
    class_vectors: Mapping[str, NDArray[np.float32]],
    tags: Sequence[Sequence[tuple[str, float]]],
) -> Matrix:
    """(n,) float32, a cosine for each clip; higher is more like the question.

    texts: (k, d) unit rows, the whole question first, then its noun chunks and verbs (possibly none).
    class_vectors: the text encoder's unit vector (d,) of every class name that occurs in tags.
    tags: for each clip its most probable classes with their probabilities (50 are enough).

    ConSE (Norouzi et al., 2014) sums class vectors weighted by probability, so that one confident mistake
    drowns the rest. Here the weight is the positive log-lift, max(0, ln((p + e) / (mean p + e))): how much more
    a class is there than in the other clips, on a scale on which .04 beside .4 still counts. The mean runs over
    the clips given and one in which nothing is seen, so that a single clip has something to stand out from: give
    all clips that are visible and none that are not.
    """
    if not tags:
        return np.empty(0, np.float32)
    names = sorted({name for clip in tags for name, _ in clip})
    if not names:
        return np.zeros(len(tags), np.float32)
    place = {name: i for i, name in enumerate(names)}
    chances = np.zeros((len(tags), len(names)), np.float32)
    for row, clip in zip(chances, tags, strict=True):
        for name, chance in clip:
            row[place[name]] += chance
    background = chances.sum(axis=0) / (len(tags) + 1)
    lift = np.maximum(np.log((chances + _NOISE) / (background + _NOISE)), 0)
    seen = _unit(lift @ np.stack([class_vectors[name] for name in names]))
    asked = texts[0] if len(texts) == 1 else texts[0] + _unit(texts[1:].mean(axis=0))
    return np.asarray(seen @ _unit(asked), np.float32)


def _unit(rows: Matrix) -> Matrix:
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-9), np.float32)
