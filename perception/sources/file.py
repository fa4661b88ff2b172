"""A media file as two streams of media time: pictures and sound, decoded together in one pass."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from perception.settings import SourceSettings
from perception.sources.decoding import SourceStats
from perception.sources.demuxing import Kind, Pass, Turn, duration_of, streams_of
from runtime.channel import Channel
from runtime.compute import Compute, ComputeClosed
from runtime.errors import MediaError
from runtime.messages import AudioChunk, VideoFrame

_EDGE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a file says of itself. size: (width, height) in pixels as shown (upright), or None without video.

    fingerprint: hex sha256 over the length and the first and last MiB; the same file under another name has
    the same one. duration_s: None when the container does not know. rotation: degrees clockwise that turn it
    upright.
    """

    path: Path
    fingerprint: str
    duration_s: float | None
    has_video: bool
    has_audio: bool
    size: tuple[int, int] | None
    rotation: int
    fps: float | None

    @property
    def source_id(self) -> str:
        return self.fingerprint[:16]


def fingerprint(path: Path) -> str:
    """Hex sha256 over the file's length and its first and last MiB. Raises MediaError."""
    try:
        size = path.stat().st_size
        digest = hashlib.sha256(size.to_bytes(8, "big"))
        with path.open("rb") as file:
            digest.update(file.read(_EDGE_BYTES))
            if size > _EDGE_BYTES:
                file.seek(max(_EDGE_BYTES, size - _EDGE_BYTES))
                digest.update(file.read(_EDGE_BYTES))
    except OSError as error:
        raise MediaError(f"{path}: {error.strerror or error}") from error
    return digest.hexdigest()


class FileSource:
    """One pass over one file. `stats` and `position_s` may be read while it runs."""

    def __init__(self, path: str | Path, settings: SourceSettings | None = None) -> None:
        self.path = Path(path)
        self.settings = settings or SourceSettings()
        self.stats = SourceStats()
        self.position_s = 0.0

    def probe(self) -> MediaInfo:
        """Opens the file and decodes its first picture. Blocking (some 20 ms).

        Raises MediaError: no media, or nothing in it can be decoded.
        """
        mark = fingerprint(self.path)
        with self._open() as container:
            video, audio = streams_of(container)
            if video is None and audio is None:
                raise MediaError(f"{self.path}: has neither video nor audio that can be decoded")
            size, rotation = None, 0
            if video is not None:
                first = _first_frame(container, video)
                if first is not None:
                    rotation = _upright(first.rotation)
                    size = (first.width, first.height)
                else:
                    self._check_sound()
                    size = (video.codec_context.width, video.codec_context.height)
                if rotation % 180:
                    size = (size[1], size[0])
            else:
                self._check_sound()
            rate = None if video is None else video.average_rate or video.guessed_rate
            return MediaInfo(
                path=self.path,
                fingerprint=mark,
                duration_s=duration_of(container, video, audio),
                has_video=video is not None,
                has_audio=audio is not None,
                size=size,
                rotation=rotation,
                fps=float(rate) if rate else None,
            )

    async def run(
        self,
        video_out: Channel[VideoFrame] | None,
        audio_out: Channel[AudioChunk] | None,
        compute: Compute,
        *,
        resume_video_s: float = 0.0,
    ) -> SourceStats:
        """Decodes the file in the "decode" thread and puts out each stream in order of media time.

        Sound goes ahead of the pictures as far as its output takes it, at most settings.ahead_s: it costs little
        to decode, and those who listen need long for what they do with it.
        An output that is None is not decoded; the outputs are left open. Pictures before resume_video_s are
        left out (sound is always given from the start), and the ones from there on are the same as in a run
        from the start. Damage inside is skipped and counted in `stats`.
        Raises MediaError when the file cannot be read as media.
        """
        batches: Pass | None = None
        try:
            batches = await compute.run(
                "decode", self._begin, video_out is not None, audio_out is not None, resume_video_s
            )
            moved = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                for kind in batches.kinds:
                    outbox: Channel[Any] | None = video_out if kind == "video" else audio_out
                    assert outbox is not None
                    group.create_task(self._pump(batches, kind, outbox, compute, moved))
        finally:
            if batches is not None:
                # In the thread that decodes: a step under way when this is cancelled must not lose its file.
                with suppress(ComputeClosed):
                    await compute.run("decode", batches.close)
        return self.stats

    async def _pump(
        self, batches: Pass, kind: Kind, outbox: Channel[Any], compute: Compute, moved: asyncio.Event
    ) -> None:
        """All items of one kind into their output. moved: set whenever one of the pumps has gone on."""
        while (batch := await compute.run("decode", batches.step, kind)) is not Turn.OVER:
            if batch is Turn.WAIT:
                moved.clear()
                await moved.wait()
                continue
            moved.set()
            for item in batch:
                if kind == batches.kinds[-1]:
                    self.position_s = max(self.position_s, item.t_s)
                await outbox.put(item)
        moved.set()

    def _check_sound(self) -> None:
        """Without a picture there must be sound. In a container of its own: the pictures' one may be at its end."""
        with self._open() as container:
            _, audio = streams_of(container)
            if audio is None or _first_frame(container, audio) is None:
                raise MediaError(f"{self.path}: nothing in it can be decoded")

    def _begin(self, want_video: bool, want_audio: bool, resume_video_s: float) -> Pass:
        container = self._open()
        try:
            return Pass(
                container, self.path, self.settings, self.stats, want_video, want_audio, resume_video_s
            )
        except BaseException:
            container.close()
            raise

    def _open(self) -> Any:
        try:
            size = self.path.stat().st_size
            if self.path.is_dir():
                raise MediaError(f"{self.path}: is a directory, not a media file")
            if size == 0:
                raise MediaError(f"{self.path}: is empty")
            return av.open(str(self.path))
        except (av.FFmpegError, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise MediaError(f"{self.path}: cannot be read as media ({reason})") from error


def _first_frame(container: Any, stream: Any) -> Any | None:
    """The first one that can be decoded, whatever damage lies before it."""
    try:
        for packet in container.demux(stream):
            with suppress(av.FFmpegError):
                for frame in packet.decode():
                    return frame
    except av.FFmpegError:
        pass
    return None


def _upright(rotation: int) -> int:
    """FFmpeg's counter-clockwise degrees in (-180, 180] as clockwise ones, rounded to quarter turns."""
    return -round(rotation / 90) * 90 % 360
