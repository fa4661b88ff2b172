"""What live hearing says: a turn begins, what is being said, what was said, and that the turn is over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from runtime.messages import Samples, SpeechStart, Utterance, Watermark

EndReason = Literal["model", "silence", "closed"]


@dataclass(frozen=True, slots=True)
class Partial:
    """What is being said, as far as it is understood.

    t_start_s: start of the part of the turn that it belongs to. t_s: sound up to there was transcribed.
    text[:stable] stays as it is in all later partials of this part; the rest may still change.
    """

    t_start_s: float
    t_s: float
    text: str
    stable: int


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A part of a turn that goes on: the speaker paused, or has been speaking for long.

    samples: (n,) float32 mono at 16 kHz, the sound of the part, for telling voices apart; t_start_s: of the first.
    """

    utterance: Utterance
    samples: Samples
    t_start_s: float


@dataclass(frozen=True, slots=True, eq=False)
class TurnEnd:
    """The speaker has finished.

    t_start_s: start of the last part of the turn. t_end_s: when speech stopped. speech_s: how much of it is speech.
    utterance: the last part; its text is "" where there were no words: a cough, a door, a false alarm.
    earlier: the words of the parts before, "" when there are none. A turn that is taken up again right after its
        end is the same turn: its TurnEnd comes again, with what was already said in `earlier`.
    end_probability: what the end-of-turn model said last; None without a model.
    doubtful: too little speech, or too improbable words, to act on without a doubt.
    samples: (n,) float32 mono at 16 kHz, the sound of the last part.

    Where the time since the last word went, in seconds: vad_s until the speaker was taken to pause (media time),
    end_of_turn_s until the pause was taken for the end, asr_s until the words were there, 0 when they already were.
    """

    t_start_s: float
    t_end_s: float
    speech_s: float
    utterance: Utterance
    earlier: str
    reason: EndReason
    end_probability: float | None
    doubtful: bool
    samples: Samples
    vad_s: float
    end_of_turn_s: float
    asr_s: float

    @property
    def text(self) -> str:
        """All that was said in the turn."""
        return f"{self.earlier} {self.utterance.text}".strip()


HearingEvent = SpeechStart | Partial | Heard | TurnEnd | Watermark
"""A Watermark("said") among them: every part that starts before it has been said."""
