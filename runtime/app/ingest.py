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
from runtime.messages import AudioChunk, SampledFrame, VideoFrame
from runtime.metrics import Metrics
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

    Raises MediaError, ModelError and MemoryStoreError. Cancelled, it commits what is whole and ends."""
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
    faces = await models.face_encoder() if info.has_video else None
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
    session = Session(clock, metrics)
    ended = False

    def whole() -> bool:
        return ended

    def channel(name: str, bound: float, **extra: Any) -> Channel[Any]:
        return Channel(name, bound, Policy.BLOCK, clock=clock, **extra)

    def stage(
        name: str,
        run: Callable[[], Awaitable[None]],
        inboxes: Sequence[Channel[Any]] = (),
        outboxes: Sequence[Channel[Any]] = (),
        source: bool = False,
    ) -> None:
        session.add(
            Stage(name, run, inboxes=inboxes, outboxes=outboxes, essential=True, restarts=0, source=source)
        )

    # The slow models are loaded by their stages, while the first pictures and sounds are on their way to them.
    bounds = settings.pipeline
    percepts = channel("percepts", bounds.percepts)
    outputs: list[Channel[Any]] = []
    video: Channel[VideoFrame] | None = None
    audio: Channel[AudioChunk] | None = None
    if vision is not None:
        frames = video = channel("video", bounds.frames)
        to_encode: Channel[SampledFrame] = channel("frames", bounds.frames)
        to_read: Channel[SampledFrame] = channel("frames to read", bounds.frames_to_read)
        sampler = SampleStage(compute, settings.video)
        encode = EncodeStage(compute, vision, settings.vision, faces=faces, ended=whole)

        async def read() -> None:
            reader = await models.reader()
            reading = ReadStage(compute, reader, info.source_id, settings.read, ended=whole)
            await reading.run(to_read, percepts)

        stage("sample", lambda: sampler.run(frames, (to_encode, to_read)), (video,), (to_encode, to_read))
        stage("vision", lambda: encode.run(to_encode, percepts), (to_encode,), (percepts,))
        stage("ocr", read, (to_read,), (percepts,))
        outputs.append(video)
    if info.has_audio:
        sound = audio = channel("audio", bounds.audio_queue_ms, weigh=lambda chunk: chunk.duration_s * 1000.0)
        speech: Channel[SpeechEvent] = channel("speech", bounds.speech)
        vad = VadStage(compute, SileroVad(), settings.audio, ended=whole)

        async def transcribe() -> None:
            hearing = TranscribeStage(
                compute,
                await models.transcriber(),
                settings.audio,
                info.source_id,
                second=await models.second_transcriber(),
                voices=voices,
                skip_before_s=point.said_done_s,
            )
            await hearing.run(speech, percepts)

        stage("vad", lambda: vad.run(sound, speech), (audio,), (speech,))
        stage("transcribe", transcribe, (speech,), (percepts,))
        outputs.append(audio)

    async def decode() -> None:
        nonlocal ended
        resume_s = point.video_done_s if point.video_done_s < inf else (info.duration_s or 0.0)
        await source.run(video, audio, compute, resume_video_s=resume_s)
        ended = True

    async def remember() -> None:
        await writer.run(percepts)

    stage("decode", decode, outboxes=outputs, source=True)
    stage("memory", remember, (percepts,))
    watcher = _Watcher(source, progress, info.duration_s)
    await watcher.during(session, clock)
    metrics.stage("decode").count(source.stats.frames_delivered)
    there_s = max(source.stats.video_end_s, source.stats.audio_end_s)
    duration = there_s if source.stats.truncated or not info.duration_s else info.duration_s
    warnings = tuple(dict.fromkeys(source.stats.warnings))
    return IngestReport(path, info.source_id, duration, clock.now() - began, known_s, False, warnings)


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
