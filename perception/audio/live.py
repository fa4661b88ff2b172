"""Hearing as it happens: who begins to speak, what is being said, and when the turn is over."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import Literal

import numpy as np

from perception.audio.agreement import Agreement
from perception.audio.grouping import transcribe_group
from perception.audio.hearing_events import EndReason, Heard, HearingEvent, Partial, TurnEnd
from perception.audio.parts import ClosedPart, Part, words_from
from perception.audio.segmenter import WINDOW, WINDOW_S, Segmenter
from perception.audio.settings import AudioSettings
from perception.audio.turns import HEARD_S, unfinished
from runtime.channel import Channel
from runtime.clock import Clock
from runtime.compute import Compute
from runtime.messages import (
    SAMPLE_RATE_HZ,
    AudioChunk,
    Samples,
    SpeechEnd,
    SpeechStart,
    Utterance,
    Watermark,
)
from runtime.models import Transcriber, TurnDetector, VoiceActivity

__all__ = ["Heard", "HearingEvent", "LiveHearing", "Partial", "TurnEnd"]

_JUMP_S = 0.1
"""Chunks that are off by less are taken as one stream."""
_GAP_S = 1.0
"""Sound that is missing (a queue that ran over) is taken as silence up to here; more is a new beginning."""
_EARLIER_PARTS = 8
_CONTEXT_S = 4.0
"""A part this short is heard again with the one that follows: a word alone is often not understood."""
_MODEL_HEARS = math.ceil(HEARD_S / WINDOW_S)
_MOST = int(28 / WINDOW_S)
"""What is transcribed at a time."""


class LiveHearing:
    """Channel[AudioChunk] -> Channel[HearingEvent].

    SpeechStart comes as soon as speech is heard, whatever the transcriber is doing: voice activity, end of turn and
    transcription have a thread each ("vad", "turn", "transcribe"), and only the first two are waited for.

    Where a turn is cut is decided from the sound alone: at a pause (min_silence_ms, and again at second_look_ms) the
    end-of-turn model is asked, and max_silence_ms of silence end it anyway. So the same sound gives the same parts, on
    any machine. A turn that the model ended with a text that breaks off is still waited for; then, and when speech
    comes back within max_silence_ms, the next part continues the turn.

    The words of a pause are transcribed as soon as it begins, so that they are often there when it proves to be the
    end. Otherwise partial transcripts are made only when the transcriber has nothing to do; none is ever queued.

    State lives in the object: run may be called again after a crash, and says then what the crash left unsaid.
    """

    def __init__(
        self,
        compute: Compute,
        vad: VoiceActivity,
        transcriber: Transcriber,
        turns: TurnDetector | None,
        settings: AudioSettings,
        clock: Clock,
    ) -> None:
        """vad: of this session alone, since it has a state. turns: None waits for silence at every turn's end."""
        self._compute = compute
        self._clock = clock
        self._vad = vad
        self._transcriber = transcriber
        self._turns = turns
        self._settings = settings
        self._live = live = settings.live
        self._padding = int(live.segmenter.padding_ms / 1000 / WINDOW_S)
        self._max_silence = math.ceil(live.max_silence_ms / 1000 / WINDOW_S)
        self._looks = [0, math.ceil(live.second_look_ms / 1000 / WINDOW_S)]
        self._part_length = math.ceil(live.part_s / WINDOW_S)
        self._partial_every = max(1, round(live.partial_every_ms / 1000 / WINDOW_S))
        # sound
        self._segmenter = Segmenter(live.segmenter)
        self._origin_s = math.nan
        self._heard = 0
        self._windows: deque[Samples] = deque()
        self._waiting = np.zeros(0, np.float32)
        # turns
        self._part: Part | None = None
        self._speaking = False
        self._turn_start = 0
        self._last: ClosedPart | None = None
        # words
        self._closed: deque[ClosedPart] = deque()
        self._done: tuple[int, int, Utterance | None] = (0, 0, None)
        self._rested_at = -math.inf
        self._agreement = Agreement()
        self._earlier: deque[str] = deque(maxlen=_EARLIER_PARTS)
        self._ending = False
        self._marked_s = -math.inf
        self._changed = asyncio.Event()
        self._taken = asyncio.Event()

    async def run(self, inbox: Channel[AudioChunk], outbox: Channel[HearingEvent]) -> None:
        """Until the inbox is closed; then all that was said has been given out."""
        try:
            async with asyncio.TaskGroup() as group:
                self._ending = False
                group.create_task(self._understand(outbox), name="understand")
                async for chunk in inbox:
                    await self._take(chunk, outbox)
                    await self._mark(outbox)
                await self._begin(math.nan, outbox)
                self._ending = True
                self._changed.set()
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        await outbox.put(Watermark("said", math.inf))

    # Sound

    async def _take(self, chunk: AudioChunk, outbox: Channel[HearingEvent]) -> None:
        next_s = self._time(self._heard) + len(self._waiting) / SAMPLE_RATE_HZ
        missing_s = chunk.t_s - next_s
        if not abs(missing_s) <= _GAP_S:  # also at the very beginning
            await self._begin(chunk.t_s, outbox)
            missing_s = 0.0
        samples = chunk.samples
        if missing_s > _JUMP_S:
            samples = np.concatenate([np.zeros(round(missing_s * SAMPLE_RATE_HZ), np.float32), samples])
        elif missing_s < -_JUMP_S:
            samples = samples[round(-missing_s * SAMPLE_RATE_HZ) :]
        await self._listen(samples, outbox)

    async def _begin(self, t_s: float, outbox: Channel[HearingEvent]) -> None:
        """End what is going on, and start again at t_s."""
        if len(self._waiting):
            await self._listen(np.zeros(-len(self._waiting) % WINDOW, np.float32), outbox)
        await self._on_events(self._segmenter.flush(), outbox)
        if self._part is not None:
            await self._close("closed")
        self._last = None
        self._changed.set()
        while self._closed:  # their numbers count from the old beginning
            await self._until_taken()
        self._segmenter = Segmenter(self._live.segmenter, t_s)
        self._vad.reset()
        self._windows.clear()
        self._origin_s, self._heard = t_s, 0
        self._done = (0, 0, None)

    async def _listen(self, samples: Samples, outbox: Channel[HearingEvent]) -> None:
        sound = np.concatenate([self._waiting, samples])
        whole = len(sound) // WINDOW * WINDOW
        self._waiting = sound[whole:].copy()
        if not whole:
            return
        probabilities = await self._compute.run("vad", self._vad.probabilities, sound[:whole])
        for i in range(whole // WINDOW):
            window = sound[i * WINDOW : (i + 1) * WINDOW].copy()
            self._windows.append(window)
            self._heard += 1
            await self._on_events(self._segmenter.push(window, probabilities[i : i + 1]), outbox)
            await self._look()
            first = self._heard - _MODEL_HEARS
            if self._part is not None:
                first = min(first, self._part.context)
            while self._heard - len(self._windows) < first:
                self._windows.popleft()
        self._changed.set()

    def _time(self, window: int) -> float:
        return self._origin_s + window * WINDOW_S

    def _number(self, t_s: float) -> int:
        return round((t_s - self._origin_s) / WINDOW_S)

    def _samples(self, start: int, end: int) -> Samples:
        base = self._heard - len(self._windows)
        return np.concatenate([self._windows[i - base] for i in range(max(start, base), end)])

    # Turns

    async def _on_events(self, events: list[SpeechStart | SpeechEnd], outbox: Channel[HearingEvent]) -> None:
        goes_on = {event.t_s for event in events if isinstance(event, SpeechStart)}
        for event in events:
            if isinstance(event, SpeechStart):
                await self._speech(self._number(event.t_s), outbox)
            else:
                self._pause(event, cut=event.t_end_s in goes_on)

    async def _speech(self, start: int, outbox: Channel[HearingEvent]) -> None:
        self._speaking = True
        part, last = self._part, self._last
        if part is None:
            continues = last is not None and start - last.part.end < self._max_silence
            if continues and last is not None:
                last.resumed = True
            else:
                self._turn_start = start
            self._open(start, last if continues else None)
            await outbox.put(SpeechStart(self._time(start)))
        elif part.end - part.start >= self._part_length:
            await self._close("part")
            self._open(start, self._last)
        else:
            part.looks = 0

    def _open(self, start: int, before: ClosedPart | None) -> None:
        part = self._part = Part(start, before is not None, end=start, context=start)
        if before is not None and (start - before.part.start) * WINDOW_S <= _CONTEXT_S:
            part.context = before.part.start
            part.since = (before.part.end + start) // 2
        self._agreement = Agreement()

    def _pause(self, stretch: SpeechEnd, *, cut: bool) -> None:
        """A stretch of speech is over: a short pause, or (cut) the middle of speech without any."""
        part = self._part
        assert part is not None
        self._speaking = False
        start, end = self._number(stretch.t_start_s), self._number(stretch.t_end_s)
        part.tail = 0 if cut else self._padding
        part.end = max(start, end - part.tail)
        part.speech += part.end - start
        part.paused_at = self._clock.now()

    async def _look(self) -> None:
        """In a pause: is the turn over?"""
        part = self._part
        if part is None or self._speaking:
            return
        silence = self._heard - part.end
        if part.looks < len(self._looks) and silence >= self._looks[part.looks]:
            part.looks += 1
            if self._turns is not None:
                sound = self._samples(max(self._turn_start, self._heard - _MODEL_HEARS), self._heard)
                part.probability = await self._compute.run("turn", self._turns.end_probability, sound)
                if part.probability >= self._live.end_probability:
                    return await self._close("model")
        if silence >= self._max_silence:
            await self._close("silence")

    async def _close(self, reason: EndReason | Literal["part"]) -> None:
        part = self._part
        assert part is not None
        self._part = None
        stop = min(part.end + part.tail, self._heard)
        self._last = ClosedPart(part, reason, stop, self._sound(part, stop), self._clock.now())
        self._closed.append(self._last)
        self._changed.set()
        while len(self._closed) > self._live.waiting_parts:
            await self._until_taken()

    def _sound(self, part: Part, end: int) -> Samples:
        """The part up to a window, with its context where both fit into one transcription."""
        return self._samples(part.context if end - part.context <= _MOST else part.start, end)

    async def _until_taken(self) -> None:
        self._taken.clear()
        await self._taken.wait()

    # Words

    async def _understand(self, outbox: Channel[HearingEvent]) -> None:
        while True:
            if self._closed:
                await self._finish(self._closed[0], outbox)
                self._closed.popleft()
                self._taken.set()
            elif (end := self._due()) is not None and self._part is not None:
                await self._partial(self._part, end, outbox)
            elif self._ending:
                return
            else:
                self._changed.clear()
                await self._changed.wait()

    def _due(self) -> int | None:
        """Up to which window what is being said should be transcribed now; None for not now."""
        part = self._part
        if part is None:
            return None
        done = self._done[1] if self._done[0] == part.start else part.start
        silence = round(self._segmenter.silence_s / WINDOW_S)
        if self._speaking and silence < self._padding:
            rested = self._clock.now() >= self._rested_at
            due = self._heard - done >= self._partial_every and not silence and rested
            return self._heard if due else None
        # In a pause: what is transcribed now is just what the part will be, should it end here.
        end = self._heard - silence + self._padding if self._speaking else part.end + part.tail
        return end if end - done > self._padding else None

    async def _partial(self, part: Part, end: int, outbox: Channel[HearingEvent]) -> None:
        utterance = await self._transcribe(part, end, self._sound(part, end))
        if self._part is part and utterance is not None:
            text, stable = self._agreement.update(utterance.words)
            await outbox.put(Partial(self._time(part.start), self._time(end), text, stable))

    async def _transcribe(self, part: Part, end: int, sound: Samples) -> Utterance | None:
        """The part's words, from its sound up to a window, with the context where there is one."""
        if self._done[:2] == (part.start, end):
            return self._done[2]
        began_at = self._clock.now()
        start = end - len(sound) // WINDOW
        stretch = SpeechEnd(self._time(start), self._time(end), sound)
        (utterance,) = await self._compute.run(
            "transcribe", transcribe_group, self._transcriber, (stretch,), self._settings.group
        )
        if utterance is not None and start < part.start:
            utterance = words_from(utterance, self._time(part.since))
        self._done = (part.start, end, utterance)
        # A call that has begun is waited for by the one that matters: a slow transcriber rests most of the time.
        now = self._clock.now()
        self._rested_at = now + 2 * (now - began_at)
        return utterance

    async def _finish(self, closed: ClosedPart, outbox: Channel[HearingEvent]) -> None:
        """The words of a part that has ended: of a turn that goes on, or the last of it."""
        part = closed.part
        utterance = await self._transcribe(part, closed.stop, closed.sound)
        understood_at = self._clock.now()
        if not part.continues:
            self._earlier.clear()
        if closed.reason == "part" or (
            closed.reason == "model"
            and utterance is not None
            and unfinished(utterance.text, utterance.language)
            and await self._comes_back(closed)
        ):
            if utterance is not None:
                await outbox.put(Heard(utterance, closed.samples, self._time(part.start)))
        else:
            waited_s = self._clock.now() - understood_at
            speech_s = part.speech * WINDOW_S
            t_start_s, t_end_s = self._time(part.start), self._time(part.end)
            event = TurnEnd(
                t_start_s=t_start_s,
                t_end_s=t_end_s,
                speech_s=speech_s,
                utterance=utterance or Utterance("", t_start_s, t_end_s, confidence=0.0),
                earlier=" ".join(self._earlier),
                reason=closed.reason,
                end_probability=part.probability,
                doubtful=speech_s * 1000 < self._live.doubtful_speech_ms
                or utterance is None
                or utterance.confidence < self._live.doubtful_confidence,
                samples=closed.samples,
                vad_s=self._live.segmenter.min_silence_ms / 1000,
                end_of_turn_s=closed.closed_at - part.paused_at + waited_s,
                asr_s=understood_at - closed.closed_at,
            )
            await outbox.put(event)
        if utterance is not None:
            self._earlier.append(utterance.text)

    async def _comes_back(self, closed: ClosedPart) -> bool:
        """Waits until the silence is long enough to believe a text that breaks off, or speech comes back."""
        over = closed.part.end + self._max_silence
        while not closed.resumed and self._heard < over and not self._ending and self._last is closed:
            self._changed.clear()
            await self._changed.wait()
        return closed.resumed

    async def _mark(self, outbox: Channel[HearingEvent]) -> None:
        mark_s = self._segmenter.mark_s
        if self._part is not None:
            mark_s = min(mark_s, self._time(self._part.start))
        if self._closed:
            mark_s = min(mark_s, self._time(self._closed[0].part.start))
        if mark_s >= self._marked_s + self._settings.mark_every_s:
            self._marked_s = mark_s
            await outbox.put(Watermark("said", mark_s))
