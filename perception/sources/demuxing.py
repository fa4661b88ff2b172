"""From a file to items: packets are read once, and each stream is decoded when it is asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import av
from av.stream import Disposition

from perception.settings import SourceSettings
from perception.sources.decoding import AudioTrack, PictureTrack, SourceStats, seconds
from runtime.errors import MediaError
from runtime.messages import AudioChunk, VideoFrame

_BATCH_PACKETS = 256
_BATCH_ITEMS = 16
# Of one stream, read and not yet decoded.
_AHEAD_BYTES = 64 << 20
# Reading on after this many read errors in a row would be reading noise.
_MAX_READ_ERRORS = 64
# A jump of the file's own clock that no camera's pause explains: the stream was spliced.
_SPLICE_BACK_S = 1.0
_SPLICE_FORWARD_S = 3600.0

Kind = Literal["video", "audio"]


class Turn(Enum):
    """What a step gives instead of items."""

    WAIT = "the other stream must be taken first"
    OVER = "there are no more"


class _Lane:
    """One stream: its packets, read and not yet decoded, and its track."""

    def __init__(self, track: PictureTrack | AudioTrack) -> None:
        self.track = track
        self.flushed = False
        self._packets: deque[tuple[Any, float, float]] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._packets)

    def add(self, packet: Any, splice_s: float, t_s: float) -> None:
        self._packets.append((packet, splice_s, t_s))
        self._bytes += packet.size

    def decode(self) -> Iterator[VideoFrame | AudioChunk]:
        packet, splice_s, _ = self._packets.popleft()
        self._bytes -= packet.size
        return self.track.push(packet, splice_s)

    def holds(self, ahead_s: float) -> bool:
        """As much is waiting as may."""
        span_s = self._packets[-1][2] - self._packets[0][2] if self._packets else 0.0
        return span_s >= ahead_s or self._bytes >= _AHEAD_BYTES


class Pass:
    """Packets in, items out, each stream in order of media time. All of it runs in the decode thread."""

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
        video, audio = streams_of(container)
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
        self._expected_s = duration_of(container, video, audio)
        self._lanes: dict[Kind, _Lane] = {}
        self._wanted: list[Any] = []
        if audio is not None and want_audio:
            self._lanes["audio"] = _Lane(AudioTrack(audio, settings, stats, zero_s))
            self._wanted.append(audio)
        if video is not None and want_video:
            self._lanes["video"] = _Lane(PictureTrack(video, settings, stats, zero_s, resume_video_s))
            self._wanted.append(video)
        self._lane_of = {s.index: lane for s, lane in zip(self._wanted, self._lanes.values(), strict=True)}
        self._packets: Iterator[Any] = container.demux(self._wanted) if self._wanted else iter(())
        self._clock_s: dict[int, float] = {}
        self._splice_s = 0.0
        self._read_errors = 0
        self._ended = False

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What is decoded."""
        return tuple(self._lanes)

    def step(self, kind: Kind) -> list[VideoFrame | AudioChunk] | Turn:
        """The next items of one kind, oldest first; none is not the end."""
        lane = self._lanes[kind]
        items: list[VideoFrame | AudioChunk] = []
        for packets in range(_BATCH_PACKETS):
            if not lane and not self._read_for(lane):
                if self._ended and not lane.flushed:
                    items += self._flushed(lane)
                elif not packets:
                    return Turn.OVER if self._ended else Turn.WAIT
                break
            items += lane.decode()
            if len(items) >= _BATCH_ITEMS:
                break
        return items

    def _read_for(self, lane: _Lane) -> bool:
        """Reads until the lane has a packet. False: it gets none, as the file ends or another lane is full."""
        others = [other for other in self._lanes.values() if other is not lane]
        while not lane:
            if self._ended or any(other.holds(self._settings.ahead_s) for other in others):
                return False
            packet = self._next_packet()
            if packet is None:
                self._ended = True
            elif packet.stream_index in self._lane_of:
                splice_s = self._splice_of(packet)
                t_s = self._clock_s.get(packet.stream_index, 0.0)
                self._lane_of[packet.stream_index].add(packet, splice_s, t_s)
        return True

    def _flushed(self, lane: _Lane) -> list[VideoFrame | AudioChunk]:
        items: list[VideoFrame | AudioChunk] = [*lane.track.flush()]
        lane.flushed = True
        if all(lane.flushed for lane in self._lanes.values()):
            self._conclude()
        return items

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
                # demux() ends with an empty packet per stream; step flushes the tracks.
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
        now_s = seconds(stamp, packet.time_base) + self._splice_s
        last_s = self._clock_s.get(packet.stream_index)
        if last_s is not None and not -_SPLICE_BACK_S <= now_s - last_s <= _SPLICE_FORWARD_S:
            step_s = float((packet.duration or 0) * packet.time_base)
            self._splice_s += last_s + step_s - now_s
            now_s = last_s + step_s
        self._clock_s[packet.stream_index] = now_s
        return self._splice_s

    def _conclude(self) -> None:
        ends = {kind: lane.track.end_s for kind, lane in self._lanes.items()}
        end_s = max(ends.values())
        self._stats.video_end_s = ends.get("video", 0.0)
        self._stats.audio_end_s = ends.get("audio", 0.0)
        expected_s = self._expected_s
        if expected_s is not None and end_s < expected_s - max(2.0, 0.02 * expected_s):
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


def streams_of(container: Any) -> tuple[Any | None, Any | None]:
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


def duration_of(container: Any, video: Any | None, audio: Any | None) -> float | None:
    ends = [
        float(s.duration * s.time_base)
        for s in (video, audio)
        if s is not None and s.duration and s.time_base is not None
    ]
    if ends:
        return max(ends)
    return container.duration / av.time_base if container.duration else None
