"""How much a message tells by itself: the rarity of its words among the messages that may be seen.

"Thanks, that's so cool!" is near to many questions and answers none. A word's information is its inverse frequency (Sparck
Jones, 1972); what is rare where it is said was worth keeping (SirLLM's entropy, Titans' surprise). It is counted when a
question comes, over the visible messages and nothing else, so that `as_of` stays exact.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from memory.segment import Floats, Ints, Segment

_MEAN, _MOST = 0.6, 0.4
"""What the mean over a message's words counts, and what the rarest of them."""


class Rarity:
    """Counts the words of messages; a message's own first word, the name of its speaker, is not counted.

    counts: how often each word of the vocabulary stands in so many messages.
    """

    def __init__(self, counts: Ints | None = None, messages: int = 0) -> None:
        self.counts: Ints = np.zeros(0, np.int64) if counts is None else counts
        self._messages = messages

    def add(self, segment: Segment, rows: Ints, named: NDArray[np.bool_], words: int) -> None:
        """rows: of new messages, in their segment. words: how many the vocabulary has by now."""
        counts = np.bincount(_words([segment], rows, named)[0], minlength=words)
        counts[: len(self.counts)] += self.counts
        self.counts = counts
        self._messages += len(rows)

    def of(
        self,
        segments: Sequence[Segment],
        rows: Ints,
        named: NDArray[np.bool_],
        visible: tuple[Ints, NDArray[np.bool_]] | None,
    ) -> Floats:
        """In [0, 1], of each of these rows, ascending. visible: the rows that count, None for all; each with whether its first
        word is a name."""
        counts, messages = self.counts, self._messages
        if visible is not None:
            counts = np.bincount(_words(segments, *visible)[0], minlength=len(self.counts))
            messages = len(visible[0])
        words, lengths = _words(segments, rows, named)
        out = np.zeros(len(rows))
        some = np.flatnonzero(lengths)
        if not len(some):
            return out
        rare = np.log1p(messages / (counts + 0.5))[words] / np.log1p(messages / 0.5)
        begin = (np.cumsum(lengths) - lengths)[some]
        mean = np.add.reduceat(rare, begin) / lengths[some]
        out[some] = _MEAN * mean + _MOST * np.maximum.reduceat(rare, begin)
        return out


def _words(
    segments: Sequence[Segment], rows: Ints, named: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], Ints]:
    """All words of these rows, and how many each has. rows: ascending, through all segments."""
    words, counted, first, at = [np.zeros(0, np.int32)], [np.zeros(0, np.int64)], 0, 0
    for segment in segments:
        until = int(np.searchsorted(rows, first + len(segment)))
        mine = rows[at:until] - first
        begin = segment.starts[mine] + named[at:until]
        lengths = np.maximum(segment.starts[mine + 1] - begin, 0)
        before = np.cumsum(lengths) - lengths
        words.append(segment.tokens[np.repeat(begin - before, lengths) + np.arange(int(lengths.sum()))])
        counted.append(lengths)
        first, at = first + len(segment), until
    return np.concatenate(words), np.concatenate(counted)
