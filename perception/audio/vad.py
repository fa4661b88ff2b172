"""Voice activity: how probable speech is in each 32 ms of sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from faster_whisper.utils import get_assets_path

from runtime.messages import Samples, Vector
from runtime.onnx import cpu_session

WINDOW = 512
_CONTEXT = 64
_STATE = 128


class SileroVad:
    """Silero VAD v6 (https://github.com/snakers4/silero-vad, MIT), the ONNX file inside faster-whisper.

    The model reads windows of 512 samples, each with the last 64 samples of the window before it, and carries
    an LSTM state. The export takes any number of windows in one run, so a long piece of sound costs one call.
    Both
    context and state are kept between calls: the probabilities are the same however the sound is cut up.
    """

    def __init__(self, path: Path | None = None) -> None:
        """path: the ONNX file; None takes the packaged one. Raises ModelError when it cannot be loaded."""
        path = path or Path(get_assets_path()) / "silero_vad_v6.onnx"
        self._session = cpu_session(path, "voice activity model", arena=False)
        self.reset()

    def reset(self) -> None:
        self._context = np.zeros(_CONTEXT, np.float32)
        self._h = np.zeros((1, 1, _STATE), np.float32)
        self._c = np.zeros((1, 1, _STATE), np.float32)

    def probabilities(self, samples: Samples) -> Vector:
        """(n,) speech probability of each of n consecutive 512-sample windows; len(samples) == 512 * n."""
        if samples.ndim != 1 or len(samples) % WINDOW:
            raise ValueError(f"expected a multiple of {WINDOW} mono samples, got shape {samples.shape}")
        if not len(samples):
            return np.zeros(0, np.float32)
        windows = samples.astype(np.float32, copy=False).reshape(-1, WINDOW)
        inputs = np.empty((len(windows), _CONTEXT + WINDOW), np.float32)
        inputs[:, _CONTEXT:] = windows
        inputs[0, :_CONTEXT] = self._context
        inputs[1:, :_CONTEXT] = windows[:-1, -_CONTEXT:]
        result, self._h, self._c = self._session.run(None, {"input": inputs, "h": self._h, "c": self._c})
        self._context = windows[-1, -_CONTEXT:].copy()
        probabilities: Vector = result.reshape(-1).astype(np.float32, copy=False)
        return probabilities
