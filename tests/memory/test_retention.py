"""Pictures fade, the longest unrecalled first; words, levels and what is pinned do not."""

from __future__ import annotations

import asyncio
import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory import SearchRequest, Store, schema
from memory.forgetting import Selection, forget
from memory.integrity import check
from memory.retention import LOG, Thinned, knows, note_recalls, pin, read_marks, retention, thin
from memory.stats import memory_stats
from runtime.messages import FrameFeature
from tests.memory.world import SETTINGS, HashEncoder, contents, ingest, opened, remembered, source, stream

DAY_S = 86_400.0
PICTURE = b"\xff\xd8" + bytes(range(256)) * 40

days = st.floats(0, 3650)
strengths = st.floats(1, 500)


@given(days, strengths, strengths)
def test_what_was_recalled_more_often_is_retained_better(t: float, a: float, b: float) -> None:
    weak, strong = sorted((a, b))
    assert 0.0 <= retention(t, weak) <= retention(t, strong) <= 1.0


@given(days, days, strengths)
def test_what_was_recalled_earlier_is_retained_less(a: float, b: float, strength: float) -> None:
    assert retention(max(a, b), strength) <= retention(min(a, b), strength)


def test_a_recall_starts_the_curve_again() -> None:
    assert retention(0.0, 2.0) == 1.0 == retention(-1.0, 1.0)
    with pytest.raises(ValueError, match="begins at 1"):
        retention(1.0, 0.5)


async def film(folder: Path) -> None:
    """Three sources, a day apart, with pictures of 10 kB and patch tokens."""
    async with await Store.open(folder, HashEncoder()) as store:
        for day in range(3):
            name = f"day{day}"
            messages = [
                replace(m, thumbnail=PICTURE + bytes([day])) if isinstance(m, FrameFeature) else m
                for m in stream(day, 120.0, name, patches=16)
            ]
            await ingest(store, source(name, duration_s=120.0, wall_zero_s=day * DAY_S), messages)


async def pictures(folder: Path) -> dict[str, int]:
    async with await Store.open(folder, read_only=True) as store:
        rows = await store.rows(schema.KEYFRAMES, columns=["source"])
    names = rows["source"].to_pylist() if rows is not None else []
    return {f"day{day}": names.count(f"day{day}") for day in range(3)}


async def thinned(folder: Path, share: float) -> Thinned:
    """To a share of what it takes now, on the third day."""
    async with await Store.open(folder, HashEncoder()) as store:
        await store.optimize()  # of what old versions take there is nothing to thin
        size = (await memory_stats(store)).disk_bytes
        settings = SETTINGS.model_copy(update={"total_bytes": int(size * share)})
        done = await thin(store, settings, 3 * DAY_S)
        assert done.over_bytes or (await memory_stats(store)).disk_bytes <= settings.total_bytes
        return done


def test_the_oldest_fade_first_and_words_and_levels_stay(tmp_path: Path) -> None:
    asyncio.run(film(tmp_path / "m"))
    before, shown = asyncio.run(contents(tmp_path / "m")), asyncio.run(pictures(tmp_path / "m"))
    done = asyncio.run(thinned(tmp_path / "m", 0.7))
    assert done.short_terms > 0
    assert done.keyframes > 0
    left = asyncio.run(pictures(tmp_path / "m"))
    assert 0 < left["day0"] < shown["day0"]
    assert left["day2"] == shown["day2"]
    after = asyncio.run(contents(tmp_path / "m"))
    for name in ("observations", "keys", "clips", "nodes", "sources"):
        assert after[name] == before[name], name
    assert asyncio.run(check(tmp_path / "m")).findings == ()


def test_of_each_event_one_picture_outlives_the_others(tmp_path: Path) -> None:
    asyncio.run(film(tmp_path / "m"))
    asyncio.run(thinned(tmp_path / "m", 0.6))
    found = asyncio.run(contents(tmp_path / "m"))
    left = {row["clip"] for row in found["keyframes"]}
    events = [row for row in found["nodes"] if row["level"] == "event"]
    assert len(left) < len(found["clips"])
    assert all(left & set(event["children"]) for event in events)  # type: ignore[call-overload]


