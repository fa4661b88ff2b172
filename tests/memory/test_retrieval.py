"""What is found, and that a question of the past never knows the future."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lancedb.table import AsyncTable

from memory import Memory, SearchRequest, Store
from memory.settings import SearchSettings
from runtime.errors import InputError
from runtime.messages import Observation, Watermark
from tests.memory.world import (
    SETTINGS,
    HashEncoder,
    Message,
    frame,
    ingest,
    known_by,
    opened,
    read,
    remembered,
    said,
    source,
    stream,
)

SMALL = SETTINGS.model_copy(update={"search": SearchSettings(exhaustive_keys=10, candidates=8)})
"""So that the ways of a large memory (candidates by words and by sign codes) are taken in a small one."""
ENDS = [Watermark("vision", inf), Watermark("read", inf), Watermark("said", inf)]
TALK: list[Message] = [
    said("film", 1, 4, "My flight to Lisbon leaves at seven in the evening from gate forty two."),
    said("film", 10, 13, "The design team meets in room two hundred and four."),
    said("film", 30, 33, "The blue folder is on the third shelf, next to the printer."),
    read("film", 41, 50, 42, ["Invoice 20417", "Total due: 431.20 EUR", "Pay before 12 May"]),
    read("film", 61, 70, 62, ["Build failed", "error: missing header zlib.h", "in module compressor"]),
    said("film", 70, 74, "Note the change. The design team now meets in room three hundred and seventeen."),
    *ENDS,
]


def ask(folder: Path, messages: list[Message], use: Callable[[Memory], Coroutine[Any, Any, Any]]) -> Any:
    async def main() -> Any:
        await remembered(folder, messages)
        async with await opened(folder) as memory:
            return await use(memory)

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("question", "start_s", "key"),
    [
        ("What time does the flight to Lisbon leave?", 1, "turn"),
        ("Which header was missing when the build failed?", 61, "line"),
        ("What is the total due on invoice 20417?", 41, "line"),
        ("Where is the blue folder?", 30, "turn"),
        ("gate 42", 1, "turn"),
        ("room 317", 70, "turn"),
        ("Who was in room 204?", 10, "turn"),
    ],
)
def test_the_record_that_answers_comes_first(tmp_path: Path, question: str, start_s: float, key: str) -> None:
    hits = ask(tmp_path / "m", TALK, lambda m: m.search(SearchRequest(question)))
    assert hits[0].t_start_s == start_s
    assert hits[0].key == key
    assert 0 <= hits[0].scores.lexical <= 1
    assert 0 <= hits[0].scores.vector <= 1


def test_a_screen_hit_says_which_line(tmp_path: Path) -> None:
    hits = ask(tmp_path / "m", TALK, lambda m: m.search(SearchRequest("missing header")))
    assert hits[0].key_text == "Build failed: error: missing header zlib.h"


def test_the_later_statement_supersedes_the_earlier_once_it_is_known(tmp_path: Path) -> None:
    async def use(memory: Memory) -> None:
        question = SearchRequest("In which room does the design team meet?", k=4)
        hits = {hit.t_start_s: hit for hit in await memory.search(question)}
        assert hits[10].superseded_by == hits[70].record.id
        assert hits[70].superseded_by is None
        before = {hit.t_start_s: hit for hit in await memory.search(replace(question, as_of_s=73.9))}
        assert before[10].superseded_by is None
        assert 70 not in before

    ask(tmp_path / "m", TALK, use)


def test_spans_are_clamped_to_as_of(tmp_path: Path) -> None:
    async def use(memory: Memory) -> None:
        (hit, *_) = await memory.search(SearchRequest("missing header", as_of_s=65.0, modalities=("read",)))
        assert (hit.t_start_s, hit.t_end_s, hit.partial) == (61, 65.0, True)
        assert all(h.t_start_s != 61 for h in await memory.search(SearchRequest("header", as_of_s=61.5)))

    ask(tmp_path / "m", TALK, use)


def test_time_and_modality_narrow_a_search(tmp_path: Path) -> None:
    async def use(memory: Memory) -> None:
        room = SearchRequest("In which room does the team meet?", t_min_s=20.0)
        assert (await memory.search(room))[0].t_start_s == 70
        read_only = await memory.search(SearchRequest("the design team's invoice", modalities=("read",)))
        assert {h.record.modality for h in read_only} == {"read"}
        assert len(await memory.search(SearchRequest("the room of the team", k=1))) == 1

    ask(tmp_path / "m", TALK, use)


@settings(max_examples=6, deadline=None)
@given(
    seed=st.integers(0, 30),
    as_of_s=st.floats(5, 95),
    question=st.sampled_from(["the ferry is Helena", "Martin", "price of the lamp 12", "tag3 lamp", "soup"]),
    small=st.booleans(),
)
def test_as_of_sees_exactly_what_a_memory_of_that_time_holds(
    seed: int, as_of_s: float, question: str, small: bool
) -> None:
    messages = stream(seed, 100.0)
    how = SMALL if small else SETTINGS

    async def answers(folder: Path, told: list[Message]) -> tuple[Any, Any]:
        await remembered(folder, told, source())
        async with await opened(folder, how) as memory:
            hits = await memory.search(SearchRequest(question, as_of_s=as_of_s, k=8))
            clips = await memory.search_clips(frame(3.0, seed).vector, as_of_s=as_of_s, k=3)
        return hits, [(c.clip.id, c.clip.t_end_s, c.score) for c in clips]

    with tempfile.TemporaryDirectory() as folder:
        whole, whole_clips = asyncio.run(answers(Path(folder, "whole"), messages))
        past, past_clips = asyncio.run(answers(Path(folder, "past"), known_by(messages, as_of_s)))
    assert whole == past
    assert whole_clips == past_clips
    assert all(hit.record.known_at_s <= as_of_s and hit.t_end_s <= as_of_s for hit in whole)


def test_what_the_question_tells_its_time_by_is_looked_for(tmp_path: Path) -> None:
    talk: list[Message] = [
        said("film", 10, 13, "Remember to water the garden."),
        read("film", 41, 50, 42, ["Ferry notice", "No boat today"]),
        said("film", 60, 63, "Remember to water the garden."),
        *ENDS,
    ]

    async def first(memory: Memory, question: str) -> float:
        return (await memory.search(SearchRequest(question, modalities=("said",))))[0].t_start_s

    async def use(memory: Memory) -> None:
        plain = await first(memory, "What is to be watered?")
        assert await first(memory, "What is to be watered after the ferry notice?") == 60
        assert await first(memory, "What is to be watered before the ferry notice?") == 10
        assert await first(memory, "What is to be watered after the moon landing?") == plain

    ask(tmp_path / "m", talk, use)


def test_a_reader_follows_a_writer(tmp_path: Path) -> None:
    async def main() -> None:
        await remembered(tmp_path / "m", TALK)
        async with await opened(tmp_path / "m") as memory:
            before = await memory.search(SearchRequest("green umbrella"))
            more = [said("second", 5, 8, "Somebody left a green umbrella in the lecture hall."), *ENDS]
            async with await Store.open(tmp_path / "m", HashEncoder()) as store:
                await ingest(store, source("second"), more)
                after = await memory.search(SearchRequest("green umbrella"))
            assert "second" not in {h.record.source for h in before}
            assert after[0].record.source == "second"
            assert (await memory.visible_clips("film")) == []

    asyncio.run(main())


def test_a_commit_between_two_looks_at_the_table_is_no_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows and their number are read one after the other: a writer's commit in between must not begin the index anew."""

    async def main() -> None:
        await remembered(tmp_path / "m", TALK)
        async with (
            await opened(tmp_path / "m") as memory,
            await Store.open(tmp_path / "m", HashEncoder()) as store,
        ):
            await memory.search(SearchRequest("green umbrella"))
            index, count = memory._searcher.resident.index, AsyncTable.count_rows
            late = iter([said("late", 5, 8, "A green umbrella that came late.")])

            async def slow(table: AsyncTable, where: str | None = None) -> int:
                for heard in late:
                    await ingest(store, source("late"), [heard, *ENDS])
                return await count(table, where)

            await ingest(store, source("first"), [said("first", 5, 8, "My green umbrella."), *ENDS])
            monkeypatch.setattr(AsyncTable, "count_rows", slow)
            found = [await memory.search(SearchRequest("green umbrella")) for _ in range(2)]
            assert "first" in {h.record.source for h in found[0]}
            assert {"first", "late"} <= {h.record.source for h in found[1]}
            assert memory._searcher.resident.index is index

    asyncio.run(main())


