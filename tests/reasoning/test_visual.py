"""Scenes by their classes: found where they stand out, refused where the thing is known by name and nowhere seen."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from memory import Memory, StoredClip
from memory.records import SourceInfo
from reasoning.kinds import Kind
from reasoning.question import Question
from reasoning.visual import Scenes, Sighting
from runtime.compute import Compute
from runtime.messages import Query
from runtime.metrics import Metrics
from runtime.models import VisionEncoder
from tests.conftest import Run

NAMES = ("zebra", "horse", "desk", "suit")
SPACE = {name: np.eye(len(NAMES), dtype=np.float32)[i] for i, name in enumerate(NAMES)}
SPACE["zebra-like"] = np.array([0.7, 0.0, 0.0, 0.714], np.float32)


class Encoder:
    def encode_text(self, texts: list[str]) -> NDArray[np.float32]:
        return np.stack([SPACE[text] for text in texts])


class Clips:
    """The part of a memory that Scenes uses."""

    def __init__(self, *tags: tuple[tuple[str, float], ...]) -> None:
        self.clips = [
            StoredClip(
                id=str(i),
                source="s",
                t_start_s=10.0 * i,
                t_end_s=10.0 * i + 10,
                known_at_s=10.0 * i + 10,
                vector=SPACE["desk"],
                appearance=np.eye(8, dtype=np.float32)[i],
                tags=clip,
                surprise=0.0,
                frames=10,
                keyframe_t_s=10.0 * i,
            )
            for i, clip in enumerate(tags)
        ]

    async def sources(self) -> list[SourceInfo]:
        return [SourceInfo(id="s", path="s.mp4", fingerprint="f", duration_s=100.0)]

    async def visible_clips(self, source: str, as_of_s: float | None) -> list[StoredClip]:
        return [c for c in self.clips if as_of_s is None or c.known_at_s <= as_of_s]


def find(run: Run, memory: Clips, *phrases: str, as_of_s: float | None = None) -> Sighting:
    async def main() -> Sighting:
        compute = Compute(Metrics())
        try:
            classes = {name: SPACE[name] for name in NAMES}
            encoder = cast(VisionEncoder, Encoder())
            scenes = Scenes(cast(Memory, cast(Any, memory)), encoder, compute, classes)
            question = Question("", Kind.MOMENT, (), None, phrases=phrases, subject=phrases[0])
            return await scenes.find(question, Query("q", "", as_of_s))
        finally:
            await compute.close(1.0)

    return run(main())


OFFICE = (("desk", 0.5), ("suit", 0.3))


def test_the_clip_that_stands_out_comes_first(run_real: Run) -> None:
    found = find(run_real, Clips(OFFICE, (("zebra", 0.05), ("desk", 0.5)), OFFICE), "zebra")
    assert found.scenes[0].id == "1"
    assert found.scenes[0].modality == "seen"
    assert not found.nowhere


@pytest.mark.parametrize("chance", [0.0, 0.001])
def test_what_is_known_by_name_and_seen_nowhere_is_not_found(run_real: Run, chance: float) -> None:
    found = find(run_real, Clips(OFFICE, (("zebra", chance), *OFFICE), OFFICE), "zebra")
    assert found.nowhere


def test_what_has_no_class_of_its_own_is_looked_for_all_the_same(run_real: Run) -> None:
    assert not find(run_real, Clips(OFFICE, (("suit", 0.9),), OFFICE), "zebra-like").nowhere


def test_something_else_of_the_question_is_enough(run_real: Run) -> None:
    memory = Clips(OFFICE, (("horse", 0.2), ("desk", 0.2)), OFFICE)
    assert not find(run_real, memory, "zebra", "horse").nowhere


def test_only_clips_known_by_then_count(run_real: Run) -> None:
    memory = Clips(OFFICE, OFFICE, (("zebra", 0.9),))
    assert find(run_real, memory, "zebra", as_of_s=20.0).nowhere
    assert find(run_real, memory, "zebra").scenes[0].id == "2"
