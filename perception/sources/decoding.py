"""From packets to messages: one track of pictures and one of sound. Blocking; called in the decode thread."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, cast

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

from perception.settings import SourceSettings
from runtime.messages import SAMPLE_RATE_HZ, AudioChunk, Image, Samples, VideoFrame

# Times that differ by less are the same: containers round to milliseconds.
_SAME_S = 0.0015
# Sound that is late or early by less than this is a rounding of its time stamps, not a gap.
_GAP_S = 0.04
# Compressed pictures kept back on resume until it is known that no later key frame precedes the resume time.
_MAX_KEPT_PACKETS = 2000
# No packet comes this many cells after one that is shown later.
_MAX_CELLS = 64


@dataclass(slots=True)
class SourceStats:
    """Counts of one pass. truncated: the file ends well before the length it claims."""

    packets: int = 0
    bad_packets: int = 0
    corrupt_frames: int = 0
    frames_decoded: int = 0
    frames_delivered: int = 0
    samples_delivered: int = 0
    silence_filled_s: float = 0.0
    truncated: bool = False
    video_end_s: float = 0.0
    audio_end_s: float = 0.0
    warnings: list[str] = field(default_factory=list)


def seconds(stamp: int, base: Fraction) -> float:
    """stamp * base, rounded once, at a tenth of what Fraction takes: it is asked several times a packet."""
    return stamp * base.numerator / base.denominator


def upright_rgb(
    frame: Any, max_side: int, reformatter: VideoReformatter, aspect_ratio: Fraction = Fraction(1)
) -> Image:
    """The picture with rotation applied and square pixels, longest side at most max_side. Blocking: 1 to 10 ms.

    aspect_ratio: of one pixel of the frame.
    """
    width, height = frame.width, frame.height
    if 0.1 < float(aspect_ratio) < 10 and aspect_ratio != 1:
        width = round(width * float(aspect_ratio))
    scale = min(1.0, max_side / max(width, height))
    width, height = max(1, round(width * scale)), max(1, round(height * scale))
    rgb = reformatter.reformat(
        frame,
        width,
        height,
        "rgb24",
        interpolation=Interpolation.AREA if scale < 1 else Interpolation.BILINEAR,
        threads=1,
    )
    image: Image = np.asarray(rgb.to_ndarray(), np.uint8)
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


class PictureTrack:
    """Decodes one video stream, and converts the first picture of every 1/decode_fps seconds to upright RGB.

    end_s: end of the last picture; those that were left out count.
    """

    def __init__(
        self, stream: Any, settings: SourceSettings, stats: SourceStats, zero_s: float, resume_s: float
    ) -> None:
        self._codec = stream.codec_context
        self._codec.thread_count = settings.threads
        if settings.threads == 1:
            self._codec.thread_type = "NONE"
        rate = stream.average_rate or stream.guessed_rate
        self._frame_s = float(1 / rate) if rate else 1 / 25
        # Closer to the one before than this, a picture that no other refers to is not missed.
        self._dense_s = min(1 / settings.skip_nonref_fps, 1 / (8 * settings.decode_fps)) + 1e-6
        self._last_dts_s = -math.inf
        # The first picture of each cell, of those read so far; only the last few cells.
        self._firsts_s: dict[int, float] = {}
        self._time_base = stream.time_base
        self._settings, self._stats = settings, stats
        self._zero_s, self._resume_s = zero_s, resume_s
        self._reformatter = VideoReformatter()
        self._kept: list[tuple[Any, float, bool]] | None = [] if resume_s > 0 else None
        self._last_cell = -1
        self._splice_s = 0.0
        self.end_s = 0.0

    def push(self, packet: Any, splice_s: float) -> Iterator[VideoFrame]:
        stamp = packet.pts if packet.pts is not None else packet.dts
        t_s = -math.inf if stamp is None else seconds(stamp, self._time_base) - self._zero_s + splice_s
        dense = self._is_dense(packet)
        spare = self._is_second(t_s) or dense
        if spare:
            self.end_s = max(self.end_s, t_s + self._frame_s)
        if self._kept is None:
            yield from self._decode(packet, splice_s, spare)
            return
        if packet.is_keyframe and t_s <= self._resume_s + _SAME_S:
            # Everything before it is settled history; decoding can begin here.
            self._kept.clear()
        self._kept.append((packet, splice_s, spare))
        if (packet.is_keyframe and t_s > self._resume_s + _SAME_S) or len(self._kept) > _MAX_KEPT_PACKETS:
            yield from self._decode_kept()

    def flush(self) -> Iterator[VideoFrame]:
        yield from self._decode_kept()
        yield from self._decode(None, self._splice_s, False)

    def _is_dense(self, packet: Any) -> bool:
        """It follows the one before so closely that it may be left out. Asked of each packet, because what the
        container says of the frame rate is not true of a file with a variable one.
        """
        if packet.dts is None:
            return False
        dts_s = seconds(packet.dts, self._time_base)
        gap_s, self._last_dts_s = dts_s - self._last_dts_s, dts_s
        return 0 < gap_s <= self._dense_s

    def _is_second(self, t_s: float) -> bool:
        """An earlier picture of its cell has been read, which will be given out instead of it."""
        if t_s < -_SAME_S:
            return False
        cell = self._cell_of(t_s)
        first_s = self._firsts_s.setdefault(cell, t_s)
        self._firsts_s[cell] = min(first_s, t_s)
        if len(self._firsts_s) > _MAX_CELLS:
            del self._firsts_s[next(iter(self._firsts_s))]
        return first_s < t_s

    def _cell_of(self, t_s: float) -> int:
        return math.floor((t_s + _SAME_S) * self._settings.decode_fps)

    def _decode_kept(self) -> Iterator[VideoFrame]:
        kept, self._kept = self._kept, None
        for packet, splice_s, spare in kept or ():
            yield from self._decode(packet, splice_s, spare)

    def _decode(self, packet: Any | None, splice_s: float, spare: bool) -> Iterator[VideoFrame]:
        """spare: it need not be decoded unless another picture refers to it."""
        self._splice_s = splice_s
        self._codec.skip_frame = "NONREF" if spare else "DEFAULT"
        for frame in _frames(self._codec, packet, self._stats):
            self._stats.frames_decoded += 1
            kept = self._take(frame)
            if kept is not None:
                self._stats.frames_delivered += 1
                yield kept

    def _take(self, frame: Any) -> VideoFrame | None:
        if frame.pts is None:
            t_s = self.end_s
        else:
            t_s = seconds(frame.pts, frame.time_base or self._time_base) - self._zero_s + self._splice_s
        if t_s < -_SAME_S:
            return None
        t_s = max(0.0, t_s)
        self.end_s = max(self.end_s, t_s + self._frame_s)
        if frame.is_corrupt:
            self._stats.corrupt_frames += 1
            return None
        cell = self._cell_of(t_s)
        if cell <= self._last_cell:
            return None
        self._last_cell = cell
        # A picture a hair before the border belongs to the cell it is counted in.
        t_s = max(t_s, cell / self._settings.decode_fps)
        if t_s < self._resume_s:
            return None
        return VideoFrame(t_s, self._image(frame))

    def _image(self, frame: Any) -> Image:
        return upright_rgb(
            frame, self._settings.max_side, self._reformatter, self._codec.sample_aspect_ratio or Fraction(1)
        )


class AudioTrack:
    """Decodes one audio stream to mono float32 at 16 kHz on an exact clock.

    Sample n is at (time of the first sample) + n / 16000: holes become silence and overlaps are cut, so time
    never drifts from the file's own. end_s: end of the last.
    """

    def __init__(self, stream: Any, settings: SourceSettings, stats: SourceStats, zero_s: float) -> None:
        self._codec = stream.codec_context
        self._time_base = stream.time_base
        self._stats = stats
        self._zero_s = zero_s
        self._chunk = max(1, round(settings.audio_chunk_s * SAMPLE_RATE_HZ))
        self._resampler: Any | None = None
        self._format: tuple[str, str, int] | None = None
        self._waiting: list[Samples] = []
        self._waiting_n = 0
        self._anchor_s: float | None = None
        # Samples at 16 kHz: put out by the resampler or filled in so far, and of these delivered.
        self._made = 0
        self._delivered = 0
        # Where the input's own clock stands: the end of the last decoded frame.
        self._input_end_s = 0.0
        # Samples still to be cut, because the input went over this time before.
        self._surplus = 0
        self._splice_s = 0.0

    @property
    def end_s(self) -> float:
        return 0.0 if self._anchor_s is None else self._anchor_s + self._made / SAMPLE_RATE_HZ

    def push(self, packet: Any | None, splice_s: float) -> Iterator[AudioChunk]:
        self._splice_s = splice_s
        for frame in _frames(self._codec, packet, self._stats):
            yield from self._take(frame)

    def flush(self) -> Iterator[AudioChunk]:
        yield from self.push(None, self._splice_s)
        self._drain()
        yield from self._deliver(last=True)

    def _take(self, frame: Any) -> Iterator[AudioChunk]:
        if not frame.samples or not frame.sample_rate:
            return
        if frame.pts is None:
            t_s = self._input_end_s
        else:
            t_s = seconds(frame.pts, frame.time_base or self._time_base) - self._zero_s + self._splice_s
        duration_s = frame.samples / frame.sample_rate
        if self._anchor_s is None:
            if t_s + duration_s <= 0:
                return
            self._anchor_s = max(0.0, t_s)
            self._input_end_s = self._anchor_s
        layout = (frame.format.name, frame.layout.name, frame.sample_rate)
        late_s = t_s - self._input_end_s
        if layout != self._format or abs(late_s) > _GAP_S:
            self._drain()
        if abs(late_s) > _GAP_S:
            missing = round((t_s - self._anchor_s) * SAMPLE_RATE_HZ) - self._made
            self._surplus = max(0, -missing)
            self._input_end_s = t_s
            yield from self._fill(missing)
        if self._resampler is None:
            self._resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
            self._format = layout
        self._input_end_s += duration_s
        frame.pts = None
        for out in self._resampler.resample(frame):
            self._add(out.to_ndarray().reshape(-1))
        yield from self._deliver()

    def _drain(self) -> None:
        """Takes what the resampler still holds; the next frame gets a new one."""
        if self._resampler is not None:
            for out in self._resampler.resample(None):
                self._add(out.to_ndarray().reshape(-1))
            self._resampler = None

    def _add(self, samples: Samples) -> None:
        if self._surplus:
            cut = min(self._surplus, len(samples))
            self._surplus -= cut
            samples = samples[cut:]
        if len(samples):
            self._waiting.append(samples)
            self._waiting_n += len(samples)
            self._made += len(samples)

    def _fill(self, missing: int) -> Iterator[AudioChunk]:
        if missing > 0:
            self._stats.silence_filled_s += missing / SAMPLE_RATE_HZ
        while missing > 0:
            n = min(missing, self._chunk)
            self._add(np.zeros(n, np.float32))
            missing -= n
            yield from self._deliver()

    def _deliver(self, last: bool = False) -> Iterator[AudioChunk]:
        while self._waiting_n >= self._chunk or (last and self._waiting_n):
            assert self._anchor_s is not None
            joined = np.concatenate(self._waiting) if len(self._waiting) > 1 else self._waiting[0]
            chunk = np.array(joined[: self._chunk], dtype=np.float32)
            rest = joined[self._chunk :]
            self._waiting, self._waiting_n = ([rest] if len(rest) else []), len(rest)
            t_s = self._anchor_s + self._delivered / SAMPLE_RATE_HZ
            self._delivered += len(chunk)
            self._stats.samples_delivered += len(chunk)
            yield AudioChunk(t_s, chunk)


def _frames(codec: Any, packet: Any | None, stats: SourceStats) -> Sequence[Any]:
    """What a packet decodes to: nothing behind the end, nor where it is damaged, which is counted."""
    try:
        return cast(Sequence[Any], codec.decode(packet))
    except av.error.EOFError:
        return ()
    except av.FFmpegError:
        stats.bad_packets += 1
        return ()
