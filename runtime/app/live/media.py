"""The channels that sound and pictures of a session go through: bounded, and the oldest gives way."""

from __future__ import annotations

from runtime.channel import Channel, Policy
from runtime.clock import Clock
from runtime.messages import AudioChunk, VideoFrame

_SOUND_MS = 10_000


def sound_channel(name: str, clock: Clock) -> Channel[AudioChunk]:
    """Ten seconds of sound."""
    return Channel(name, _SOUND_MS, Policy.DROP_OLDEST, weigh=lambda c: c.duration_s * 1000, clock=clock)


def picture_channel(name: str, clock: Clock) -> Channel[VideoFrame]:
    """The newest picture."""
    return Channel(name, 1, Policy.LATEST, clock=clock)
