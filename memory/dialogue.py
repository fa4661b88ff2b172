"""Messages of conversations in the search index: each is weighed together with what stands around it.

A turn often means nothing without the one it answers, and a session says what its turns are about. So words are counted
in three ranges (the turn with the one before, a window of five, the session) and meanings in two (a message's best
sentence, a window of five). All of it is counted when a question comes, over the messages visible to it and
nothing else, so that `as_of` stays exact; nothing is stored for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

PAIR, WINDOW = (-1, 0), (-2, 2)
_REACH = 2
_K1, _B = 1.2, 0.75
_USUAL_TURN, _USUAL_SESSION = 12.0, 300.0
"""BM25's average lengths in tokens, fixed, because counted ones would know the future."""
_LONG = 4.0
"""log(1 + tokens) of a message as long as they come."""

TIME_WORDS = """yesterday today tomorrow tonight last next ago week weekend month year morning evening recently monday
    tuesday wednesday thursday friday saturday sunday january february march april june july august september october
    november december since day"""


@dataclass(frozen=True, slots=True, eq=False)
class Messages:
    """Arrays over n messages. row: of its key in the index, ascending; end: the row after its last sentence's.

    first: token id of the speaker's name, -1 where nobody is named. timed: has a word of time in it.
    """

    row: Ints
    end: Ints
    session: NDArray[np.int32]
    source: NDArray[np.int32]
    t_start_s: Floats
    known_at_s: Floats
    length: NDArray[np.int32]
    first: NDArray[np.int32]
    timed: Bools

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Of candidate messages, each in [0, 1] but for length. number: which messages they are."""

    number: Ints
    pair: Floats
    window: Floats
    session: Floats
    speaker: Floats
    length: Floats
    timed: Floats
    dated: Floats
    opening: Floats


@dataclass(frozen=True, slots=True)
class Posting:
    """In which messages a token stands, ascending, and how often."""

    messages: Ints
    counts: Floats

    def at(self, numbers: Ints) -> Floats:
        """How often it stands in each of these messages."""
        if not len(self.messages):
            return np.zeros(numbers.shape)
        place = np.minimum(np.searchsorted(self.messages, numbers), len(self.messages) - 1)
        return np.where(self.messages[place] == numbers, self.counts[place], 0.0)


class Dialogue:
    """The messages of an index, in the order of their rows, and which of them are neighbours."""

    def __init__(self) -> None:
        wide, narrow, times = np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0)
        self.messages = Messages(
            wide, wide, narrow, narrow, times, times, narrow, narrow, np.zeros(0, np.bool_)
        )
        self._number = np.zeros(0, np.int32)
        self._order = np.zeros(0, np.int64)
        self._place = np.zeros(0, np.int64)
        self._lengths: Floats = np.zeros(0)
        self._sessions: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.messages)

    @property
    def sessions(self) -> list[str]:
        """Their names, in the order of their numbers."""
        return list(self._sessions)

    def session_number(self, name: str) -> int:
        return self._sessions.setdefault(name, len(self._sessions))

    def add(self, new: Messages, rows: int) -> None:
        """new: messages whose rows follow all those there are; rows: of the whole index by now."""
        number = np.full(rows - len(self._number), -1, np.int32)
        number[new.row - len(self._number)] = np.arange(len(self), len(self) + len(new))
        self._number = np.concatenate([self._number, number])
        if not len(new):
            return
        old = self.messages
        self.messages = Messages(
            *(np.concatenate([getattr(old, f.name), getattr(new, f.name)]) for f in fields(Messages))
        )
        m = self.messages
        # Sessions are numbered as they come, so what is appended is nearly sorted already.
        self._order = np.lexsort((np.arange(len(m)), m.t_start_s, m.session))
        self._place = np.empty_like(self._order)
        self._place[self._order] = np.arange(len(m))
        self._lengths = _sums(m.session, m.length, len(self._sessions))

    def of_rows(self, rows: Ints) -> Ints:
        """Numbers of the messages whose key or sentence these rows are, ascending."""
        owner = np.searchsorted(self.messages.row, rows, side="right") - 1
        return np.unique(owner[(owner >= 0) & (rows < self.messages.end[owner])])

    def in_rows(self, rows: Ints) -> Ints:
        """For each row, which message's key it is, or -1."""
        return self._number[rows].astype(np.int64)

    def visible(self, as_of_s: float, sources: NDArray[np.int32] | None) -> Bools | None:
        """None where all are."""
        if as_of_s == np.inf and sources is None:
            return None
        mask = self.messages.known_at_s <= as_of_s
        if sources is None:
            return mask
        wanted = np.zeros(int(max(self.messages.source.max(initial=0), sources.max(initial=0))) + 1, np.bool_)
        wanted[sources] = True
        return np.asarray(mask & wanted[self.messages.source])

    def around(self, numbers: Ints, visible: Bools | None) -> Ints:
        """(2 * reach + 1, n): the visible messages from two before to two after in the same session, -1 for none."""
        order, place = self._order, self._place
        if visible is not None:
            keep = visible[order]
            order = order[keep]
            place = (np.cumsum(keep) - 1)[place]
        out = np.full((2 * _REACH + 1, len(numbers)), -1, np.int64)
        sessions = self.messages.session
        for step in range(-_REACH, _REACH + 1):
            at = place[numbers] + step
            inside = (at >= 0) & (at < len(order))
            near = order[np.where(inside, at, 0)]
            inside &= sessions[near] == sessions[numbers]
            out[step + _REACH, inside] = near[inside]
        return out

    def features(
        self,
        numbers: Ints,
        near: Ints,
        postings: Sequence[Posting],
        first_ids: Sequence[int],
        visible: Bools | None,
        span_s: tuple[float, float] | None,
        asks_when: bool,
        role: int,
    ) -> Features:
        """numbers: the candidates, near: `around` of them. postings: of the question's tokens, visible messages only.
        first_ids: the token ids of the question, in the same order. role: token id of the speaker whom it means if it names
        none, -1 for nobody."""
        m = self.messages
        count = len(m) if visible is None else int(visible.sum())
        lengths = self._lengths
        if visible is not None:
            kept = np.flatnonzero(visible)
            lengths = _sums(m.session[kept], m.length[kept], len(self._sessions))
        sessions = int((lengths > 0).sum())
        size = np.where(near >= 0, m.length[near], 0)
        mine = m.session[numbers]
        drag = _K1 * (1 - _B + _B * lengths[mine] / _USUAL_SESSION)
        pair, window, session = (np.zeros(len(numbers)) for _ in range(3))
        ideal = ideal_session = 0.0
        named: list[int] = []
        for posting, first in zip(postings, first_ids, strict=True):
            weight = _idf(count, len(posting.messages))
            ideal += weight
            found = posting.at(near)
            for score, span in ((pair, PAIR), (window, WINDOW)):
                score += weight * _saturated(_over(found, span), _over(size, span), span)
            by_session = _sums(m.session[posting.messages], posting.counts, len(self._sessions))
            weight = _idf(sessions, int((by_session > 0).sum()))
            ideal_session += weight
            here = by_session[mine]
            session += weight * here * (_K1 + 1) / (here + drag)
            if first >= 0 and bool((m.first[posting.messages] == first).any()):
                named.append(first)
        if not named and role >= 0:
            known = m.first if visible is None else m.first[visible]
            named = [role] if bool((known == role).any()) else []
        speaker = np.full(len(numbers), 0.5)
        if len(named) == 1:
            speaker = (m.first[numbers] == named[0]).astype(np.float64)
        return Features(
            number=numbers,
            pair=pair / (ideal * (_K1 + 1)) if ideal else pair,
            window=window / (ideal * (_K1 + 1)) if ideal else window,
            session=session / (ideal_session * (_K1 + 1)) if ideal_session else session,
            speaker=speaker,
            length=np.log1p(m.length[numbers]) / _LONG,
            timed=m.timed[numbers].astype(np.float64) if asks_when else np.zeros(len(numbers)),
            dated=_dated(m.t_start_s[numbers], span_s),
            opening=(near[0] < 0).astype(np.float64),
        )


