"""Notes of episodes that are linked and grow; days that say what they were about."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import Message
from memory.consolidation.notes import Note
from memory.forgetting import Selection, forget
from memory.settings import MemorySettings
from tests.memory.test_consolidation import SOME, day, opened
from tests.memory.test_forgetting import holding
from tests.memory.world import SETTINGS

TALKS = (
    (1, ("The lamp in the garden is broken.", "The garden lamp needs a new cable.")),
    (3, ("Soup with onion tonight.", "I bring the onion for the soup.")),
    (5, ("The lamp in the garden is broken again.", "The garden lamp has a cable from Martin.")),
)


def messages(talks: Sequence[tuple[int, Sequence[str]]] = TALKS) -> list[Message]:
    return [
        Message(text, day(number) + 60.0 * n, f"{number:02d}", ("Ana", "Ben")[n % 2])
        for number, texts in talks
        for n, text in enumerate(texts)
    ]


async def remember(folder: Path, said: Sequence[Message]) -> None:
    async with await opened(folder) as memory:
        await memory.add(said, source="chat")
    async with await opened(folder) as memory:  # the levels are made when it is closed
        await memory.consolidate()


def notes(folder: Path, as_of_s: float | None = None) -> list[Note]:
    async def main() -> list[Note]:
        async with await opened(folder) as memory:
            return await memory.notes(as_of_s=as_of_s)

    return asyncio.run(main())


def test_a_note_is_linked_to_those_that_are_like_it_and_they_grow(tmp_path: Path) -> None:
    asyncio.run(remember(tmp_path / "m", messages()))
    first, soup, last = notes(tmp_path / "m")
    assert {"lamp", "garden", "cable"} <= set(first.keywords)
    assert "onion" in soup.keywords
    assert (last.links, first.links, soup.links) == ((first.id,), (last.id,), ())
    assert (first.version, last.version, soup.version) == (2, 1, 1)
    assert first.history[1].because == last.id
    assert "lamp" in first.tags and "lamp" not in first.history[0].tags


def test_as_of_a_note_has_not_grown_yet(tmp_path: Path) -> None:
    asyncio.run(remember(tmp_path / "m", messages()))
    (first,) = notes(tmp_path / "m", day(4))
    assert (first.version, first.links) == (1, ())


def test_a_note_of_a_session_that_goes_on_is_made_anew(tmp_path: Path) -> None:
    asyncio.run(remember(tmp_path / "m", messages(TALKS[:2])))
    before = notes(tmp_path / "m")
    more = Message("The onion is from the market.", day(3) + 300.0, "03", "Ana")
    asyncio.run(remember(tmp_path / "m", [more]))
    after = notes(tmp_path / "m")
    assert after[0] == before[0]
    assert after[1].text != before[1].text
    assert len(after) == 2


CANARY = "quetzalcoatlus"


@pytest.mark.parametrize(
    "selection", [Selection(words=CANARY), Selection(sources=("chat",))], ids=["words", "source"]
)
def test_what_is_forgotten_stands_in_no_note_and_no_day(tmp_path: Path, selection: Selection) -> None:
    talks = (*TALKS, (7, (f"The {CANARY} sleeps in the garden.", "The lamp is off.")))

    async def main() -> None:
        async with await opened(tmp_path / "m") as memory:
            assert any(CANARY in note.text for note in await memory.notes())
            assert any(CANARY in one.synopsis for one in await memory.days())
            await forget(memory.store, selection, SETTINGS)
            await memory.consolidate()
            assert not any(CANARY in note.text for note in await memory.notes())

    asyncio.run(remember(tmp_path / "m", messages(talks)))
    assert holding(tmp_path / "m", CANARY.encode())
    asyncio.run(main())
    assert holding(tmp_path / "m", CANARY.encode()) == []


WORDS = st.sampled_from([text for _, texts in TALKS for text in texts])


@settings(max_examples=6, deadline=None, suppress_health_check=SOME)
@given(talks=st.lists(st.lists(WORDS, min_size=1, max_size=3), min_size=1, max_size=6), cut=st.integers(1, 6))
def test_a_history_only_grows_and_a_rebuild_makes_the_same(
    tmp_path_factory: pytest.TempPathFactory, talks: list[list[str]], cut: int
) -> None:
    folder = tmp_path_factory.mktemp("m")

    async def main() -> None:
        await remember(folder, messages([(n, texts) for n, texts in enumerate(talks, 1)]))
        async with await opened(folder) as memory:
            now = {note.id: note for note in await memory.notes()}
            for then in await memory.notes(as_of_s=day(cut)):
                assert now[then.id].history[: then.version] == then.history
            await memory.consolidate(rebuild=True)
            assert {note.id: note for note in await memory.notes()} == now

    asyncio.run(main())


def test_a_day_is_of_all_its_episodes(tmp_path: Path) -> None:
    talks = [*messages(), Message("The bridge is closed.", day(5) + 7200.0, "evening", "Ana")]
    asyncio.run(remember(tmp_path / "m", talks))

    async def main() -> None:
        async with await opened(tmp_path / "m") as memory:
            days = await memory.days()
            assert [one.date for one in days] == ["2024-05-01", "2024-05-03", "2024-05-05"]
            assert [len(one.episodes) for one in days] == [1, 1, 2]
            assert "bridge" in days[2].synopsis and "lamp" in days[2].synopsis
            assert [one.date for one in await memory.days(as_of_s=day(4))] == ["2024-05-01"]
            assert [one.date for one in await memory.days("2024-05-03")] == ["2024-05-03"]

    asyncio.run(main())


def test_what_fades_keeps_its_synopsis(tmp_path: Path) -> None:
    """Pictures go when there is no room; the day and its episodes stay."""
    from memory import Store
    from memory.retention import thin
    from tests.memory.world import HashEncoder, ingest, source, stream

    async def main() -> None:
        tiny = MemorySettings(total_bytes=1, chapter_s=20.0, episode_s=60.0)
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            await ingest(store, source(wall_zero_s=day(1)), stream(3))
            before = (await store.rows("nodes")).to_pylist()  # type: ignore[union-attr]
            assert (await thin(store, tiny, day(30))).keyframes > 0
            assert (await store.rows("nodes")).to_pylist() == before  # type: ignore[union-attr]
            assert {row["level"] for row in before} == {"event", "episode", "day"}

    asyncio.run(main())
