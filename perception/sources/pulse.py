"""The sound of this machine: what its microphone hears, or what its loudspeakers play. From PulseAudio, or from PipeWire's
server of the same protocol, through their own programs parec and pactl.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from math import inf
from typing import Any, Literal

import numpy as np

from runtime.channel import Channel
from runtime.clock import WallClock
from runtime.errors import MediaError
from runtime.messages import SAMPLE_RATE_HZ, AudioChunk

EarName = Literal["microphone", "system"]
"""system: what the loudspeakers play, whatever program it comes from."""

_PROGRAMS = ("parec", "pactl")

_CHUNK = 4096
_BYTES = 2 * _CHUNK
_LATENCY_MS = 200
_FIRST = 4
"""Chunks from which the time of the first sample is told: it can have come no later than any of them says."""
_STALLED_S = 10.0
_OFF_S = 3.0
"""Sound that is off the clock by more is of another time: the clock was set, the machine slept, samples were lost. Less is
what a player has given the loudspeakers ahead of time, up to two seconds.
"""
_SETTLE_S = 0.3
_ANSWER_S = 5.0
_END_S = 1.0
_CHANGED = re.compile(rb"(?:server|sink-input|source-output) #", re.I)


def missing_programs() -> list[str]:
    """Those that hearing needs and this machine lacks."""
    return [name for name in _PROGRAMS if shutil.which(name) is None]


@dataclass(frozen=True, slots=True)
class Playing:
    """A program that plays something. name: as it calls itself; binary: its file's."""

    name: str
    binary: str


class PulseSound:
    """Of one ear. Times of its chunks are Unix seconds; within one run they never go back."""

    def __init__(
        self,
        ear: EarName,
        clock: WallClock,
        device: str = "",
        hides: Callable[[Playing], bool] = lambda _: False,
    ) -> None:
        """device: name of a PulseAudio source; "" is the one that the desktop uses now. hides: while such a program
        plays, there is nothing to be heard of the system.
        """
        self._ear = ear
        self._clock = clock
        self._device = device
        self._hides = hides

    async def run(self, out: Channel[AudioChunk]) -> None:
        """Until it has to begin anew: the desktop's device is another one now, or the clock was set. Leaves the channel
        open. Raises MediaError: no server, no such device, it went away, or a hidden program plays.
        """
        source = await self._source()
        arguments = (
            "--raw", "--format=s16le", f"--rate={SAMPLE_RATE_HZ}", "--channels=1", f"--latency-msec={_LATENCY_MS}",
            f"--client-name=Hearsight {self._ear}", f"--stream-name=Hearsight {self._ear}", f"--device={source}",
        )  # fmt: skip
        async with _running("parec", *arguments) as recording:
            reading = asyncio.create_task(self._read(recording, out), name=f"{self._ear} sound")
            watching = asyncio.create_task(self._watch(recording.pid, source), name=f"{self._ear} devices")
            try:
                await asyncio.wait((reading, watching), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (reading, watching):
                    task.cancel()
                await asyncio.wait((reading, watching))
            for task in (watching, reading):
                if not task.cancelled() and (error := task.exception()) is not None:
                    raise error

    async def _source(self) -> str:
        """The name of the source to hear. Raises MediaError."""
        about = await _told("info")
        if self._ear == "system":
            playing = await _told("list", "sink-inputs")
            for one in (_playing(p) for p in playing if not p.get("corked")):
                if self._hides(one):
                    raise MediaError(f"not heard while {one.name or one.binary} plays")
            name = self._device or f"{about.get('default_sink_name')}.monitor"
        else:
            name = self._device or str(about.get("default_source_name"))
        found = next((s for s in await _told("list", "sources") if s.get("name") == name), None)
        if found is None:
            raise MediaError(f"there is no sound source {name}" if self._device else "there is none")
        if self._ear == "microphone" and _is_monitor(found):
            raise MediaError("there is none")  # without one, PulseAudio offers what the loudspeakers play
        return name

    async def _read(self, recording: Process, out: Channel[AudioChunk]) -> None:
        start_s, first = inf, deque[bytes]()
        while len(first) < _FIRST:
            first.append(await _chunk(recording))
            start_s = min(start_s, self._clock.wall() - len(first) * _CHUNK / SAMPLE_RATE_HZ)
        stamps = Stamps(self._clock, start_s)
        while True:
            data = first.popleft() if first else await _chunk(recording)
            t_s = stamps.of(_CHUNK)
            if t_s is None:
                return
            samples = np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768)
            await out.put(AudioChunk(t_s, samples))

    async def _watch(self, pid: int, source: str) -> None:
        """Returns when another source is the one to hear. Raises MediaError as `_source`, and when the server has put the
        recording onto another source, as it does with one whose device is gone.
        """
        async with _running("pactl", "subscribe") as events:
            assert events.stdout is not None
            while True:
                if await self._source() != source:
                    return
                names = {s["index"]: s.get("name") for s in await _told("list", "sources")}
                for one in await _told("list", "source-outputs"):
                    mine = one.get("properties", {}).get("application.process.id") == str(pid)
                    if mine and names.get(one.get("source")) != source:
                        raise MediaError("it went away")
                await self._clock.sleep(_SETTLE_S)
                while not _CHANGED.search(changes := await events.stdout.read(1 << 16)):
                    if not changes:
                        await asyncio.Event().wait()  # the server is gone, which the recording tells


