"""Who says which words: an utterance is cut where another voice begins, and each part gets its voice.

The speaker changes between sentences or at pauses. The pieces between those are grouped by voice from the bottom up,
by average linkage (as in Day, W. and Edelsbrunner, H., 1984), within one stretch of speech: memory knows whose voices
they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from perception.audio.sentences import ends_sentence, shorten
from perception.audio.settings import VoiceSettings
from runtime.messages import SAMPLE_RATE_HZ, Samples, SpeechEnd, Utterance, Vector, VoicePrint, Word
from runtime.models import VoiceEncoder

_EDGE_S = 0.05


@dataclass(frozen=True, slots=True)
class Spoken:
    """What one voice said in one go. voice: None where there was nothing to hear it by."""

    utterance: Utterance
    voice: VoicePrint | None


def by_voice(
    utterance: Utterance, stretch: SpeechEnd, encoder: VoiceEncoder, settings: VoiceSettings
) -> tuple[Spoken, ...]:
    """The utterance of a stretch, or its parts where several voices speak. Blocking compute.

    A function of the stretch alone: a second run over the same sound gives the same parts and voices.
    """
    pieces = _pieces(utterance.words, settings)
    if not pieces:
        return (Spoken(utterance, None),)
    sounds = [_sound(stretch, piece) for piece in pieces]
    vectors = encoder.encode(sounds)
    lengths = np.array([len(sound) / SAMPLE_RATE_HZ for sound in sounds])
    owners = _owners(pieces, vectors, lengths, settings)
    prints = {
        voice: _print(vectors[owners == voice], lengths[owners == voice], stretch, voice, encoder.name)
        for voice in dict.fromkeys(owners.tolist())
    }
    runs: list[tuple[int, list[Word]]] = []
    for piece, voice in zip(pieces, owners.tolist(), strict=True):
        if runs and runs[-1][0] == voice:
            runs[-1][1].extend(piece)
        else:
            runs.append((voice, list(piece)))
    if len(runs) == 1:
        return (Spoken(utterance, prints[runs[0][0]]),)
    starts = [utterance.t_start_s, *(words[0].t_start_s for _, words in runs[1:])]
    ends = [*(words[-1].t_end_s for _, words in runs[:-1]), utterance.t_end_s]
    return tuple(
        Spoken(_part(utterance, words, start, end), prints[voice])
        for (voice, words), start, end in zip(runs, starts, ends, strict=True)
    )


def _pieces(words: Sequence[Word], settings: VoiceSettings) -> list[list[Word]]:
    pieces: list[list[Word]] = [[]]
    for word in words:
        before = pieces[-1]
        if before and _may_change(before[-1], word, settings.pause_s):
            pieces.append([])
        pieces[-1].append(word)
    return [part for piece in pieces if piece for part in shorten(piece, settings.piece_s)]


def _may_change(before: Word, after: Word, pause_s: float) -> bool:
    if ends_sentence(before) or after.t_start_s - before.t_end_s >= pause_s:
        return True
    # It may be short for "number".
    return before.text.strip().lower() == "no." and not after.text.strip()[:1].isdigit()


def _sound(stretch: SpeechEnd, piece: Sequence[Word]) -> Samples:
    first = round((piece[0].t_start_s - _EDGE_S - stretch.t_start_s) * SAMPLE_RATE_HZ)
    end = round((piece[-1].t_end_s + _EDGE_S - stretch.t_start_s) * SAMPLE_RATE_HZ)
    first = min(max(0, first), len(stretch.samples) - 1)
    return stretch.samples[first : max(end, first + 1)]


def _owners(
    pieces: Sequence[Sequence[Word]],
    vectors: NDArray[np.float32],
    lengths: NDArray[np.float64],
    settings: VoiceSettings,
) -> NDArray[np.int64]:
    """For each piece the number of its voice, in order of their first pieces."""
    likeness = vectors @ vectors.T
    sure = [i for i in range(len(pieces)) if lengths[i] >= settings.sure_s]
    groups = _linked([[i] for i in sure], likeness, lengths, settings.same)
    voices = [g for g in groups if lengths[g].sum() >= settings.least_s]
    if not voices:
        return np.zeros(len(pieces), np.int64)
    owners = np.full(len(pieces), -1, np.int64)
    for number, group in enumerate(voices):
        owners[group] = number
    open_ = [i for i in range(len(pieces)) if owners[i] < 0]
    for i in open_:
        near = [_mean(likeness, lengths, [i], group) for group in voices]
        ranked = sorted(near, reverse=True)
        if len(ranked) == 1 or ranked[0] - ranked[1] >= settings.margin:
            owners[i] = int(np.argmax(near))
    for i in (i for i in open_ if owners[i] < 0):
        known = [k for k in range(len(pieces)) if owners[k] >= 0]
        owners[i] = owners[min(known, key=lambda k, i=i: (_apart(pieces[i], pieces[k]), k))]  # type: ignore[misc]
    _, first = np.unique(owners, return_index=True)
    names = {int(owners[at]): n for n, at in enumerate(sorted(first.tolist()))}
    return np.array([names[o] for o in owners.tolist()], np.int64)


def _linked(
    groups: list[list[int]], likeness: NDArray[np.float32], lengths: NDArray[np.float64], least: float
) -> list[list[int]]:
    """The two groups that are most alike become one, until none are alike enough."""
    while len(groups) > 1:
        pairs = [
            (_mean(likeness, lengths, groups[a], groups[b]), -a, -b)
            for a in range(len(groups))
            for b in range(a + 1, len(groups))
        ]
        score, a, b = max(pairs)
        if score < least:
            break
        groups[-a] = sorted(groups[-a] + groups[-b])
        del groups[-b]
    return groups


def _mean(
    likeness: NDArray[np.float32], lengths: NDArray[np.float64], a: Sequence[int], b: Sequence[int]
) -> float:
    """Mean likeness over all pairs, weighted by the lengths of both."""
    weights = np.outer(lengths[a], lengths[b])
    return float((likeness[np.ix_(a, b)] * weights).sum() / weights.sum())


def _apart(a: Sequence[Word], b: Sequence[Word]) -> float:
    return max(b[0].t_start_s - a[-1].t_end_s, a[0].t_start_s - b[-1].t_end_s)


def _print(
    vectors: NDArray[np.float32], lengths: NDArray[np.float64], stretch: SpeechEnd, voice: int, model: str
) -> VoicePrint:
    total: Vector = (vectors * lengths[:, np.newaxis]).sum(axis=0, dtype=np.float32)
    norm = float(np.linalg.norm(total))
    # The length of the mean of unit vectors: 1 where all are alike.
    quality = norm / float(lengths.sum())
    return VoicePrint(
        vector=total / max(norm, 1e-9),
        stretch=f"{round(stretch.t_start_s * 1000)}",
        voice=voice,
        known_at_s=stretch.t_end_s,
        speech_s=float(lengths.sum()),
        quality=min(1.0, quality),
        model=model,
    )


def _part(utterance: Utterance, words: Sequence[Word], t_start_s: float, t_end_s: float) -> Utterance:
    return replace(
        utterance,
        text="".join(w.text for w in words).strip(),
        t_start_s=t_start_s,
        t_end_s=t_end_s,
        words=tuple(words),
        confidence=float(np.mean([w.probability for w in words])),
        alternatives=(),
    )
