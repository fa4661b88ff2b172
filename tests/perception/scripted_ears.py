"""Models of hearing that obey their protocols without weights: loud is speech, and each loudness is a word."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from runtime.messages import SAMPLE_RATE_HZ, Samples, Utterance, Vector, Word

WORD_S = 0.256
"""How long a word takes: 8 windows of voice activity, and no pause between two words."""

_N = round(WORD_S * SAMPLE_RATE_HZ)
_LOUDNESS = 0.1
_STEP = 0.002


class Language:
    """Turns texts to sound and back. A word may not follow itself."""

    def __init__(self) -> None:
        self._words: list[str] = []

    def say(self, text: str) -> Samples:
        words = text.split()
        for word in words:
            if word not in self._words:
                self._words.append(word)
        return np.repeat([_LOUDNESS + _STEP * self._words.index(w) for w in words], _N).astype(np.float32)

    def hear(self, samples: Samples) -> list[tuple[str, float, float]]:
        """Words, start and end in seconds. A word of which more than a third is missing is not heard."""
        codes = np.where(samples > _LOUDNESS / 2, np.round((samples - _LOUDNESS) / _STEP), -1).astype(int)
        bounds = np.flatnonzero(np.diff(codes, prepend=-2, append=-2))
        return [
            (self._words[codes[a]], a / SAMPLE_RATE_HZ, b / SAMPLE_RATE_HZ)
            for a, b in pairwise(bounds.tolist())
            if codes[a] >= 0 and b - a > _N * 2 / 3
        ]


def quiet(seconds: float) -> Samples:
    return np.zeros(round(seconds * SAMPLE_RATE_HZ), np.float32)


def noise(seconds: float) -> Samples:
    """Loud, but no word."""
    return np.resize(np.array([0.09, 0.08], np.float32), round(seconds * SAMPLE_RATE_HZ))


class Loudness:
    """VoiceActivity: more than half of a window is loud."""

    def __init__(self) -> None:
        self.resets = 0

    def reset(self) -> None:
        self.resets += 1

    def probabilities(self, samples: Samples) -> Vector:
        return (np.abs(samples).reshape(-1, 512) > 0.05).mean(axis=1).astype(np.float32)


class Scribe:
    """Transcriber of a Language. failures: numbers of the calls that fail. Held back while `gate` is not set."""

    name = "scribe"

    def __init__(self, language: Language, *, probability: float = 0.9, failures: Sequence[int] = ()) -> None:
        self._language = language
        self._probability = probability
        self._failures = set(failures)
        self.lengths_s: list[float] = []
        self.gate = threading.Event()
        self.gate.set()

    def transcribe(self, samples: Samples, t_start_s: float) -> tuple[Utterance, ...]:
        self.lengths_s.append(len(samples) / SAMPLE_RATE_HZ)
        assert self.gate.wait(30)
        if len(self.lengths_s) in self._failures:
            raise RuntimeError("out of luck")
        words = tuple(
            Word(f" {text}", t_start_s + a, t_start_s + b, self._probability)
            for text, a, b in self._language.hear(samples)
        )
        if not words:
            return ()
        text = "".join(w.text for w in words).strip()
        return (
            Utterance(
                text,
                words[0].t_start_s,
                words[-1].t_end_s,
                words,
                confidence=self._probability,
                language="en",
            ),
        )


class Endings:
    """TurnDetector: sure when the last word heard is one of these."""

    name = "endings"

    def __init__(self, language: Language, *words: str) -> None:
        self._language = language
        self._words = set(words)
        self.lengths_s: list[float] = []

    def end_probability(self, samples: Samples) -> float:
        self.lengths_s.append(len(samples) / SAMPLE_RATE_HZ)
        heard = self._language.hear(samples)
        return 0.9 if heard and heard[-1][0] in self._words else 0.1