class Stamps:
    """The times of sound that comes now: from the first sample's on they are counted in samples."""

    def __init__(self, clock: WallClock, start_s: float | None = None) -> None:
        """start_s: Unix time of the first sample; None for what the first chunk says when it has come."""
        self._clock = clock
        self._start_s = start_s
        self._count = 0

    def of(self, samples: int) -> float | None:
        """Unix time of the first of so many samples that have just come; None when the count and the clock are apart."""
        now_s = self._clock.wall() - samples / SAMPLE_RATE_HZ
        if self._start_s is None:
            self._start_s = now_s
        t_s = self._start_s + self._count / SAMPLE_RATE_HZ
        self._count += samples
        return t_s if abs(now_s - t_s) <= _OFF_S else None


async def _chunk(recording: Process) -> bytes:
    """The next _CHUNK samples. Raises MediaError."""
    assert recording.stdout is not None
    try:
        async with asyncio.timeout(_STALLED_S):
            return await recording.stdout.readexactly(_BYTES)
    except asyncio.IncompleteReadError:
        raise MediaError(await _complaint(recording)) from None
    except TimeoutError:
        raise MediaError("no sound comes from it") from None


def _is_monitor(source: dict[str, Any]) -> bool:
    about = source.get("properties", {})
    return about.get("device.class") == "monitor" or str(source.get("name")).endswith(".monitor")


def _playing(stream: dict[str, Any]) -> Playing:
    about = stream.get("properties", {})
    return Playing(str(about.get("application.name", "")), str(about.get("application.process.binary", "")))


async def _told(*question: str) -> Any:
    """What pactl says, from JSON. Raises MediaError."""
    async with _running("pactl", "--format=json", *question) as asking:
        try:
            async with asyncio.timeout(_ANSWER_S):
                answer, complaint = await asking.communicate()
        except TimeoutError:
            raise MediaError("the sound server does not answer") from None
    if asking.returncode:
        raise MediaError(_line(complaint) or "the sound server refuses")
    try:
        return json.loads(answer)
    except ValueError:
        raise MediaError("what pactl says cannot be read") from None


@asynccontextmanager
async def _running(program: str, *arguments: str) -> AsyncIterator[Process]:
    """Ends with the block. Raises MediaError: it is not installed."""
    plain = {**os.environ, "LC_ALL": "C"}  # where numbers have a comma, the JSON of pactl 16 is none
    try:
        process = await asyncio.create_subprocess_exec(
            program, *arguments, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=plain
        )
    except OSError:
        raise MediaError(f"{program} is not there (package pulseaudio-utils)") from None
    try:
        yield process
    finally:
        await asyncio.shield(_end(process))


async def _end(process: Process) -> None:
    if process.returncode is not None:
        return
    _signal(process, signal.SIGTERM)
    try:
        async with asyncio.timeout(_END_S):
            await process.wait()
    except TimeoutError:
        _signal(process, signal.SIGKILL)
        await process.wait()


def _signal(process: Process, number: int) -> None:
    """Process.terminate would first wait for one that has just ended, which asyncio then misses, and says so on stderr."""
    with suppress(ProcessLookupError):
        os.kill(process.pid, number)


async def _complaint(process: Process) -> str:
    """Why it has ended, in one line."""
    assert process.stderr is not None
    try:
        async with asyncio.timeout(_END_S):
            return _line(await process.stderr.read(4096)) or "it went away"
    except TimeoutError:
        return "it went away"


def _line(complaint: bytes) -> str:
    lines: Sequence[str] = complaint.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip() if lines else ""
