"""Whose voice: the GE2E speaker encoder, and the mel frames that it was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runtime.errors import ModelError
from runtime.messages import SAMPLE_RATE_HZ, Samples
from runtime.onnx import cpu_session

_FRAME, _STEP = 400, 160  # 25 ms, every 10 ms
_MELS = 40
_FRAMES = 160
_DIM = 256
_LEVEL_DBFS = -30.0
_WINDOW = _FRAMES * _STEP
_HOP = 40
_BATCH = 32


class Ge2eEncoder:
    """Resemblyzer's network (GE2E, Wan et al., 2018, Apache-2.0), in one thread: 3 ms for a window of 1.6 s."""

    def __init__(self, folder: Path) -> None:
        """folder: has model.onnx as runtime/convert.py makes it. Raises ModelError when it is something else."""
        path = folder / "model.onnx"
        self._session = cpu_session(path, "voice encoder")
        shape = self._session.get_inputs()[0].shape
        if shape[1:] != [_FRAMES, _MELS]:
            raise ModelError(
                f"{path} wants {shape}, not (n, {_FRAMES}, {_MELS}): it is another voice encoder"
            )

    @property
    def name(self) -> str:
        return "resemblyzer-0.1.4"

    @property
    def dim(self) -> int:
        return _DIM

    def encode(self, pieces: Sequence[Samples]) -> NDArray[np.float32]:
        """As the protocol says: the mean over windows of 1.6 s, every 0.4 s.

        A shorter piece is repeated until it fills a window: silence beside it would move the vector more than its voice
        does. Quiet sound is made louder first, as in training.
        """
        windows: list[NDArray[np.float32]] = []
        owners: list[int] = []
        for number, piece in enumerate(pieces):
            frames = mel_frames(_filled(_loud(piece)))
            starts = range(0, max(1, len(frames) - _FRAMES + 1), _HOP)
            windows += [frames[start : start + _FRAMES] for start in starts]
            owners += [number] * len(starts)
        out = np.zeros((len(pieces), _DIM), np.float32)
        for i in range(0, len(windows), _BATCH):
            vectors = self._session.run(None, {"mels": np.stack(windows[i : i + _BATCH])})[0]
            np.add.at(out, owners[i : i + _BATCH], vectors)
        norms = np.maximum(np.linalg.norm(out, axis=1, keepdims=True), np.float32(1e-9))
        return np.asarray(out / norms)


def _filled(samples: Samples) -> Samples:
    """Repeated until there are enough for a window's frames."""
    return samples if len(samples) >= _WINDOW else np.resize(samples, _WINDOW)


def _loud(samples: Samples) -> Samples:
    power = float(np.mean(np.square(samples)))
    wanted = 10.0 ** (_LEVEL_DBFS / 10.0)
    return samples if power >= wanted or power == 0.0 else samples * np.float32(np.sqrt(wanted / power))


def mel_frames(samples: Samples) -> NDArray[np.float32]:
    """(n, 40) power in mel bands (Slaney's scale and weights), not its logarithm; frame i is centred at i * 10 ms."""
    padded = np.pad(samples, _FRAME // 2)
    count = 1 + len(samples) // _STEP
    view = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[: count * _STEP : _STEP]
    spectrum = np.fft.rfft(view * _hann(), axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    return power @ _filters().T


@cache
def _hann() -> NDArray[np.float32]:
    """Periodic, as for a Fourier transform."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FRAME) / _FRAME)).astype(np.float32)


@cache
def _filters() -> NDArray[np.float32]:
    """(40, 201) triangles between 0 and 8 kHz, each of area 1 over frequency (Slaney's Auditory Toolbox, 1998)."""
    top = SAMPLE_RATE_HZ / 2
    edges = _hertz(np.linspace(0.0, _mel(top), _MELS + 2))
    bins = np.linspace(0.0, top, _FRAME // 2 + 1)
    widths = np.diff(edges)
    ramps = edges[:, np.newaxis] - bins
    rising, falling = -ramps[:-2] / widths[:-1, np.newaxis], ramps[2:] / widths[1:, np.newaxis]
    weights = np.maximum(0.0, np.minimum(rising, falling))
    return (weights * (2.0 / (edges[2:] - edges[:-2]))[:, np.newaxis]).astype(np.float32)


_LINEAR_HZ, _LINEAR_MELS, _LOG_STEP = 1000.0, 15.0, np.log(6.4) / 27.0


def _mel(hertz: float) -> float:
    """Linear below 1 kHz, logarithmic above (hertz at least 1 kHz here)."""
    return float(_LINEAR_MELS + np.log(hertz / _LINEAR_HZ) / _LOG_STEP)


def _hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    above = _LINEAR_HZ * np.exp(_LOG_STEP * (mels - _LINEAR_MELS))
    return np.where(mels < _LINEAR_MELS, mels * _LINEAR_HZ / _LINEAR_MELS, above)
