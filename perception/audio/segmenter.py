"""From speech probabilities to stretches of speech. No model, no clock, no event loop."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import ceil

import numpy as np

from perception.audio.settings import SegmenterSettings
from runtime.messages import SAMPLE_RATE_HZ, Samples, SpeechEnd, SpeechStart, Vector

WINDOW = 512
WINDOW_S = WINDOW / SAMPLE_RATE_HZ
_SMOOTH = 5  # windows a cut looks at together: 160 ms, a short pause between two words

SpeechEvent = SpeechStart | SpeechEnd


@dataclass(slots=True)
class _Window:
    samples: Samples
    probability: float


class Segmenter:
    """Streaming hysteresis over 512-sample windows; keeps at most one stretch (28 s) of sound.

    A start is said once min_speech_ms of speech have been heard, an end once min_silence_ms of silence
    followed. Every start is followed by one end, stretches do not overlap, and none is longer than
    max_speech_s.
    """

    def __init__(self, settings: SegmenterSettings, t_start_s: float = 0.0) -> None:
        """t_start_s: media time of the first sample."""
        self._origin_s = t_start_s
        self._on, self._off = settings.speech_on, settings.speech_off
        self._min_speech = _count(settings.min_speech_ms)
        self._min_silence = _count(settings.min_silence_ms)
        self._padding = int(settings.padding_ms / (WINDOW_S * 1000))
        self._max = int(settings.max_speech_s / WINDOW_S)
        self._kept: deque[_Window] = deque()
        self._heard = 0  # number of windows
        self._free = 0  # windows before this one belong to a stretch that has ended
        self._onset: int | None = None  # first window of the speech going on, padding not included
        self._first = 0  # first window of the stretch going on, padding included
        self._silence: int | None = None  # since when that speech is silent
        self._started = False

    @property
    def mark_s(self) -> float:
        """No stretch that starts before this time is still to come."""
        if self._onset is not None:
            return self._time(self._first)
        return self._time(max(self._free, self._heard - self._padding))

    @property
    def silence_s(self) -> float:
        """How long the speech going on has been silent; 0 where it is not, or where there is no speech."""
        return 0.0 if self._silence is None else (self._heard - self._silence) * WINDOW_S

    def push(self, samples: Samples, probabilities: Vector) -> list[SpeechEvent]:
        """samples: (512 * n,) float32; probabilities: (n,), one for each window."""
        if len(samples) != WINDOW * len(probabilities):
            raise ValueError(f"{len(samples)} samples for {len(probabilities)} windows")
        events: list[SpeechEvent] = []
        for i, probability in enumerate(probabilities.tolist()):
            # a copy, so that a short stretch does not keep a long chunk alive
            self._kept.append(_Window(samples[i * WINDOW : (i + 1) * WINDOW].copy(), probability))
            self._heard += 1
            self._step(probability, events)
            self._forget()
        return events

    def flush(self) -> list[SpeechEvent]:
        """The sound ends here: end the stretch that is going on."""
        events: list[SpeechEvent] = []
        if self._onset is not None:
            self._end(self._heard if self._silence is None else self._silence, events)
        return events

    def _step(self, probability: float, events: list[SpeechEvent]) -> None:
        here = self._heard - 1
        if self._onset is None:
            if probability < self._on:
                return
            self._onset, self._silence, self._started = here, None, False
            self._first = max(self._free, here - self._padding)
        elif probability >= self._on:
            self._silence = None
        elif probability < self._off and self._silence is None:
            self._silence = here

        if self._silence is None:
            if not self._started and self._heard - self._onset >= self._min_speech:
                events.append(SpeechStart(self._time(self._first)))
                self._started = True
        elif self._heard - self._silence >= self._min_silence:
            self._end(self._silence, events)
            return
        if self._heard - self._first >= self._max:
            self._too_long(events)

    def _end(self, speech_end: int, events: list[SpeechEvent], padding: int | None = None) -> None:
        """Speech ended before window speech_end. What was too short to be called a start is dropped."""
        if self._started:
            padding = self._padding if padding is None else padding
            end = min(speech_end + padding, self._heard, self._first + self._max)
            samples = self._samples(self._first, end)
            events.append(SpeechEnd(self._time(self._first), self._time(end), samples))
            self._free = end
        self._onset, self._silence, self._started = None, None, False

    def _too_long(self, events: list[SpeechEvent]) -> None:
        if self._silence is not None:
            self._end(self._silence, events)
            return
        cut = self._best_cut()
        self._end(cut, events, padding=0)
        # the rest is speech that has already begun: it gets its own start and end, however short it turns out
        self._onset = self._first = cut
        self._started = True
        events.append(SpeechStart(self._time(cut)))

    def _best_cut(self) -> int:
        """Where, in the second half of the stretch, speech is least probable, then quietest."""
        low = self._first + self._max // 2
        windows = self._windows(low, self._heard)
        smooth = np.ones(_SMOOTH) / _SMOOTH
        probability = np.convolve([w.probability for w in windows], smooth, mode="valid")
        power = np.convolve([float(np.mean(w.samples**2)) for w in windows], smooth, mode="valid")
        best = np.lexsort((power, probability.round(2)))[0]
        return low + int(best) + _SMOOTH // 2

    def _forget(self) -> None:
        first = self._first if self._onset is not None else max(self._free, self._heard - self._padding)
        while len(self._kept) > self._heard - first:
            self._kept.popleft()

    def _windows(self, first: int, end: int) -> list[_Window]:
        base = self._heard - len(self._kept)
        return [self._kept[i - base] for i in range(first, end)]

    def _samples(self, first: int, end: int) -> Samples:
        return np.concatenate([w.samples for w in self._windows(first, end)])

    def _time(self, window: int) -> float:
        return self._origin_s + window * WINDOW_S


def _count(ms: int) -> int:
    return max(1, ceil(ms / (WINDOW_S * 1000)))
