"""A media file as two streams of media time: pictures and sound, decoded together in one pass."""

from __future__ import annotations

import hashlib
import heapq
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import av
from av.stream import Disposition

from perception.settings import SourceSettings
from perception.sources.decoding import AudioTrack, PictureTrack, SourceStats
from runtime.channel import Channel
from runtime.compute import Compute, ComputeClosed
from runtime.errors import MediaError
from runtime.messages import AudioChunk, VideoFrame

_EDGE_BYTES = 1 << 20
_BATCH_PACKETS = 256
_BATCH_ITEMS = 16
# Reading on after this many read errors in a row would be reading noise.
_MAX_READ_ERRORS = 64
# A jump of the file's own clock that no camera's pause explains: the stream was spliced.
_SPLICE_BACK_S = 1.0
_SPLICE_FORWARD_S = 3600.0


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
        """Opens the file and decodes its first picture. Blocking (some 20 ms). Raises MediaError."""
        mark = fingerprint(self.path)
        with self._open() as container:
            video, audio = _streams(container)
            if video is None and audio is None:
                raise MediaError(f"{self.path}: has neither video nor audio that can be decoded")
            size, rotation = None, 0
            if video is not None:
                first = _first_frame(container, video)
                if first is not None:
                    rotation = _upright(first.rotation)
                    size = (first.width, first.height)
                else:
                    size = (video.codec_context.width, video.codec_context.height)
                if rotation % 180:
                    size = (size[1], size[0])
            rate = None if video is None else video.average_rate or video.guessed_rate
            return MediaInfo(
                path=self.path,
                fingerprint=mark,
                duration_s=_duration_s(container, video, audio),
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
        """Decodes the file in the "decode" thread and puts both streams in media-time order.

        An output that is None is not decoded; the outputs are left open. Pictures before resume_video_s are
        left out (sound is always given from the start), and the ones from there on are the same as in a run
        from the start. Damage inside is skipped and counted in `stats`.
        Raises MediaError when the file cannot be read as media.
        """
        batches: _Pass | None = None
        try:
            batches = await compute.run(
                "decode", self._begin, video_out is not None, audio_out is not None, resume_video_s
            )
            while (batch := await compute.run("decode", batches.step)) is not None:
                for item in batch:
                    self.position_s = max(self.position_s, item.t_s)
                    if isinstance(item, VideoFrame):
                        assert video_out is not None
                        await video_out.put(item)
                    else:
                        assert audio_out is not None
                        await audio_out.put(item)
        finally:
            if batches is not None:
                # In the thread that decodes: a step under way when this is cancelled must not lose its file.
                with suppress(ComputeClosed):
                    await compute.run("decode", batches.close)
        return self.stats

    def _begin(self, want_video: bool, want_audio: bool, resume_video_s: float) -> _Pass:
        container = self._open()
        try:
            return _Pass(
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


class _Pass:
    """Packets in, items in media-time order out. All of it runs in the decode thread."""

    def __init__(
        self,
        container: Any,
        path: Path,
        settings: SourceSettings,
        stats: SourceStats,
        want_video: bool,
        want_audio: bool,
        resume_video_s: float,
    ) -> None:
        video, audio = _streams(container)
        if video is None and audio is None:
            raise MediaError(f"{path}: has neither video nor audio that can be decoded")
        self._container, self._path, self._settings, self._stats = container, path, settings, stats
        # The clocks of both streams share their zero: the earliest start of either, wanted or not.
        starts = [
            float(s.start_time * s.time_base)
            for s in (video, audio)
            if s is not None and s.start_time is not None
        ]
        zero_s = min(starts, default=0.0)
        self._expected_s = _duration_s(container, video, audio)
        self._tracks: dict[int, PictureTrack | AudioTrack] = {}
        if video is not None and want_video:
            self._tracks[video.index] = PictureTrack(video, settings, stats, zero_s, resume_video_s)
        if audio is not None and want_audio:
            self._tracks[audio.index] = AudioTrack(audio, settings, stats, zero_s)
        self._wanted = [s for s in (video, audio) if s is not None and s.index in self._tracks]
        self._packets: Iterator[Any] = container.demux(self._wanted) if self._wanted else iter(())
        self._clock_s: dict[int, float] = {}
        self._splice_s = 0.0
        self._read_errors = 0
        self._held: list[tuple[float, int, VideoFrame | AudioChunk]] = []
        self._order = count()
        self._ended = False

    def step(self) -> list[VideoFrame | AudioChunk] | None:
        """The next items, oldest first; None when there are no more."""
        ready: list[VideoFrame | AudioChunk] = []
        packets = 0
        while not self._ended and packets < _BATCH_PACKETS and len(ready) < _BATCH_ITEMS:
            packets += 1
            packet = self._next_packet()
            if packet is None:
                self._finish()
            else:
                track = self._tracks.get(packet.stream_index)
                if track is not None:
                    self._hold(track.push(packet, self._splice_of(packet)))
            self._release(ready)
        return None if self._ended and not ready else ready

    def close(self) -> None:
        self._container.close()

    def _next_packet(self) -> Any | None:
        while self._read_errors <= _MAX_READ_ERRORS:
            try:
                packet = next(self._packets)
            except (StopIteration, av.error.EOFError):
                return None
            except av.FFmpegError:
                self._read_errors += 1
                self._stats.bad_packets += 1
                self._packets = self._container.demux(self._wanted)
                continue
            if packet.size == 0 or packet.buffer_ptr == 0:
                # demux() ends with an empty packet per stream; the tracks are flushed by _finish.
                continue
            self._read_errors = 0
            self._stats.packets += 1
            return packet
        return None

    def _splice_of(self, packet: Any) -> float:
        """Seconds to add to this packet's times, so that a spliced file's clock goes on, not back."""
        stamp = packet.dts if packet.dts is not None else packet.pts
        if stamp is None or packet.time_base is None:
            return self._splice_s
        now_s = float(stamp * packet.time_base) + self._splice_s
        last_s = self._clock_s.get(packet.stream_index)
        if last_s is not None and not -_SPLICE_BACK_S <= now_s - last_s <= _SPLICE_FORWARD_S:
            step_s = float((packet.duration or 0) * packet.time_base)
            self._splice_s += last_s + step_s - now_s
            self._stats.splices += 1
            now_s = last_s + step_s
        self._clock_s[packet.stream_index] = now_s
        return self._splice_s

    def _hold(self, items: Iterator[VideoFrame | AudioChunk]) -> None:
        for item in items:
            heapq.heappush(self._held, (item.t_s, next(self._order), item))

    def _release(self, ready: list[VideoFrame | AudioChunk]) -> None:
        """What no stream can precede any more, and what has waited for a lagging stream too long."""
        reached = [track.reached_s for track in self._tracks.values()]
        limit_s = math.inf if self._ended else max(min(reached), max(reached) - self._settings.ahead_s)
        while self._held and self._held[0][0] < limit_s:
            ready.append(heapq.heappop(self._held)[2])

    def _finish(self) -> None:
        for track in self._tracks.values():
            self._hold(track.flush())
        self._ended = True
        end_s = max((track.end_s for track in self._tracks.values()), default=0.0)
        self._stats.video_end_s = max(
            (t.end_s for t in self._tracks.values() if isinstance(t, PictureTrack)), default=0.0
        )
        self._stats.audio_end_s = max(
            (t.end_s for t in self._tracks.values() if isinstance(t, AudioTrack)), default=0.0
        )
        expected_s = self._expected_s
        if self._tracks and expected_s is not None and end_s < expected_s - max(2.0, 0.02 * expected_s):
            self._stats.truncated = True
            self._stats.warnings.append(
                f"{self._path}: ends after {end_s:.1f} s of the {expected_s:.1f} s it claims; "
                "what is there was read"
            )
        if self._stats.bad_packets or self._stats.corrupt_frames:
            self._stats.warnings.append(
                f"{self._path}: {self._stats.bad_packets} damaged packets and "
                f"{self._stats.corrupt_frames} damaged pictures were skipped"
            )


def _streams(container: Any) -> tuple[Any | None, Any | None]:
    """The first video stream that is not a cover picture, and the first audio stream, that have a decoder."""
    video = next(
        (
            s
            for s in container.streams.video
            if s.codec_context and not s.disposition & Disposition.attached_pic
        ),
        None,
    )
    audio = next(
        (s for s in container.streams.audio if s.codec_context and s.codec_context.sample_rate), None
    )
    return video, audio


def _duration_s(container: Any, video: Any | None, audio: Any | None) -> float | None:
    ends = [
        float(s.duration * s.time_base)
        for s in (video, audio)
        if s is not None and s.duration and s.time_base is not None
    ]
    if ends:
        return max(ends)
    return container.duration / av.time_base if container.duration else None


def _first_frame(container: Any, video: Any) -> Any | None:
    try:
        return next(container.decode(video), None)
    except av.FFmpegError:
        return None


def _upright(rotation: int) -> int:
    """FFmpeg's counter-clockwise degrees in (-180, 180] as clockwise ones, rounded to quarter turns."""
    return -round(rotation / 90) * 90 % 360
