"""hearsight replay: recorded sessions again, on virtual time, and whether the same came of them."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import tempfile
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from aiortc.mediastreams import MediaStreamError

from memory import Store
from reasoning import engine_server
from reasoning.engine import Start
from reasoning.engine_state import EngineAddress
from reasoning.times import clock_text
from runtime.app import console
from runtime.app.console import say
from runtime.app.context import App, open_app
from runtime.app.live.command import open_parts
from runtime.app.live.parts import Parts
from runtime.app.live.recording import (
    PICTURES,
    WATCHES,
    About,
    Event,
    Sound,
    decode_picture,
    is_of,
    read_about,
    read_events,
    recordings_in,
    span_of,
)
from runtime.app.live.session import LiveSession
from runtime.app.live.tape import Tape, Work
from runtime.clock import VirtualClock
from runtime.errors import InputError
from runtime.messages import AudioChunk, Image, VideoFrame
from runtime.session import cancel_and_wait

T = TypeVar("T")

_inside: ContextVar[bool] = ContextVar("inside", default=False)
"""Work of a tape, which may be part of other such work: time stands still then, and must not be waited for."""

_EARLY_S, _PAST_S = 1.0, 0.5
_STOP_S = 20.0
_TOLD = 5
_AFTERMATH_S = 30.0

_COMPARED: dict[str, tuple[str, ...]] = {
    "utterance": ("id", "text", "t_start", "t_end"),
    "read": ("id", "text", "t"),
    "clip": ("id", "t_start", "t_end", "tags"),
    "answer": ("text", "abstained", "evidence"),
    "alert": ("text",),
}
"""What must be the same, by kind of event."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one kind of event: how many there were and are, and what is on one side alone, in words."""

    kind: str
    then: int
    now: int
    missing: tuple[str, ...]
    new: tuple[str, ...]

    @property
    def same(self) -> bool:
        return not self.missing and not self.new


async def run_replay(args: argparse.Namespace) -> int:
    """On the loop of run_virtual. 1 when something came out differently."""
    differ = False
    for folder in recordings_in(args.recording):
        about, events = read_about(folder), read_events(folder)
        with _memory_at(args.memory) as memory:
            shown = await _replayed(args, folder, about, events, memory)
        outcomes = compared(events, shown)
        for outcome in outcomes:
            _tell(outcome)
        differ = differ or not all(outcome.same for outcome in outcomes)
    return 1 if differ else 0


@contextmanager
def _memory_at(wanted: str | None) -> Iterator[str]:
    if wanted is not None:
        if Path(wanted).exists():
            raise InputError(f"--memory {wanted}: is there already; a replay makes a new one")
        yield wanted
        return
    with tempfile.TemporaryDirectory(prefix="hearsight-replay-") as folder:
        yield str(Path(folder) / "memory")


async def _replayed(
    args: argparse.Namespace, folder: Path, about: About, events: Sequence[Event], memory: str
) -> list[Event]:
    args = argparse.Namespace(**{**vars(args), "overrides": [*about.settings, *args.overrides]})
    clock = VirtualClock()
    async with open_app(args, clock) as app, AsyncExitStack() as opened:
        # What is opened here waits for real things: LanceDB, other processes.
        with clock.held("the models"):
            text_encoder = await app.models.text_encoder()
            async with await Store.open(memory, text_encoder) as store:
                await store.claim_model("vision", about.models["vision"], about.vision_weights)
            parts, new_watches = await opened.enter_async_context(
                open_parts(app, memory, args.engine, _start_engine(app))
            )
        _tell_models(about, parts)
        if (folder / WATCHES).is_file():
            shutil.copyfile(folder / WATCHES, Path(memory) / WATCHES)
        clock = VirtualClock(about.zero_wall - clock.now())
        tape = Replay(events, clock)
        session = LiveSession(about.session, replace(parts, clock=clock), new_watches(True), tape)
        await _play(folder, events, session, clock)
        return tape.events


def _start_engine(app: App) -> Start:
    """On a loop of its own, where time passes. In a thread that nothing waits for when the program ends."""

    def begin() -> EngineAddress:
        return asyncio.run(engine_server.start(app.settings.engine, say))

    async def start() -> EngineAddress:
        return await app.compute.run("engine start", begin)

    return start


async def _play(folder: Path, events: Sequence[Event], session: LiveSession, clock: VirtualClock) -> None:
    """Gives a session what it was given then, at the same times, and ends it."""
    sound = Sound(folder)
    listening: asyncio.Task[None] | None = None
    taking: set[asyncio.Task[None]] = set()
    running = asyncio.create_task(session.run(), name=f"session {session.id}")
    try:
        for event in events:
            if "show" in event:
                continue
            await clock.sleep(max(0.0, event["at"] - session.now_s()))
            if "sound" in event:
                if len(samples := sound.next(event["sound"])):
                    session.audio.put_nowait(AudioChunk(event["t"], samples))
            elif "picture" in event:
                image = await asyncio.to_thread(_picture, folder / PICTURES / event["picture"])
                session.video.put_nowait(VideoFrame(event["t"], image))
            elif event.get("page") == "attach":
                session.attach(lambda _: None, event.get("resumed", False))
                listening = listening or asyncio.create_task(_listen(session), name="loudspeaker")
            elif event.get("page") == "detach":
                session.detach()
            elif event.get("page") == "take":
                task = asyncio.create_task(session.take(event.get("data", "")), name="message")
                taking.add(task)
                task.add_done_callback(taking.discard)
            elif event.get("page") == "remind":
                await session.remind()
        await session.close()
    finally:
        for task in [*taking, running, *([listening] if listening else [])]:
            await cancel_and_wait(task, _STOP_S)


