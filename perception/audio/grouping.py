"""Several stretches of speech in one transcription, and the words back to the stretch each belongs to.

Whisper pads what it gets to 30 s and costs the same for a word as for a minute's half, so short stretches
share a call. Which ones depends on their times alone, never on when they arrive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from perception.audio.settings import GroupSettings
from runtime.messages import SAMPLE_RATE_HZ, Samples, SpeechEnd, Utterance, Word
from runtime.models import Transcriber

Group = tuple[SpeechEnd, ...]
# Their scripts put no space between words, so a word without one may well be the first of a stretch.
_UNSPACED = frozenset({"ja", "lo", "my", "th", "yue", "zh"})


class Grouper:
    """Gathers stretches, in order, into groups for one transcription each."""

    def __init__(self, settings: GroupSettings) -> None:
        self._settings = settings
        self._open: list[SpeechEnd] = []
        self._open_s = 0.0

    @property
    def mark_s(self) -> float:
        """Start of the first stretch that waits; infinity when none does."""
        return self._open[0].t_start_s if self._open else float("inf")

    def add(self, stretch: SpeechEnd) -> list[Group]:
        """The groups that are complete now, since this stretch does not go with the ones before it."""
        length_s = len(stretch.samples) / SAMPLE_RATE_HZ
        closed = self.advance(stretch.t_start_s)
        if self._open and self._open_s + self._settings.gap_s + length_s > self._settings.max_s:
            closed.append(self._close())
        self._open_s += length_s + (self._settings.gap_s if self._open else 0.0)
        self._open.append(stretch)
        return closed + self.advance(stretch.t_start_s)

    def advance(self, t_s: float) -> list[Group]:
        """No stretch that starts before t_s is still to come."""
        if self._open and t_s >= self._open[0].t_start_s + self._settings.span_s:
            return [self._close()]
        return []

    def _close(self) -> Group:
        group, self._open, self._open_s = tuple(self._open), [], 0.0
        return group


def transcribe_group(
    transcriber: Transcriber, group: Group, settings: GroupSettings
) -> tuple[Utterance | None, ...]:
    """What was said in each stretch, None where nothing was. Blocking.

    A stretch that shared a call is transcribed again by itself when that gave no words for it, or words of
    low
    probability: the others' language or loudness may have hurt it. The surer of the two counts.
    """
    if len(group) == 1:
        return (_alone(transcriber, group[0]),)
    results = []
    for stretch, together in zip(group, _together(transcriber, group, settings.gap_s), strict=True):
        result = together
        if together is None or together.confidence < settings.retry_below:
            alone = _alone(transcriber, stretch)
            if together is None or (alone is not None and alone.confidence > together.confidence):
                result = alone
        results.append(result)
    return tuple(results)


def _alone(transcriber: Transcriber, stretch: SpeechEnd) -> Utterance | None:
    utterances = transcriber.transcribe(stretch.samples, stretch.t_start_s)
    words = [w for u in utterances for w in u.words]
    return _utterance(words, stretch, utterances[0].language) if words else None


def _together(transcriber: Transcriber, group: Group, gap_s: float) -> list[Utterance | None]:
    joined, starts = _join(group, gap_s)
    utterances = transcriber.transcribe(joined, 0.0)
    words = [w for u in utterances for w in u.words]
    language = utterances[0].language if utterances else None
    spans = [(t, t + len(s.samples) / SAMPLE_RATE_HZ) for t, s in zip(starts, group, strict=True)]
    shares: list[list[Word]] = [[] for _ in group]
    current = 0
    for word in words:
        # part of the word before it ("10 o" + "'clock"), or a new one, which never goes back
        if not (shares[current] and language not in _UNSPACED and not word.text.startswith(" ")):
            current = max(current, _nearest(word, spans))
        shift = group[current].t_start_s - starts[current]
        shares[current].append(replace(word, t_start_s=word.t_start_s + shift, t_end_s=word.t_end_s + shift))
    return [
        _utterance(share, stretch, language) if share else None
        for share, stretch in zip(shares, group, strict=True)
    ]


def _join(group: Group, gap_s: float) -> tuple[Samples, list[float]]:
    """One piece of sound with silence between the stretches, and the second in it at which each starts."""
    gap = np.zeros(round(gap_s * SAMPLE_RATE_HZ), np.float32)
    parts: list[Samples] = []
    starts: list[float] = []
    at = 0
    for stretch in group:
        if parts:
            parts.append(gap)
            at += len(gap)
        starts.append(at / SAMPLE_RATE_HZ)
        parts.append(stretch.samples)
        at += len(stretch.samples)
    return np.concatenate(parts), starts


def _nearest(word: Word, spans: Sequence[tuple[float, float]]) -> int:
    """The stretch that the word overlaps most, else the one nearest to its middle.

    Alignment lets the first word after a pause begin in the pause, so its middle alone would mislead.
    """
    overlaps = [min(word.t_end_s, end) - max(word.t_start_s, start) for start, end in spans]
    best = int(np.argmax(overlaps))
    if overlaps[best] > 0:
        return best
    middle = (word.t_start_s + word.t_end_s) / 2
    return int(np.argmin([max(start - middle, middle - end) for start, end in spans]))


def _utterance(words: Sequence[Word], stretch: SpeechEnd, language: str | None) -> Utterance:
    """The words as what was said in the stretch, within its bounds."""
    kept = tuple(
        replace(
            w,
            t_start_s=min(max(w.t_start_s, stretch.t_start_s), stretch.t_end_s),
            t_end_s=min(max(w.t_end_s, stretch.t_start_s), stretch.t_end_s),
        )
        for w in words
    )
    return Utterance(
        text="".join(w.text for w in kept).strip(),
        t_start_s=stretch.t_start_s,
        t_end_s=stretch.t_end_s,
        words=kept,
        confidence=float(np.mean([w.probability for w in kept])),
        language=language,
    )
