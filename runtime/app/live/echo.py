"""Is what the microphone hears the agent's own speech, on its way back through a room?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from runtime.messages import SAMPLE_RATE_HZ, Samples

ECHO = 0.5
"""A score above it is an echo (with windows of 1 s: echoes 0.6 to 1, other speech, alone or over an echo that it
is louder than, 0 to 0.4)."""

_WINDOW = 512
_HOP = 128
# Frames of the reference that make one frame of the echo: with the window, 56 ms of the room's answer.
_TAPS = 4
# Where speech is, and what small loudspeakers and codecs keep the phase of.
_BAND = slice(200 * _WINDOW // SAMPLE_RATE_HZ, 4000 * _WINDOW // SAMPLE_RATE_HZ + 1)
# Of the magnitudes of the cross-spectrum: 1 would be GCC-PHAT, which noise hurts more.
_WHITENING = 0.7
_SILENT = 1e-4  # RMS


def echo_score(heard: Samples, reference: Samples) -> float:
    """The share of what is heard, 200 to 4000 Hz, that a linear filter makes of what was sent; in [0, 1].

    heard: (n,) float32 at 16 kHz, at best 1 s; no shorter than 0.3 s. reference: (m,) float32 at 16 kHz, what was
    sent, up to the same moment; the echo is looked for at delays of 0 to m - n samples. Some 5 ms for 1 s.

    The delay is that of the highest generalised cross-correlation (Knapp and Carter, 1976). Around it each
    frequency of the spectrogram is regressed on the last frames of the reference, which for one frame would be
    the magnitude-squared coherence. Raises ValueError when the reference is shorter than what is heard.
    """
    if not 0.3 * SAMPLE_RATE_HZ <= len(heard) <= len(reference):
        raise ValueError(f"cannot compare {len(heard)} samples with {len(reference)}")
    if min(_rms(heard), _rms(reference)) < _SILENT:
        return 0.0
    latest = max(0, _delay(heard, reference) - _HOP // 2)
    reference = np.concatenate([np.zeros(_TAPS * _HOP, np.float32), reference])
    frames = []
    for tap in range(_TAPS):
        end = len(reference) - latest - tap * _HOP
        frames.append(_spectrogram(reference[end - len(heard) : end]))
    sent = np.stack(frames, axis=-1)  # (frequencies, times, taps)
    got = _spectrogram(heard)[..., None]
    sent_h = sent.conj().swapaxes(-1, -2)
    power, cross = sent_h @ sent, sent_h @ got
    ridge = 1e-3 * np.trace(power, axis1=-2, axis2=-1).real / _TAPS + 1e-9
    room = np.linalg.solve(power + ridge[:, None, None] * np.eye(_TAPS), cross)
    explained = float(np.sum((cross.conj() * room).real))
    return min(1.0, max(0.0, explained / float(np.sum(np.abs(got) ** 2))))


def _delay(heard: Samples, reference: Samples) -> int:
    """In samples, from the reference to what is heard."""
    most = len(reference) - len(heard)
    size = 1 << (len(reference) + len(heard) - 1).bit_length()
    # What is heard, put where it is in the reference's time.
    cross = np.fft.rfft(np.pad(heard, (most, 0)), size) * np.fft.rfft(reference, size).conj()
    hz = np.fft.rfftfreq(size, 1 / SAMPLE_RATE_HZ)
    cross /= np.maximum(np.abs(cross), 1e-12) ** _WHITENING
    cross[(hz < 200) | (hz > 4000)] = 0
    return int(np.argmax(np.abs(np.fft.irfft(cross, size)[: most + 1])))


def _spectrogram(samples: Samples) -> NDArray[np.complexfloating]:
    """(frequencies, times)"""
    windows = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::_HOP]
    return np.fft.rfft(windows * np.hanning(_WINDOW).astype(np.float32), axis=1)[:, _BAND].T


def _rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
