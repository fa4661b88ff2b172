"""A long utterance as sentences, so that each can be cited by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from runtime.messages import Utterance, Word

_END = (".", "!", "?", "。", "！", "？", "…")
_ABBREVIATIONS = frozenset({"dr.", "mr.", "mrs.", "ms.", "prof.", "st.", "no.", "vs.", "e.g.", "i.e."})
_MIN_S = 1.5  # "Yes. No. Maybe." stays one piece


def split_utterance(utterance: Utterance, longest_s: float) -> tuple[Utterance, ...]:
    """One utterance per sentence where the whole is longer than longest_s, else the utterance itself.

    A sentence that is still longer than longest_s (no punctuation) is halved at its widest pause until it is
    not. Words keep their times; the first piece keeps the utterance's start and the last its end.
    """
    if utterance.t_end_s - utterance.t_start_s <= longest_s or len(utterance.words) < 2:
        return (utterance,)
    pieces = [p for s in _sentences(utterance.words) for p in shorten(s, longest_s)]
    starts = [utterance.t_start_s, *(p[0].t_start_s for p in pieces[1:])]
    ends = [*(p[-1].t_end_s for p in pieces[:-1]), utterance.t_end_s]
    return tuple(
        replace(
            utterance,
            text="".join(w.text for w in piece).strip(),
            t_start_s=start,
            t_end_s=end,
            words=tuple(piece),
            confidence=float(np.mean([w.probability for w in piece])),
            alternatives=(),  # of the whole
        )
        for piece, start, end in zip(pieces, starts, ends, strict=True)
    )


def _sentences(words: Sequence[Word]) -> list[list[Word]]:
    sentences: list[list[Word]] = [[]]
    for word in words:
        sentences[-1].append(word)
        if ends_sentence(word) and word.t_end_s - sentences[-1][0].t_start_s >= _MIN_S:
            sentences.append([])
    if not sentences[-1]:
        sentences.pop()
    elif len(sentences) > 1 and words[-1].t_end_s - sentences[-1][0].t_start_s < _MIN_S:
        sentences[-2].extend(sentences.pop())
    return sentences


def ends_sentence(word: Word) -> bool:
    text = word.text.strip().rstrip("\"'”’)]")
    return text.endswith(_END) and text.lower() not in _ABBREVIATIONS


def shorten(words: list[Word], longest_s: float) -> list[list[Word]]:
    """Halved at the widest pause until nothing is longer."""
    if len(words) < 2 or words[-1].t_end_s - words[0].t_start_s <= longest_s:
        return [words]
    pauses = [
        (b.t_start_s - a.t_end_s, a.text.rstrip().endswith((",", ";", ":"))) for a, b in pairwise(words)
    ]
    middle = (words[0].t_start_s + words[-1].t_end_s) / 2
    # the widest pause; without one a comma; else the middle
    cut = min(
        range(len(pauses)),
        key=lambda i: (-round(pauses[i][0], 1), not pauses[i][1], abs(words[i].t_end_s - middle)),
    )
    return shorten(words[: cut + 1], longest_s) + shorten(words[cut + 1 :], longest_s)
