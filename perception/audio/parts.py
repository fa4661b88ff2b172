"""The parts of a turn: what has been heard of each, and the words that are its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from perception.audio.hearing_events import EndReason
from perception.audio.segmenter import WINDOW
from runtime.messages import Samples, Utterance


@dataclass(slots=True)
class Part:
    """A part of a turn; numbers are windows. continues: it is not the turn's first.

    end: after the last speech. tail: how much of what follows belongs to it. context: where the part before it starts,
    if it is short and just over: then both are heard together, and the words after `since` are its own.
    """

    start: int
    continues: bool
    end: int
    context: int
    since: int = 0
    tail: int = 0
    speech: int = 0
    probability: float | None = None
    looks: int = 0
    paused_at: float = 0.0


@dataclass(slots=True)
class ClosedPart:
    """A part that has ended. sound: with its context. resumed: speech came back so soon that the turn goes on."""

    part: Part
    reason: EndReason | Literal["part"]
    stop: int
    sound: Samples
    closed_at: float
    resumed: bool = False

    @property
    def samples(self) -> Samples:
        """Without the context."""
        return self.sound[-(self.stop - self.part.start) * WINDOW :]


def words_from(utterance: Utterance, t_s: float) -> Utterance | None:
    """What was said after t_s."""
    words = tuple(w for w in utterance.words if (w.t_start_s + w.t_end_s) / 2 >= t_s)
    if not words:
        return None
    return replace(
        utterance,
        text="".join(w.text for w in words).strip(),
        t_start_s=words[0].t_start_s,
        words=words,
        confidence=float(np.mean([w.probability for w in words])),
        alternatives=(),  # of the whole
    )
