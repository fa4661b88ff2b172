"""The last second of what the microphone heard, to tell a person from the agent's own voice in the room."""

from __future__ import annotations

from collections import deque

import numpy as np

from runtime.app.live.echo import ECHO, echo_score
from runtime.app.live.speaker import SpeakerTrack
from runtime.channel import Channel
from runtime.messages import SAMPLE_RATE_HZ, AudioChunk, Samples

_HEARD_S, _LATEST_S = 1.0, 0.6
_TELLING_S = 0.4
_FRAME, _SILENT = 128, 1e-3


class Microphone:
    """A stage: passes sound on, and keeps the end of it."""

    def __init__(self) -> None:
        self._kept: deque[Samples] = deque()
        self._count = 0

    async def run(self, inbox: Channel[AudioChunk], outbox: Channel[AudioChunk]) -> None:
        async for chunk in inbox:
            self._kept.append(chunk.samples)
            self._count += len(chunk.samples)
            while self._count - len(self._kept[0]) >= _HEARD_S * SAMPLE_RATE_HZ:
                self._count -= len(self._kept.popleft())
            await outbox.put(chunk)

    def hears(self, speaker: SpeakerTrack) -> bool | None:
        """Whether what it hears now is what was just said through the loudspeaker. None: too little was said to tell,
        as a filter can be found that makes any short sound of any other.
        """
        if not self._kept:
            return False
        heard = np.concatenate(self._kept)[-int(_HEARD_S * SAMPLE_RATE_HZ) :]
        if len(heard) < 0.3 * SAMPLE_RATE_HZ:
            return False
        reference = speaker.reference(len(heard) / SAMPLE_RATE_HZ + _LATEST_S)
        said_s = _sound_s(reference)
        if 0 < said_s < _TELLING_S:
            return None
        return echo_score(heard, reference) > ECHO


def _sound_s(samples: Samples) -> float:
    """How long it is not silent."""
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    loud = np.sqrt(np.mean(np.square(frames), axis=1)) > _SILENT
    return int(np.count_nonzero(loud)) * _FRAME / SAMPLE_RATE_HZ