@pytest.mark.parametrize("step", ["sources", "rows"])
def test_who_is_interrupted_over_a_search_finds_the_same_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The first question of a session may be cut off by a voice while it looks for what is new."""

    async def main() -> None:
        await remembered(tmp_path / "m", TALK)
        async with await opened(tmp_path / "m") as memory:

            async def interrupted(*_: object, **__: object) -> None:
                raise asyncio.CancelledError

            with monkeypatch.context() as patch, pytest.raises(asyncio.CancelledError):
                patch.setattr(memory.store, step, interrupted)
                await memory.search(SearchRequest("blue folder", sources=("film",)))
            found = await memory.search(SearchRequest("blue folder", sources=("film",)))
            assert "blue folder" in found[0].text

    asyncio.run(main())


def test_a_reader_searches_on_while_a_writer_writes_and_compacts(tmp_path: Path) -> None:
    busy = SETTINGS.model_copy(update={"optimize_every": 2})

    async def main() -> None:
        async with (
            await Store.open(tmp_path / "m", HashEncoder()) as store,
            await opened(tmp_path / "m") as memory,
        ):
            writing = asyncio.create_task(ingest(store, source(), stream(11, 120.0), busy))
            seen = [0]
            while not writing.done():
                seen.append(len(await memory.search(SearchRequest("ferry lamp garden", k=50))))
                await memory.visible_clips("film")
            assert (await writing).complete
            found = await memory.search(SearchRequest("ferry lamp garden", k=50))
            fresh = await opened(tmp_path / "m")
            assert found == await fresh.search(SearchRequest("ferry lamp garden", k=50))
            await fresh.close()
            assert len(found) >= max(seen) > 0

    asyncio.run(main())


def test_a_reader_forgets_rows_that_were_taken_back(tmp_path: Path) -> None:
    async def main() -> None:
        await remembered(tmp_path / "m", TALK)
        async with await opened(tmp_path / "m") as memory:
            assert (await memory.search(SearchRequest("blue folder")))[0].t_start_s == 30
            async with await Store.open(tmp_path / "m", HashEncoder()) as store:
                await store.delete("keys", "t_start_s = 30")
                await store.delete("observations", "t_start_s = 30")
                again = [said("x", 1, 2, "A blue folder."), *ENDS]
                await ingest(store, source("x"), again)
            hits = await memory.search(SearchRequest("blue folder"))
            assert hits[0].record.source == "x"
            assert 30 not in {h.t_start_s for h in hits}

    asyncio.run(main())


def test_as_of_wants_one_source(tmp_path: Path) -> None:
    async def main() -> None:
        await remembered(tmp_path / "m", TALK)
        await remembered(tmp_path / "m", [said("b", 1, 2, "Room nine."), *ENDS], source("b"))
        async with await opened(tmp_path / "m") as memory:
            with pytest.raises(InputError, match="name one of b, film"):
                await memory.search(SearchRequest("room", as_of_s=20.0))
            hits = await memory.search(SearchRequest("room", as_of_s=20.0, sources=("film",)))
            assert {h.record.source for h in hits} == {"film"}
            with pytest.raises(InputError, match="no source nowhere"):
                await memory.search(SearchRequest("room", sources=("nowhere",)))
            with pytest.raises(InputError, match="k must be"):
                await memory.search(SearchRequest("room", k=0))
            assert {h.record.source for h in await memory.search(SearchRequest("room nine 204"))} == {
                "b",
                "film",
            }

    asyncio.run(main())


def test_neighbours_stay_in_source_modality_and_time(tmp_path: Path) -> None:
    async def use(memory: Memory) -> None:
        around = await memory.neighbours(TALK[1].id, 1)  # type: ignore[union-attr]
        assert [o.t_start_s for o in around] == [1, 10, 30]
        known = await memory.neighbours(TALK[1].id, 2, as_of_s=31.0)  # type: ignore[union-attr]
        assert [o.t_start_s for o in known] == [1, 10]
        assert await memory.neighbours("nothing") == []
        ids = [o.id for o in TALK if isinstance(o, Observation)]
        together = await memory.neighbours_of([*ids, "nothing"], 1)
        assert together == {one: await memory.neighbours(one, 1) for one in ids}
        assert await memory.neighbours_of([]) == {}

    ask(tmp_path / "m", TALK, use)


def test_pictures_and_short_term_memory_of_a_clip(tmp_path: Path) -> None:
    async def use(memory: Memory) -> None:
        clips = await memory.visible_clips("film")
        (hit, *_) = await memory.search_clips(np.stack([clips[1].vector, clips[1].vector]))
        assert hit.score == pytest.approx(1.0, abs=1e-3)
        assert hit.clip.id == clips[1].id
        picture = await memory.keyframe(clips[1].id)
        assert picture is not None
        assert picture.jpeg == b"jpeg%d" % round(picture.t_s * 10)
        nearest = await memory.keyframe_at("film", picture.t_s)
        assert nearest == picture
        assert await memory.keyframe_at("film", 50.0, as_of_s=0.0) is None
        short = await memory.short_term(clips[1].id)
        assert short is not None
        assert short.shape[2] == 8
        assert (await memory.observations("film", modality="seen"))[0].details["clip"] == clips[0].id
        assert all(c.known_at_s <= 40.0 for c in await memory.visible_clips("film", 40.0))

    ask(tmp_path / "m", stream(1, patches=9), use)


def test_like_pictures_beyond_the_limit_are_told_apart_by_time(tmp_path: Path) -> None:
    """Thirty clips of one still picture tie: the first ones stay, whatever their rows' order."""
    still: list[Message] = [replace(frame(2.0 * t, 1), t_s=2.0 * t, chapter=t // 10) for t in range(200)]
    still = [replace(f, vector=still[0].vector, appearance=still[0].vector) for f in still]  # type: ignore[union-attr, type-var]

    async def use(memory: Memory) -> None:
        found = await memory.search_clips(still[0].vector, k=3)  # type: ignore[union-attr]
        assert [h.clip.id for h in found] == [c.id for c in (await memory.visible_clips("film"))[:3]]

    ask(tmp_path / "m", [*still, *ENDS], use)


def test_an_empty_memory_finds_nothing(tmp_path: Path) -> None:
    async def use(memory: Memory) -> None:
        assert await memory.search(SearchRequest("anything")) == []
        assert await memory.search_clips(np.ones(8, np.float32)) == []
        assert (await memory.stats()).mb_per_hour == 0.0

    ask(tmp_path / "m", ENDS, use)


def test_what_a_record_says_it_knew_before_it_ended_waits_for_its_end(tmp_path: Path) -> None:
    early = Observation("film/e", "film", "said", "Tuesday then", 4.0, 9.0, 5.0)

    async def use(memory: Memory) -> None:
        assert await memory.search(SearchRequest("Tuesday", as_of_s=8.0)) == []
        assert len(await memory.search(SearchRequest("Tuesday", as_of_s=9.0))) == 1

    ask(tmp_path / "m", [early, *ENDS], use)
