"""What a session says of itself: idle when nobody speaks, asks or moves; degraded when a stage has given up."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from reasoning.proactive import Watches
from runtime.app.live.session import LiveSession, Parts
from runtime.app.live.settings import LiveSettings
from runtime.app.settings import AppSettings
from runtime.channel import Channel, Policy
from runtime.clock import VirtualClock
from runtime.compute import Compute
from runtime.errors import ModelError
from runtime.messages import FrameFeature, SpeechStart, Watermark
from runtime.metrics import Metrics
from tests.conftest import Run

SCENES = np.eye(4, dtype=np.float32)


def session_of(clock: VirtualClock) -> LiveSession:
    """One that is not run: its stages are called one by one."""
    parts = SimpleNamespace(
        **dict.fromkeys(("store", "memory", "text_encoder", "turn_detector", "vision", "reader", "language")),
        **dict.fromkeys(("voice", "voices", "people", "captioner", "spans")),
        answerer=SimpleNamespace(stream=None),
        transcriber=SimpleNamespace(name="none"),
        reasoner="none",
        compute=Compute(),
        metrics=Metrics(),
        clock=clock,
        app=AppSettings(),
        live=LiveSettings(),
    )
    return LiveSession("live-1", cast(Parts, parts), Watches(None))


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


def test_silence_is_no_sign_of_life_and_a_voice_is(run_virtual: Run) -> None:
    async def main() -> None:
        clock = VirtualClock()
        session = session_of(clock)
        for event, active_s in ((Watermark("said", 1.0), 0.0), (SpeechStart(61.0), 120.0)):
            await clock.sleep(60.0)
            inbox = channel(event)
            inbox.close()
            await session._converse(inbox, channel())
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
            await session._notice(inbox, channel())
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
