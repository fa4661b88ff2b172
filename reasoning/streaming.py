"""An answer as it comes: pieces of its text, then the whole of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

from runtime.messages import Answer, AnswerDelta

Streamed = AsyncGenerator[AnswerDelta | Answer, None]


async def completed(parts: Streamed, latency_s: Callable[[], float]) -> Streamed:
    """The parts of an answer, with what the whole one adds to the pieces as a piece, and how long it took."""
    told = ""
    async with aclosing(parts):
        async for part in parts:
            if isinstance(part, AnswerDelta):
                told += part.text
            else:
                if part.text != told and part.text.startswith(told):
                    yield AnswerDelta(part.turn_id, part.text[len(told) :])
                part = replace(part, latency_s=latency_s())
            yield part
