"""What was watched for is spoken of as soon as nobody speaks, and proved when its picture is remembered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pytest

from reasoning.language import Language
from reasoning.proactive import Watch, Watches
from runtime.app.live.lookout import Lookout
from runtime.app.live.meters import SessionMeter
from runtime.app.live.turns import Conversation, Outcome, Turn
from runtime.clock import VirtualClock
from runtime.compute import Compute
from runtime.messages import Clip, Evidence, FrameFeature, Observation
from runtime.metrics import Metrics
from tests.app.live.test_turns import WORD_S, Loudspeaker, World, question
from tests.conftest import Run

VECTOR = np.ones(1, np.float32)


class Scene(World):
    """A conversation that begins 5 s after the clock did, with a lookout beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = VirtualClock(wall_zero_s=1000.0)
        self.loudspeaker = Loudspeaker(self.clock)
        self.metrics = Metrics()
        self.watches = Watches(None)
        self.talk = Conversation(
            self.stream,
            self.speak,
            self.loudspeaker,
            self.show,
            self.answered.append,
            self.clock,
            self.turn_ended,
        )
        self.lookout = Lookout(
            self.watches,
            self.talk,
            self.show,
            self.pictures,
            SessionMeter(self.metrics),
            Compute(),
            cast(Language, None),  # nothing is understood here
            self.clock,
            zero_s=5.0,
        )

    async def pictures(self, evidence: Sequence[Evidence], as_of_s: float | None) -> dict[str, str]:
        return {e.id: f"/api/picture/s/{e.id}" for e in evidence}

    def turn_ended(self, turn: Turn, outcome: Outcome) -> None:
        self.lookout.ended(turn)

    async def watch(self, kind: Any, what: str, **fields: Any) -> None:
        await self.watches.add(Watch(kind, what, f"tell me of {what}", self.clock.wall(), **fields), 0.0)

    def alerts(self) -> list[dict[str, Any]]:
        return [fields for _, kind, fields in self.shown if kind == "alert"]


def said(text: str, t_s: float) -> Observation:
    return Observation(f"o{t_s}", "s", "said", text, t_s - 1.0, t_s, t_s)


def frame(t_s: float, tag: str) -> FrameFeature:
    return FrameFeature(t_s, 0, VECTOR, VECTOR, None, ((tag, 0.9),), b"")


def clip(start_s: float, end_s: float) -> Clip:
    return Clip("c1", "s", start_s, end_s, VECTOR, VECTOR, None, (("bottle", 0.9),), 0.0, 4, b"", start_s)


def test_it_speaks_up_unasked_and_the_time_to_it_is_measured(run_virtual: Run) -> None:
    async def main() -> None:
        scene = Scene()
        await scene.watch("said", "budget")
        await scene.clock.sleep(20.0)
        await scene.lookout.perceived(said("The budget is forty thousand.", 14.25))  # 0.75 s ago
        (alert,) = scene.alerts()
        assert "budget" in alert["text"]
        assert alert["evidence"][0]["picture"] == "/api/picture/s/o14.25"
        await scene.clock.sleep(30.0)
        assert scene.loudspeaker.heard_s() == pytest.approx(len(alert["text"].split()) * WORD_S)
        histogram = scene.metrics.histogram("hearsight_live_alert_seconds")
        assert (histogram.count, histogram.sum) == (1, pytest.approx(0.75))
        await scene.talk.close()

    run_virtual(main())


@pytest.mark.parametrize("who", ["person", "agent"])
def test_it_does_not_speak_over_anybody(run_virtual: Run, who: str) -> None:
    async def main() -> None:
        scene = Scene()
        await scene.watch("said", "budget")
        await scene.clock.sleep(10.0)
        if who == "agent":
            scene.talk.ask(question())
        else:
            scene.talk.hear_onset()
        await scene.lookout.perceived(said("The budget.", 5.0))
        assert len(scene.alerts()) == 1
        for _ in range(5):
            assert not scene.lookout.due
            await scene.clock.sleep(1.0)
        if who == "person":
            assert scene.loudspeaker.heard_s() == 0.0
            scene.talk.hear_nothing()
        while scene.talk.busy:
            await scene.clock.sleep(1.0)
        before_s = scene.loudspeaker.heard_s()
        assert scene.lookout.due
        await scene.lookout.remind()
        await scene.clock.sleep(30.0)
        assert scene.loudspeaker.heard_s() > before_s
        assert not scene.lookout.due
        await scene.talk.close()

    run_virtual(main())


def test_a_reminder_is_due_at_its_time(run_virtual: Run) -> None:
    async def main() -> None:
        scene = Scene()
        await scene.watch("time", "call Bob", due=1060.0)
        assert not scene.lookout.due
        await scene.clock.sleep(60.0)
        assert scene.lookout.due
        await scene.lookout.remind()
        assert "call Bob" in scene.alerts()[0]["text"]
        assert not scene.watches.all()
        await scene.clock.sleep(10.0)
        assert scene.loudspeaker.heard_s() > 0
        await scene.talk.close()

    run_virtual(main())


def test_what_a_frame_tells_is_proved_by_its_clip(run_virtual: Run) -> None:
    async def main() -> None:
        scene = Scene()
        await scene.watch("seen", "bottle")
        await scene.clock.sleep(10.0)
        await scene.lookout.perceived(frame(4.5, "water bottle"))
        (early,) = scene.alerts()
        assert early["evidence"] == []
        await scene.lookout.remembered([clip(0.0, 4.0)])
        assert len(scene.alerts()) == 1
        await scene.lookout.remembered([clip(4.0, 8.0)])
        proved = scene.alerts()[1]
        assert (proved["id"], proved["text"]) == (early["id"], early["text"])
        assert proved["evidence"][0]["id"] == "c1"
        await scene.lookout.remembered([clip(4.0, 8.0)])
        assert len(scene.alerts()) == 2
        await scene.clock.sleep(30.0)
        await scene.talk.close()

    run_virtual(main())


def test_of_many_alerts_the_newest_are_spoken(run_virtual: Run) -> None:
    async def main() -> None:
        scene = Scene()
        for number in range(20):
            await scene.watch("said", f"word{number}", exact=True)
        scene.talk.hear_onset()
        for number in range(20):
            await scene.lookout.perceived(said(f"word{number}", 1.0 + number))
        scene.talk.hear_nothing()
        assert len(scene.alerts()) == 20
        spoken = 0
        while scene.lookout.due:
            await scene.lookout.remind()
            spoken += 1
            while scene.talk.busy:
                await scene.clock.sleep(1.0)
        assert spoken == 8
        await scene.talk.close()

    run_virtual(main())
