"""What was said live, heard once more together with what was said before it."""

from __future__ import annotations

from dataclasses import replace

from perception.audio.grouping import transcribe_after
from perception.audio.settings import GroupSettings
from runtime.compute import Compute
from runtime.messages import SAMPLE_RATE_HZ, SpeechEnd, Utterance
from runtime.models import Transcriber

_BEFORE_S = 8.0
_LONG_S = 10.0
"""A stretch this long is understood without the one before it."""


class SecondHearing:
    """Of one session. A turn is understood from its own sound, because somebody waits for it; what is remembered of it can
    wait. A small Whisper understands a sentence that follows another better than one that stands alone (docs/decisions.md).
    """

    def __init__(self, compute: Compute, transcriber: Transcriber, settings: GroupSettings) -> None:
        self._compute = compute
        self._transcriber = transcriber
        self._settings = settings
        self._before: SpeechEnd | None = None

    async def hear(self, utterance: Utterance, stretch: SpeechEnd) -> Utterance:
        """utterance: as the stretch was heard alone. The surer of the two; the other one is among its alternatives."""
        before, self._before = self._before, stretch
        if before is None or len(stretch.samples) > _LONG_S * SAMPLE_RATE_HZ:
            return utterance
        samples = before.samples[-round(_BEFORE_S * SAMPLE_RATE_HZ) :]
        before = replace(before, t_start_s=before.t_end_s - len(samples) / SAMPLE_RATE_HZ, samples=samples)
        return await self._compute.run(
            "transcribe", transcribe_after, self._transcriber, before, stretch, utterance, self._settings
        )
