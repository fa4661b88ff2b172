"""Who speaks in a live session: parts of turns get their voices on the way to memory, which says whose they are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from memory import People
from perception.audio.second_hearing import SecondHearing
from perception.audio.settings import VoiceSettings
from perception.audio.stages import said
from perception.audio.voices import Spoken, by_voice
from runtime.app.live.protocol import ProtocolError
from runtime.app.live.turns import Show
from runtime.channel import Channel
from runtime.clock import WallClock
from runtime.compute import Compute
from runtime.messages import SAMPLE_RATE_HZ, Observation, Samples, SpeechEnd, Utterance, Watermark
from runtime.models import VoiceEncoder

_LINES = 300


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A part of a turn. samples: (n,) float32 mono at 16 kHz, its sound; t_start_s: of the first of them."""

    utterance: Utterance
    samples: Samples
    t_start_s: float

    @property
    def stretch(self) -> SpeechEnd:
        end_s = self.t_start_s + len(self.samples) / SAMPLE_RATE_HZ
        return SpeechEnd(self.t_start_s, end_s, self.samples)


async def hear_again(
    hearing: SecondHearing,
    inbox: Channel[Part | Watermark],
    outbox: Channel[Part | Watermark],
    unhurried: Callable[[], Awaitable[None]],
) -> None:
    """On the way to memory. unhurried: returns when nobody waits for the machine."""
    async for item in inbox:
        if isinstance(item, Part):
            await unhurried()
            item = replace(item, utterance=await hearing.hear(item.utterance, item.stretch))
        await outbox.put(item)


@dataclass(slots=True)
class _Line:
    """What the page shows. speaker: as the record has it; label: what the page was told."""

    speaker: str | None
    label: str | None = None


class LiveVoices:
    """One per session. encoder: None leaves everybody unknown."""

    def __init__(
        self,
        encoder: VoiceEncoder | None,
        people: People,
        compute: Compute,
        clock: WallClock,
        settings: VoiceSettings,
        source: str,
        show: Show,
        is_forgotten: Callable[[float, float], bool],
    ) -> None:
        """is_forgotten: whether that media time was to be forgotten; nothing of it is shown or passed on."""
        self._encoder = encoder
        self._people = people
        self._compute = compute
        self._clock = clock
        self._settings = settings
        self._source = source
        self._show = show
        self._is_forgotten = is_forgotten
        self._lines: dict[str, _Line] = {}

    async def run(self, inbox: Channel[Part | Watermark], outbox: Channel[Any]) -> None:
        """Shows what was said and passes it on, each voice for itself."""
        async for item in inbox:
            if isinstance(item, Watermark):
                await outbox.put(item)
                continue
            spoken = await self._voices(item)
            if self._is_forgotten(item.t_start_s, item.stretch.t_end_s):
                continue
            for one in spoken:
                record = said(one.utterance, self._source, one.voice)
                self._show(
                    "utterance",
                    id=record.id,
                    text=record.text,
                    t_start=round(record.t_start_s, 2),
                    t_end=round(record.t_end_s, 2),
                    speaker=None,
                )
                await outbox.put(record)

    def committed(self, records: Sequence[Observation]) -> None:
        """Tells the page who said what, also of earlier lines of which more is known now."""
        for record in records:
            self._lines[record.id] = _Line(record.speaker)
        while len(self._lines) > _LINES:
            del self._lines[next(iter(self._lines))]
        self._tell()

    async def name(self, record_id: str, name: str, t_s: float) -> None:
        """The page says what the speaker of a line is called. t_s: now, in media time. Raises ProtocolError."""
        line = self._lines.get(record_id)
        person = self._people.cast.person(record_id, line.speaker) if line is not None else None
        if person is None:
            raise ProtocolError("it is not known whose voice that is")
        await self._people.name(person, name, self._clock.wall(), self._source, t_s)
        self._tell()

    def _tell(self) -> None:
        cast = self._people.cast
        for record_id, line in self._lines.items():
            speaker = cast.speaker(record_id, line.speaker)
            if speaker is not None and speaker.label != line.label:
                line.label = speaker.label
                self._show("speaker", id=record_id, speaker=speaker.label)

    async def _voices(self, part: Part) -> Sequence[Spoken]:
        if self._encoder is None:
            return (Spoken(part.utterance, None),)
        return await self._compute.run(
            "speaker", by_voice, part.utterance, part.stretch, self._encoder, self._settings
        )
