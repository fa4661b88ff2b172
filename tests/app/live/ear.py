"""What a session hears and says, by the server's own clock: how long the sound went on after somebody spoke."""

from __future__ import annotations

import math
import threading
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from runtime.app.live.session import LiveSession
from runtime.messages import SAMPLE_RATE_HZ, AudioChunk, Samples

_LOUD = 0.01
_FADE_S = 0.005
_PAUSE_S = 0.25


@dataclass(slots=True)
class Ear:
    """Put on a session's microphone and loudspeaker.

    onsets_s: when the first sample of speech after a pause reached the server. came: at what time how many seconds of sound
    had come in all. sent: when each frame of 20 ms was
    sent, and the turn it belongs to. heard_s: up to where sound has come, in the session's
    time. loud_s: when the last loud sample came.
    waited: at what time the event loop and the thread that hears speech had waited how many seconds for a core.
    """

    session: LiveSession
    onsets_s: list[float] = field(default_factory=list)
    sent: list[tuple[float, str | None]] = field(default_factory=list)
    heard_s: float = 0.0
    loud_s: float = -math.inf
    waited: list[tuple[float, float]] = field(default_factory=list)
    came: list[tuple[float, float]] = field(default_factory=lambda: [(0.0, 0.0)])

    def __post_init__(self) -> None:
        speaker, audio, clock = self.session.speaker, self.session.audio, self.session._parts.clock
        recv, put = speaker.recv, audio.put

        async def heard(chunk: AudioChunk) -> None:
            loud = np.flatnonzero(np.abs(chunk.samples) > _LOUD)
            now_s = clock.now()
            if len(loud):
                # What came after that sample took its time to come.
                at_s = now_s - (len(chunk.samples) - int(loud[0])) / SAMPLE_RATE_HZ
                if at_s - self.loud_s > _PAUSE_S:
                    self.onsets_s.append(at_s)
                last = len(chunk.samples) - 1 - int(loud[-1])
                self.loud_s = now_s - last / SAMPLE_RATE_HZ
            self.waited.append((now_s, _waited_s()))
            self.came.append((now_s, self.came[-1][1] + chunk.duration_s))
            self.heard_s = chunk.t_s + chunk.duration_s
            await put(chunk)

        async def said() -> object:
            frame = await recv()
            self.sent.append((clock.now(), speaker._spoke))
            self.waited.append((clock.now(), _waited_s()))
            return frame

        audio.put, speaker.recv = heard, said  # type: ignore[method-assign, assignment]

    async def catches_up(self) -> None:
        """Waits until sound is taken for what is said now, after the clock has moved."""
        while self.session.now_s() - self.heard_s > 1.0:
            await self.session._parts.clock.sleep(0.02)

    def silences_s(self, turns: Sequence[str], *, waits: bool = True) -> list[float]:
        """For each turn that somebody interrupted: seconds from that onset until nothing of it was sent any more.

        Without waits: less the time for which other programs kept the session from a core; and no more than the sound
        that came meanwhile, since nobody can hear what a busy browser has not sent yet.
        """
        found = []
        for turn in turns:
            times = [at_s for at_s, of in self.sent if of == turn]
            assert times, f"nothing of {turn} was said"
            # The onset that ended it: the last one before the last of its frames, or the next after it.
            before = [s for s in self.onsets_s if times[0] < s <= times[-1]]
            onset_s = (
                before[-1] if before else min((s for s in self.onsets_s if s > times[-1]), default=math.inf)
            )
            silent_s = next(at_s for at_s, of in self.sent if at_s > times[-1] and of != turn)
            took_s = silent_s - onset_s
            if not waits:
                waited_s = _until(self.waited, silent_s) - _until(self.waited, onset_s)
                took_s = min(took_s - waited_s, _until(self.came, silent_s) - _until(self.came, onset_s))
            found.append(max(0.0, took_s + _FADE_S))
        return found


def _until(sums: Sequence[tuple[float, float]], at_s: float) -> float:
    """Of a sum that grows, with the times at which it did: what it was at a time."""
    return sums[max(0, bisect_right(sums, (at_s, math.inf)) - 1)][1]


def _waited_s() -> float:
    """How long the event loop's thread and that of voice activity were ready to run and did not (Linux; else 0)."""
    names = {threading.current_thread().name, "compute-vad"}
    waited_ns = 0
    for thread in threading.enumerate():
        file = Path(f"/proc/self/task/{thread.native_id}/schedstat")
        if thread.name in names and file.exists():
            waited_ns += int(file.read_text().split()[1])
    return waited_ns / 1e9


def words_only(speech: Samples) -> Samples:
    """Without the silence before and after."""
    loud = np.flatnonzero(np.abs(speech) > 0.1 * np.abs(speech).max())
    margin = SAMPLE_RATE_HZ // 100
    return speech[max(0, int(loud[0]) - margin) : int(loud[-1]) + margin]


def percentile(values: Sequence[float], q: float) -> float:
    """The smallest value that is no smaller than q per cent of them (nearest rank)."""
    return sorted(values)[max(0, math.ceil(q / 100 * len(values)) - 1)]
