"""What the stages say to each other.

All times are media seconds (float) from the session's or the file's zero, unless a name says otherwise.
Images are uint8 arrays of shape (height, width, 3) in RGB. Audio is float32 mono at 16 kHz in [-1, 1].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000

Image = NDArray[np.uint8]
Samples = NDArray[np.float32]
Vector = NDArray[np.float32]

Modality = Literal["said", "read", "seen"]


@dataclass(frozen=True, slots=True, eq=False)
class VideoFrame:
    """One decoded picture, upright (rotation applied). image: (H, W, 3) uint8 RGB."""

    t_s: float
    image: Image


@dataclass(frozen=True, slots=True, eq=False)
class AudioChunk:
    """Consecutive samples. samples: (n,) float32 mono at 16 kHz; t_s is the time of the first one."""

    t_s: float
    samples: Samples

    @property
    def duration_s(self) -> float:
        return len(self.samples) / SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True)
class SpeechStart:
    t_s: float


@dataclass(frozen=True, slots=True, eq=False)
class SpeechEnd:
    """A stretch of speech has ended. samples: (n,) float32 mono at 16 kHz, the whole stretch."""

    t_start_s: float
    t_end_s: float
    samples: Samples


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    t_start_s: float
    t_end_s: float
    probability: float


@dataclass(frozen=True, slots=True)
class Utterance:
    """What somebody said in one go. confidence: mean word probability in [0, 1].

    alternatives: other readings of the same sound, likeliest first.
    """

    text: str
    t_start_s: float
    t_end_s: float
    words: tuple[Word, ...] = ()
    speaker: str | None = None
    confidence: float = 1.0
    language: str | None = None
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class SampledFrame:
    """A frame the sampler chose to look at.

    chapter: number of the fixed stretch of media the frame belongs to; no video state crosses a chapter.
    change: share of tiles that changed since the previous sampled frame of the chapter, in [0, 1].
    read: text-like tiles have changed and settled, so text should be read now.
    """

    frame: VideoFrame
    chapter: int
    change: float
    read: bool


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A face in a picture. box: (x0, y0, x1, y1) as fractions of width and height. vector: (d,) unit float32.

    quality: how clearly it is one, seen from the front, in [0, 1]. model: name of the encoder.
    """

    box: tuple[float, float, float, float]
    vector: Vector
    quality: float
    model: str


@dataclass(frozen=True, slots=True, eq=False)
class FaceTrack:
    """One face through a clip. vector: (d,) unit float32, the mean of its looks by their quality.

    t_start_s to t_end_s: from the first look that shows it until the one that no longer does. t_s: the best look.
    looks: how many. quality: of the best one.
    """

    t_start_s: float
    t_end_s: float
    t_s: float
    looks: int
    quality: float
    vector: Vector
    model: str


