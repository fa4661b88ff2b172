"""All settings of the program, one section per module. Shipped values lie in configs/, a user's own go on top."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from memory.settings import MemorySettings
from perception.audio.settings import AudioSettings
from perception.settings import ReadSettings, SourceSettings, VideoSettings, VisionSettings
from reasoning.engine_settings import EngineSettings
from reasoning.settings import AnswerSettings, SpeechSettings
from runtime.app.live.settings import LiveSettings
from runtime.app.screen.settings import ScreenSettings
from runtime.app.serving.settings import ServeSettings
from runtime.config import Settings, load_settings
from runtime.errors import ConfigError


class PipelineSettings(Settings):
    """Bounds of the channels between the stages, in items; audio_queue_ms in milliseconds of sound.

    A reading takes as long as looking at ten pictures, and a transcription of half a minute's speech as long
    as looking at a hundred: with shorter queues before these two, all the others would wait for them.
    speech: about one item for each second of media, and its sound where somebody speaks (64 kB).
    """

    frames: int = 8
    frames_to_read: int = 32
    audio_queue_ms: int = 30_000
    speech: int = 256
    percepts: int = 64
    stop_deadline_s: float = 4.0


class AppSettings(Settings):
    pipeline: PipelineSettings = PipelineSettings()
    source: SourceSettings = SourceSettings()
    video: VideoSettings = VideoSettings()
    vision: VisionSettings = VisionSettings()
    read: ReadSettings = ReadSettings()
    audio: AudioSettings = AudioSettings()
    memory: MemorySettings = MemorySettings()
    answer: AnswerSettings = AnswerSettings()
    engine: EngineSettings = EngineSettings()
    speech: SpeechSettings = SpeechSettings()
    live: LiveSettings = LiveSettings()
    serve: ServeSettings = ServeSettings()
    screen: ScreenSettings = ScreenSettings()


def app_settings(config: Path | None, overrides: Sequence[str]) -> AppSettings:
    """The user's TOML file, then HEARSIGHT__SECTION__KEY, then --set section.key=value. Raises ConfigError."""
    files: list[Path] = []
    if config is not None:
        if not config.is_file():
            raise ConfigError(f"{config}: no such file")
        files.append(config)
    return load_settings(AppSettings, files, os.environ, overrides)


def default_memory() -> str:
    """HEARSIGHT_MEMORY, or a folder in the user's data directory."""
    named = os.environ.get("HEARSIGHT_MEMORY")
    if named:
        return named
    data = os.environ.get("XDG_DATA_HOME")
    base = Path(data) if data else Path.home() / ".local" / "share"
    return str(base / "hearsight" / "memory")
