"""Several stretches of speech in one transcription, and the words back to the stretch each belongs to.

Whisper pads what it gets to 30 s and costs the same for a word as for a minute's half, so short stretches
share a call. Which ones depends on their times alone, never on when they arrive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import zip_longest

import numpy as np

from perception.audio.settings import GroupSettings
from perception.audio.transcriber import other_readings
from runtime.messages import SAMPLE_RATE_HZ, Samples, SpeechEnd, Utterance, Word
from runtime.models import Transcriber

Group = tuple[SpeechEnd, ...]
# Their scripts put no space between words, so a word without one may well be the first of a stretch.
_UNSPACED = frozenset({"ja", "lo", "my", "th", "yue", "zh"})
# No stretch ends with more silence than this: what the segmenter pads it with, and what it is late to notice.
_SILENT_END_S = 0.4


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
    transcriber: Transcriber, group: Group, settings: GroupSettings, second: Transcriber | None = None
) -> tuple[Utterance | None, ...]:
    """What was said in each stretch, None where nothing was. Blocking.

    second: what it hears in a stretch of which the first one is not sure is kept as alternatives.

    A stretch that shared a call is transcribed again by itself when that gave no words for it, or words of
    low probability: the others' language or loudness may have hurt it. The surer of the two counts, the other one
    becomes an alternative.
    """
    heard = _heard(transcriber, group, settings)
    if second is None:
        return heard
    return tuple(
        _with_readings(utterance, _alone(second, stretch))
        if utterance is not None and _least_probable(utterance.words) < settings.second_below
        else utterance
        for stretch, utterance in zip(group, heard, strict=True)
    )


def _heard(transcriber: Transcriber, group: Group, settings: GroupSettings) -> tuple[Utterance | None, ...]:
    alone = cache(lambda i: _alone(transcriber, group[i]))
    if len(group) == 1:
        return (alone(0),)
    joined, starts = _join(group, settings.gap_s)
    utterances = transcriber.transcribe(joined, 0.0)
    words = [w for u in utterances for w in u.words]
    language = utterances[0].language if utterances else None
    spans = [(t, t + len(s.samples) / SAMPLE_RATE_HZ) for t, s in zip(starts, group, strict=True)]
    owners = _deal(words, spans, language)
    for run in _torn(words, spans):
        owners = _deal_again(owners, run, [len(u.words) if (u := alone(i)) is not None else 0 for i in run])
    results: list[Utterance | None] = []
    for i, stretch in enumerate(group):
        share = _share(words, owners, i, stretch.t_start_s - starts[i])
        result = _utterance(share, stretch, language) if share else None
        if result is None or result.confidence < settings.retry_below:
            result = _surer(result, alone(i))
        results.append(result)
    return tuple(results)


def transcribe_after(
    transcriber: Transcriber, before: SpeechEnd, stretch: SpeechEnd, alone: Utterance, settings: GroupSettings
) -> Utterance:
    """What was said in a stretch, heard together with one before it. Blocking.

    alone: what was heard in it by itself. The surer of the two counts; that one, too, where it is not clear which of the
    words are whose, or where the two seem to be in different languages.
    """
    joined, starts = _join((before, stretch), settings.gap_s)
    utterances = transcriber.transcribe(joined, 0.0)
    words = [w for u in utterances for w in u.words]
    if not words or utterances[0].language != alone.language:
        return alone
    spans = [(t, t + len(s.samples) / SAMPLE_RATE_HZ) for t, s in zip(starts, (before, stretch), strict=True)]
    if _torn(words, spans):
        return alone
    owners = _deal(words, spans, alone.language)
    own = _share(words, owners, 1, stretch.t_start_s - starts[1])
    together = _utterance(own, stretch, alone.language) if own else None
    return _surer(together, alone) or alone


def _share(words: Sequence[Word], owners: Sequence[int], number: int, shift_s: float) -> list[Word]:
    """The words of one stretch, at its own time."""
    return [
        replace(word, t_start_s=word.t_start_s + shift_s, t_end_s=word.t_end_s + shift_s)
        for word, owner in zip(words, owners, strict=True)
        if owner == number
    ]


def _surer(together: Utterance | None, alone: Utterance | None) -> Utterance | None:
    """The one with the more probable words, with the other's text first among its alternatives."""
    if together is None or alone is None:
        return together or alone
    best, other = (alone, together) if alone.confidence > together.confidence else (together, alone)
    return replace(best, alternatives=other_readings(best.text, (other.text, *alone.alternatives)))


def _least_probable(words: Sequence[Word]) -> float:
    return min((w.probability for w in words), default=0.0)


def _with_readings(utterance: Utterance, other: Utterance | None) -> Utterance:
    """The other's readings among the alternatives, best ones of both first. In another language it heard something else."""
    if other is None or other.language != utterance.language:
        return utterance
    own, new = utterance.alternatives, (other.text, *other.alternatives)
    by_turns = (text for pair in zip_longest(new, own) for text in pair if text is not None)
    return replace(utterance, alternatives=other_readings(utterance.text, by_turns))


def _alone(transcriber: Transcriber, stretch: SpeechEnd) -> Utterance | None:
    utterances = transcriber.transcribe(stretch.samples, stretch.t_start_s)
    words = [w for u in utterances for w in u.words]
    if not words:
        return None
    alternatives = utterances[0].alternatives if len(utterances) == 1 else ()
    return replace(_utterance(words, stretch, utterances[0].language), alternatives=alternatives)


def _deal(words: Sequence[Word], spans: Sequence[tuple[float, float]], language: str | None) -> list[int]:
    """For each word the number of the stretch that it was said in, going by time."""
    owners: list[int] = []
    for word in words:
        # part of the word before it ("10 o" + "'clock"), or a new one, which never goes back
        part = bool(owners) and language not in _UNSPACED and not word.text.startswith(" ")
        before = owners[-1] if owners else 0
        owners.append(before if part else max(before, _nearest(word, spans)))
    return owners


def _torn(words: Sequence[Word], spans: Sequence[tuple[float, float]]) -> list[range]:
    """Runs of stretches over which a word reaches: there the times do not tell whose the words are.

    Where a stretch is noise, alignment spreads the words that come next over it. A word that only begins in
    the silence at the end of a stretch does not count.
    """
    runs: list[range] = []
    for word in words:
        overlaps = [min(word.t_end_s, end) - max(word.t_start_s, start) for start, end in spans]
        touched = [i for i, overlap in enumerate(overlaps) if overlap > 0]
        if len(touched) > 1 and overlaps[touched[0]] > _SILENT_END_S:
            start = runs.pop().start if runs and touched[0] < runs[-1].stop else touched[0]
            runs.append(range(start, touched[-1] + 1))
    return runs


def _deal_again(owners: Sequence[int], run: range, counts: Sequence[int]) -> list[int]:
    """The words of a run of stretches, going by how many words each of them has when it is heard alone.

    As they were where that does not tell either: then more than one has words, and not so many together.
    """
    mine = sum(owner in run for owner in owners)
    if sum(map(bool, counts)) == 1:
        counts = [mine if count else 0 for count in counts]
    if sum(counts) != mine:
        return list(owners)
    first = sum(owner < run.start for owner in owners)
    again = [i for i, count in zip(run, counts, strict=True) for _ in range(count)]
    return [*owners[:first], *again, *owners[first + mine :]]


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
