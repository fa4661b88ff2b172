"""A running transcript that does not flicker."""

from __future__ import annotations

import re
from collections.abc import Sequence

from runtime.messages import Word

_SLACK_S = 0.1


class Agreement:
    """What two hypotheses in a row agree on stays as it is (LocalAgreement-2: Liu et al., 2020; Machacek et al.,
    2023)."""

    def __init__(self) -> None:
        self._settled: list[Word] = []
        self._before: Sequence[Word] = ()

    def update(self, words: Sequence[Word]) -> tuple[str, int]:
        """The newest hypothesis, from the start of the sound on. Returns text, and how much of it stays."""
        rest = self._rest(words)
        agreed = 0
        for old, new in zip(self._rest(self._before), rest, strict=False):
            if _plain(old) != _plain(new):
                break
            agreed += 1
        self._settled += rest[:agreed]
        self._before = words
        text = "".join(w.text for w in (*self._settled, *rest[agreed:]))
        left = text.lstrip()
        stable = len("".join(w.text for w in self._settled)) - (len(text) - len(left))
        return left.rstrip(), max(0, min(stable, len(left.rstrip())))

    def _rest(self, words: Sequence[Word]) -> list[Word]:
        """The words after the settled ones: by number where those are the same, else by time."""
        n = len(self._settled)
        if [_plain(w) for w in words[:n]] == [_plain(w) for w in self._settled]:
            return list(words[n:])
        end_s = self._settled[-1].t_end_s
        return [w for w in words if w.t_start_s >= end_s - _SLACK_S]


def _plain(word: Word) -> str:
    return re.sub(r"\W+", "", word.text.casefold())
