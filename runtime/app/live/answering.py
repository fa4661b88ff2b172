"""What a session's turns ask of memory, language model and voice, with everything on the tape."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing

from reasoning.need import without_memory
from reasoning.speech import read_aloud
from reasoning.streaming import Streamed
from runtime.app.live.parts import Parts
from runtime.app.live.tape import Tape
from runtime.app.live.turns import Pcm, Show
from runtime.messages import Answer, AnswerDelta, Query


class Answering:
    """Of one session."""

    def __init__(
        self, parts: Parts, tape: Tape, show: Show, found: Callable[[str], None], zero_wall: float
    ) -> None:
        """found: told of a turn when the memory has been searched for it. zero_wall: Unix time of the session's zero."""
        self._parts = parts
        self._tape = tape
        self._show = show
        self._found = found
        self._zero_wall = zero_wall
        self._still = asyncio.Lock()  # held by a commit, or while a question searches the memory

    async def answers(self, query: Query) -> Streamed:
        """While the memory is searched nothing is committed: the answer rests on one state of it. Not all is looked up."""
        told = without_memory(query.text, self._zero_wall + (query.as_of_s or 0.0))
        if told is not None:
            self._found(query.turn_id)
            yield AnswerDelta(query.turn_id, told)
            yield Answer(query.turn_id, told, (), abstained=False)
            return
        await self._tape.acquire("snapshot", self._still)
        searching = True

        def found() -> None:
            nonlocal searching
            if searching:
                searching = False
                self._still.release()
                self._found(query.turn_id)

        try:
            async with aclosing(self._parts.answerer.stream(query, found)) as parts:
                while (part := await self._tape.run("answer", lambda: anext(parts, None))) is not None:
                    yield part
        finally:
            if searching:
                self._still.release()

    async def unhurried(self) -> None:
        """Returns when no question is being looked up: what can wait does not take the machine from one that cannot."""
        await self._tape.acquire("unhurried", self._still)
        self._still.release()

    async def commit(self, work: Callable[[], Awaitable[None]]) -> None:
        await self._tape.acquire("turn to commit", self._still)
        try:
            await self._tape.late("commit", work)
        finally:
            self._still.release()

    async def speak(self, sentence: str) -> AsyncIterator[Pcm]:
        async def whole() -> AsyncIterator[str]:
            yield sentence

        async with aclosing(read_aloud(whole(), self._parts.voice, self._parts.app.speech)) as sounds:
            while (sound := await self._tape.run("voice", lambda: anext(sounds, None))) is not None:
                if len(sound.samples):
                    yield sound.samples
                elif sound.error:
                    # The page speaks this sentence itself.
                    self._show("speak", text=sound.text, error=sound.error)
