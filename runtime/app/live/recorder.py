"""Records a session: what it perceives, what the page does, how long things take, what is shown."""

from __future__ import annotations

import asyncio
import json
import math
import os
import struct
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from reasoning.proactive import Watches
from reasoning.watches.store import write_watches
from runtime.app.live.cutting import note_made, sift
from runtime.app.live.parts import Parts
from runtime.app.live.recording import (
    ABOUT,
    BYTES_PER_SAMPLE,
    EVENTS,
    HEADER_BYTES,
    PICTURES,
    SOUND,
    WATCHES,
    About,
    Event,
    decode_picture,
    encode_picture,
    flat,
    from_pcm,
    is_of,
    private,
    to_pcm,
)
from runtime.app.live.tape import Tape, Work
from runtime.channel import Channel
from runtime.clock import Clock
from runtime.compute import Compute, ComputeClosed
from runtime.errors import InputError
from runtime.messages import SAMPLE_RATE_HZ, AudioChunk, Image, VideoFrame
from runtime.session import cancel_and_wait

T = TypeVar("T")

_THREAD = "record"
_FLUSH_EVERY_S = 0.25
_MOST_EVENTS = 20_000
"""Waiting to be written. More means that the disk does not keep up."""
_SHAPING = ("video", "vision", "read", "audio", "memory", "answer", "speech")
_NOT_KEPT = {"health", "pong", "hello"}


def start_recording(session_id: str, parts: Parts, watches: Watches) -> Recorder:
    """In a folder of the session's name, where live.record says. Raises InputError: it cannot be made."""
    assert parts.live.record is not None
    folder = parts.live.record / session_id
    settings = parts.app.model_dump(mode="json", include=set(_SHAPING)) | {
        "live": parts.live.model_dump(mode="json", include={"chapter_s", "caption_every_s"})
    }
    about = About(
        hearsight=version("hearsight"),
        session=session_id,
        zero_wall=parts.clock.wall(),
        models=parts.models(),
        vision_weights=parts.store.meta.get("vision_weights", ""),
        settings=tuple(flat(settings)),
    )
    if parts.store.folder is not None:
        note_made(parts.store.folder, folder)
    recorder = Recorder(folder, about, parts.compute, parts.clock)
    kept = watches.all()
    write_watches(folder / WATCHES, 1 + max((int(w.id[1:]) for w in kept), default=0), kept)
    return recorder


