"""The agent's own voice, back from the room, is no person."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.app.live.microphone import Microphone
from runtime.app.live.speaker import SpeakerTrack
from runtime.channel import Channel, Policy
from runtime.clock import VirtualClock
from runtime.messages import SAMPLE_RATE_HZ, AudioChunk, Samples
from tests.conftest import Run

DELAY = 1600


def noise(seed: int, seconds: float) -> Samples:
    """Speech-like: noise that comes and goes four times a second."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    loudness = 0.1 + 0.9 * np.abs(np.sin(2 * np.pi * 2 * t + seed))
    return (0.1 * loudness * rng.standard_normal(len(t))).astype(np.float32)


@pytest.mark.parametrize(("own", "expected"), [(True, True), (False, False)])
def test_it_knows_its_own_voice_from_another(run_virtual: Run, own: bool, expected: bool) -> None:
    async def main() -> None:
        clock = VirtualClock()
        speaker = SpeakerTrack(clock)
        said = noise(1, 2.0)
        await speaker.say("t1", (np.repeat(said, 3) * 32767).astype(np.int16))
        for _ in range(100):
            await speaker.recv()
        sent = speaker.reference(2.0)
        heard = (
            0.3 * np.concatenate([np.zeros(DELAY, np.float32), sent])[: len(sent)] if own else noise(2, 2.0)
        )
        microphone = Microphone()
        inbox: Channel[AudioChunk] = Channel("in", 100, Policy.BLOCK, clock=clock)
        outbox: Channel[AudioChunk] = Channel("out", 100, Policy.BLOCK, clock=clock)
        for start in range(0, len(heard), 640):
            await inbox.put(AudioChunk(start / SAMPLE_RATE_HZ, heard[start : start + 640].astype(np.float32)))
        inbox.close()
        await microphone.run(inbox, outbox)
        assert len(outbox) == len(heard) // 640
        assert microphone.hears(speaker) is expected
        speaker.stop()

    run_virtual(main())


def test_it_does_not_guess_from_the_first_tenths_of_a_second_of_its_own_voice(run_virtual: Run) -> None:
    """A filter would be found that makes the one short sound of the other."""

    async def main() -> None:
        clock = VirtualClock()
        speaker, microphone = SpeakerTrack(clock), Microphone()
        await speaker.say("t1", (np.repeat(noise(1, 2.0), 3) * 32767).astype(np.int16))
        inbox: Channel[AudioChunk] = Channel("in", 100, Policy.BLOCK, clock=clock)
        outbox: Channel[AudioChunk] = Channel("out", 100, Policy.BLOCK, clock=clock)
        heard = np.zeros(SAMPLE_RATE_HZ, np.float32)
        heard[-1280:] = noise(2, 0.08)
        await inbox.put(AudioChunk(0.0, heard))
        inbox.close()
        await microphone.run(inbox, outbox)
        for _ in range(10):
            await speaker.recv()
        assert microphone.hears(speaker) is None
        for _ in range(50):
            await speaker.recv()
        assert microphone.hears(speaker) is False
        speaker.stop()

    run_virtual(main())


def test_silence_and_nothing_are_no_echo(run_virtual: Run) -> None:
    async def main() -> None:
        clock = VirtualClock()
        speaker, microphone = SpeakerTrack(clock), Microphone()
        assert not microphone.hears(speaker)
        inbox: Channel[AudioChunk] = Channel("in", 10, Policy.BLOCK, clock=clock)
        outbox: Channel[AudioChunk] = Channel("out", 10, Policy.BLOCK, clock=clock)
        await inbox.put(AudioChunk(0.0, np.zeros(SAMPLE_RATE_HZ, np.float32)))
        inbox.close()
        await microphone.run(inbox, outbox)
        assert not microphone.hears(speaker)
        speaker.stop()

    run_virtual(main())