def _sums(groups: NDArray[np.int32], values: NDArray[Any], count: int) -> Floats:
    """The sum of whole numbers in each of so many groups."""
    return np.bincount(groups, values, minlength=count).astype(np.float64)


def _idf(count: int, documents: int) -> float:
    return log(1.0 + (count - documents + 0.5) / (documents + 0.5))


def _over(values: NDArray[np.generic], span: tuple[int, int]) -> Floats:
    part = values[span[0] + _REACH : span[1] + _REACH + 1]
    return np.asarray(part.sum(axis=0), dtype=np.float64)


def _saturated(count: Floats, length: Floats, span: tuple[int, int]) -> Floats:
    """BM25's term part for a range of messages taken as one text."""
    usual = _USUAL_TURN * (span[1] - span[0] + 1)
    drag = _K1 * (1 - _B + _B * np.maximum(length, 1.0) / usual)
    return np.asarray(count * (_K1 + 1) / (count + drag))


def _dated(t_s: Floats, span_s: tuple[float, float] | None) -> Floats:
    """1 within the span; outside it falls off over a month, as people date things loosely, or over two days, where the span
    itself is no longer than one ("yesterday").
    """
    if span_s is None:
        return np.zeros(len(t_s))
    away = np.maximum(np.maximum(span_s[0] - t_s, t_s - span_s[1]), 0.0)
    days = 15 if span_s[1] - span_s[0] > 86400.0 else 1
    return np.asarray(np.exp(-away / (days * 86400.0)))
