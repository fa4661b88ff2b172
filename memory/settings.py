"""Settings of the memory. Unknown keys are errors."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt, field_validator

from memory.zone import zone_of
from runtime.config import Settings
from runtime.errors import InputError


class DialogueWeights(Settings):
    """What each thing counts that a message of a conversation and a question can have in common (memory/dialogue.py).

    Fitted by logistic regression on conversations, left out one at a time; rounded.
    """

    pair: float = 0.6
    window: float = 0.55
    session: float = 0.35
    topic: float = 0.6
    """Coarse to fine: the best sentence of the session speaks for all of it."""
    sentence: float = 0.5
    around: float = 0.5
    speaker: float = 0.3
    length: float = 0.4
    timed: float = 0.25
    dated: float = 0.65
    rare: float = 0.6
    """How rare its words are (memory/rarity.py): what thanks or cheers tells little."""
    opening: float = 0.04
    """One of the first two messages of its session: news is told first."""
    spread: float = Field(default=0.0125, ge=0)
    """What each better message of the same session (six at most) takes away, so that what is found comes from several."""
    router: float = Field(default=0.0, ge=0, le=1)
    """How much the ranges of words and meanings (the first six) count by how decided each is (memory/router.py). Off: it
    found less on LoCoMo (docs/decisions.md).
    """
    scale: float = Field(default=3.0, gt=0)
    """What the sum is divided by, so that it compares with the scores of what was seen and heard."""


class SearchSettings(Settings):
    """Weights of the fusion. Scores are w(kind) * (lexical + vector parts), times (1 + priors)."""

    lexical: float = Field(default=0.7, ge=0)
    vector: float = Field(default=0.3, ge=0)
    kinds: dict[str, float] = Field(
        default_factory=lambda: {
            "turn": 1.0,
            "pair": 0.9,
            "line": 1.0,
            "screen": 0.9,
            "seen": 0.7,
            "heard": 0.8,
        }
    )
    second_key: float = Field(default=0.5, ge=0, le=1)
    """Share of a record's second best kind of key that is added to its best one."""
    episode_prior: float = Field(default=0.3, ge=0)
    event_prior: float = Field(default=0.15, ge=0)
    near_prior: float = Field(default=0.25, ge=0)
    """What is added to the factor 1 of what was seen or heard in a time that the question names."""
    date_slack_days: tuple[float, float] = (2.0, 2.0)
    """Days before and after a time the question names that still count as within it (LongMemEval pads by two)."""
    exhaustive_keys: PositiveInt = 4096
    """Up to so many visible keys every one is scored by its vector; above, only the nearest sign codes
    are.
    """
    dialogue: DialogueWeights = Field(default_factory=DialogueWeights)
    speaker_prior: float = Field(default=0.6, ge=0)
    """What is added to the factor 1 of what was said by the person whom the question names."""
    things: bool = True
    """Whether a question that names a thing is also asked with its other names (memory/things.py)."""
    learn: bool = False
    """Whether what answers cite changes the ranking (memory/citations.py), of questions of now."""
    candidates: PositiveInt = 768
    """Keys kept of each of the two rankings (words, sign codes) in a memory larger than that."""


class VoiceMatchSettings(Settings):
    """When two voices are one. Likeness is the mean cosine with a person's nearest exemplars.

    A print of s seconds of speech is a person's from min(same, same_short + per_s * s) on, and somebody's whom nobody
    knows below min(other, other_short + per_s * s); in between it is unknown.
    """

    same: float = Field(default=0.78, ge=0, le=1)
    same_short: float = Field(default=0.73, ge=0, le=1)
    other: float = Field(default=0.74, ge=0, le=1)
    other_short: float = Field(default=0.66, ge=0, le=1)
    per_s: float = Field(default=0.02, ge=0)
    margin: float = Field(default=0.04, ge=0)
    """How much nearer than the next person, or than every person, it must be."""
    drop: float = Field(default=0.06, ge=0)
    """How much less alike than a person's other prints in the same recording are to each other."""
    long_s: PositiveFloat = 2.5
    least_s: PositiveFloat = 1.2
    found_s: PositiveFloat = 4.0
    """Speech that makes a new person at once; less does so when a second print is like it."""
    twin: float = Field(default=0.80, ge=0, le=1)
    twins_s: PositiveFloat = 3.0
    """How alike two unknown prints must be to be one new person, and how much speech they must have together."""
    name_weight: float = Field(default=0.08, ge=0)
    """What it counts that the speaker says to have this person's name; or another, who is known by a name."""
    exemplars: PositiveInt = 12
    nearest: PositiveInt = 3
    unknown: PositiveInt = 64
    """How many prints of a source back an unknown one is looked for."""