async def _listen(session: LiveSession) -> None:
    """As a connection does: takes the sound that is said, as fast as it is heard."""
    with suppress(MediaStreamError):
        while True:
            await session.speaker.recv()


def _picture(path: Path) -> Image:
    """Raises InputError."""
    try:
        return decode_picture(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None


class Replay(Tape):
    """Work takes as long as it took then; what is shown is kept to be compared."""

    def __init__(self, events: Sequence[Event], clock: VirtualClock) -> None:
        self.events: list[Event] = []
        self._clock = clock
        self._zero_s = clock.now()
        self._calls: defaultdict[str, deque[Event]] = defaultdict(deque)
        for event in events:
            if "did" in event:
                self._calls[event["did"]].append(event)

    def begin(self, zero_s: float) -> None:
        self._zero_s = zero_s

    async def run(self, name: str, work: Work[T]) -> T:
        call = self._call(name)
        if _inside.get():
            return await work()
        result = await self._done(name, work)
        await self._until(call)
        return result

    async def late(self, name: str, work: Work[T]) -> T:
        call = self._call(name)
        if _inside.get():
            return await work()
        await self._until(call)
        return await self._done(name, work)

    async def acquire(self, name: str, lock: asyncio.Lock) -> None:
        """Time goes on: who holds the lock may be waiting for it."""
        await self._until(self._call(name))
        await lock.acquire()

    def shown(self, kind: str, fields: Mapping[str, Any]) -> None:
        event = json.loads(json.dumps({"at": self._at(), "show": kind, **fields}))
        self.events.append(event)
        if (line := _line(event)) is not None:
            console.stdout.print(line, markup=False)

    async def forget(self, from_s: float, to_s: float) -> None:
        self.events = [e for e in self.events if not is_of(e, from_s)]

    async def _done(self, name: str, work: Work[T]) -> T:
        inside = _inside.set(True)
        try:
            with self._clock.held(name):
                return await work()
        finally:
            _inside.reset(inside)

    def _at(self) -> float:
        return self._clock.now() - self._zero_s

    def _call(self, name: str) -> Event | None:
        """The one that was made then, if one was made about now."""
        calls, now_s = self._calls[name], self._at()
        while calls and calls[0]["at"] < now_s - _PAST_S:
            calls.popleft()
        return calls.popleft() if calls and calls[0]["from"] <= now_s + _EARLY_S else None

    async def _until(self, call: Event | None) -> None:
        if call is None:
            return
        if not call["ok"]:  # it was cancelled, and will be again
            await asyncio.Event().wait()
        await self._clock.sleep(max(0.0, call["at"] - self._at()))


def compared(then: Sequence[Event], now: Sequence[Event]) -> list[Outcome]:
    """What the page was shown then and now, by kind; times of showing do not count.

    What was forgotten is in no recording. So what touches it, up to half a minute later, and the answers after it are
    not compared: they may rest on it.
    """
    gaps = [(e["from"], e["to"] + _AFTERMATH_S) for e in then if e.get("show") == "forgotten"]
    then, now = ([e for e in events if not _touches(e, gaps)] for events in (then, now))
    outcomes = []
    for kind in _COMPARED:
        before, after = _counted(then, kind), _counted(now, kind)
        if before or after:
            missing, new = (before - after).elements(), (after - before).elements()
            outcomes.append(
                Outcome(kind, before.total(), after.total(), tuple(sorted(missing)), tuple(sorted(new)))
            )
    return outcomes


def _touches(event: Event, gaps: Sequence[tuple[float, float]]) -> bool:
    span = span_of(event)
    if span is None:
        return any(event["at"] >= start_s for start_s, _ in gaps)
    return any(span[1] >= start_s and span[0] <= end_s for start_s, end_s in gaps)


def _counted(events: Sequence[Event], kind: str) -> Counter[str]:
    shown = [e for e in events if e.get("show") == kind]
    return Counter(json.dumps([_plain(e.get(field)) for field in _COMPARED[kind]]) for e in shown)


def _plain(value: Any) -> Any:
    """Of evidence the ids."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [item["id"] for item in value]
    return value


def _tell_models(about: About, parts: Parts) -> None:
    say(f"replay   {about.session}")
    for part, name in parts.models().items():
        if name != about.models.get(part):
            say(f"note     {part}: recorded with {about.models.get(part)}, replayed with {name}")


def _tell(outcome: Outcome) -> None:
    word = "same" if outcome.same else "DIFFERENT"
    console.stdout.print(
        f"{word:9} {outcome.kind}: {outcome.then} recorded, {outcome.now} replayed", markup=False
    )
    for sign, lines in (("-", outcome.missing), ("+", outcome.new)):
        for line in lines[:_TOLD]:
            console.stdout.print(f"  {sign} {line}", markup=False)


def _line(event: Event) -> str | None:
    """What a reader wants to see of an event."""
    when = f"{clock_text(event['at']):>8}"
    match event["show"]:
        case "utterance":
            return f"{when}  heard   {event['text']}"
        case "turn":
            return f"{when}  asked   {event['text']}"
        case "answer":
            return f"{when}  answer  {' / '.join(event['text'].splitlines())}"
        case "alert":
            return f"{when}  alert   {event['text']}"
        case "clip":
            return f"{when}  seen    {', '.join(event['tags'])}"
        case "error":
            return f"{when}  error   {event['text']}"
    return None
