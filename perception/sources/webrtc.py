"""What a browser sends, as messages: one reader for its sound, one for its pictures."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from aiortc import RTCRtpReceiver
from aiortc.jitterbuffer import MAX_MISORDER, JitterFrame
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av.video.reformatter import VideoReformatter

from perception.sources.decoding import seconds, upright_rgb
from runtime.channel import Channel, Policy
from runtime.clock import Clock
from runtime.compute import Compute
from runtime.messages import SAMPLE_RATE_HZ, AudioChunk, Image, Samples, VideoFrame

log = logging.getLogger(__name__)

_JITTER_BUFFER = "_RTCRtpReceiver__jitter_buffer"

# Time stamps that differ by less are the same.
_SAME_S = 0.001
# A longer hole is not filled, the times jump over it: nobody has to listen to minutes of nothing.
_FILL_S = 1.0
# Sound cannot come before it was made. If it seems to by more than this, the times are wrong.
_EARLY_S = 0.2
# It may well come late: networks have their moods. Only what is later than this, for so long, has another reason
# (the sender's clock is slow, or stood still).
_LATE_S = 0.5
_LATE_FOR_S = 5.0
# FFmpeg's own way from stereo to mono float is 3 dB louder than either, and leaves [-1, 1].
_MEAN_OF_CHANNELS = {"rematrix_maxval": "1"}


@dataclass(slots=True)
class AudioStats:
    """Counts of one track. filled_s: silence put in for what was lost; jumps: holes too long for that;
    cut_s: sound left out, because it came before its time.
    """

    received: int = 0
    filled_s: float = 0.0
    jumps: int = 0
    cut_s: float = 0.0


@dataclass(slots=True)
class VideoStats:
    """Counts of one track, in frames. dropped: a newer one came before their turn."""

    received: int = 0
    converted: int = 0
    dropped: int = 0


class AudioTrackReader:
    """Drains an audio track, whatever its format, into chunks of mono float32 at 16 kHz.

    Times are counted in samples from the arrival of the first frame, and so without the jitter of the network.
    The sender's time stamps tell what is missing, and silence fills it. When the times are off against the
    arrival (see the constants above), they are set right: by silence, by a jump forward, or by leaving sound
    out. They never go back.
    """

    def __init__(
        self, track: MediaStreamTrack, clock: Clock, *, zero_s: float = 0.0, chunk_s: float = 0.032
    ) -> None:
        """zero_s: what the clock showed at the session's zero. chunk_s: length of a chunk; the last one, and
        the one before a jump, may be shorter.
        """
        self._track, self._clock, self._zero_s = track, clock, zero_s
        self._chunk = round(chunk_s * SAMPLE_RATE_HZ)
        self._resampler: Any | None = None
        self._format: tuple[str, str, int] | None = None
        self._waiting: list[Samples] = []
        self._waiting_n = 0
        self._anchor_s = 0.0
        self._delivered = 0  # samples since the anchor
        self._end_s: float | None = None  # of all that came in, on the session's clock
        self._stamp_end_s: float | None = None  # the same, on the sender's clock
        self._cutting = False
        self._late_since_s: float | None = None
        self._least_late_s = math.inf
        self.stats = AudioStats()

    async def run(self, out: Channel[AudioChunk]) -> None:
        """Until the track ends; leaves the channel open. Whoever cancels it must close the connection too, or
        aiortc's queue grows.

        Raises ChannelClosed; ValueError for a channel of the policy BLOCK.
        """
        _must_not_block(out)
        try:
            while True:
                frame = await self._track.recv()
                self.stats.received += 1
                for chunk in self._take(frame, self._clock.now() - self._zero_s):
                    await out.put(chunk)
                # Nothing above suspends as long as frames wait.
                await self._clock.sleep(0)
        except MediaStreamError:
            for chunk in self._end():
                await out.put(chunk)

    def _take(self, frame: Any, now_s: float) -> Iterator[AudioChunk]:
        if not frame.samples or not frame.sample_rate:
            return
        duration_s = frame.samples / frame.sample_rate
        if self._end_s is None:
            self._end_s = self._anchor_s = now_s - duration_s
        missing_s = self._missing_s(frame, duration_s, now_s)
        early_s = self._end_s + missing_s + duration_s - now_s
        self._cutting = early_s > (0 if self._cutting else _EARLY_S)
        if self._cutting:
            self.stats.cut_s += duration_s
            return
        missing_s += self._lost_s(-early_s, now_s)
        self._set_format(frame)
        if missing_s > _FILL_S:
            yield from self._jump(missing_s)
        elif missing_s:
            silence = _silence(frame, missing_s)
            missing_s = silence.samples / silence.sample_rate
            self._feed(silence)
            self.stats.filled_s += missing_s
        self._feed(frame)
        self._end_s += missing_s + duration_s
        yield from self._deliver()

    def _missing_s(self, frame: Any, duration_s: float, now_s: float) -> float:
        """What the sender's clock says was between this frame and the one before."""
        assert self._end_s is not None
        if frame.pts is None:
            return 0.0
        stamp_s = seconds(frame.pts, frame.time_base)
        step_s = 0.0 if self._stamp_end_s is None else stamp_s - self._stamp_end_s
        self._stamp_end_s = stamp_s + duration_s
        if abs(step_s) < _SAME_S:
            return 0.0
        late_s = now_s - self._end_s - duration_s
        if 0 < step_s <= min(_FILL_S, late_s + _EARLY_S):
            return step_s
        # Its clock was set, or much is missing: the arrival tells which.
        return late_s if late_s > _EARLY_S else 0.0

    def _lost_s(self, late_s: float, now_s: float) -> float:
        """By how much sound has been late, at least, if it has been for long."""
        if late_s <= _LATE_S:
            self._late_since_s, self._least_late_s = None, math.inf
            return 0.0
        if self._late_since_s is None:
            self._late_since_s = now_s
        self._least_late_s = min(self._least_late_s, late_s)
        if now_s - self._late_since_s < _LATE_FOR_S:
            return 0.0
        lost_s = self._least_late_s
        self._late_since_s, self._least_late_s = None, math.inf
        return lost_s

    def _set_format(self, frame: Any) -> None:
        layout = (frame.format.name, frame.layout.name, frame.sample_rate)
        if layout != self._format:
            self._feed(None)
            self._resampler = av.AudioResampler(
                format="flt", layout="mono", rate=SAMPLE_RATE_HZ, options=_MEAN_OF_CHANNELS
            )
            self._format = layout

    def _feed(self, frame: Any | None) -> None:
        """None takes what the resampler still holds."""
        if self._resampler is None:
            return
        for out in self._resampler.resample(frame):
            if out is not None and out.samples:
                self._waiting.append(out.to_ndarray().reshape(-1))
                self._waiting_n += out.samples

    def _jump(self, length_s: float) -> Iterator[AudioChunk]:
        yield from self._deliver(last=True)
        self._anchor_s += length_s
        self.stats.jumps += 1

    def _end(self) -> Iterator[AudioChunk]:
        self._feed(None)
        self._resampler = self._format = None
        yield from self._deliver(last=True)

    def _deliver(self, last: bool = False) -> Iterator[AudioChunk]:
        while self._waiting_n >= self._chunk or (last and self._waiting_n):
            joined = np.concatenate(self._waiting)
            samples, rest = joined[: self._chunk].copy(), joined[self._chunk :]
            self._waiting, self._waiting_n = [rest], len(rest)
            t_s = self._anchor_s + self._delivered / SAMPLE_RATE_HZ
            self._delivered += len(samples)
            yield AudioChunk(t_s, samples)


