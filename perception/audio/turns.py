"""End of turn: has the speaker finished, or only paused?"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray

from runtime.errors import ModelError
from runtime.messages import SAMPLE_RATE_HZ, Samples
from runtime.onnx import cpu_session

HEARD_S = 8
"""What the model hears, in seconds: the end of the turn, silence before it where the turn is shorter."""

_FILE = "smart-turn-v3.2-cpu.onnx"
_MELS = 80
_WHOLE = re.compile(r"[.!?…。！？]+[\"”’')\]]*$")
_CUT = re.compile(r"(?:\.\.+|…|[-–—,;:])$")
# English sentences do not end with these, whatever is put after them ...
_OPEN = frozenset(
    "a an the and or but because my your our their very than if although whereas unless i'm we're they're i've i'd".split()
)
# ... nor, unless they are questions, with these.
_OPEN_STATEMENT = frozenset("of for from with to at into onto between against during while".split())
# Whisper often writes these languages without a full stop.
_UNSTOPPED = frozenset({"ja", "lo", "my", "th", "yue", "zh"})


class SmartTurn:
    """Smart Turn v3.2 (https://github.com/pipecat-ai/smart-turn, BSD-2-Clause), int8, in one thread.

    Whisper's encoder (tiny) under a classifier. Meant for the sound up to a short pause, pause included: it was
    trained on turns with about 200 ms of silence at the end.
    """

    def __init__(self, folder: Path) -> None:
        """folder: has the ONNX file. Raises ModelError when it cannot be loaded or is another model."""
        path = folder / _FILE
        self._session = cpu_session(path, "end-of-turn model")
        shape = self._session.get_inputs()[0].shape
        frames = HEARD_S * 100
        if shape[1:] != [_MELS, frames]:
            raise ModelError(f"{path} wants {shape}, not (n, {_MELS}, {frames}): it is no Smart Turn v3")
        self._input = self._session.get_inputs()[0].name
        self._log_mel = FeatureExtractor(feature_size=_MELS, sampling_rate=SAMPLE_RATE_HZ)

    @property
    def name(self) -> str:
        return "smart-turn-v3.2"

    def end_probability(self, samples: Samples) -> float:
        """samples: (n,) float32 of one turn at 16 kHz; only its last 8 s are heard. 0.0 for no samples.

        The graph ends in a sigmoid, though it calls its output logits.
        """
        if not len(samples):
            return 0.0
        output = self._session.run(None, {self._input: self.features(samples)[np.newaxis]})[0]
        return float(output[0, 0])

    def features(self, samples: Samples) -> NDArray[np.float32]:
        """(80, 800) log-mel frames, normalised as in training: the 8 s to mean 0 and variance 1, then Whisper's."""
        heard = np.zeros(HEARD_S * SAMPLE_RATE_HZ, np.float32)
        last = samples[-len(heard) :]
        heard[len(heard) - len(last) :] = last
        heard = (heard - heard.mean()) / np.sqrt(heard.var() + 1e-7)
        features: NDArray[np.float32] = self._log_mel(heard, padding=0).astype(np.float32)
        return features


def unfinished(text: str, language: str | None = None) -> bool:
    """Whether a transcript breaks off in the middle of a sentence.

    Whisper ends whole sentences with a stop, and breaks off or writes dots where the speaker did. language: ISO
    639-1 code, None for not known.
    """
    text = text.strip()
    if not text:
        return False
    if _CUT.search(text):
        return True
    if language in _UNSTOPPED:
        return False
    if not _WHOLE.search(text):
        return True
    if language not in (None, "en"):
        return False
    last = re.findall(r"[\w'’]+", text.lower().replace("’", "'"))[-1:]
    return bool(_OPEN.intersection(last)) or (text[-1] == "." and bool(_OPEN_STATEMENT.intersection(last)))
