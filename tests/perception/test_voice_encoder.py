"""The voice encoder: equal to what it was made of, and able to tell voices apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perception.audio.voice_encoder import Ge2eEncoder, mel_frames
from runtime.errors import ModelError
from runtime.messages import SAMPLE_RATE_HZ, Samples
from tests.perception.conftest import Speak

# Resemblyzer 0.1.4's own code on tests/fixtures/jfk.flac: wav_to_mel_spectrogram (librosa 0.10.2), and the mean of the
# partial embeddings of embed_utterance(rate=2.5) that lie whole within the recording, to length 1.
MELS = {
    (100, 0): (0.00208, 0.00544, 0.42077, 0.81079, 0.05572, 0.00596, 0.10205, 0.22595),
    (500, 10): (0.00019, 0.0001, 0.00008, 0.00005, 0.00006, 0.00007, 0.00006, 0.00004),
}
VECTOR = {
    5: 0.0523, 8: 0.0508, 9: 0.0743, 10: 0.0701, 11: 0.118, 20: 0.0, 40: 0.0, 60: 0.0007, 80: 0.0213, 100: 0.0927,
    120: 0.1199, 140: 0.0, 160: 0.0, 180: 0.0149, 200: 0.0172, 220: 0.0033,
}  # fmt: skip


@pytest.fixture(scope="module")
def encoder(voice_folder: Path) -> Ge2eEncoder:
    return Ge2eEncoder(voice_folder)


def test_mel_frames_are_those_of_the_training(jfk: Samples) -> None:
    frames = mel_frames(jfk)
    assert frames.shape == (1 + len(jfk) // 160, 40) and frames.dtype == np.float32
    for (frame, band), values in MELS.items():
        np.testing.assert_allclose(frames[frame, band : band + 8], values, atol=6e-6)


@pytest.mark.slow
def test_vectors_are_those_of_the_original(encoder: Ge2eEncoder, jfk: Samples) -> None:
    (vector,) = encoder.encode([jfk])
    np.testing.assert_allclose(vector[list(VECTOR)], list(VECTOR.values()), atol=6e-5)
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.slow
def test_each_piece_is_heard_by_itself(encoder: Ge2eEncoder, jfk: Samples) -> None:
    pieces = [jfk[:SAMPLE_RATE_HZ], jfk, jfk[:1], jfk[50_000:90_000]]
    together = encoder.encode(pieces)
    assert together.shape == (4, encoder.dim)
    for row, piece in zip(together, pieces, strict=True):
        np.testing.assert_allclose(row, encoder.encode([piece])[0], atol=1e-5)
    assert encoder.encode([]).shape == (0, encoder.dim)


@pytest.mark.slow
def test_silence_is_no_error(encoder: Ge2eEncoder) -> None:
    assert np.isfinite(encoder.encode([np.zeros(8000, np.float32)])).all()


@pytest.mark.slow
def test_two_sentences_of_one_voice_are_nearer_than_one_of_two(encoder: Ge2eEncoder, speak: Speak) -> None:
    """Of voices made by formants; a short sentence counts as well."""
    voices = ("en-us", "en-us+f2", "en-us+klatt")
    first = encoder.encode(
        [speak("The budget for the new garden is forty thousand euros.", v) for v in voices]
    )
    second = encoder.encode([speak("See you on Tuesday.", v) for v in voices])
    likeness = first @ second.T
    for i in range(len(voices)):
        others = np.delete(likeness[i], i)
        assert likeness[i, i] > others.max() + 0.05
    assert (likeness.argmax(axis=0) == np.arange(len(voices))).all()


def test_a_wrong_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not load"):
        Ge2eEncoder(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match="does not load"):
        Ge2eEncoder(tmp_path)
