"""Tracks as a browser sends them, for the tests of their readers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any, TypeVar

import av
import numpy as np
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from runtime.app.live.speaker import RATE_HZ
from runtime.channel import Channel, Policy
from runtime.clock import VirtualClock
from runtime.messages import SAMPLE_RATE_HZ, AudioChunk, Samples
from tests.perception.media import shade, tone

T = TypeVar("T")
FRAME_S = 0.02
HZ = 440.0


class Script(MediaStreamTrack):
    """Gives out its frames when they are due, then ends. frames: (arrival in seconds, frame), in order."""

    def __init__(self, kind: str, clock: VirtualClock, frames: Iterable[tuple[float, Any]]) -> None:
        super().__init__()
        self.kind = kind
        self._clock = clock
        self._frames = iter(frames)

    async def recv(self) -> Any:
        try:
            due_s, frame = next(self._frames)
        except StopIteration:
            self.stop()
            raise MediaStreamError from None
        if due_s > self._clock.now():
            await self._clock.sleep(due_s - self._clock.now())
        return frame


def sound(
    samples: Samples, stamp: int | None, *, rate_hz: int = 48_000, form: str = "s16", layout: str = "stereo"
) -> av.AudioFrame:
    """A mono signal as a decoder would give it, in any format. stamp: in samples."""
    channels = 2 if layout == "stereo" else 1
    pcm = samples if form.startswith("flt") else np.round(samples * 32767).astype(np.int16)
    rows = np.tile(pcm, (channels, 1))
    data = rows if form.endswith("p") else np.ascontiguousarray(rows.T.reshape(1, -1))
    frame = av.AudioFrame.from_ndarray(data, format=form, layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = rate_hz, stamp, Fraction(1, rate_hz)
    return frame


def microphone(
    length_s: float, *, lost: Sequence[int] = (), delays: Sequence[float] = (), rate: float = 1.0
) -> list[tuple[float, av.AudioFrame]]:
    """A tone as it comes over a network. lost: numbers of packets. delays: of each packet, in order.
    rate: samples that the sender makes in the time of one.
    """
    signal = tone(length_s, HZ, RATE_HZ)
    frames = []
    for i in range(round(length_s / FRAME_S)):
        if i in lost:
            continue
        arrival_s = (i + 1) * FRAME_S / rate + (delays[i] if i < len(delays) else 0.0)
        frames.append((arrival_s, sound(signal[i * 960 : (i + 1) * 960], i * 960)))
    latest = 0.0  # the jitter buffer keeps the order
    for i, (arrival_s, frame) in enumerate(frames):
        latest = max(latest, arrival_s)
        frames[i] = (latest, frame)
    return frames


def audio_channel(clock: Any = None, bound_ms: float = 1e9) -> Channel[AudioChunk]:
    return Channel("audio", bound_ms, Policy.DROP_OLDEST, weigh=lambda c: c.duration_s * 1000, clock=clock)


async def received(
    run: Callable[[Channel[T]], Awaitable[None]], out: Channel[T], clock: VirtualClock
) -> tuple[list[T], list[float]]:
    """All that a reader gives out until its track ends, and when each piece came."""
    pieces: list[T] = []
    came: list[float] = []

    async def take() -> None:
        async for piece in out:
            pieces.append(piece)
            came.append(clock.now())

    async with asyncio.TaskGroup() as group:
        group.create_task(take())
        await run(out)
        out.close()
    return pieces, came


def joined(chunks: Sequence[AudioChunk]) -> Samples:
    return np.concatenate([chunk.samples for chunk in chunks])


def steps(chunks: Sequence[AudioChunk]) -> list[float]:
    """Seconds between the end of a chunk and the begin of the next one."""
    return [after.t_s - before.t_s - before.duration_s for before, after in pairwise(chunks)]


def likeness(samples: Samples, hz: float = HZ) -> float:
    """1 for a pure tone without a break in its phase."""
    t = np.arange(len(samples)) / SAMPLE_RATE_HZ
    power = np.abs(samples @ np.exp(2j * np.pi * hz * t)) ** 2
    return float(power * 2 / len(samples) / np.sum(samples**2))


def picture(number: int, size: tuple[int, int] = (160, 96)) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(shade(number % 250, size), format="rgb24").reformat(format="yuv420p")
    frame.pts, frame.time_base = number * 3000, Fraction(1, 90_000)
    return frame


def camera(length_s: float, fps: float = 30) -> list[tuple[float, av.VideoFrame]]:
    return [(i / fps, picture(i)) for i in range(round(length_s * fps))]
