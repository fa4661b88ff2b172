"""Pictures that come with messages: remembered once, found by what stands in them, gone when they are forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from memory import Memory, Message, SearchRequest, Store, add_messages, schema, text_source
from memory.conversation import Added, pieces
from memory.forgetting import Selection, forget
from memory.integrity import check
from memory.pictures import Picture
from memory.taking_back import take_back
from runtime.compute import Compute
from runtime.models import TextLine
from tests.memory.test_conversation import DAY, MONDAY
from tests.memory.world import SETTINGS, HashEncoder

REDACTING = SETTINGS.model_copy(update={"secrets": "redact"})


def picture(name: str, *lines: str, digest: str = "") -> Picture:
    """White, each line in a fifth of its height."""
    unit = np.eye(4, dtype=np.float32)[len(name) % 4]
    jpeg = cv2.imencode(".jpg", np.full((100, 100, 3), 255, np.uint8))[1].tobytes()
    read = tuple(TextLine(text, 0.9, (0.1, n / 5, 0.9, n / 5 + 0.1)) for n, text in enumerate(lines))
    return Picture(name, digest or name, "tiny", unit, unit, (("pier", 0.8),), jpeg, read)


TALK = [
    Message("Look what hangs at the gate.", MONDAY, "s", "Ana", pictures=(picture("gate.png", "Crane inspection", "Ottar"),)),
    Message("I will tell the crew.", MONDAY + 60, "s", "Ben"),
    Message("", MONDAY + DAY, "alone", pictures=(picture("boat.png"),)),
]  # fmt: skip


async def told(store: Store, messages: Sequence[Message], how: Any = SETTINGS) -> Added:
    compute = Compute()
    try:
        return await add_messages(store, HashEncoder(), compute, how, text_source("chat"), messages)
    finally:
        await compute.close(5.0)


async def table(store: Store, name: str) -> list[dict[str, Any]]:
    rows = await store.rows(name)
    return rows.to_pylist() if rows is not None else []


def test_a_picture_told_late_was_not_there_before(tmp_path: Path) -> None:
    async def main() -> None:
        async with await Store.open(tmp_path, HashEncoder()) as store:
            await told(store, TALK)
            late = Message("", MONDAY + 120, "late", pictures=(picture("quay.png"),))
            assert (await told(store, [late])).late == 1
            async with await Memory.open(store, HashEncoder()) as memory:
                (clip,) = [c for c in await memory.visible_clips("chat") if c.t_start_s == MONDAY + 120]
                assert clip.known_at_s > MONDAY + DAY
                assert await memory.keyframe_at("chat", MONDAY + 120) is not None
                assert await memory.keyframe_at("chat", MONDAY + 120, clip.known_at_s) is not None
                assert await memory.keyframe_at("chat", MONDAY + 120, MONDAY + DAY) is None
                assert await memory.keyframe_at("chat", MONDAY, MONDAY + DAY) is not None

    asyncio.run(main())


def test_what_stands_in_a_picture_is_found_and_shown(tmp_path: Path) -> None:
    async def main() -> None:
        async with await Store.open(tmp_path, HashEncoder()) as store:
            assert await told(store, TALK) == Added(new=4, known=0, late=0)
            async with await Memory.open(store, HashEncoder()) as memory:
                first = (await memory.search(SearchRequest("crane inspection")))[0].record
                assert (first.modality, first.details["picture"]) == ("read", "gate.png")
                shown = await memory.keyframe_at("chat", first.t_start_s)
                assert shown is not None
                assert shown.clip == first.details["clip"]
                # A message has the picture that came with it, not the nearest there is.
                assert await memory.keyframe_at("chat", MONDAY) == shown
                assert await memory.keyframe_at("chat", MONDAY + 60) is None
                clips = await memory.visible_clips("chat")
                assert [(c.t_start_s, c.tags[0][0]) for c in clips] == [
                    (MONDAY, "pier"),
                    (MONDAY + DAY, "pier"),
                ]
                assert not await memory.visible_clips("chat", MONDAY - 1)
                # Sessions are made of messages; the picture is in the day's summary.
                levels = [(row["level"], row["synopsis"]) for row in await table(store, schema.NODES)]
                assert [level for level, _ in levels] == ["episode", "day"]
                assert "Crane inspection" in dict(levels)["day"]
        assert not (await check(tmp_path)).findings

    asyncio.run(main())


def test_adding_again_adds_no_picture_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with await Store.open(tmp_path, HashEncoder()) as store:
            await told(store, TALK[:1])
            assert await told(store, TALK) == Added(new=2, known=2, late=0)
            late = Message("", MONDAY - DAY, "old", pictures=(picture("old.png", "Regatta"),))
            assert await told(store, [late]) == Added(new=1, known=0, late=1)
            clips = {row["t_start_s"]: row for row in await table(store, schema.CLIPS)}
            assert len(clips) == 3
            # What is told late keeps its time and is known from then on.
            assert clips[MONDAY - DAY]["known_at_s"] > MONDAY + DAY
            (read,) = [o for o in await table(store, schema.OBSERVATIONS) if o["text"] == "Regatta"]
            assert (read["t_start_s"], read["known_at_s"]) == (
                MONDAY - DAY,
                clips[MONDAY - DAY]["known_at_s"],
            )

    asyncio.run(main())


def test_a_picture_goes_with_its_message_and_all_of_it_with_its_text(tmp_path: Path) -> None:
    async def left(name: str, selection: Selection) -> tuple[list[str], int]:
        async with await Store.open(tmp_path / name, HashEncoder()) as store:
            await told(store, TALK)
            await forget(store, selection, SETTINGS)
            frames = await table(store, schema.KEYFRAMES)
            assert len(frames) == len(await table(store, schema.CLIPS))
            rows = await table(store, schema.OBSERVATIONS)
            return sorted(f"{row['modality']} {row['text'][:5]}" for row in rows), len(frames)

    async def main() -> None:
        assert await left("message", Selection(words="hangs gate")) == (["said I wil", "seen pier"], 1)
        assert await left("person", Selection(speaker="Ana")) == (["said I wil", "seen pier"], 1)
        assert await left("text", Selection(words="Ottar")) == (
            ["said I wil", "said Look ", "seen pier"],
            1,
        )
        assert await left("span", Selection(sources=("chat",), t_min_s=MONDAY + DAY - 1)) == (
            ["read Crane", "said I wil", "said Look ", "seen pier"],
            1,
        )

    asyncio.run(main())


def test_a_killed_run_leaves_no_half_a_picture(tmp_path: Path) -> None:
    async def main() -> None:
        async with await Store.open(tmp_path, HashEncoder()) as store:
            await told(store, TALK[:2])
            before = {
                n: len(await table(store, n)) for n in (schema.OBSERVATIONS, schema.CLIPS, schema.KEYFRAMES)
            }
            point = await store.resume_point("chat")
            await told(store, TALK)
            await take_back(store, text_source("chat"), point)
            assert {name: len(await table(store, name)) for name in before} == before

    asyncio.run(main())


def test_a_secret_in_a_picture_is_blacked_out(tmp_path: Path) -> None:
    async def main() -> None:
        shot = picture("shot.png", "Notes", "password: hunter2secret")
        async with await Store.open(tmp_path, HashEncoder()) as store:
            await told(store, [Message("", MONDAY, "s", pictures=(shot,))], REDACTING)
            (frame,) = await table(store, schema.KEYFRAMES)
            image = cv2.imdecode(np.frombuffer(frame["jpeg"], np.uint8), cv2.IMREAD_GRAYSCALE)
            assert image is not None
            assert image[25, 50] < 40
            assert image[80, 50] > 200
            rows = await table(store, schema.OBSERVATIONS)
            assert not any("hunter2secret" in str(row) for row in rows)

    asyncio.run(main())


def test_many_messages_of_one_moment_are_all_committed(tmp_path: Path) -> None:
    """More than are committed at a time, in sessions of their own, with a date for their time."""
    many = [Message(f"Item {n}.", MONDAY, f"s{n}", "Ana") for n in range(300)]

    async def main() -> None:
        async with await Store.open(tmp_path, HashEncoder()) as store:
            assert await told(store, many) == Added(new=300, known=0, late=0)
            assert len(await table(store, schema.OBSERVATIONS)) == 300

    asyncio.run(main())


def test_the_same_picture_twice_in_one_message_is_one() -> None:
    twice = Message("", MONDAY, "s", pictures=(picture("a.png"), picture("b.png", digest="a.png")))
    assert len(pieces("chat", [twice], SETTINGS)) == 1
