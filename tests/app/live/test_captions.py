"""When a session asks what is seen, and what becomes of the answer."""

from __future__ import annotations

from typing import cast

import numpy as np

from reasoning.captions import Captioner
from runtime.app.live.captions import Captions
from runtime.app.live.tape import Tape
from runtime.clock import VirtualClock
from runtime.messages import FrameFeature, Observation
from tests.conftest import Run

SCENES = np.eye(8, dtype=np.float32)
WRITING_S = 2.0


class World:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.idle = True
        self.asked: list[bytes] = []
        self.shown: list[tuple[str, float]] = []
        self.kept: list[Observation] = []
        self.captions = Captions(
            cast(Captioner, self),
            10.0,
            lambda: self.idle,
            lambda text, t_s: self.shown.append((text, t_s)),
            self.keep,
            "live-1",
            self.clock,
            0.0,
            Tape(),
        )

    async def caption(self, jpeg: bytes) -> tuple[str, str] | None:
        self.asked.append(jpeg)
        await self.clock.sleep(WRITING_S)
        return f"It is {jpeg.decode()}.", "tiny-vlm"

    async def keep(self, observation: Observation) -> None:
        self.kept.append(observation)

    async def look(self, scene: int, seconds: int) -> list[str]:
        """A frame each second; what is shown beside it."""
        texts = []
        for _ in range(seconds):
            tags = (("bottle", 0.9),)
            frame = FrameFeature(
                self.clock.now(), 0, SCENES[scene], SCENES[scene], None, tags, b"scene %d" % scene
            )
            texts.append(self.captions.look(frame))
            await self.clock.sleep(1.0)
        return texts


def test_a_new_scene_is_described_once_and_remembered(run_virtual: Run) -> None:
    async def main() -> None:
        world = World()
        texts = await world.look(0, 30)
        assert texts[:2] == ["Looks like a bottle."] * 2
        assert set(texts[3:]) == {"It is scene 0."}
        assert world.asked == [b"scene 0"]
        assert world.shown == [("It is scene 0.", 0.0)]
        (kept,) = world.kept
        assert (kept.modality, kept.text, kept.t_start_s) == ("seen", "It is scene 0.", 0.0)
        assert kept.known_at_s == WRITING_S  # no question asked before then may use it
        assert kept.details == {"by": "tiny-vlm"}
        assert await world.look(1, 3) == ["Looks like a bottle."] * 2 + ["It is scene 1."]
        await world.captions.close()

    run_virtual(main())


def test_not_more_often_than_it_may(run_virtual: Run) -> None:
    async def main() -> None:
        world = World()
        for number in range(8):
            await world.look(number, 4)
        assert world.asked == [b"scene 0", b"scene 2", b"scene 5", b"scene 7"]
        await world.captions.close()

    run_virtual(main())


def test_not_while_somebody_asks(run_virtual: Run) -> None:
    async def main() -> None:
        world = World()
        world.idle = False
        await world.look(0, 20)
        assert world.asked == []
        world.idle = True
        await world.look(0, 3)
        assert world.asked == [b"scene 0"]
        await world.captions.close()

    run_virtual(main())


def test_it_ends_while_one_is_being_written(run_virtual: Run) -> None:
    async def main() -> None:
        world = World()
        await world.look(0, 1)
        await world.captions.close()
        await world.clock.sleep(10.0)
        assert world.shown == []

    run_virtual(main())