def test_what_an_answer_cited_outlives_what_none_did_and_pins_outlive_all(tmp_path: Path) -> None:
    asyncio.run(film(tmp_path / "m"))
    shown = asyncio.run(pictures(tmp_path / "m"))

    async def cite() -> None:
        async with await opened(tmp_path / "m") as memory:
            records = await memory.observations("day0")
            for n in range(3):
                note_recalls(tmp_path / "m", [r.id for r in records], 2 * DAY_S + n)
            assert await knows(memory.store, "day1")
            assert not await knows(memory.store, "day9")

    asyncio.run(cite())
    asyncio.run(thinned(tmp_path / "m", 0.75))
    left = asyncio.run(pictures(tmp_path / "m"))
    assert left["day1"] < shown["day1"]
    assert left["day0"] == shown["day0"]
    pin(tmp_path / "m", ["day1"])
    kept = left["day1"]
    done = asyncio.run(thinned(tmp_path / "m", 0.2))
    assert done.over_bytes > 0
    assert asyncio.run(pictures(tmp_path / "m")) == {"day0": 0, "day1": kept, "day2": 0}
    pin(tmp_path / "m", ["day1"], pinned=False)
    assert read_marks(tmp_path / "m").pinned == frozenset()


def test_search_finds_the_same_after_the_pictures_have_faded(tmp_path: Path) -> None:
    async def found() -> list[tuple[str, float]]:
        async with await opened(tmp_path / "m") as memory:
            hits = await memory.search(SearchRequest("ferry lamp garden price", k=20))
            return [(hit.record.id, hit.scores.total) for hit in hits]

    asyncio.run(film(tmp_path / "m"))
    before = asyncio.run(found())
    asyncio.run(thinned(tmp_path / "m", 0.1))
    assert asyncio.run(found()) == before


def test_a_stream_keeps_to_its_budget_while_it_is_written(tmp_path: Path) -> None:
    budget = SETTINGS.model_copy(update={"total_bytes": 400_000, "optimize_every": 4})

    async def watch() -> None:
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            for day in range(3):
                messages = [
                    replace(m, thumbnail=PICTURE) if isinstance(m, FrameFeature) else m
                    for m in stream(day, 300.0, f"day{day}")
                ]
                await ingest(store, source(f"day{day}", wall_zero_s=day * DAY_S), messages, budget)
                assert (await memory_stats(store)).disk_bytes <= budget.total_bytes

    asyncio.run(watch())


def test_what_is_forgotten_leaves_the_log_and_a_torn_line_is_passed_over(tmp_path: Path) -> None:
    asyncio.run(remembered(tmp_path / "m", stream(1)))

    async def ids() -> list[str]:
        async with await opened(tmp_path / "m") as memory:
            return [r.id for r in await memory.observations("film") if r.modality == "said"]

    first, second, *_ = asyncio.run(ids())
    note_recalls(tmp_path / "m", [first, second], 5.0)
    pin(tmp_path / "m", [first])
    with (tmp_path / "m" / LOG).open("a") as log:
        log.write('{"recalled": ["x"')
    assert read_marks(tmp_path / "m").pinned == {first}

    async def forgets() -> None:
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            await forget(store, Selection(ids=(first,)), SETTINGS)

    asyncio.run(forgets())
    assert first not in (tmp_path / "m" / LOG).read_text()
    assert set(read_marks(tmp_path / "m").traces) == {second}


def test_a_recall_that_has_no_room_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    note_recalls(tmp_path, ["a"], 1.0)
    assert not read_marks(tmp_path).traces
    with pytest.raises(OSError, match="No space left"):
        pin(tmp_path, ["a"])