class FaceMatchSettings(VoiceMatchSettings):
    """When two faces are one; seconds are those that a face is to be seen. Measured in docs/decisions.md."""

    same: float = Field(default=0.93, ge=0, le=1)
    same_short: float = Field(default=0.93, ge=0, le=1)
    other: float = Field(default=0.91, ge=0, le=1)
    other_short: float = Field(default=0.91, ge=0, le=1)
    per_s: float = Field(default=0.0, ge=0)
    margin: float = Field(default=0.01, ge=0)
    drop: float = Field(default=1.0, ge=0)
    least_s: PositiveFloat = 1.0
    found_s: PositiveFloat = 2.0
    twin: float = Field(default=0.94, ge=0, le=1)
    twins_s: PositiveFloat = 2.0
    together_s: PositiveFloat = 6.0
    """How long a voice must be heard, in two utterances or more, while a face is alone to be seen, to be its."""
    least_voice: float = Field(default=0.66, ge=0, le=1)
    """How like a person's voice one that is not surely known must be, and more than to anybody's, to be theirs where their face
    is alone to be seen."""
    lead: float = Field(default=0.5, ge=0, le=1)
    """What must be left of that, as a share, when what speaks against it is taken off: others who speak while it is alone,
    and other faces that are alone while the voice speaks."""


class ConsolidationSettings(Settings):
    """What is made of the records when nothing else is to be done (memory/consolidation)."""

    when_idle: bool = True
    """In live and screen mode, by itself."""
    idle_s: PositiveFloat = 60.0
    """How long nobody must have asked or spoken before it begins."""
    batch: PositiveInt = 256
    """Records between two commits; between them it can be interrupted."""
    calls_per_hour: PositiveInt = 60
    tokens_per_hour: PositiveInt = 60_000
    """Of the language model, prompt and answer together, over any hour."""


class MemorySettings(Settings):
    """All of memory/. Bytes per hour are per hour of media."""

    chapter_s: PositiveFloat = 60.0
    """Must equal the chapters perception cuts: no video state, and no clip, crosses one."""
    said_commit_s: PositiveFloat = 30.0
    clip_min_s: PositiveFloat = 4.0
    clip_max_s: PositiveFloat = 16.0
    surprise: float = Field(default=0.3, gt=0, le=2)
    tags: PositiveInt = 50
    seen_tags: PositiveInt = 6
    """How many tags make the text of what was seen, and how probable each must be."""
    seen_probability: float = Field(default=0.03, ge=0, le=1)
    short_term_bytes_per_hour: int = Field(default=16_000_000, ge=0)
    short_term_horizon_s: PositiveFloat = 3600.0
    total_bytes: int = Field(default=0, ge=0)
    """Of the tables on disk, 0 for no limit. Over it, pictures and patch tokens fade, the weakest first
    (memory/retention.py); words never do.
    """
    event_bytes_per_hour: PositiveInt = 200_000
    event_similarity: float = Field(default=0.7, ge=-1, le=1)
    event_max_s: PositiveFloat = 180.0
    episode_s: PositiveFloat = 600.0
    synopsis_chars: PositiveInt = 400
    optimize_every: PositiveInt = 64
    """Commits between two compactions while a source is written."""
    secrets: Literal["auto", "redact", "vault", "keep"] = "auto"
    """What becomes of card numbers, keys and passwords that are heard or read: "redact" them (in the pictures too), move
    them to the "vault" (hearsight vault), or "keep" them. "auto": a file that you hand over is kept as it is, what is
    perceived live is redacted.
    """
    user: str = ""
    """Whose memory it is, by name: notes that nobody is named as the writer of are theirs."""
    timezone: str = ""
    """In which "yesterday" is meant, and times without a zone are read ("Europe/Oslo"). "": for questions that of this machine,
    for what is added that of the machine which made the memory.
    """
    consolidation: ConsolidationSettings = Field(default_factory=ConsolidationSettings)
    search: SearchSettings = Field(default_factory=SearchSettings)
    voices: VoiceMatchSettings = Field(default_factory=VoiceMatchSettings)
    faces: FaceMatchSettings = Field(default_factory=FaceMatchSettings)

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            zone_of(name)
        except InputError as error:
            raise ValueError(str(error)) from None
        return name
