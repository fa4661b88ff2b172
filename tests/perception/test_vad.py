"""Silero VAD: exact across calls, and it tells speech from noise."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perception.audio.vad import WINDOW, SileroVad
from runtime.errors import ModelError

RNG = np.random.default_rng(7)
NOISE = RNG.normal(0, 0.1, 60 * WINDOW).astype(np.float32)


@pytest.fixture(scope="module")
def vad() -> SileroVad:
    return SileroVad()


@settings(deadline=None, max_examples=30)
@given(cuts=st.lists(st.integers(0, 60), max_size=12))
def test_the_same_probabilities_however_the_sound_is_cut(vad: SileroVad, cuts: list[int]) -> None:
    vad.reset()
    whole = vad.probabilities(NOISE)
    vad.reset()
    bounds = [0, *sorted(cuts), 60]
    parts = [vad.probabilities(NOISE[a * WINDOW : b * WINDOW]) for a, b in pairwise(bounds)]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-6)


def test_reset_forgets(vad: SileroVad) -> None:
    vad.reset()
    first = vad.probabilities(NOISE)
    again = vad.probabilities(NOISE)
    vad.reset()
    assert not np.array_equal(first, again)
    np.testing.assert_array_equal(first, vad.probabilities(NOISE))


def test_the_samples_are_not_changed(vad: SileroVad) -> None:
    before = NOISE.copy()
    vad.probabilities(NOISE)
    np.testing.assert_array_equal(before, NOISE)


def test_a_recorded_voice_is_speech(vad: SileroVad, jfk: np.ndarray) -> None:
    vad.reset()
    probabilities = vad.probabilities(jfk[: len(jfk) // WINDOW * WINDOW])
    assert np.mean(probabilities > 0.5) > 0.6


def test_no_samples_no_probabilities(vad: SileroVad) -> None:
    assert vad.probabilities(np.zeros(0, np.float32)).shape == (0,)


def test_half_a_window_is_refused(vad: SileroVad) -> None:
    with pytest.raises(ValueError, match="multiple of 512"):
        vad.probabilities(np.zeros(700, np.float32))


def test_a_damaged_model_is_one_clear_line(tmp_path: Path) -> None:
    broken = tmp_path / "vad.onnx"
    broken.write_bytes(b"not a model")
    with pytest.raises(ModelError, match="voice activity"):
        SileroVad(broken)