@dataclass(frozen=True, slots=True, eq=False)
class FrameFeature:
    """What the vision encoder made of a sampled frame.

    vector: (d,) unit float32, in the space where the encoder also puts text.
    appearance: (a,) unit float32, for "does this look the same" (may equal vector).
    patches: (p, d) float16 patch tokens, or None where the encoder has none.
    tags: names with probabilities, most probable first.
    thumbnail: JPEG bytes of the frame (key frame candidate).
    faces: those in it; None where nobody looked for any.
    """

    t_s: float
    chapter: int
    vector: Vector
    appearance: Vector
    patches: NDArray[np.float16] | None
    tags: tuple[tuple[str, float], ...]
    thumbnail: bytes
    faces: tuple[Face, ...] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class VoicePrint:
    """The voice of an utterance. vector: (d,) unit float32, of all that this voice says in the same stretch of speech.

    stretch, voice: which stretch it was, and which of the voices in it. Two voices of one stretch are two speakers.
    known_at_s: end of the stretch. speech_s: how much sound the vector is of. quality: likeness of that sound's parts to
    each other, in [0, 1]. model: name of the encoder.
    """

    vector: Vector
    stretch: str
    voice: int
    known_at_s: float
    speech_s: float
    quality: float
    model: str


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing that was perceived. Append-only: an observation is never rewritten.

    id: the same for the same perception of the same source, so a second run adds nothing.
    source: id of the source (file, session) it comes from.
    known_at_s: from when on it was known (the end of an utterance, the first settled frame of a text).
        Nothing may use it for a question asked earlier.
    speaker: who said it, where that is known: the id of a person whom memory knows by voice, or a name.
    details: JSON-able extras: words with times (said), lines with boxes (read), tags (seen).
    voice: on its way to memory, which makes the speaker of it and keeps it in a table of its own.
    """

    id: str
    source: str
    modality: Modality
    text: str
    t_start_s: float
    t_end_s: float
    known_at_s: float
    confidence: float = 1.0
    speaker: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    voice: VoicePrint | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Watermark:
    """Everything of this stream before t_s has been delivered. stream: "vision", "read" or "said"."""

    stream: Literal["vision", "read", "said"]
    t_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """4 to 16 s of video as memory keeps it.

    vector: (d,) unit float32, the clip's global memory G.  appearance: (a,) unit float32.
    short_term: (frames, tokens, d) float16, the clip's short-term memory H, or None.
    surprise: 1 - cos(first frame, running mean of the clip before), 0 for the first clip.
    keyframe: JPEG bytes; keyframe_t_s its time. told_at_s: from when on it is known, where that is later than its end.
    """

    id: str
    source: str
    t_start_s: float
    t_end_s: float
    vector: Vector
    appearance: Vector
    short_term: NDArray[np.float16] | None
    tags: tuple[tuple[str, float], ...]
    surprise: float
    frames: int
    keyframe: bytes
    keyframe_t_s: float
    faces: tuple[FaceTrack, ...] = ()
    told_at_s: float | None = None

    @property
    def known_s(self) -> float:
        """From when on it is known."""
        return self.t_end_s if self.told_at_s is None else self.told_at_s


@dataclass(frozen=True, slots=True)
class Query:
    """A question. as_of_s: only what was known up to that second exists. sources: None means all.

    asked_at_s: Unix time at which it is asked, for "yesterday"; None where that is as_of_s or not known.
    """

    turn_id: str
    text: str
    as_of_s: float | None = None
    options: tuple[str, ...] = ()
    sources: tuple[str, ...] | None = None
    asked_at_s: float | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A moment that supports an answer. id is the record's id in memory; score in [0, 1].

    readings: other readings of what was said, likeliest first. speaker: what to call the one who says it, None where that
    is not known. named: that is a name. place: the file or picture that it stands in, None for what was said or on a screen.
    asked: the turn before it, of somebody else, where that asked a question: what it replies to.
    """

    id: str
    source: str
    modality: Modality
    text: str
    t_start_s: float
    t_end_s: float
    score: float = 0.0
    readings: tuple[str, ...] = ()
    speaker: str | None = None
    named: bool = False
    place: str | None = None
    asked: str = ""


@dataclass(frozen=True, slots=True)
class AnswerDelta:
    """The next piece of an answer's text, in order. Sinks drop deltas of a stale turn."""

    turn_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """text: what to tell the user. choice: index into Query.options, or None.

    engine: the model that wrote it, or None when the evidence itself is the answer.
    note: what the user should know about how it came to be (engine down, deadline), or "".
    """

    turn_id: str
    text: str
    evidence: tuple[Evidence, ...]
    abstained: bool
    choice: int | None = None
    latency_s: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    engine: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """What the agent says without being asked. watch: id of the watch that asked for it, or ""."""

    text: str
    t_s: float
    evidence: tuple[Evidence, ...] = ()
    watch: str = ""


@dataclass(frozen=True, slots=True)
class ScreenWindow:
    """A window on a monitor's picture. box: (x0, y0, x1, y1) in pixels of that picture; it may reach beyond it.

    program: the name of its class ("firefox"), pid: its process, 0 where unknown.
    """

    title: str
    program: str
    box: tuple[int, int, int, int]
    active: bool = False
    pid: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class ScreenFrame:
    """One look at one monitor. image: (H, W, 3) uint8 RGB, what is private blacked out already.

    windows: topmost first; None where the platform does not tell (a folder of screenshots).
    settled: nothing will come soon that shows the same text finished, so it is read as it is.
    """

    t_s: float
    image: Image
    monitor: int = 0
    windows: tuple[ScreenWindow, ...] | None = None
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """From when to when something that was recorded stood on the screen.

    record: its id. line: number of the line in the record's text, -1 for all of it. A line that comes back has
    several: each is told when it begins, with an end of inf, and again when its end is known.
    """

    record: str
    source: str
    t_start_s: float
    t_end_s: float
    line: int = -1


@dataclass(frozen=True, slots=True, eq=False)
class ScreenPicture:
    """Evidence: a small picture of a monitor (AVIF), secrets blacked out. under_s: when the picture of the same monitor
    was taken that it rests on: that one shows where this is transparent, and all of it where data is empty.
    """

    source: str
    t_s: float
    monitor: int
    data: bytes
    under_s: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ScreenReading:
    """What one look at the screen gave. until_s: everything before that has been looked at."""

    observations: tuple[Observation, ...]
    standings: tuple[Standing, ...]
    pictures: tuple[ScreenPicture, ...]
    until_s: float
