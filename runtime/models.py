"""Narrow protocols of the models. All methods but Voice's are blocking compute: call them through runtime.compute."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from runtime.messages import Image, Samples, Utterance, Vector


class TextEncoder(Protocol):
    """Texts to unit vectors."""

    @property
    def name(self) -> str: ...
    @property
    def dim(self) -> int: ...
    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, dim) float32, each row of length 1."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class ImageFeatures:
    """vectors: (n, dim) unit, in the encoder's text space. appearance: (n, a) unit. patches: (n, p, dim) or None."""

    vectors: NDArray[np.float32]
    appearance: NDArray[np.float32]
    patches: NDArray[np.float16] | None
    tags: tuple[tuple[tuple[str, float], ...], ...]


class VisionEncoder(Protocol):
    """Images and texts into one space."""

    @property
    def name(self) -> str: ...
    @property
    def dim(self) -> int: ...
    def encode_images(self, images: Sequence[Image]) -> ImageFeatures: ...
    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, dim) float32 unit rows, comparable by dot product with ImageFeatures.vectors."""
        ...


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of text found in an image. box: (x0, y0, x1, y1) as fractions of width and height."""

    text: str
    confidence: float
    box: tuple[float, float, float, float]


class TextReader(Protocol):
    """OCR."""

    @property
    def name(self) -> str: ...
    def read(self, image: Image) -> tuple[TextLine, ...]:
        """Lines in reading order (top to bottom, then left to right)."""
        ...


class VoiceActivity(Protocol):
    """Streaming voice activity detection over 512-sample windows at 16 kHz. Stateful."""

    def reset(self) -> None: ...
    def probabilities(self, samples: Samples) -> Vector:
        """(n,) speech probability of each of n consecutive 512-sample windows; len(samples) == 512 * n."""
        ...


class Transcriber(Protocol):
    @property
    def name(self) -> str: ...
    def transcribe(self, samples: Samples, t_start_s: float) -> tuple[Utterance, ...]:
        """Utterances with word times, shifted so that samples[0] is at t_start_s. Empty for no speech."""
        ...


class TurnDetector(Protocol):
    """Has the speaker finished, or only paused? From the sound of the voice."""

    @property
    def name(self) -> str: ...
    def end_probability(self, samples: Samples) -> float:
        """Probability in [0, 1] that the turn ends with the last of these samples (its last seconds count)."""
        ...


class VoiceEncoder(Protocol):
    """Pieces of speech to unit vectors: those of one voice are near each other."""

    @property
    def name(self) -> str: ...
    @property
    def dim(self) -> int: ...
    def encode(self, pieces: Sequence[Samples]) -> NDArray[np.float32]:
        """(n, dim) float32, each row of length 1: the voice of each piece, which has at least one sample."""
        ...


@dataclass(frozen=True, slots=True)
class FaceBox:
    """box: (x0, y0, x1, y1) in pixels. quality: how clearly it is a face seen from the front, in [0, 1]."""

    box: tuple[float, float, float, float]
    quality: float


class FaceEncoder(Protocol):
    """Finds faces, and makes unit vectors of them: those of one person are near each other."""

    @property
    def name(self) -> str: ...
    @property
    def dim(self) -> int: ...
    def find(self, image: Image) -> tuple[FaceBox, ...]:
        """Clearest first."""
        ...

    def encode(self, image: Image, faces: Sequence[FaceBox]) -> NDArray[np.float32]:
        """(n, dim) float32, each row of length 1."""
        ...


class Voice(Protocol):
    """Texts to speech, in an event loop: a voice may be a program or a thread, and ends either when it is no longer heard."""

    @property
    def name(self) -> str: ...
    @property
    def sample_rate_hz(self) -> int: ...
    def speak(self, text: str) -> AsyncGenerator[NDArray[np.int16], None]:
        """Pieces of mono sound, (n,) each, as they are made. text: what reasoning.speech.speakable gives.

        Closing the generator, or cancelling the task that waits for a piece, stops the work at once and leaves nothing
        behind. How long a piece may take is the caller's to say. Raises VoiceError.
        """
        ...
