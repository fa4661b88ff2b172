"""What the agent says, as the audio track that goes to the browser."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from fractions import Fraction

import av
import numpy as np
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from numpy.typing import NDArray

from runtime.clock import Clock
from runtime.messages import SAMPLE_RATE_HZ, Samples

Pcm = NDArray[np.int16]

RATE_HZ = 48_000
FRAME = RATE_HZ // 50
# Long enough for no click, short enough to be over inside one frame.
_FADE = RATE_HZ // 200
# Frames that are late by less than this are sent at once, to keep pace. After more, what was missed is left out of
# the time stamps: a browser plays a burst, or stamps that fall behind, later and later.
_CATCH_UP_S = 0.1
_REMEMBERED_TURNS = 64


class SpeechDropped(Exception):
    """What `say` still wanted to queue was flushed, or the track has ended."""


class SpeakerTrack(MediaStreamTrack):
    """48 kHz mono s16 in frames of 20 ms, paced by the clock: what is queued, else silence.

    One reader at a time, any number of writers, all on one event loop. aiortc stops a track with its connection;
    so that speech goes on in the next one, a connection is given a `line`.
    """

    kind = "audio"

    def __init__(self, clock: Clock, *, bound_s: float = 10.0, reference_s: float = 3.0) -> None:
        """bound_s: how much may be queued. reference_s: how much of what was sent is kept for `reference`."""
        if bound_s <= 0 or reference_s <= 0:
            raise ValueError(f"a queue of {bound_s} s and a reference of {reference_s} s make no sense")
        super().__init__()
        self._clock = clock
        self._bound = round(bound_s * RATE_HZ)
        self._queue: deque[tuple[str, Pcm]] = deque()
        self._queued = 0
        self._order = asyncio.Lock()  # whole calls of say, one after the other
        self._room = asyncio.Event()
        self._done = asyncio.Event()
        self._done.set()
        self._flushes = 0
        self._tail: Pcm | None = None  # what a flush left, to fade
        self._start_s: float | None = None
        self._frames = 0
        self._spoke: str | None = None  # whose speech was in the last frame
        self._positions: OrderedDict[str, int] = OrderedDict()
        self._level = 0.0
        self._to_reference = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
        self._reference_s = reference_s
        self._sent: deque[Samples] = deque(maxlen=round(reference_s * RATE_HZ / FRAME) + 2)

    async def say(self, turn_id: str, pcm: Pcm) -> None:
        """Queues speech, after all that was to be said before; waits while the queue is full.

        pcm: (n,) int16, mono, 48 kHz; not to be changed afterwards. Raises SpeechDropped when a flush or the
        track's end came before all of it was queued. What is said after a flush is new, whatever its turn.
        """
        if pcm.ndim != 1 or pcm.dtype != np.int16:
            raise ValueError(f"expected mono int16 samples, got {pcm.dtype} of shape {pcm.shape}")
        flushes = self._flushes
        self._check(flushes)
        async with self._order:
            self._check(flushes)
            while len(pcm):
                while self._queued >= self._bound:
                    self._room.clear()
                    await self._room.wait()
                    self._check(flushes)
                part, pcm = np.split(pcm, [self._bound - self._queued])
                self._queue.append((turn_id, part))
                self._queued += len(part)
                self._done.clear()

    def flush(self) -> float:
        """Drops all that is queued, and calls of `say` that wait for room.

        Returns how many seconds were queued. The next frame is silent but for a fade of 5 ms.
        """
        if self._tail is None and self._spoke is not None and self._queue:
            self._tail = _faded(self._queue[0][1][:_FADE], out=True)
        dropped_s = self.queued_s
        self._queue.clear()
        self._queued = 0
        self._flushes += 1
        self._room.set()
        self._done.set()
        return dropped_s

    def stop(self) -> None:
        """Ends the track; `recv` and `say` raise from now on. May be repeated."""
        super().stop()
        self.flush()
        self._spoke = None

    async def finished(self) -> None:
        """Waits until all that is queued has been sent, or dropped."""
        await self._done.wait()

    @property
    def playing(self) -> str | None:
        """The turn whose speech is sent now or next; None in silence."""
        return self._queue[0][0] if self._queue else self._spoke

    @property
    def queued_s(self) -> float:
        """Seconds of speech that wait."""
        return self._queued / RATE_HZ

    def position_s(self, turn_id: str) -> float:
        """Seconds of that turn's speech sent so far; 0 for a turn unknown or long past."""
        return self._positions.get(turn_id, 0) / RATE_HZ

    def level(self) -> float:
        """RMS of the last frame sent, in [0, 1]."""
        return self._level

    def reference(self, length_s: float) -> Samples:
        """The last seconds sent, silence included: (16000 * length_s,) float32 at 16 kHz, zeros before the start.

        Raises ValueError for more than is kept.
        """
        if not 0 <= length_s <= self._reference_s:
            raise ValueError(f"{self._reference_s} s are kept, {length_s} s were asked for")
        count = round(length_s * SAMPLE_RATE_HZ)
        samples = np.zeros(count, np.float32)
        sent = np.concatenate([samples[:0], *self._sent])[-count:] if count else samples
        samples[count - len(sent) :] = sent
        return samples

    async def recv(self) -> av.AudioFrame:
        """The next frame, when it is due. Raises MediaStreamError once the track has ended."""
        self._must_live()
        now_s = self._clock.now()
        if self._start_s is None:
            self._start_s = now_s
        wait_s = self._start_s + self._frames * FRAME / RATE_HZ - now_s
        if wait_s > 0:
            await self._clock.sleep(wait_s)
            self._must_live()
        elif wait_s < -_CATCH_UP_S:
            self._frames += int(-wait_s * RATE_HZ / FRAME)
        pcm = self._next()
        frame = av.AudioFrame.from_ndarray(pcm.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = RATE_HZ
        frame.pts = self._frames * FRAME
        frame.time_base = Fraction(1, RATE_HZ)
        self._frames += 1
        self._remember(pcm, frame)
        return frame

    def line(self) -> MediaStreamTrack:
        """A track for one connection. It may end, this one does not."""
        return _Line(self)

    def _must_live(self) -> None:
        if self.readyState != "live":
            raise MediaStreamError

    def _check(self, flushes: int) -> None:
        if self.readyState != "live":
            raise SpeechDropped("the track has ended")
        if flushes != self._flushes:
            raise SpeechDropped("flushed")

    def _next(self) -> Pcm:
        """960 samples."""
        pcm = np.zeros(FRAME, np.int16)
        at = 0
        begins = self._spoke is None or self._tail is not None
        if self._tail is not None:
            pcm[: len(self._tail)] = self._tail
            at, self._tail = len(self._tail), None
        self._spoke = None
        while at < FRAME and self._queue:
            turn_id, waiting = self._queue.popleft()
            part, rest = np.split(waiting, [FRAME - at])
            if len(rest):
                self._queue.appendleft((turn_id, rest))
            pcm[at : at + len(part)] = _faded(part) if begins else part
            begins = False
            at += len(part)
            self._queued -= len(part)
            self._count(turn_id, len(part))
        if self._queued < self._bound:
            self._room.set()
        if not self._queued:
            self._done.set()
        return pcm

    def _count(self, turn_id: str, samples: int) -> None:
        self._spoke = turn_id
        self._positions[turn_id] = self._positions.pop(turn_id, 0) + samples
        if len(self._positions) > _REMEMBERED_TURNS:
            self._positions.popitem(last=False)

    def _remember(self, pcm: Pcm, frame: av.AudioFrame) -> None:
        self._level = float(np.sqrt(np.mean(np.square(pcm / 32768.0))))
        for out in self._to_reference.resample(frame):
            self._sent.append(out.to_ndarray()[0].copy())


class _Line(MediaStreamTrack):
    kind = "audio"

    def __init__(self, speaker: SpeakerTrack) -> None:
        super().__init__()
        self._speaker = speaker

    async def recv(self) -> av.AudioFrame:
        if self.readyState != "live":
            raise MediaStreamError
        return await self._speaker.recv()


def _faded(pcm: Pcm, *, out: bool = False) -> Pcm:
    """The same, with a ramp of 5 ms: up at its begin or, out, down over all of it."""
    faded = pcm.copy()
    ramp = np.linspace(0, 1, min(_FADE, len(pcm)), dtype=np.float32)
    faded[: len(ramp)] = faded[: len(ramp)] * (ramp[::-1] if out else ramp)
    return faded
