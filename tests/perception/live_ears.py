"""Live hearing with its channels on virtual time, for its tests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from perception.audio.live import HearingEvent, LiveHearing, TurnEnd
from perception.audio.settings import AudioSettings
from runtime.channel import Channel, Policy
from runtime.clock import VirtualClock
from runtime.compute import Compute
from runtime.messages import SAMPLE_RATE_HZ, AudioChunk, Samples
from runtime.models import Transcriber, TurnDetector, VoiceActivity
from tests.perception.scripted_ears import Loudness

E = TypeVar("E")
PAUSE_S, LONG_S = 0.4, 2.0
"""Shorter and longer than the silence that ends a turn whatever the model says."""


@dataclass
class Ears:
    """A LiveHearing with its channels, and what it said when."""

    transcriber: Transcriber
    turns: TurnDetector | None
    vad: VoiceActivity = field(default_factory=Loudness)
    settings: AudioSettings = field(default_factory=AudioSettings)
    clock: VirtualClock = field(default_factory=VirtualClock)
    said: list[tuple[float, HearingEvent]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.compute = Compute()
        self.inbox: Channel[AudioChunk] = Channel("sound", 1e6, Policy.BLOCK, clock=self.clock)
        self.outbox: Channel[HearingEvent] = Channel("events", 10_000, Policy.BLOCK, clock=self.clock)
        self.hearing = LiveHearing(
            self.compute, self.vad, self.transcriber, self.turns, self.settings, self.clock
        )

    async def hear(self, chunks: Iterable[AudioChunk], *, at_once: bool = False) -> Ears:
        """Chunks come when their last sample has been spoken, or all at once."""

        async def speak() -> None:
            for chunk in chunks:
                if not at_once:
                    await self.clock.sleep(
                        max(0.0, chunk.t_s + len(chunk.samples) / SAMPLE_RATE_HZ - self.clock.now())
                    )
                await self.inbox.put(chunk)
            self.inbox.close()

        async def note() -> None:
            async for event in self.outbox:
                self.said.append((self.clock.now(), event))

        async with asyncio.TaskGroup() as group:
            group.create_task(speak())
            group.create_task(note())
            await self.hearing.run(self.inbox, self.outbox)
            self.outbox.close()
        await self.compute.close(1)
        return self

    def of(self, kind: type[E]) -> list[E]:
        return [event for _, event in self.said if isinstance(event, kind)]

    @property
    def turns_said(self) -> list[tuple[str, str]]:
        return [(turn.text, turn.reason) for turn in self.of(TurnEnd)]

    def when(self, kind: type[HearingEvent], number: int = 0) -> float:
        return [at for at, event in self.said if isinstance(event, kind)][number]


def chunks(*sounds: Samples, size: int = 320, t0: float = 0.0) -> list[AudioChunk]:
    whole = np.concatenate(sounds)
    return [AudioChunk(t0 + i / SAMPLE_RATE_HZ, whole[i : i + size]) for i in range(0, len(whole), size)]
