"""Settings of the answering and the speaking."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from runtime.config import Settings


class AnswerSettings(Settings):
    facts: bool = True
    """What was consolidated counts where a question asks for a fact (reasoning/known.py)."""
    candidates: int = Field(default=24, ge=1, le=200)
    """Records that are retrieved and weighed for one question."""
    passages: int = Field(default=8, ge=0, le=100)
    """How many of the best utterances are read together with those around them."""
    evidence: int = Field(default=5, ge=1, le=20)
    """Records that are shown with an answer."""
    support_threshold: float = Field(default=0.28, gt=0, lt=1)
    """Below this probability a statement does not count as an answer."""
    moment_threshold: float = Field(default=0.25, gt=0, lt=1)
    """The same for "when was it shown or said", which asks for no attribute that could be missing."""
    moments: int = Field(default=3, ge=1, le=10)
    """Moments that a "when" answer names at most."""
    prompt_tokens: int = Field(default=3000, ge=500)
    """Budget of the whole prompt of a capable model, images included."""
    image_tokens: int = Field(default=300, ge=1)
    """What one image is reckoned at where the engine does not say."""
    images: int = Field(default=6, ge=0, le=64)
    """Frames that go with a question to a vision model at most."""
    answer_tokens: int = Field(default=256, ge=8)
    short_prompt_tokens: int = Field(default=250, ge=100)
    short_answer_tokens: int = Field(default=24, ge=4)
    """What a small text model may read and write."""
    readings: int = Field(default=4, ge=1, le=16)
    """How many of the best moments a model that reads is given, each by itself."""
    reading_timeout_s: float = Field(default=30.0, gt=0)
    """How long it may take for all of them; after that words and vectors alone judge."""
    rounds: int = Field(default=2, ge=1, le=5)
    """How often a capable model is asked at most: once, and again after each look into the memory that it wants."""


class SpeechSettings(Settings):
    voice: Literal["auto", "neural", "espeak", "browser"] = "auto"
    """auto: the neural voice when its weights are here, else espeak-ng, else the browser's own."""
    model: str = "piper-joe"
    """Of the neural voice: a name of configs/models.toml, or a .onnx file or a folder with a voice of piper's."""
    accent: str = "en-us"
    """espeak-ng's name of the voice that speaks (`espeak-ng --voices`)."""
    words_per_minute: int = Field(default=170, ge=80, le=450)
    threads: int = Field(default=2, ge=1, le=16)
    """CPU threads of the neural voice."""
    patience_s: float = Field(default=5.0, gt=0)
    """How long a voice may take for its next piece of sound."""
