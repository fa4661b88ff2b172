"""Recording from a real sound server: the right device, and what happens when it is another one, or gone."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest

from perception.sources.pulse import EarName, Playing, PulseSound
from runtime.channel import Channel, Policy
from runtime.clock import SystemClock, WallClock
from runtime.errors import MediaError
from runtime.messages import AudioChunk
from tests.conftest import Run
from tests.screen.desktop import until
from tests.screen.soundserver import MICROPHONE, ROOM, SPEAKERS, SoundServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.flaky(reruns=2)]

PATIENCE_S = 60.0
LOUD = 0.05
WORDS = "Forty seagulls before breakfast."


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundServer]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = SoundServer(stack, folder)
        for name in ("PULSE_SERVER", "XDG_RUNTIME_DIR", "HOME"):
            monkeypatch.setenv(name, server.env[name])
        yield server


def hides(playing: Playing) -> bool:
    return playing.name == "vault"


@asynccontextmanager
async def recording(
    ear: EarName, device: str = "", clock: WallClock | None = None
) -> AsyncIterator[tuple[asyncio.Task[None], Channel[AudioChunk]]]:
    """A running source, and its sound; no program of it is left in the end."""
    sound: Channel[AudioChunk] = Channel("sound", 1000, Policy.DROP_OLDEST)
    running = asyncio.create_task(PulseSound(ear, clock or SystemClock(), device, hides).run(sound))
    try:
        yield running, sound
    finally:
        running.cancel()
        await asyncio.wait({running})
        left = {p.name() for p in psutil.Process().children(recursive=True)} & {"parec", "pacat", "pactl"}
        assert not left


async def loudest(sound: Channel[AudioChunk], seconds: float = 3.0) -> float:
    """In the next so many seconds of sound."""
    peak, heard_s = 0.0, 0.0
    async with asyncio.timeout(PATIENCE_S):
        while heard_s < seconds:
            chunk = await sound.get()
            heard_s += chunk.duration_s
            peak = max(peak, float(np.abs(chunk.samples).max()))
    return peak


async def until_loud(sound: Channel[AudioChunk]) -> AudioChunk:
    async with asyncio.timeout(PATIENCE_S):
        while np.abs((chunk := await sound.get()).samples).max() < LOUD:
            continue
    return chunk


async def ended(running: asyncio.Task[None]) -> str:
    """Why it ended: "" for a new beginning."""
    await asyncio.wait({running}, timeout=PATIENCE_S)
    assert running.done()
    error = running.exception()
    assert error is None or isinstance(error, MediaError)
    return str(error or "")


@pytest.mark.parametrize(
    ("ear", "sink", "other"), [("microphone", ROOM, SPEAKERS), ("system", SPEAKERS, ROOM)]
)
def test_each_ear_hears_its_own_device_with_the_time_of_day(
    server: SoundServer, run_real: Run, ear: EarName, sink: str, other: str
) -> None:
    async def main() -> None:
        clock = SystemClock()
        began = clock.wall()
        async with recording(ear) as (_, sound):
            await sound.get()
            elsewhere = asyncio.create_task(asyncio.to_thread(server.say, other, WORDS))
            assert await loudest(sound) < LOUD
            await elsewhere
            here = asyncio.create_task(asyncio.to_thread(server.say, sink, WORDS))
            chunk = await until_loud(sound)
            assert began < chunk.t_s < clock.wall()
            await here
            assert server.recordings() == [MICROPHONE if ear == "microphone" else f"{SPEAKERS}.monitor"]
        until(lambda: server.recordings() == [], "the device back")  # the server sees an end a moment later

    run_real(main())


def test_without_a_microphone_what_the_loudspeakers_play_is_not_taken_for_one(
    server: SoundServer, run_real: Run
) -> None:
    async def main() -> None:
        server.control("set-default-source", f"{SPEAKERS}.monitor")
        async with recording("microphone") as (running, _):
            assert await ended(running) == "there is none"
        async with recording("microphone", "no such device") as (running, _):
            assert await ended(running) == "there is no sound source no such device"

    run_real(main())


def test_other_loudspeakers_are_a_new_beginning(server: SoundServer, run_real: Run) -> None:
    async def main() -> None:
        async with recording("system") as (running, sound):
            await sound.get()
            server.control("set-default-sink", ROOM)
            assert await ended(running) == ""

    run_real(main())


def test_a_device_that_is_taken_away_is_not_replaced_by_the_microphone(
    server: SoundServer, run_real: Run
) -> None:
    async def main() -> None:
        server.control("load-module", "module-null-sink", "sink_name=headset")
        server.control("load-module", "module-rescue-streams")
        async with recording("system", "headset.monitor") as (running, sound):
            await sound.get()
            server.control("unload-module", "module-null-sink")  # all of them
            assert await ended(running)

    run_real(main())


def test_a_server_that_ends_and_comes_back(server: SoundServer, run_real: Run) -> None:
    async def main() -> None:
        async with recording("microphone") as (running, sound):
            await sound.get()
            server.stop()
            assert await ended(running)
        async with recording("microphone") as (running, _):
            assert "onnection" in await ended(running)
        server.start()
        async with recording("microphone") as (_, sound):
            await sound.get()

    run_real(main())


def test_nothing_of_the_system_is_heard_while_an_excluded_program_plays(
    server: SoundServer, run_real: Run
) -> None:
    async def main() -> None:
        async with recording("system") as (running, sound):
            await sound.get()
            playing = asyncio.create_task(asyncio.to_thread(server.say, SPEAKERS, WORDS, program="vault"))
            assert await ended(running) == "not heard while vault plays"
            await playing
        until(lambda: not server.playing(), "the end of the program")
        async with recording("system") as (running, sound):
            await sound.get()
            assert not running.done()

    run_real(main())


@pytest.mark.parametrize("jump_s", [8 * 3600.0, -3600.0])
def test_a_clock_that_jumps_is_a_new_beginning(server: SoundServer, run_real: Run, jump_s: float) -> None:
    class Jumping(SystemClock):
        jumped_s = 0.0

        def wall(self) -> float:
            return super().wall() + self.jumped_s

    async def main() -> None:
        clock = Jumping()
        async with recording("microphone", clock=clock) as (running, sound):
            before = await sound.get()
            clock.jumped_s = jump_s
            assert await ended(running) == ""
        async with recording("microphone", clock=clock) as (_, sound):
            after = await sound.get()
            assert abs(after.t_s - before.t_s - jump_s) < PATIENCE_S

    run_real(main())
