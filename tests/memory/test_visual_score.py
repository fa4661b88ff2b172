"""Scoring clips by their classes: rare classes decide, common ones do not, and only the given clips count."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from memory.visual_score import score_clips

NAMES = ["suit", "desk", "bell pepper", "hot dog", "basketball"]
VECTORS: dict[str, NDArray[np.float32]] = {
    name: np.eye(len(NAMES), dtype=np.float32)[i] for i, name in enumerate(NAMES)
}


def asked(*names: str) -> NDArray[np.float32]:
    return np.stack([VECTORS[name] for name in names])


OFFICE = [("suit", 0.5), ("desk", 0.2)]


def test_a_weak_guess_that_no_other_clip_has_is_found() -> None:
    tags = [OFFICE, OFFICE, [("hot dog", 0.6), ("bell pepper", 0.04)], OFFICE]
    scores = score_clips(asked("bell pepper"), VECTORS, tags)
    assert scores.argmax() == 2
    assert scores[2] > 0.5


def test_what_every_clip_has_in_common_does_not_tell_them_apart() -> None:
    tags = [OFFICE, [*OFFICE, ("basketball", 0.1)], OFFICE]
    scores = score_clips(asked("suit"), VECTORS, tags)
    assert np.all(scores < 0.9)
    assert score_clips(asked("basketball"), VECTORS, tags).argmax() == 1


def test_noun_chunks_count_beside_the_whole_question() -> None:
    tags = [[("desk", 0.3), ("basketball", 0.3)], [("hot dog", 0.5)], OFFICE]
    whole = score_clips(asked("desk"), VECTORS, tags)
    chunks = score_clips(asked("desk", "basketball"), VECTORS, tags)
    assert chunks[0] > whole[0]


def test_one_clip_alone_still_has_a_score() -> None:
    scores = score_clips(asked("bell pepper"), VECTORS, [[("bell pepper", 0.4), ("desk", 0.1)]])
    assert scores[0] > 0.5


def test_the_rest_does_not_change_what_is_given() -> None:
    """Only clips that are passed in shape the background: as_of stays exact."""
    early = [OFFICE, [("hot dog", 0.5)]]
    before = score_clips(asked("hot dog"), VECTORS, early)
    score_clips(asked("hot dog"), VECTORS, [*early, [("hot dog", 0.9)]])
    np.testing.assert_array_equal(before, score_clips(asked("hot dog"), VECTORS, early))


def test_no_clips_and_no_tags() -> None:
    assert score_clips(asked("desk"), VECTORS, []).shape == (0,)
    np.testing.assert_array_equal(score_clips(asked("desk"), VECTORS, [[], []]), [0, 0])
