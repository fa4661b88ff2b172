"""One ear of the screen mode: the microphone, or what the loudspeakers play; from sound to what was said."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from math import inf
from typing import Any

from perception.audio.settings import AudioSettings, GroupSettings
from perception.audio.stages import SpeechEvent, TranscribeStage, VadStage
from perception.sources.pulse import EarName
from runtime.app.live.media import sound_channel
from runtime.channel import Channel, Policy
from runtime.clock import WallClock
from runtime.compute import Compute
from runtime.messages import AudioChunk, Observation, Watermark
from runtime.models import Transcriber, VoiceActivity, VoiceEncoder
from runtime.session import cancel_and_wait, first_of
from runtime.stage import Backoff, describe

LISTENING, CLOSED = "listening", "closed"
_BACKOFF = Backoff(first_s=2.0, longest_s=30.0)
_CLOSE_S, _FINISH_S = 3.0, 10.0
_STRETCHES = 16
TITLES: dict[EarName, str] = {"microphone": "microphone", "system": "system sound"}


@dataclass(frozen=True, slots=True)
class HearingParts:
    """The models that both ears share. new_activity: a voice activity model of its own, since it has a state."""

    new_activity: Callable[[], VoiceActivity]
    transcriber: Transcriber
    voices: VoiceEncoder | None


Source = Callable[[Channel[AudioChunk]], Coroutine[Any, Any, None]]
"""Puts sound into the channel until it has to begin anew. Raises MediaError: there is none."""
Take = Callable[[EarName, Observation | Watermark], Awaitable[None]]


class Ear:
    """run() in a task of its own; it hears only between open and close, and holds no device otherwise.

    Recognition has queues of its own, all bounded: where it is too slow, sound is left out (dropped), and nobody waits.
    """

    def __init__(
        self,
        name: EarName,
        source: Source,
        parts: HearingParts,
        settings: AudioSettings,
        span_s: float,
        compute: Compute,
        clock: WallClock,
        take: Take,
        report: Callable[[str], None],
    ) -> None:
        """span_s: what is said within so many seconds is understood together. take: gets what was said, in Unix time, and
        how far hearing has come. report: is told in one line when it cannot hear, once.
        """
        self.name = name
        self.title = TITLES[name]
        self._sound = source
        self._parts = parts
        self._settings = settings.model_copy(update={"group": GroupSettings(span_s=span_s)})
        self._compute = compute
        self._clock = clock
        self._take = take
        self._report = report
        self._wanted = asyncio.Event()
        self._closing = asyncio.Event()
        self._source: asyncio.Task[None] | None = None
        self._told = ""
        self.state = CLOSED
        """LISTENING, CLOSED, or why it does not hear."""
        self._lossy: tuple[Channel[AudioChunk], ...] = ()
        self._lost = 0

    @property
    def dropped(self) -> int:
        """Chunks of sound that recognition was too slow for."""
        return self._lost + sum(channel.drops for channel in self._lossy)

    def open(self) -> None:
        self._closing.clear()
        self._wanted.set()

    async def close(self) -> None:
        """The device is given back before it returns. What was said until then is still understood."""
        self._wanted.clear()
        self._closing.set()
        if self._source is not None:
            await cancel_and_wait(self._source, _CLOSE_S)
        self.state = CLOSED

    async def run(self) -> None:
        """Until it is cancelled; what was said until then is understood first, for a while."""
        failures = 0
        while True:
            await self._wanted.wait()
            began_s = self._clock.now()
            listening = asyncio.create_task(self._listen(), name=f"hear {self.name}")
            try:
                trouble = await asyncio.shield(listening)
            except asyncio.CancelledError:
                await self.close()
                await asyncio.wait({listening}, timeout=_FINISH_S)
                await cancel_and_wait(listening, _CLOSE_S)
                raise
            if self._clock.now() - began_s >= _BACKOFF.healthy_s:
                failures = 0
            if not trouble or not self._wanted.is_set():
                continue
            self._tell(trouble)
            await self._wait(_BACKOFF.delay_s(failures))
            failures += 1

    async def _listen(self) -> str:
        """Until the source ends, or is closed. Returns what went wrong, "" for nothing."""
        source = sound_channel(f"{self.name} source", self._clock)
        sound = sound_channel(f"{self.name} sound", self._clock)
        speech: Channel[SpeechEvent] = Channel(
            f"{self.name} speech", _STRETCHES, Policy.BLOCK, clock=self._clock
        )
        said: Channel[Observation | Watermark] = Channel(
            f"{self.name} said", _STRETCHES, Policy.BLOCK, clock=self._clock
        )
        self._lossy = (source, sound)
        vad = VadStage(self._compute, self._parts.new_activity(), self._settings)
        words = TranscribeStage(
            self._compute, self._parts.transcriber, self._settings, self.name, voices=self._parts.voices
        )
        self._source = asyncio.create_task(self._sound(source), name=f"{self.name} source")
        trouble = ""
        try:
            async with asyncio.TaskGroup() as group:
                ended = group.create_task(self._until_ended(source))
                group.create_task(_then_close(self._note_sound(source, sound), sound))
                group.create_task(_then_close(vad.run(sound, speech), speech))
                group.create_task(_then_close(words.run(speech, said), said))
                group.create_task(self._hand_on(said))
            trouble = ended.result()
        except BaseExceptionGroup as errors:
            trouble = describe(errors.exceptions[0])
        finally:
            self._lost, self._lossy = self.dropped, ()
            if not self._source.done():  # what one that has ended had to say is told already
                await cancel_and_wait(self._source, _CLOSE_S)
            self._source = None
        await self._take(self.name, Watermark("said", inf))
        return trouble

    async def _until_ended(self, source: Channel[AudioChunk]) -> str:
        """The source's end is that of the sound; what is wrong with it does not cut short what came before."""
        assert self._source is not None
        try:
            await asyncio.wait({self._source})
            error = None if self._source.cancelled() else self._source.exception()
            return describe(error) if error is not None else ""
        finally:
            source.close()

    async def _hand_on(self, said: Channel[Observation | Watermark]) -> None:
        async for item in said:
            await self._take(self.name, item)

    async def _note_sound(self, inbox: Channel[AudioChunk], outbox: Channel[AudioChunk]) -> None:
        """Passes it on: where sound comes, it works (again)."""
        async for chunk in inbox:
            if self._wanted.is_set() and self.state != LISTENING:
                self._tell(LISTENING)
            await outbox.put(chunk)

    def _tell(self, state: str) -> None:
        self.state = state
        if state != self._told:
            self._told = state
            self._report(f"{self.title}: {state}")

    async def _wait(self, seconds: float) -> None:
        """Or until it is closed."""
        await first_of(self._clock.sleep(seconds), self._closing.wait(), cancel_s=_CLOSE_S)


async def _then_close(work: Awaitable[None], out: Channel[Any]) -> None:
    try:
        await work
    finally:
        out.close()