class VideoTrackReader:
    """Drains a video track, and of its frames converts the newest one, at most max_fps times a second.

    t_s of a frame is when it arrived: aiortc does not tell how the clocks of two tracks belong together.
    """

    def __init__(
        self,
        track: MediaStreamTrack,
        clock: Clock,
        compute: Compute,
        *,
        zero_s: float = 0.0,
        max_fps: float = 2.0,
        max_side: int = 1280,
    ) -> None:
        """compute: conversion runs in its thread "picture". zero_s: what the clock showed at the session's zero.
        max_side: longest side in pixels; larger pictures are scaled down.
        """
        if not max_fps > 0 or max_side < 1:
            raise ValueError(f"cannot convert {max_fps} pictures a second of {max_side} pixels")
        self._track, self._clock, self._compute, self._zero_s = track, clock, compute, zero_s
        self._interval_s, self._max_side = 1 / max_fps, max_side
        self._reformatter = VideoReformatter()
        self.stats = VideoStats()

    async def run(self, out: Channel[VideoFrame]) -> None:
        """Until the track ends; leaves the channel open. Whoever cancels it must close the connection too, or
        aiortc's queue grows.

        Raises ChannelClosed; ComputeClosed; ValueError for a channel of the policy BLOCK.
        """
        _must_not_block(out)
        newest: Channel[tuple[float, Any]] = Channel("newest frame", 1, Policy.LATEST, clock=self._clock)
        drain = asyncio.create_task(self._drain(newest), name="drain video")
        try:
            async for t_s, frame in newest:
                began_s = self._clock.now()
                image: Image = await self._compute.run(
                    "picture", upright_rgb, frame, self._max_side, self._reformatter
                )
                self.stats.converted += 1
                await out.put(VideoFrame(t_s, image))
                await self._clock.sleep(max(0.0, began_s + self._interval_s - self._clock.now()))
            await drain
        finally:
            drain.cancel()
            await asyncio.wait([drain])

    async def _drain(self, newest: Channel[tuple[float, Any]]) -> None:
        try:
            while True:
                frame = await self._track.recv()
                self.stats.received += 1
                self.stats.dropped += len(newest)
                newest.put_nowait((self._clock.now() - self._zero_s, frame))
                await self._clock.sleep(0)
        except MediaStreamError:
            return
        finally:
            newest.close()


