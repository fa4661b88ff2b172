"""Perceive one video and remember it: the batch pipeline, in which nothing is ever dropped."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from memory import MemoryWriter, People, ResumePoint, SourceInfo, Store
from perception.audio.stages import SpeechEvent, TranscribeStage, VadStage
from perception.audio.vad import SileroVad
from perception.sources.file import FileSource, MediaInfo
from perception.vision.ocr import ReadStage
from perception.vision.sampling import SampleStage
from perception.vision.stages import EncodeStage
from runtime.app.models import Models
from runtime.app.settings import AppSettings
from runtime.channel import Channel, Policy
from runtime.clock import WallClock
from runtime.compute import Compute
from runtime.errors import InputError
from runtime.messages import AudioChunk, SampledFrame, VideoFrame
from runtime.metrics import Metrics
from runtime.models import FaceEncoder, VisionEncoder, VoiceEncoder
from runtime.session import Session
from runtime.stage import Stage

Progress = Callable[[float, float | None], None]


@dataclass(frozen=True, slots=True)
class IngestReport:
    """seconds: wall time of this run. resumed_s: media seconds that were known before it."""

    path: Path
    source: str
    duration_s: float
    seconds: float
    resumed_s: float
    already: bool
    warnings: tuple[str, ...]

    @property
    def real_time_factor(self) -> float:
        new = self.duration_s - self.resumed_s
        return self.seconds / new if new > 0 else 0.0


async def ingest(
    path: Path,
    store: Store,
    models: Models,
    settings: AppSettings,
    compute: Compute,
    metrics: Metrics,
    clock: WallClock,
    progress: Progress,
    people: People | None = None,
) -> IngestReport:
    """people: of the store, shared by all that write into it; without it this run opens its own.

    Raises MediaError, ModelError and MemoryStoreError; InputError: two lengths of a chapter, by which what is written when
    would hang on chance. Cancelled, it commits what is whole and ends."""
    seen_s, kept_s = settings.video.chapter_s, settings.memory.chapter_s
    if seen_s != kept_s:
        raise InputError(f"video.chapter_s ({seen_s:g}) and memory.chapter_s ({kept_s:g}) must be the same")
    began = clock.now()
    source = FileSource(path, settings.source)
    info = await compute.run("decode", source.probe)
    point = await store.resume_point(info.source_id)
    known_s = _known_s(point, info)
    if point.complete:
        return IngestReport(path, info.source_id, info.duration_s or 0.0, 0.0, known_s, True, ())
    encoder = await models.text_encoder()
    vision = await models.vision.to_perceive(store) if info.has_video else None
    voices = await models.voice_encoder() if info.has_audio else None
    about = SourceInfo(
        id=info.source_id,
        path=_absolute(path),
        fingerprint=info.fingerprint,
        duration_s=info.duration_s,
        has_audio=info.has_audio,
        has_video=info.has_video,
        settings_hash=_settings_hash(settings, voices.name if voices is not None else ""),
        vision_model=vision.name if vision is not None else None,
        added_at_s=clock.wall(),
    )
    if people is None:
        people = await People.open(store, compute, settings.memory.voices, settings.memory.faces)
    writer = MemoryWriter(store, encoder, compute, settings.memory, about, people=people)
    run = _Run(models, settings, compute, Session(clock, metrics), clock, info.source_id)
    video = run.see(vision, await models.face_encoder()) if vision is not None else None
    audio = run.hear(voices, point.said_done_s) if info.has_audio else None
    resume_s = point.video_done_s if point.video_done_s < inf else info.duration_s or 0.0
    run.decode(source, video, audio, resume_s)
    run.remember(writer)
    watcher = _Watcher(source, progress, info.duration_s)
    await watcher.during(run.session, clock)
    metrics.stage("decode").count(source.stats.frames_delivered)
    there_s = max(source.stats.video_end_s, source.stats.audio_end_s)
    duration = there_s if source.stats.truncated or not info.duration_s else info.duration_s
    warnings = tuple(dict.fromkeys(source.stats.warnings))
    return IngestReport(path, info.source_id, duration, clock.now() - began, known_s, False, warnings)


class _Run:
    """The stages of one run in its session, and the channels between them.

    The slow models are loaded by their stages, while the first pictures and sounds are on their way to them.
    """

    def __init__(
        self,
        models: Models,
        settings: AppSettings,
        compute: Compute,
        session: Session,
        clock: WallClock,
        source: str,
    ) -> None:
        self.session = session
        self._models = models
        self._settings = settings
        self._compute = compute
        self._clock = clock
        self._source = source
        self._percepts: Channel[Any] = self._channel("percepts", settings.pipeline.percepts)
        self._whole = False

    def see(self, vision: VisionEncoder, faces: FaceEncoder | None) -> Channel[VideoFrame]:
        """The channel that takes the pictures."""
        bounds, percepts, compute = self._settings.pipeline, self._percepts, self._compute
        frames: Channel[VideoFrame] = self._channel("video", bounds.frames)
        to_encode: Channel[SampledFrame] = self._channel("frames", bounds.frames)
        to_read: Channel[SampledFrame] = self._channel("frames to read", bounds.frames_to_read)
        sampler = SampleStage(compute, self._settings.video)
        encode = EncodeStage(compute, vision, self._settings.vision, faces=faces, ended=self._ended)

        async def read() -> None:
            reader = await self._models.reader()
            reading = ReadStage(compute, reader, self._source, self._settings.read, ended=self._ended)
            await reading.run(to_read, percepts)

        self._stage(
            "sample", lambda: sampler.run(frames, (to_encode, to_read)), (frames,), (to_encode, to_read)
        )
        self._stage("vision", lambda: encode.run(to_encode, percepts), (to_encode,), (percepts,))
        self._stage("ocr", read, (to_read,), (percepts,))
        return frames

    def hear(self, voices: VoiceEncoder | None, skip_before_s: float) -> Channel[AudioChunk]:
        """The channel that takes the sound. skip_before_s: what was said before is known."""
        bounds, percepts, compute = self._settings.pipeline, self._percepts, self._compute
        sound: Channel[AudioChunk] = self._channel(
            "audio", bounds.audio_queue_ms, weigh=lambda chunk: chunk.duration_s * 1000.0
        )
        speech: Channel[SpeechEvent] = self._channel("speech", bounds.speech)
        vad = VadStage(compute, SileroVad(), self._settings.audio, ended=self._ended)

        async def transcribe() -> None:
            hearing = TranscribeStage(
                compute,
                await self._models.transcriber(),
                self._settings.audio,
                self._source,
                second=await self._models.second_transcriber(),
                voices=voices,
                skip_before_s=skip_before_s,
            )
            await hearing.run(speech, percepts)

        self._stage("vad", lambda: vad.run(sound, speech), (sound,), (speech,))
        self._stage("transcribe", transcribe, (speech,), (percepts,))
        return sound

    def decode(
        self,
        source: FileSource,
        video: Channel[VideoFrame] | None,
        audio: Channel[AudioChunk] | None,
        resume_video_s: float,
    ) -> None:
        async def decode() -> None:
            await source.run(video, audio, self._compute, resume_video_s=resume_video_s)
            self._whole = True

        outboxes = [channel for channel in (video, audio) if channel is not None]
        self._stage("decode", decode, outboxes=outboxes, source=True)

    def remember(self, writer: MemoryWriter) -> None:
        async def remember() -> None:
            await writer.run(self._percepts)

        self._stage("memory", remember, (self._percepts,))

    def _ended(self) -> bool:
        """All of the source was decoded."""
        return self._whole

    def _channel(self, name: str, bound: float, **extra: Any) -> Channel[Any]:
        return Channel(name, bound, Policy.BLOCK, clock=self._clock, **extra)

    def _stage(
        self,
        name: str,
        run: Callable[[], Awaitable[None]],
        inboxes: Sequence[Channel[Any]] = (),
        outboxes: Sequence[Channel[Any]] = (),
        source: bool = False,
    ) -> None:
        self.session.add(
            Stage(name, run, inboxes=inboxes, outboxes=outboxes, essential=True, restarts=0, source=source)
        )


class _Watcher:
    """Tells how far the source is, four times a second, while a session runs."""

    def __init__(self, source: FileSource, progress: Progress, duration_s: float | None) -> None:
        self._source = source
        self._progress = progress
        self._duration_s = duration_s

    async def during(self, session: Session, clock: WallClock) -> None:
        async def tick() -> None:
            while True:
                self._progress(self._source.position_s, self._duration_s)
                await clock.sleep(0.25)

        task = asyncio.create_task(tick(), name="progress")
        try:
            await session.run()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self._progress(self._source.position_s, self._duration_s)


def _known_s(point: ResumePoint, info: MediaInfo) -> float:
    marks = [
        mark
        for mark, there in ((point.video_done_s, info.has_video), (point.said_done_s, info.has_audio))
        if there
    ]
    return min(min(marks, default=0.0), info.duration_s or 0.0)


def _absolute(path: Path) -> str:
    """A file name may hold bytes that are no text; a table cannot."""
    return os.fsencode(os.path.abspath(path)).decode("utf-8", "replace")


def _settings_hash(settings: AppSettings, voices: str) -> str:
    """Of everything that shapes the records: a memory half written with one set is not finished with another.

    Not of the choice of the vision encoder: a memory keeps to the one it was begun with.
    """
    vision = settings.vision.model_dump_json(include={"thumbnail_side", "thumbnail_quality"})
    parts = (
        settings.source,
        settings.video,
        settings.read,
        settings.audio,
        settings.memory.chapter_s,
    )
    text = "\n".join(p.model_dump_json() if not isinstance(p, float) else repr(p) for p in parts)
    return hashlib.sha256(f"{vision}\n{voices}\n{text}".encode()).hexdigest()[:16]