class Recorder(Tape):
    """Into a folder of its own, that only the user can read. A failure (a full disk) ends the recording, not the
    session. Cut off at any moment, what is there can be replayed.
    """

    records = True

    def __init__(
        self,
        folder: Path,
        about: About,
        compute: Compute,
        clock: Clock,
    ) -> None:
        """Raises InputError: the folder cannot be made."""
        self._folder = folder
        self._compute = compute
        self._clock = clock
        self._zero_s = clock.now()
        self.failed: Callable[[str], None] = lambda _: None
        """Told once, in a line."""
        self._events: list[Event] = []
        self._pcm: list[bytes] = []
        self._order = asyncio.Lock()
        self._open = True
        self._forgotten_s = -math.inf
        try:
            folder.mkdir(parents=True, mode=0o700)
            (folder / PICTURES).mkdir(mode=0o700)
            with private(folder / ABOUT, "xb") as file:
                file.write(about.model_dump_json(indent=1).encode())
            self._log = private(folder / EVENTS, "xb")
            self._wav = private(folder / SOUND, "xb+")
            self._wav.write(_wav_header(None))
        except OSError as error:
            raise InputError(f"--record {folder}: {error.strerror or error}") from None
        self._flushing = asyncio.create_task(self._flush_often(), name="recording")

    def begin(self, zero_s: float) -> None:
        self._zero_s = zero_s

    async def run(self, name: str, work: Work[T]) -> T:
        began_s = self._at()
        try:
            result = await work()
        except asyncio.CancelledError:
            self._note(did=name, **{"from": began_s}, ok=False)
            raise
        self._note(did=name, **{"from": began_s}, ok=True)
        return result

    async def late(self, name: str, work: Work[T]) -> T:
        return await self.run(name, work)

    async def acquire(self, name: str, lock: asyncio.Lock) -> None:
        await self.run(name, lock.acquire)

    async def sound(self, inbox: Channel[AudioChunk], outbox: Channel[AudioChunk]) -> None:
        """What goes on is what the recording holds: 16 bits."""
        async for chunk in inbox:
            pcm = to_pcm(chunk.samples)
            if self._open and chunk.t_s > self._forgotten_s:
                self._pcm.append(pcm.tobytes())
                self._note(sound=len(pcm), t=chunk.t_s)
            await outbox.put(AudioChunk(chunk.t_s, from_pcm(pcm)))

    async def pictures(self, inbox: Channel[VideoFrame], outbox: Channel[VideoFrame]) -> None:
        """What goes on is what the recording holds: as JPEG keeps it."""
        async for frame in inbox:
            name = f"{round(frame.t_s * 1000):09}.jpg"
            image = await self._compute.run(_THREAD, self._keep_picture, name, frame.image)
            if frame.t_s <= self._forgotten_s:
                await self._try(self._drop_picture, name)
                image = frame.image
            elif isinstance(image, str):
                self._fail(image)
                image = frame.image
            else:
                self._note(picture=name, t=frame.t_s)
            await outbox.put(VideoFrame(frame.t_s, image))

    def page(self, act: str, **fields: Any) -> None:
        self._note(page=act, **fields)

    def shown(self, kind: str, fields: Mapping[str, Any]) -> None:
        if kind not in _NOT_KEPT:
            self._note(show=kind, **fields)

    async def forget(self, from_s: float, to_s: float) -> None:
        """Cuts off everything from then on, sound and pictures too."""
        self._forgotten_s = to_s
        async with self._order:
            await self._write()
            if self._open:
                await self._try(self._cut, from_s)

    async def close(self) -> None:
        self._note(end=True)
        async with self._order:  # a write that waits for its thread would be dropped with its task
            await cancel_and_wait(self._flushing, 1.0)
            await self._write()
            await self._try(self._finish)
        self._open = False

    def _at(self) -> float:
        return self._clock.now() - self._zero_s

    def _note(self, **fields: Any) -> None:
        if not self._open:
            return
        self._events.append({"at": self._at(), **fields})
        if len(self._events) > _MOST_EVENTS:
            self._fail("the disk does not keep up")

    async def _flush_often(self) -> None:
        while True:
            await self._clock.sleep(_FLUSH_EVERY_S)
            async with self._order:
                await self._write()

    async def _write(self) -> None:
        events, pcm = self._events, self._pcm
        self._events, self._pcm = [], []
        if self._open and events:
            await self._try(self._append, events, b"".join(pcm))

    async def _try(self, work: Callable[..., None], *args: Any) -> None:
        try:
            await self._compute.run(_THREAD, work, *args)
        except OSError as error:
            self._fail(error.strerror or str(error))
        except ComputeClosed:
            self._fail("the program ends")

    def _fail(self, why: str) -> None:
        if self._open:
            self._open = False
            self._flushing.cancel()
            self.failed(f"the recording has stopped: {why}")

    # In the thread "record"

    def _append(self, events: list[Event], pcm: bytes) -> None:
        # Sound first: no line may tell of samples that are not there.
        self._wav.write(pcm)
        self._wav.flush()
        self._log.write("".join(f"{json.dumps(event)}\n" for event in events).encode())
        self._log.flush()

    def _keep_picture(self, name: str, image: Image) -> Image | str:
        """As it comes back from the file; what is wrong, where it cannot be kept."""
        data = encode_picture(image)
        try:
            if self._open:
                with private(self._folder / PICTURES / name, "wb") as file:
                    file.write(data)
        except OSError as error:
            return error.strerror or str(error)
        return decode_picture(data)

    def _drop_picture(self, name: str) -> None:
        (self._folder / PICTURES / name).unlink(missing_ok=True)

    def _cut(self, from_s: float) -> None:
        path = self._folder / EVENTS
        sifted = sift(path.read_bytes().splitlines(keepends=True), lambda event: is_of(event, from_s))
        for name in sifted.pictures:
            self._drop_picture(name)
        samples = sum(end - begin for begin, end in sifted.samples)
        self._wav.flush()
        self._wav.truncate(HEADER_BYTES + samples * BYTES_PER_SAMPLE)
        self._wav.seek(0, os.SEEK_END)
        shorter = path.with_suffix(".new")
        with private(shorter, "wb") as file:
            file.write(b"".join(sifted.lines))
        self._log.close()
        os.replace(shorter, path)
        self._log = private(path, "ab")

    def _finish(self) -> None:
        size = self._wav.seek(0, os.SEEK_END)
        self._wav.seek(0)
        self._wav.write(_wav_header(size - HEADER_BYTES))
        self._wav.close()
        self._log.close()


def _wav_header(data_bytes: int | None) -> bytes:
    """None: not known yet."""
    size = 0xFFFFFFFF if data_bytes is None else data_bytes
    rate = SAMPLE_RATE_HZ * BYTES_PER_SAMPLE
    return b"RIFF" + struct.pack(
        "<I4s4sIHHIIHH4sI",
        min(size, 0xFFFFFFFF - 36) + 36,
        *(b"WAVE", b"fmt ", 16, 1, 1, SAMPLE_RATE_HZ, rate, BYTES_PER_SAMPLE, 16, b"data"),
        min(size, 0xFFFFFFFF),
    )
