"""People by face: followed, known again, joined with their voices by signed evidence, exact in time, forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np
import pytest

from memory import Appearance, MemoryWriter, People, Store
from memory.cast import Casts
from memory.entities import list_people
from memory.face_tracks import tracks_of
from memory.face_voice import Span, pairs
from memory.forgetting import Selection, forget
from memory.integrity import check
from memory.portable import export_memory, import_memory
from memory.settings import FaceMatchSettings
from runtime.channel import Channel, Policy
from runtime.compute import Compute
from runtime.errors import InputError
from runtime.messages import Face, FrameFeature, Observation, Watermark
from tests.memory.talk import Line, talk
from tests.memory.test_voice_book import like, voice
from tests.memory.world import SETTINGS, HashEncoder, Message, after, frame, opened, source

ANA, BEN, EVE = 20, 21, 22
FACES = FaceMatchSettings()
Scene = tuple[float, float, tuple[int, ...]]
"""From when to when whose faces are to be seen."""
DIALOGUE: tuple[Line, ...] = (
    (0, "Good morning, my name is Ana."),
    (0, "The ferry is late."),
    (0, "We take the bridge."),
    (1, "Then bring the lamp."),
    (1, "And the soup."),
    (1, "The ticket is 12 euros."),
)
SCENES: tuple[Scene, ...] = ((0.0, 15.0, (ANA,)), (15.0, 30.0, (BEN,)), (30.0, 40.0, ()))


def face(who: int, t_s: float = 0.0, quality: float = 0.8) -> Face:
    left = 0.1 + 0.2 * (who - ANA)
    vector = like(voice(who), 0.98, seed=1000 + round(t_s * 10) + who)
    return Face((left, 0.2, left + 0.15, 0.5), vector, quality, "made-up")


def shown(scenes: Sequence[Scene], end_s: float) -> list[FrameFeature]:
    """A frame a second; every clip of its own scene, so that clips are cut where the people change."""
    out = []
    for second in range(int(end_s)):
        here = next((i for i, (a, b, _) in enumerate(scenes) if a <= second < b), None)
        people = scenes[here][2] if here is not None else ()
        one = frame(float(second), 40 + (here or 0))
        out.append(replace(one, faces=tuple(face(who, second) for who in people)))
    return out


def film(
    lines: Sequence[Line] = DIALOGUE,
    scenes: Sequence[Scene] = SCENES,
    end_s: float = 40.0,
    ahead: bool = True,
) -> list[Message]:
    """ahead: speech comes before the pictures of its time, else after them."""
    speech = [m for m in talk(lines) if not (isinstance(m, Watermark) and m.t_s == inf)]
    pictures: list[Message] = []
    for one in shown(scenes, end_s):
        pictures += [one, Watermark("vision", one.t_s), Watermark("read", one.t_s)]
    both = [*speech, *pictures] if ahead else [*pictures, *speech]
    return [*both, *(Watermark(stream, inf) for stream in ("vision", "read", "said"))]


async def _write(folder: Path, messages: Sequence[Message], name: str = "film") -> None:
    compute = Compute()
    try:
        async with await Store.open(folder, HashEncoder()) as store:
            inbox: Channel[Message] = Channel("inbox", 1e6, Policy.BLOCK)
            for message in messages:
                await inbox.put(message)
            inbox.close()
            people = await People.open(store, compute)
            await MemoryWriter(store, HashEncoder(), compute, SETTINGS, source(name), people=people).run(
                inbox
            )
    finally:
        await compute.close(5.0)


def made(folder: Path, messages: Sequence[Message] | None = None) -> Path:
    asyncio.run(_write(folder, film() if messages is None else messages))
    return folder


def appearances(folder: Path, as_of_s: float | None = None) -> list[Appearance]:
    async def main() -> list[Appearance]:
        async with await opened(folder) as memory:
            return await memory.appearances(as_of_s, ("film",))

    return asyncio.run(main())


def seen(folder: Path, as_of_s: float | None = None) -> list[tuple[str, float, float]]:
    return [(a.who.label, a.t_start_s, a.t_end_s) for a in appearances(folder, as_of_s)]


def known(folder: Path) -> dict[str, tuple[int, int]]:
    """By label: how often they were heard, and in how many clips they are to be seen."""

    async def main() -> dict[str, tuple[int, int]]:
        async with await Store.open(folder, read_only=True) as store:
            people = await list_people(store, await Casts(store).now())
            return {p.label: (p.utterances, p.clips) for p in people}

    return asyncio.run(main())


def change(folder: Path, act: Callable[[People], Awaitable[object]]) -> None:
    async def main() -> None:
        compute = Compute()
        try:
            async with await Store.open(folder) as store:
                await act(await People.open(store, compute))
        finally:
            await compute.close(5.0)

    asyncio.run(main())


def test_a_face_is_followed_through_a_clip_and_ends_where_a_look_no_longer_shows_it() -> None:
    frames = shown([(0.0, 4.0, (ANA, BEN)), (4.0, 8.0, (BEN,))], 8.0)
    ana, ben = tracks_of(frames, 9.0, FACES)
    assert (ana.t_start_s, ana.t_end_s, ana.looks) == (0.0, 4.0, 4)
    assert (ben.t_start_s, ben.t_end_s, ben.looks) == (0.0, 9.0, 8)
    assert float(ana.vector @ voice(ANA)) > 0.98 < float(ben.vector @ voice(BEN))


def test_frames_that_nobody_looked_at_end_nothing_and_one_picture_has_two_people() -> None:
    frames = shown([(0.0, 3.0, (ANA,))], 3.0)
    frames[1] = replace(frames[1], faces=None)
    assert [(t.t_end_s, t.looks) for t in tracks_of(frames, 3.0, FACES)] == [(3.0, 2)]
    twins = [replace(frames[0], faces=(face(ANA, 0.0), face(ANA, 0.0)))]
    assert len(tracks_of(twins, 3.0, FACES)) == 2


def test_faces_and_voices_become_the_same_people_whichever_came_first(tmp_path: Path) -> None:
    for name, ahead in (("a", True), ("b", False)):
        folder = made(tmp_path / name, film(ahead=ahead))
        people = known(folder)
        assert people["Ana"][0] == 3 and people["Ana"][1] >= 1
        assert len(people) == 2 and all(heard == 3 and clips >= 1 for heard, clips in people.values())
        assert {label for label, start, _ in seen(folder) if start < 15.0} == {"Ana"}


def test_what_joins_them_is_known_from_then_on_and_not_before(tmp_path: Path) -> None:
    folder = made(tmp_path / "m")
    assert "Ana" in {label for label, *_ in seen(folder)}
    early = seen(folder, as_of_s=16.0)
    assert early and all(
        label.startswith("speaker") for label, *_ in early
    )  # joined at a chapter's end, 20 s
    assert {label for label, *_ in seen(folder, as_of_s=20.0)} >= {"Ana"}
    assert all(end <= 20.0 for *_, end in seen(folder, as_of_s=20.0))


def test_an_earlier_time_is_answered_the_same_whatever_came_later(tmp_path: Path) -> None:
    whole = made(tmp_path / "whole")
    for t_s in (10.0, 20.0, 25.0):
        cut = [m for m in film(end_s=t_s) if not isinstance(m, Observation) or m.known_at_s <= t_s]
        part = made(tmp_path / f"until{t_s:g}", cut)
        assert [s for s in seen(part, t_s) if s[2] <= t_s] == [s for s in seen(whole, t_s) if s[2] <= t_s]


def test_a_run_that_is_taken_up_again_comes_to_the_same(tmp_path: Path) -> None:
    whole = made(tmp_path / "whole")

    async def main() -> None:
        first = [m for m in film(ahead=False) if not (isinstance(m, Watermark) and m.t_s == inf)]
        await _write(tmp_path / "cut", first[: len(first) // 2])
        async with await Store.open(tmp_path / "cut", read_only=True) as store:
            point = await store.resume_point("film")
        await _write(tmp_path / "cut", after(film(), point))

    asyncio.run(main())
    assert sorted(known(tmp_path / "cut").values()) == sorted(known(whole).values())
    named = [
        (label == "Ana", *span) for label, *span in seen(whole)
    ]  # numbers hang on what was committed first
    assert [(label == "Ana", *span) for label, *span in seen(tmp_path / "cut")] == named


def spans(who: str, *times: tuple[float, float]) -> list[Span]:
    return [Span(who, a, b, f"{who}{a:g}") for a, b in times]


FOR_ANA = spans("voice", (0.0, 4.0), (5.0, 9.0))


@pytest.mark.parametrize(
    ("spoken", "there", "joined"),
    [
        (FOR_ANA, spans("face", (0.0, 10.0)), True),
        (FOR_ANA[:1], spans("face", (0.0, 10.0)), False),  # one utterance is not enough
        (FOR_ANA, spans("face", (0.0, 10.0)) + spans("other", (0.0, 10.0)), False),  # not alone
        (
            FOR_ANA,
            [*spans("face", (0.0, 10.0)), Span("", 0.0, 10.0, "f")],
            False,
        ),  # nor is it beside somebody unknown
        (
            FOR_ANA + spans("loud", (10.0, 15.0)),
            spans("face", (0.0, 20.0)),
            False,
        ),  # another speaks while it is still
        (FOR_ANA + spans("loud", (10.0, 12.0)), spans("face", (0.0, 20.0)), True),  # for a moment only
        (
            FOR_ANA + spans("voice", (20.0, 26.0)),
            spans("face", (0.0, 10.0)) + spans("other", (20.0, 30.0)),
            False,
        ),
        (
            FOR_ANA + spans("voice", (20.0, 26.0)),
            spans("face", (0.0, 10.0)),
            True,
        ),  # off the screen says nothing
        (spans("", (0.0, 4.0), (5.0, 9.0)), spans("face", (0.0, 10.0)), False),
    ],
)
def test_the_evidence_is_signed(spoken: list[Span], there: list[Span], joined: bool) -> None:
    found = pairs(spoken, there, FACES)
    assert [(p.face, p.voice) for p in found] == ([("face", "voice")] if joined else [])


def speaker(folder: Path, text: str, as_of_s: float | None = None) -> str | None:
    async def main() -> str | None:
        async with await opened(folder) as memory:
            cast = await memory.cast(as_of_s, ("film",))
            (one,) = [o for o in await memory.observations("film") if o.text == text]
            found = cast.speaker(one.id, one.speaker)
            return found.label if found is not None else None

    return asyncio.run(main())


@pytest.mark.parametrize(("likeness", "there", "wanted"), [
    (0.72, (ANA,), "Ana"),  # too little to be known by the voice
    (0.72, (), None),
    (0.72, (ANA, BEN), None),
    (0.5, (ANA,), "speaker 3"),  # clearly another's
    (0.72, (BEN,), None),
])  # fmt: skip
def test_an_unsure_voice_is_that_of_the_face_where_it_is_most_like_that_persons(
    tmp_path: Path, likeness: float, there: tuple[int, ...], wanted: str | None
) -> None:
    lines = (*DIALOGUE, (0, "Where is the boat?"))
    scenes = (*SCENES[:2], (30.0, 40.0, there))
    messages = film(lines, scenes)
    last = max(i for i, m in enumerate(messages) if isinstance(m, Observation))
    unsure = messages[last]
    assert isinstance(unsure, Observation) and unsure.voice is not None
    heard = replace(unsure.voice, vector=like(voice(0), likeness, seed=900))
    messages[last] = replace(unsure, voice=heard)
    folder = made(tmp_path / "m", messages)
    assert speaker(folder, unsure.text) == wanted
    if wanted == "Ana":
        assert speaker(folder, unsure.text, as_of_s=35.0) is None


def test_what_was_undone_is_not_said_again_and_can_be_done_by_hand(tmp_path: Path) -> None:
    folder = made(tmp_path / "m")

    async def undo(people: People) -> None:
        merge = next(c for c in people.cast.claims if c.made_by == "face" and c.kind == "merge")
        await people.undo(merge.seq, 1.0)
        await people.join("film", inf, 20.0)

    change(folder, undo)
    people = known(folder)
    assert len(people) == 3 and people["Ana"] == (3, 0)
    nameless = next(label for label, (heard, _) in people.items() if not heard)
    change(folder, lambda p: p.merge("Ana", nameless.replace("speaker ", "p"), 2.0))
    assert known(folder)["Ana"][1] >= 1


def test_a_face_that_was_taken_for_another_is_split_and_named(tmp_path: Path) -> None:
    folder = made(tmp_path / "m", film(lines=()))
    ids = sorted({a.who.id for a in appearances(folder)})
    assert len(ids) == 2
    change(folder, lambda p: p.merge(ids[0], ids[1], 1.0))
    assert len({a.who.id for a in appearances(folder)}) == 1
    change(folder, lambda p: p.split(ids[0], 2.0))
    assert len({a.who.id for a in appearances(folder)}) == 2
    change(folder, lambda p: p.name(ids[0], "Eve", 3.0))
    assert "Eve" in {label for label, *_ in seen(folder)}
    once = made(tmp_path / "once", film(lines=(), scenes=((0.0, 4.0, (EVE,)),), end_s=8.0))
    with pytest.raises(InputError, match="nothing to split"):
        change(once, lambda p: p.split("p1", 4.0))


def test_somebody_who_comes_back_in_another_video_is_known_again(tmp_path: Path) -> None:
    folder = made(tmp_path / "m")
    asyncio.run(_write(folder, film(lines=(), scenes=((0.0, 8.0, (ANA, EVE)),), end_s=12.0), "second"))

    async def labels() -> set[str]:
        async with await opened(folder) as memory:
            return {a.who.label for a in await memory.appearances(None, ("second",))}

    found = asyncio.run(labels())
    assert "Ana" in found and len(found) == 2


def prints(folder: Path) -> list[bytes]:
    """Prints of faces as they lie in their table."""

    async def main() -> list[bytes]:
        async with await Store.open(folder, read_only=True) as store:
            rows = await store.rows("faces")
            assert rows is not None
            return [np.array(v, np.float16).tobytes() for v in rows["vector"].to_pylist()]

    return asyncio.run(main())


def on_disk(folder: Path, data: bytes) -> bool:
    return any(data in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_forgetting_a_person_takes_prints_and_pictures_off_the_disk(tmp_path: Path) -> None:
    folder = made(tmp_path / "m")
    mine = {a.clip for a in appearances(folder) if a.who.label == "Ana"}
    assert mine
    before = prints(folder)

    async def main() -> None:
        async with await Store.open(folder) as store:
            await forget(store, Selection(speaker="Ana"), SETTINGS)
            rows = await store.rows("keyframes", columns=["clip"])
            assert rows is not None and not mine & set(rows["clip"].to_pylist())

    asyncio.run(main())
    left = prints(folder)
    assert left and len(left) < len(before)
    assert not any(on_disk(folder, p[:64]) for p in set(before) - set(left))
    assert "Ana" not in known(folder) and "Ana" not in {label for label, *_ in seen(folder)}


def test_a_join_goes_with_what_it_rests_on(tmp_path: Path) -> None:
    folder = made(tmp_path / "m")

    async def main() -> None:
        async with await Store.open(folder) as store:
            await forget(store, Selection(words="ferry late"), SETTINGS)

    asyncio.run(main())
    assert known(folder)["Ana"] == (2, 0)


def test_export_and_import_keep_who_is_who(tmp_path: Path) -> None:
    folder = made(tmp_path / "m")
    other = tmp_path / "other"
    asyncio.run(_write(other, film(lines=(), scenes=((0.0, 8.0, (EVE,)),), end_s=12.0), "second"))

    async def main() -> None:
        async with await Store.open(folder, read_only=True) as store:
            await export_memory(store, tmp_path / "m.zip", 1.0)
        await import_memory(tmp_path / "m.zip", tmp_path / "new")
        await import_memory(tmp_path / "m.zip", other)

    asyncio.run(main())
    assert seen(tmp_path / "new") == seen(folder) and known(tmp_path / "new") == known(folder)
    assert not asyncio.run(check(folder)).findings
    assert len(known(other)) == 3 and known(other)["Ana"] == known(folder)["Ana"]
    assert [a for label, *a in seen(other)] == [a for label, *a in seen(folder)]
