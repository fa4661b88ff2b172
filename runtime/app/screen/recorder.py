"""The screen, looked at all day: read, remembered, paused, forgotten; it outlives a full disk and a display that restarts."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, datetime
from math import inf
from typing import Protocol

from memory import People, SourceInfo, Store
from memory.discretion import clean
from memory.lance import give_back
from memory.screen import ScreenMemory, ScreenWriter
from memory.screen_resuming import left_off, path_of
from perception.screen.heard import on_screen
from perception.screen.reader import ScreenReader
from perception.screen.titles import Place
from perception.sources.pulse import EarName
from runtime.app.screen.glances import Glances, Looks, Stirs
from runtime.app.screen.held_back import HeldBack
from runtime.app.screen.retaining import ensure_room
from runtime.app.screen.settings import ScreenSettings
from runtime.app.screen.status import Status
from runtime.app.screen.unwritten import Unwritten
from runtime.clock import WallClock
from runtime.compute import Compute
from runtime.errors import MediaError, MemoryStoreError
from runtime.messages import Observation, ScreenFrame, ScreenReading
from runtime.session import first_of

_BACK_S = 5.0
_RETRY_S = 5.0
_PAUSED_S = 10.0
_SLOWER = 1.4
_GIVE_BACK_EVERY_S = 10.0
_FRONTS = 256


class Listens(Protocol):
    """Ears, which are open while the screen is recorded."""

    def open(self) -> None: ...
    async def close(self) -> None: ...


class Recorder:
    """run() in a task of its own; everything else may be called meanwhile."""

    def __init__(
        self,
        open_display: Callable[[], Looks],
        reader: ScreenReader,
        writer: ScreenWriter,
        store: Store,
        settings: ScreenSettings,
        compute: Compute,
        clock: WallClock,
        *,
        notice: Callable[[str], None] = lambda _: None,
        remembered: Callable[[Observation, float], Awaitable[None]] | None = None,
        stirs: Stirs | None = None,
        ears: Listens | None = None,
        people: People | None = None,
        user: str = "you",
    ) -> None:
        """notice: is told in one line when recording stops or goes on. remembered: gets every record that has been
        written, and its Unix time. stirs: so that a screen that stood still is looked at as soon as it does not. people: who
        says by the voice who speaks. user: what who speaks into the microphone is called.
        """
        self._open_display = open_display
        self._reader = reader
        self._writer = writer
        self._store = store
        self._settings = settings
        self._compute = compute
        self._clock = clock
        self._notice = notice
        self._stirs = stirs
        self._ears = ears
        self._people = people
        self._user = user
        self._fronts: deque[tuple[float, Place]] = deque(maxlen=_FRONTS)
        self._unwritten = Unwritten(writer, clock, settings.commit_s, people, remembered)
        self._forgotten: deque[tuple[float, float]] = deque(maxlen=_FRONTS)
        self._held_back = HeldBack(store.folder)
        self._display: Looks | None = None
        self._going = asyncio.Event()
        self._going.set()
        self._state, self._since = "starting", clock.wall()
        self._zero_wall, self._source, self._t_s = 0.0, "", 0.0
        self._frames: dict[int, ScreenFrame] = {}
        self._fresh = True
        self._known = self._held_back.there  # what stands there is not to be taken up
        self._again = False  # what stands there has to be read anew
        self._busy = asyncio.Lock()
        self._reading_wall: float | None = None  # when what is being read was looked at
        self._glances = Glances(compute, clock, settings.fast_s)
        self._resume_task: asyncio.Task[None] | None = None
        self._until: float | None = None
        self._looks = 0
        self._changed_s = -inf
        self._gave_back_s = -_GIVE_BACK_EVERY_S

    @property
    def status(self) -> Status:
        return Status(
            self._state,
            self._since,
            self._source,
            str(self._reader.place) if self._state == "recording" else "",
            self._looks,
            self._unwritten.records,
            self._unwritten.pictures,
            looked=self._zero_wall + self._t_s,
            until=self._until,
            missed=self._glances.missed,
            behind_s=self._clock.wall() - self._reading_wall if self._reading_wall is not None else 0.0,
            waiting=self._glances.waiting,
        )

    @property
    def t_s(self) -> float:
        """Media time of the last look."""
        return self._t_s

    @property
    def still_s(self) -> float:
        """For how long nothing has changed on the screen; inf while nobody looks."""
        return self._clock.now() - self._changed_s if self._state == "recording" else inf

    @asynccontextmanager
    async def making_room(self) -> AsyncIterator[None]:
        """Pictures may be thrown away meanwhile: the next one rests on none of them, and what is read is written later."""
        async with self._busy:
            await self._unwritten.commit(force=True)
            self._reader.forget_pictures()
            self._unwritten.waits = True
        try:
            yield
        finally:
            self._unwritten.waits = False

    async def run(self) -> None:
        """Until it is cancelled; what was read is written then."""
        interval_s = self._settings.fast_s
        try:
            while True:
                await self._going.wait()
                try:
                    if self._stirs is not None:
                        self._stirs.arm()
                    async with self._busy:
                        changed = await self._look() if self._going.is_set() else False
                    interval_s = (
                        self._settings.fast_s if changed else min(self._settings.slow_s, interval_s * _SLOWER)
                    )
                except MediaError as error:
                    async with self._busy:
                        await self._lost(f"stopped: {error}")
                    interval_s = _RETRY_S
                except MemoryStoreError as error:
                    if "space" not in str(error):
                        raise
                    await self._deafen()
                    self._say("stopped: the disk is full")
                    interval_s = _RETRY_S
                await self._rest(interval_s)
        finally:
            if self._stirs is not None:
                self._stirs.close()
            await asyncio.shield(self._end())

    async def _rest(self, seconds: float) -> None:
        """Between two looks; not so long when something stirs."""
        fast_s = self._settings.fast_s
        if self._state != "recording":
            await self._clock.sleep(seconds)
            return
        if self._stirs is None or seconds <= fast_s:
            await self._clock.sleep(self._glances.rest_s(seconds))
            return
        await self._clock.sleep(fast_s)
        await first_of(self._clock.sleep(seconds - fast_s), self._stirs.wait())

    async def pause(self, seconds: float | None = None) -> None:
        """Nothing is looked at until resume, or for so many seconds."""
        self._going.clear()  # who looks and reads right now stops soon
        async with self._busy:
            await self._lost("paused")
        await self._no_resume()
        if seconds is not None:
            self._until = self._clock.wall() + seconds
            self._resume_task = asyncio.create_task(self._later(seconds), name="resume")

    async def resume(self) -> None:
        await self._no_resume()
        self._going.set()

    async def toggle(self) -> bool:
        """Pauses, or goes on. Returns whether it is paused now."""
        if self._going.is_set():
            await self.pause()
            return True
        await self.resume()
        return False

    async def hear(self, ear: EarName, said: Observation) -> None:
        """Takes up what was said; its times are Unix seconds. Raises MemoryStoreError."""
        async with self._busy:
            if self._fresh or any(said.t_end_s >= a and said.t_start_s <= b for a, b in self._forgotten):
                return
            zero_wall, source = next(
                (z for z in reversed(self._unwritten.zeros) if z[0] <= said.t_start_s),
                self._unwritten.zeros[-1],
            )
            place = next((p for at, p in reversed(self._fronts) if at <= said.t_start_s), self._reader.place)
            speaker = self._user if ear == "microphone" else None
            record = on_screen(clean(said, None).record, ear, source, zero_wall, place, speaker)
            self._unwritten.hold(ScreenReading((record,), (), (), -inf))
            try:
                await self._unwritten.commit(force=self._state != "recording")
            except MemoryStoreError as error:
                if "space" not in str(error):
                    raise  # a full disk: it is written when there is room again

    async def forget(self, seconds: float) -> int:
        """What appeared in the last so many seconds, off the disk. What still stands there is not taken up again."""
        from_wall = self._clock.wall() - seconds
        self._forgotten.append((from_wall, self._clock.wall()))
        async with self._busy:
            # What stood there before, and still does, has an end here: nobody looks for it any more.
            self._unwritten.hold(await self._compute.run("ocr", self._reader.close))
            try:
                await self._unwritten.commit(force=True)
            except MemoryStoreError:
                self._unwritten.drop()  # a full disk: forgetting comes first
            self._reader.forget()
            self._glances.clear()
            self._known = self._again = True
            self._held_back.note()
            count = 0
            for source in await ScreenMemory(self._store).sources():
                from_s = from_wall - (source.wall_zero_s or 0.0)
                count += await self._writer.forget(source.id, from_s)
            if self._people is not None:
                await self._people.reload()
        return count

    async def _later(self, seconds: float) -> None:
        """The time of day may pass faster than the clock that one can sleep by: while the machine slept."""
        began_s = self._clock.now()
        while (left_s := seconds - (self._clock.now() - began_s)) > 0:
            if self._until is not None and self._clock.wall() >= self._until:
                break
            await self._clock.sleep(min(left_s, _PAUSED_S))
        self._until = None
        self._going.set()

    async def _no_resume(self) -> None:
        task, self._resume_task, self._until = self._resume_task, None, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _look(self) -> bool:
        """Whether anything has changed. Raises MediaError, MemoryStoreError."""
        await ensure_room(self._store, self._settings)
        if self._display is None:
            self._display = await self._compute.run("screen", self._open_display)
            self._frames.clear()
        await self._roll()
        await self._glances.look(self._seen)
        self._say("recording")
        frames = self._glances.take()
        if not frames:
            if self._reader.restless or self._again:
                frames = [replace(f, t_s=self._t_s) for f in self._frames.values()]
            else:
                self._reader.still(self._t_s)
                await self._unwritten.reached(self._t_s)
        for frame in frames:
            await self._read(frame)
            if not self._going.is_set():
                return True
        if frames:
            self._known = self._again = False
            self._changed_s = self._clock.now()
        if not self._known:
            self._held_back.check(lambda: self._reader.holds_back, self._clock.now())
        if not self._fronts or self._fronts[-1][1] != self._reader.place:
            self._fronts.append((self._zero_wall + self._t_s, self._reader.place))
        if self._ears is not None:
            self._ears.open()
        await self._unwritten.commit(force=False)
        if frames and self._clock.now() - self._gave_back_s >= _GIVE_BACK_EVERY_S:
            # Reading takes hundreds of megabytes for a moment, which the heap would keep.
            self._gave_back_s = self._clock.now()
            await self._compute.run("ocr", give_back)
        return bool(frames)

    async def _read(self, frame: ScreenFrame) -> None:
        """Reading and writing take longer than people turn pages, on a busy machine. Raises MediaError: the display went away;
        MemoryStoreError.
        """
        self._reading_wall = self._zero_wall + frame.t_s
        work = asyncio.create_task(self._take(frame), name="reading")
        try:
            await self._glances.until(work, self._glance)
        finally:
            try:
                await work
            finally:
                self._reading_wall = None

    async def _take(self, frame: ScreenFrame) -> None:
        self._unwritten.hold(await self._compute.run("ocr", self._reader.look, frame, self._known))
        await self._unwritten.commit(force=False)

    async def _glance(self) -> tuple[float, list[ScreenFrame]] | None:
        t_s = self._clock.wall() - self._zero_wall
        if not (self._going.is_set() and self._t_s <= t_s <= self._t_s + self._settings.read.gap_s):
            return None  # paused, or the clock was set, or the machine slept: the next look sees to that
        self._t_s = t_s
        return await self._seen()

    async def _seen(self) -> tuple[float, list[ScreenFrame]]:
        assert self._display is not None
        frames = await self._compute.run("screen", self._display.look, self._t_s)
        self._looks += 1
        self._frames |= {frame.monitor: frame for frame in frames}
        return self._t_s, frames

    async def _catch_up(self) -> None:
        """What was seen before a break is read before it."""
        for frame in self._glances.take():
            await self._read(frame)
        self._glances.clear()

    async def _roll(self) -> None:
        """Each day is a source of its own; so is what comes after the clock was set back. Nothing is known of the time in
        which the machine slept.
        """
        wall = self._clock.wall()
        t_s = wall - self._zero_wall
        day = datetime.fromtimestamp(wall).date()
        if self._fresh or t_s < self._t_s - _BACK_S or day != datetime.fromtimestamp(self._zero_wall).date():
            if not self._fresh:
                await self._catch_up()
                self._unwritten.hold(await self._compute.run("ocr", self._reader.close))
                await self._unwritten.commit(force=True)
            if not (self._fresh and await self._go_on(wall, day)):
                await self._begin(wall, day)
        elif t_s - self._t_s > self._settings.read.gap_s:
            await self._catch_up()
            self._unwritten.hold(await self._compute.run("ocr", self._reader.look_away))
            self._again = True
        self._t_s = max(self._t_s, wall - self._zero_wall)

    async def _begin(self, wall: float, day: date) -> None:
        at = datetime.fromtimestamp(wall)
        source = f"screen-{at:%Y-%m-%d-%H%M%S}-{round(wall * 1000) % 1000:03}"
        about = SourceInfo(source, path_of(day), source, has_audio=False, wall_zero_s=wall, added_at_s=wall)
        await self._writer.begin(about)
        self._write_to(source, wall)

    async def _go_on(self, wall: float, day: date) -> bool:
        """With the source of an earlier run, which ended or was killed. What stood there then, and still does, is not new."""
        before = await left_off(self._store, day, wall, self._settings.read.recall_s)
        if before is None:
            return False
        zero_wall = before.source.wall_zero_s or 0.0
        self._write_to(before.source.id, zero_wall)
        self._unwritten.hold(ScreenReading((), before.ends, (), before.until_s))
        texts = [(r.record, r.until_s) for r in before.texts]
        await self._compute.run("ocr", self._reader.take_up, texts, before.until_s, wall - zero_wall)
        return True

    def _write_to(self, source: str, zero_wall: float) -> None:
        self._source, self._zero_wall, self._t_s = source, zero_wall, 0.0
        self._fresh, self._again = False, True
        self._unwritten.begin(source, zero_wall)
        self._reader.source = source

    async def _deafen(self) -> None:
        if self._ears is not None:
            await self._ears.close()

    async def _lost(self, state: str) -> None:
        """The screen is not seen any more: what stood there has ended, as far as is known. Nothing is heard, either."""
        await self._deafen()
        self._glances.clear()
        if self._display is not None:
            await self._compute.run("screen", self._display.close)
            self._display = None
        if not self._fresh:
            self._unwritten.hold(await self._compute.run("ocr", self._reader.look_away))
            await self._unwritten.commit(force=True)
        self._say(state)

    async def _end(self) -> None:
        await self._no_resume()
        try:
            await self._lost("over")
        except MemoryStoreError as error:
            self._notice(str(error))

    def _say(self, state: str) -> None:
        if state == self._state:
            return
        self._state, self._since = state, self._clock.wall()
        if state != "over":
            self._notice(state)
