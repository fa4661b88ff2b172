"""Hearing as two stages: where is speech, and what is said."""

from __future__ import annotations

import hashlib
import math
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

from perception.audio.grouping import Group, Grouper, transcribe_group
from perception.audio.segmenter import WINDOW, Segmenter
from perception.audio.sentences import split_utterance
from perception.audio.settings import AudioSettings
from perception.audio.transcriber import plain_words
from perception.audio.voices import Spoken, by_voice
from runtime.channel import Channel
from runtime.compute import Compute
from runtime.messages import (
    SAMPLE_RATE_HZ,
    AudioChunk,
    Observation,
    Samples,
    SpeechEnd,
    SpeechStart,
    Utterance,
    VoicePrint,
    Watermark,
)
from runtime.models import Transcriber, VoiceActivity, VoiceEncoder

SpeechEvent = SpeechStart | SpeechEnd | Watermark
"""A watermark among them says: no stretch of speech that starts before t_s is still to come."""

# A source keeps its samples on its clock; a larger step is a new beginning (a device that was away).
_JUMP_S = 0.1


class VadStage:
    """Channel[AudioChunk] -> SpeechStart, SpeechEnd and Watermark("said") as far as speech has been looked
    for.

    What comes out does not depend on how the sound is cut into chunks. State lives in the object: run may be
    called again after a crash.
    """

    def __init__(
        self,
        compute: Compute,
        vad: VoiceActivity,
        settings: AudioSettings,
        *,
        ended: Callable[[], bool] = lambda: True,
    ) -> None:
        """ended: asked when the inbox is closed: is this the end of the media? If not (a session that
        drains), the speech going on is left for the next run, and no last mark is given.
        """
        self._compute = compute
        self._vad = vad
        self._settings = settings
        self._ended = ended
        self._segmenter: Segmenter | None = None
        self._next_s = 0.0  # time of the sample after the last one that came
        self._waiting: list[Samples] = []
        self._waiting_n = 0
        self._batch = max(1, settings.vad_batch_ms * SAMPLE_RATE_HZ // 1000 // WINDOW) * WINDOW
        self._marked_s = -math.inf

    async def run(self, inbox: Channel[AudioChunk], outbox: Channel[SpeechEvent]) -> None:
        async for chunk in inbox:
            if self._segmenter is None or abs(chunk.t_s - self._next_s) > _JUMP_S:
                await self._begin(chunk.t_s, outbox)
            self._next_s = chunk.t_s + chunk.duration_s
            self._waiting.append(chunk.samples)
            self._waiting_n += len(chunk.samples)
            if self._waiting_n >= self._batch:
                await self._listen(self._waiting_n // WINDOW * WINDOW, outbox)
        if self._ended():
            await self._finish(outbox)
            await outbox.put(Watermark("said", math.inf))

    async def _begin(self, t_s: float, outbox: Channel[SpeechEvent]) -> None:
        await self._finish(outbox)
        self._vad.reset()
        self._segmenter = Segmenter(self._settings.segmenter, t_s)

    async def _finish(self, outbox: Channel[SpeechEvent]) -> None:
        """Hear the last samples, with silence after them, and end the speech that is going on."""
        if self._segmenter is None:
            return
        if self._waiting_n:
            missing = -self._waiting_n % WINDOW
            self._waiting.append(np.zeros(missing, np.float32))
            self._waiting_n += missing
            await self._listen(self._waiting_n, outbox)
        segmenter, self._segmenter = self._segmenter, None
        for event in segmenter.flush():
            await outbox.put(event)

    async def _listen(self, count: int, outbox: Channel[SpeechEvent]) -> None:
        """Give the first count samples that wait (a multiple of 512) to the model, and say what it heard."""
        assert self._segmenter is not None
        samples = np.concatenate(self._waiting)
        probabilities = await self._compute.run("vad", self._vad.probabilities, samples[:count])
        self._waiting = [samples[count:]] if count < len(samples) else []
        self._waiting_n = len(samples) - count
        for event in self._segmenter.push(samples[:count], probabilities):
            await outbox.put(event)
        mark_s = self._segmenter.mark_s
        if mark_s >= self._marked_s + self._settings.mark_every_s:
            self._marked_s = mark_s
            await outbox.put(Watermark("said", mark_s))


class TranscribeStage:
    """Channel[SpeechEvent] -> Observation(modality "said"), and Watermark("said") as far as all is
    transcribed.

    Neighbouring stretches share a transcription (see grouping.py); which ones is decided by the stream from
    its beginning, so a second run over the same media makes the same observations with the same ids. A group
    is closed
    by what comes after it or by a watermark, never by the closing of the inbox: VadStage's last watermark
    does that.
    """

    def __init__(
        self,
        compute: Compute,
        transcriber: Transcriber,
        settings: AudioSettings,
        source: str,
        *,
        second: Transcriber | None = None,
        voices: VoiceEncoder | None = None,
        skip_before_s: float = -math.inf,
    ) -> None:
        """source: id of the media, for the observations. second: reads again what the first one is not sure of.
        voices: without it nobody's voice is known.

        skip_before_s: speech that ends there or earlier is already known; a group of which all is known is not
        transcribed again.
        """
        self._compute = compute
        self._transcriber = transcriber
        self._second = second
        self._settings = settings
        self._source = source
        self._voices = voices
        self._skip_before_s = skip_before_s
        self._grouper = Grouper(settings.group)
        self._closed: deque[Group] = deque()
        self._heard_s = -math.inf
        self._marked_s = -math.inf

    async def run(self, inbox: Channel[SpeechEvent], outbox: Channel[Observation | Watermark]) -> None:
        await self._drain(outbox)  # what a crash left
        async for event in inbox:
            if isinstance(event, SpeechEnd):
                self._closed.extend(self._grouper.add(event))
            elif isinstance(event, Watermark):
                self._heard_s = max(self._heard_s, event.t_s)
                self._closed.extend(self._grouper.advance(event.t_s))
            await self._drain(outbox)

    async def _drain(self, outbox: Channel[Observation | Watermark]) -> None:
        while self._closed:
            group = self._closed[0]
            if group[-1].t_end_s > self._skip_before_s:
                for observation in await self._observe(group):
                    await outbox.put(observation)
            self._closed.popleft()
        mark_s = min(self._heard_s, self._grouper.mark_s)
        if mark_s > self._marked_s:
            self._marked_s = mark_s
            await outbox.put(Watermark("said", mark_s))

    async def _observe(self, group: Group) -> list[Observation]:
        heard = await self._compute.run(
            "transcribe",
            transcribe_group,
            self._transcriber,
            group,
            self._settings.group,
            self._second,
        )
        if self._voices is None:
            spoken = [Spoken(utterance, None) for utterance in heard if utterance is not None]
        else:
            spoken = await self._compute.run("speaker", self._by_voice, self._voices, group, heard)
        return [
            said(part, self._source, one.voice)
            for one in spoken
            for part in split_utterance(one.utterance, self._settings.sentence_split_s)
        ]

    def _by_voice(
        self, voices: VoiceEncoder, group: Group, heard: Sequence[Utterance | None]
    ) -> list[Spoken]:
        """Blocking compute."""
        return [
            one
            for stretch, utterance in zip(group, heard, strict=True)
            if utterance is not None
            for one in by_voice(utterance, stretch, voices, self._settings.voices)
        ]


def said(utterance: Utterance, source: str, voice: VoicePrint | None = None) -> Observation:
    """The utterance as an observation; known from its end on.

    details: {"words": [[text, start, end, probability], ...] in media seconds, "language", "alternatives": other
    readings, where there are any}.
    """
    words = [
        [w.text.strip(), round(w.t_start_s, 2), round(w.t_end_s, 2), round(w.probability, 3)]
        for w in utterance.words
    ]
    return Observation(
        id=observation_id(source, utterance.t_start_s, utterance.text),
        source=source,
        modality="said",
        text=utterance.text,
        t_start_s=utterance.t_start_s,
        t_end_s=utterance.t_end_s,
        known_at_s=utterance.t_end_s,
        confidence=utterance.confidence,
        speaker=utterance.speaker,
        details={"words": words, "language": utterance.language}
        | ({"alternatives": list(utterance.alternatives)} if utterance.alternatives else {}),
        voice=voice,
    )


def observation_id(source: str, t_start_s: float, text: str) -> str:
    """16 hex digits: SHA-1 of source, modality, start in ms, and text without case and punctuation."""
    key = f"{source}\0said\0{round(t_start_s * 1000)}\0{plain_words(text)}"
    return hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()[:16]
