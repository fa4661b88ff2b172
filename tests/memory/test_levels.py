"""Clips, events and episodes as functions: bounds, budgets, and no look ahead."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.compressor import clips_of_chapter, pooled
from memory.levels import Node, Unit, build
from memory.settings import MemorySettings
from runtime.messages import Clip, FrameFeature, Observation
from tests.memory.world import stream

LONG = MemorySettings(chapter_s=60.0)


def clips(seed: int, minutes: int, how: MemorySettings = LONG, patches: int = 0) -> list[Clip]:
    frames = [m for m in stream(seed, minutes * 60.0, patches=patches) if isinstance(m, FrameFeature)]
    chapters: dict[int, list[FrameFeature]] = {}
    for frame in frames:
        chapters.setdefault(int(frame.t_s // how.chapter_s), []).append(frame)
    return [
        clip
        for chapter, members in sorted(chapters.items())
        for clip in clips_of_chapter("film", members, (chapter + 1) * how.chapter_s, how)
    ]


def units(made: list[Clip]) -> list[Unit]:
    return [Unit(c.id, c.t_start_s, c.t_end_s, c.t_end_s, c.appearance) for c in made]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 99), budget=st.sampled_from([0, 5_000, 100_000, 1_000_000, 16_000_000]))
def test_short_term_memory_keeps_to_its_budget(seed: int, budget: int) -> None:
    how = LONG.model_copy(update={"short_term_bytes_per_hour": budget})
    made = clips(seed, 4, how, patches=16)
    used = sum(c.short_term.nbytes for c in made if c.short_term is not None)
    assert used <= budget * 4 / 60
    if budget >= 1_000_000:
        assert used > 0


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 99), budget=st.integers(60_000, 2_000_000), likeness=st.floats(-1, 1))
def test_events_and_episodes_keep_to_their_budget(seed: int, budget: int, likeness: float) -> None:
    how = LONG.model_copy(update={"event_bytes_per_hour": budget, "event_similarity": likeness})
    nodes = build("film", units(clips(seed, 12)), [], [], 24, how)
    used = sum(
        2 * (len(n.vector) + len(n.appearance)) + len("".join((n.synopsis, *n.children)).encode()) + 160
        for n in nodes
    )
    assert used <= budget * 20 / 60


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 99), t_s=st.floats(30, 900))
def test_what_had_ended_by_then_is_the_same_without_what_came_after(seed: int, t_s: float) -> None:
    made = clips(seed, 15)

    def known(members: list[Clip]) -> list[tuple[object, ...]]:
        nodes = build("film", units(members), [], [], 24, LONG)
        return [shown(n) for n in nodes if n.known_at_s <= t_s]

    def shown(node: Node) -> tuple[object, ...]:
        return (node.id, node.t_end_s, node.known_at_s, node.children, node.appearance.tobytes())

    assert known(made) == known([c for c in made if c.t_end_s <= t_s])


def test_events_tile_their_episode() -> None:
    nodes = build("film", units(clips(1, 25)), [], [], 24, LONG)
    episodes = [n for n in nodes if n.level == "episode"]
    events = {n.id: n for n in nodes if n.level == "event"}
    assert len(episodes) == 3
    assert [child for e in episodes for child in e.children] == sorted(events)
    assert all(e.t_end_s - e.t_start_s <= LONG.event_max_s + 2 * LONG.clip_max_s for e in events.values())


def test_a_synopsis_quotes_and_stays_short() -> None:
    texts = [f"The ferry to Split departs at {n}." for n in range(40)] + ["Unrelated words here."]
    records = [
        Observation(f"o{n}", "film", "said", text, 5.0 * n, 5.0 * n + 3, 5.0 * n + 3)
        for n, text in enumerate(texts)
    ]
    nodes = build("film", units(clips(1, 3)), [], records, 24, LONG)
    for node in nodes:
        assert 0 < len(node.synopsis) <= LONG.synopsis_chars
        assert "ferry to Split" in node.synopsis


def test_clips_close_on_surprise() -> None:
    made = clips(3, 6)
    opened_by_surprise = [c for c in made if c.surprise > LONG.surprise]
    assert opened_by_surprise
    ends = {c.t_end_s: c for c in made}
    for clip in opened_by_surprise:
        before = ends[clip.t_start_s]
        assert before.t_end_s - before.t_start_s >= LONG.clip_min_s
    assert {c.surprise for c in made if c.t_start_s % 60 == 0} == {0.0}


@pytest.mark.parametrize(
    ("count", "tokens", "shape"),
    [(49, 1000, (6, 16, 8)), (49, 40, (2, 16, 8)), (49, 20, (2, 9, 8)), (49, 8, (2, 4, 8)), (49, 3, (3, 1,
    8)),
     (49, 1, (1, 1, 8)), (50, 100, (6, 1, 8)), (4, 100, (6, 4, 8))],
)  # fmt: skip
def test_patch_tokens_are_pooled_to_fit(count: int, tokens: int, shape: tuple[int, ...]) -> None:
    patches = [np.full((count, 8), i, np.float16) for i in range(6)]
    made = pooled(patches, tokens)
    assert made is not None
    assert made.shape == shape
    assert made.astype(float).mean() == pytest.approx(2.5)
    assert pooled(patches, 0) is None
