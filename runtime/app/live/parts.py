"""What all sessions of a server share."""

from __future__ import annotations

from dataclasses import dataclass

from memory import Memory, People, Store
from memory.settings import MemorySettings
from reasoning.answer import Answerer
from reasoning.captions import Captioner
from reasoning.engine import Reasoner
from reasoning.language import Language
from runtime.app.live.settings import LiveSettings
from runtime.app.live.telemetry import TurnSpans
from runtime.app.settings import AppSettings
from runtime.clock import WallClock
from runtime.compute import Compute
from runtime.metrics import Metrics
from runtime.models import (
    FaceEncoder,
    TextEncoder,
    TextReader,
    Transcriber,
    TurnDetector,
    VisionEncoder,
    Voice,
    VoiceEncoder,
)


@dataclass(frozen=True, slots=True)
class Parts:
    """vision, reader: None where they are not there."""

    store: Store
    memory: Memory
    answerer: Answerer
    text_encoder: TextEncoder
    transcriber: Transcriber
    turn_detector: TurnDetector | None
    vision: VisionEncoder | None
    reader: TextReader | None
    language: Language
    voice: Voice | None
    reasoner: str
    compute: Compute
    metrics: Metrics
    clock: WallClock
    app: AppSettings
    live: LiveSettings
    people: People
    voices: VoiceEncoder | None = None
    faces: FaceEncoder | None = None
    captioner: Captioner | None = None
    engine: Reasoner | None = None
    spans: TurnSpans | None = None

    def memory_settings(self) -> MemorySettings:
        """What is said is written at once, and without secrets unless they are wanted."""
        memory = self.app.memory
        secrets = "redact" if memory.secrets == "auto" else memory.secrets
        changes = {"chapter_s": self.live.chapter_s, "said_commit_s": 0.001, "secrets": secrets}
        return memory.model_copy(update=changes)

    def models(self) -> dict[str, str]:
        """What a person is shown of them."""
        return {
            "asr": self.transcriber.name,
            "vision": self.vision.name if self.vision is not None else "none",
            "reasoner": self.reasoner,
            "voice": self.voice.name if self.voice is not None else "browser",
            "speakers": self.voices.name if self.voices is not None else "none",
            "faces": self.faces.name if self.faces is not None else "none",
        }
