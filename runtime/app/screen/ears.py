"""What is heard while the screen is recorded, once: what the loudspeakers play comes into the microphone, too."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from difflib import SequenceMatcher
from math import inf

from perception.audio.transcriber import plain_words
from perception.sources.pulse import EarName
from runtime.app.screen.ear import LISTENING, Ear
from runtime.messages import Observation, Watermark

_LATELY = 64
_AROUND_S = 3.0
_ECHO = 0.6


class Ears:
    """Both, or one of them. run() in a task of its own."""

    def __init__(self, hear: Callable[[EarName, Observation], Awaitable[None]]) -> None:
        """hear: gets what was said, its times in Unix seconds."""
        self._hear = hear
        self._ears: list[Ear] = []
        self._played: deque[Observation] = deque(maxlen=_LATELY)
        self._played_until_s = inf
        self._waiting: deque[Observation] = deque()

    def add(self, ear: Ear) -> None:
        self._ears.append(ear)

    @property
    def states(self) -> list[tuple[str, str]]:
        """Of each ear its title, and in words whether it listens, and what it was too slow for."""
        return [(ear.title, _told(ear)) for ear in self._ears]

    @property
    def listening(self) -> list[str]:
        """The titles of those that do."""
        return [ear.title for ear in self._ears if ear.state == LISTENING]

    def open(self) -> None:
        for ear in self._ears:
            ear.open()

    async def close(self) -> None:
        """Every device is given back when it returns."""
        await asyncio.gather(*(ear.close() for ear in self._ears))

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for ear in self._ears:
                group.create_task(ear.run(), name=ear.title)

    async def take(self, name: EarName, item: Observation | Watermark) -> None:
        """What an ear says, and how far it has come. The microphone's words wait until it is known what was played."""
        if isinstance(item, Watermark):
            if name == "system":
                self._played_until_s = item.t_s
        elif name == "system":
            self._played.append(item)
            await self._hear(name, item)
        else:
            self._waiting.append(item)
        while self._waiting and (
            self._waiting[0].t_end_s <= self._played_until_s or len(self._waiting) > _LATELY
        ):
            said = self._waiting.popleft()
            if not is_echo(said, self._played):
                await self._hear("microphone", said)


def _told(ear: Ear) -> str:
    return f"{ear.state}, {ear.dropped} chunks of sound left out" if ear.dropped else ear.state


def is_echo(said: Observation, played: Sequence[Observation]) -> bool:
    """Whether most of its words were being played around that time, in that order."""
    near = [
        p
        for p in played
        if p.t_start_s <= said.t_end_s + _AROUND_S and p.t_end_s >= said.t_start_s - _AROUND_S
    ]
    words = plain_words(said.text).split()
    there = [word for p in near for word in plain_words(p.text).split()]
    same = sum(m.size for m in SequenceMatcher(None, words, there, autojunk=False).get_matching_blocks())
    return bool(words) and same >= _ECHO * len(words)
