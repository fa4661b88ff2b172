"""What a session says of itself: idle when nobody speaks, asks or moves; degraded when a stage has given up. And what it
finishes though nobody is there any more.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import numpy as np

from memory import People, Store, schema
from memory.settings import VoiceMatchSettings
from perception.audio.live import Partial, TurnEnd
from perception.audio.second_hearing import SecondHearing
from reasoning.proactive import Watches
from runtime.app.live.parts import Parts
from runtime.app.live.session import LiveSession
from runtime.app.live.settings import LiveSettings
from runtime.app.live.tape import Tape, Work
from runtime.app.live.voices import hear_again
from runtime.app.settings import AppSettings
from runtime.channel import Channel, Policy
from runtime.clock import SystemClock, VirtualClock, WallClock
from runtime.compute import Compute
from runtime.errors import ModelError
from runtime.messages import (
    SAMPLE_RATE_HZ,
    Answer,
    AnswerDelta,
    FrameFeature,
    Query,
    SpeechEnd,
    SpeechStart,
    Utterance,
    Watermark,
)
from runtime.metrics import Metrics
from tests.conftest import Run
from tests.memory.world import HashEncoder, said

T = TypeVar("T")

SCENES = np.eye(4, dtype=np.float32)


def session_of(clock: WallClock, tape: Tape | None = None, **more: Any) -> LiveSession:
    """One that is not run: its stages are called one by one."""
    parts: dict[str, Any] = {
        **dict.fromkeys(
            ("store", "memory", "turn_detector", "vision", "reader", "language", "voice", "people")
        ),
        "text_encoder": HashEncoder(),
        "answerer": SimpleNamespace(stream=None),
        "transcriber": SimpleNamespace(name="none"),
        "reasoner": "none",
        "compute": Compute(),
        "metrics": Metrics(),
        "clock": clock,
        "app": AppSettings(),
        "live": LiveSettings(),
        **more,
    }
    return LiveSession("live-1", Parts(**parts), Watches(None), tape)


class SlowForget(Tape):
    """Forgets when it is told to go on."""

    def __init__(self) -> None:
        self.begun, self.goes_on = asyncio.Event(), asyncio.Event()

    async def late(self, name: str, work: Work[T]) -> T:
        if name == "forget":
            self.begun.set()
            await self.goes_on.wait()
        return await work()


def channel(*items: Any) -> Channel[Any]:
    made: Channel[Any] = Channel("test", 100, Policy.BLOCK)
    for item in items:
        made.put_nowait(item)
    return made


def test_a_stage_that_has_given_up_is_seen_to(run_virtual: Run) -> None:
    async def main() -> None:
        clock = VirtualClock()
        session = session_of(clock)
        assert not any("down" in row for row in session.health())

        async def fails() -> None:
            raise ModelError("the weights are gone")

        session._stage("ocr", fails, ())
        await session._session._stages[-1].supervise(clock, Metrics().stage("ocr"))
        assert session.health()[-1] == {"name": "ocr", "down": "the weights are gone"}
        await session.close()

    run_virtual(main())


def test_what_needs_no_memory_is_not_looked_up(run_virtual: Run) -> None:
    """It has no answerer here: whatever looked into memory would fail."""

    async def main() -> None:
        session = session_of(VirtualClock())
        parts = [part async for part in session._answering.answers(session._query("What is 7 times 8?", 5.0))]
        assert [part.text for part in parts] == ["56.", "56."]
        assert isinstance(parts[-1], Answer)
        assert not parts[-1].abstained

    run_virtual(main())


QUESTION = "Where does the conference take place?"


def turn(text: str, t_s: float) -> TurnEnd:
    heard = Utterance(text, t_s, t_s + 2.0, (), 0.9)
    sound = np.zeros(2 * SAMPLE_RATE_HZ, np.float32)
    return TurnEnd(t_s, t_s + 2.0, 2.0, heard, "", "model", 0.9, False, sound, 0.2, 0.1, 0.1)


class SlowMemory:
    """Takes its time to look a question up."""

    def __init__(self, clock: VirtualClock, log: list[str]) -> None:
        self._clock, self._log = clock, log

    async def stream(self, query: Query, found: Callable[[], None]) -> AsyncIterator[AnswerDelta | Answer]:
        self._log.append("looked up")
        await self._clock.sleep(1.0)
        self._log.append("found")
        found()
        yield AnswerDelta(query.turn_id, "In Berlin.")
        yield Answer(query.turn_id, "In Berlin.", (), abstained=False)


def test_a_question_is_looked_up_before_its_words_are_heard_again(run_virtual: Run) -> None:
    async def main() -> None:
        clock, log = VirtualClock(), []
        session = session_of(clock, answerer=SlowMemory(clock, log))

        class Ear(SecondHearing):
            async def hear(self, utterance: Utterance, stretch: SpeechEnd) -> Utterance:
                log.append("heard again")
                return utterance

        ear = Ear(Compute(), session._parts.transcriber, session._parts.app.audio.group)
        inbox, parts, again = channel(turn(QUESTION, 1.0)), channel(), channel()
        hearing = asyncio.create_task(hear_again(ear, parts, again, session._answering.unhurried))
        inbox.close()
        await session._listening.run(inbox, parts)
        parts.close()
        await hearing
        assert log == ["looked up", "found", "heard again"]
        assert [part.utterance.text async for part in _rest(again)] == [QUESTION]
        await session.close()

    run_virtual(main())


async def _rest(items: Channel[Any]) -> AsyncIterator[Any]:
    items.close()
    async for item in items:
        yield item


def test_a_turn_that_was_to_be_forgotten_is_not_shown_answered_or_kept(
    tmp_path: Path, run_virtual: Run
) -> None:
    async def main() -> None:
        clock, log, shown = VirtualClock(), [], []
        async with await Store.open(tmp_path / "memory", HashEncoder()) as store:
            people = await People.open(store, Compute(), VoiceMatchSettings())
            session = session_of(clock, answerer=SlowMemory(clock, log), store=store, people=people)
            session.attach(shown.append, resumed=False)
            await session._writer.begin()
            await clock.sleep(60.0)
            await session.take(json.dumps({"type": "forget", "minutes": 0.5}))
            for begun_s in (59.0, 61.0):
                inbox, parts, lines = channel(), channel(), channel()
                for event in (
                    SpeechStart(begun_s),
                    Partial(begun_s, begun_s + 2.0, f"canary {begun_s}", 0),
                    turn(f"Where is canary {begun_s}?", begun_s),
                ):
                    inbox.put_nowait(event)
                inbox.close()
                await session._listening.run(inbox, parts)
                parts.close()
                await session._voices.run(parts, lines)
                assert len(lines) == (begun_s > 60)
            events = "\n".join(shown)
            assert "canary 59" not in events
            assert events.count("canary 61") == 3  # partial, turn, utterance
            await session.close()

    run_virtual(main())


def test_silence_is_no_sign_of_life_and_a_voice_is(run_virtual: Run) -> None:
    async def main() -> None:
        clock = VirtualClock()
        session = session_of(clock)
        for event, active_s in ((Watermark("said", 1.0), 0.0), (SpeechStart(61.0), 120.0)):
            await clock.sleep(60.0)
            inbox = channel(event)
            inbox.close()
            await session._listening.run(inbox, channel())
            assert session.last_active_s == active_s
        await session.close()

    run_virtual(main())


def test_a_picture_that_changes_is_a_sign_of_life(run_virtual: Run) -> None:
    async def main() -> None:
        clock = VirtualClock()
        session = session_of(clock)
        signs = []
        for scene in (0, 0, 1, 1):
            await clock.sleep(60.0)
            feature = FrameFeature(clock.now(), 0, SCENES[scene], SCENES[scene], None, (), b"")
            inbox = channel(feature)
            inbox.close()
            await session._noticing.run(inbox, channel())
            signs.append(session.last_active_s)
        assert signs == [60.0, 60.0, 180.0, 180.0]
        await session.close()

    run_virtual(main())


def test_so_is_a_message_of_the_page_but_for_its_pings(run_virtual: Run) -> None:
    async def main() -> None:
        clock = VirtualClock()
        session = session_of(clock)
        for message, active_s in (("ping", 0.0), ("interrupt", 120.0)):
            await clock.sleep(60.0)
            await session.take(json.dumps({"type": message}))
            assert session.last_active_s == active_s
        await session.close()

    run_virtual(main())


def test_a_forget_runs_to_its_end_though_its_page_goes_away(tmp_path: Path, run_real: Run) -> None:
    async def main() -> None:
        tape = SlowForget()
        async with await Store.open(tmp_path / "memory", HashEncoder()) as store:
            people = await People.open(store, Compute(), VoiceMatchSettings())
            session = session_of(SystemClock(), tape, store=store, people=people)
            await session._writer.begin()
            await session._writer.write(
                [said(session.id, 1.0, 2.0, "Nobody may know."), Watermark("said", 3.0)]
            )
            assert await store.count(schema.OBSERVATIONS) == 1
            message = asyncio.create_task(session.take(json.dumps({"type": "forget", "all": True})))
            await tape.begun.wait()
            message.cancel()  # as the end of its connection does
            await asyncio.wait([message])
            closing = asyncio.create_task(session.close())
            tape.goes_on.set()
            await closing
            assert await store.count(schema.OBSERVATIONS) == 0

    run_real(main())