def without_jitter_buffer(receiver: RTCRtpReceiver) -> None:
    """Lets an audio receiver decode each packet when it comes. To be called before the first one does, while the
    "track" event is handled.

    aiortc's own buffer waits for four packets more (80 ms), for sixteen (0.3 s) ever after the first loss, and
    where one packet of five is lost it gives out one of four. Nothing here plays sound, so nothing needs an even
    flow: AudioTrackReader puts silence where a packet is missing.
    """
    if not hasattr(receiver, _JITTER_BUFFER):
        log.warning("this aiortc keeps its jitter buffer elsewhere: sound will be late when packets are lost")
        return
    setattr(receiver, _JITTER_BUFFER, AsItComes())


class AsItComes:
    """In the place of aiortc's JitterBuffer, for audio, where a packet is a frame: no waiting. A packet that was
    overtaken is lost.
    """

    def __init__(self) -> None:
        self._last: int | None = None

    def add(self, packet: Any) -> tuple[bool, JitterFrame | None]:
        """Returns whether a key frame is needed (never) and the frame to decode."""
        number = packet.sequence_number
        overtaken = self._last is not None and (self._last - number) % (1 << 16) < MAX_MISORDER
        if overtaken or not packet._data:
            return False, None
        self._last = number
        return False, JitterFrame(packet._data, packet.timestamp)


def _must_not_block(out: Channel[Any]) -> None:
    if out.policy is Policy.BLOCK:
        raise ValueError(f"channel {out.name}: who reads a live track never waits, so it must not block")


def _silence(like: Any, length_s: float) -> Any:
    """A frame of that length, in the format of another one."""
    frame = av.AudioFrame(like.format.name, like.layout.name, max(1, round(length_s * like.sample_rate)))
    frame.sample_rate = like.sample_rate
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    return frame
