"""Parts of a session that say what a test wants: words without a model, answers without a memory, voices that fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reasoning.streaming import Streamed
from runtime.clock import SystemClock
from runtime.errors import VoiceError
from runtime.messages import Answer, AnswerDelta, Query, Samples, Utterance, Word

RATE_HZ = 16_000


class Words:
    """A Transcriber that hears one text in whatever is said."""

    name = "words"

    def __init__(self, text: str) -> None:
        self._text = text

    def transcribe(self, samples: Samples, t_start_s: float) -> tuple[Utterance, ...]:
        step_s = len(samples) / RATE_HZ / (len(self._text.split()) + 1)
        words = tuple(
            Word(f" {word}", t_start_s + i * step_s, t_start_s + (i + 1) * step_s, 0.9)
            for i, word in enumerate(self._text.split())
        )
        end_s = words[-1].t_end_s
        return (Utterance(self._text, t_start_s, end_s, words, confidence=0.9, language="en"),)


class Talker:
    """An answerer with so many sentences to say, pause_s apart. open: how many streams are under way."""

    def __init__(self, sentences: int, pause_s: float = 0.02) -> None:
        self._sentences, self._pause_s = sentences, pause_s
        self._clock = SystemClock()
        self.open = 0
        self.begun = 0

    async def stream(self, query: Query, found: Callable[[], None] = lambda: None) -> Streamed:
        self.open += 1
        self.begun += 1
        try:
            told = ""
            for i in range(self._sentences):
                part = f"This is sentence {i + 1}. "
                told += part
                yield AnswerDelta(query.turn_id, part)
                await self._clock.sleep(self._pause_s)
            yield Answer(query.turn_id, told, (), abstained=False)
        finally:
            self.open -= 1


class Hum:
    """A Voice: seconds_s of sound for each text; then, where it `hangs`, nothing ever."""

    name = "hum"
    sample_rate_hz = RATE_HZ

    def __init__(self, seconds_s: float = 0.1, hangs: bool = False) -> None:
        self._seconds_s, self._hangs = seconds_s, hangs

    async def speak(self, text: str) -> AsyncGenerator[NDArray[np.int16], None]:
        t = np.arange(round(self._seconds_s * RATE_HZ)) / RATE_HZ
        yield (8000 * np.sin(2 * np.pi * 300 * t)).astype(np.int16)
        if self._hangs:
            await asyncio.Event().wait()


class Hoarse:
    """A Voice that has failed."""

    name = "hoarse"
    sample_rate_hz = RATE_HZ

    async def speak(self, text: str) -> AsyncGenerator[NDArray[np.int16], None]:
        raise VoiceError("no voice today")
        yield np.empty(0, np.int16)


def nothing_seen() -> dict[str, Any]:
    """Parts of a session that only listens."""
    return {"vision": None, "reader": None}
