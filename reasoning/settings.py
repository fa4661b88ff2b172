"""Settings of the answering."""

from __future__ import annotations

from pydantic import Field

from runtime.config import Settings


class AnswerSettings(Settings):
    candidates: int = Field(default=24, ge=1, le=200)
    """Records that are retrieved and weighed for one question."""
    passages: int = Field(default=8, ge=0, le=100)
    """How many of the best utterances are read together with those around them."""
    evidence: int = Field(default=5, ge=1, le=20)
    """Records that are shown with an answer."""
    support_threshold: float = Field(default=0.33, gt=0, lt=1)
    """Below this probability a statement does not count as an answer."""
    moment_threshold: float = Field(default=0.25, gt=0, lt=1)
    """The same for "when was it shown or said", which asks for no attribute that could be missing."""
    moments: int = Field(default=3, ge=1, le=10)
    """Moments that a "when" answer names at most."""
    prompt_tokens: int = Field(default=1500, ge=200)
    """Budget of the whole prompt, images included."""
    image_tokens: int = Field(default=300, ge=1)
    """What one image is reckoned at where the engine does not say."""
    images: int = Field(default=6, ge=0, le=64)
    """Frames that go with a question to a vision model at most."""
    answer_tokens: int = Field(default=256, ge=8)
    short_answer_tokens: int = Field(default=24, ge=4)
    """Length of what a small text model may write."""
    rounds: int = Field(default=2, ge=1, le=5)
    """How often a capable model may look into the memory again."""
    frames_for_evidence: bool = True
