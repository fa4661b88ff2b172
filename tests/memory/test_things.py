"""Things by name: what is said of them counts, two may be one, and a question finds them by any of their names."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from memory import Memory, People, Thing
from memory.cast import Cast
from memory.consolidation import view
from memory.consolidation.ledger import Ledger
from memory.consolidation.rules import assertions
from memory.forgetting import Selection, forget
from memory.things import find_thing, merge_things, split_thing, things_of
from runtime.compute import Compute
from runtime.errors import InputError
from tests.memory.test_consolidation import Line, day, opened, remember, talk
from tests.memory.test_forgetting import holding
from tests.memory.world import SETTINGS, HashEncoder

BOATS: list[Line] = [
    ("Ana", "Our boat is called Selma."),
    ("Ben", "The prototype is called Bluebird."),
    ("Ana", "Lunch was good today, nothing else to tell."),
    ("Ben", "The boat leaks near the bow."),
    ("Ana", "Selma needs a new sail."),
    ("Ben", "We call the boat Selma."),
]


@asynccontextmanager
async def with_a_letter(folder: Path, letter: str) -> AsyncIterator[tuple[Memory, People]]:
    """A memory of the boats and of what Mia wrote, and the claims of it."""
    compute = Compute()
    try:
        async with await opened(folder) as memory:
            await memory.add(talk(BOATS), source="chat")
            await memory.add(talk([("Mia", letter)]), source="letters")
            await memory.consolidate()
            yield memory, await People.open(memory.store, compute)
    finally:
        await compute.close(5.0)


def things(folder: Path, as_of_s: float | None = None) -> list[Thing]:
    async def main() -> list[Thing]:
        async with await opened(folder) as memory:
            return await memory.things(as_of_s)

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("The prototype's named Bluebird now.", [("prototype", "Bluebird", False)]),
        ("We call the boat Selma.", [("boat", "Selma", False)]),
        ("The boat is no longer called Selma.", [("boat", "Selma", True)]),
        ("My sister is called Mia.", []),
        ("The meeting is called off.", []),
        ("We called the police Monday.", []),
        ("Is the boat called Selma?", []),
    ],
)
def test_what_a_sentence_calls_a_thing(text: str, wanted: list[tuple[str, str, bool]]) -> None:
    found = [a for a in assertions(text) if a.relation == "called"]
    assert [(a.subject, a.object, a.ended) for a in found] == wanted


def test_a_thing_has_its_name_from_those_who_say_so(tmp_path: Path) -> None:
    asyncio.run(remember(tmp_path / "m", BOATS))
    boat, prototype = things(tmp_path / "m")
    assert (boat.label, boat.named, boat.names, boat.descriptions) == ("Selma", True, {"Selma": 2}, ("boat",))
    assert len(boat.evidence) == 2
    assert prototype.label == "Bluebird"
    assert [t.names for t in things(tmp_path / "m", as_of_s=day(1.5))] == [{"Selma": 1}]


def test_a_name_that_does_not_lead_is_not_believed(tmp_path: Path) -> None:
    other: list[Line] = [("Ben", "The boat is called Aurora."), ("Ana", "Our boat is called Selma.")]
    asyncio.run(remember(tmp_path / "m", other))
    (boat,) = things(tmp_path / "m")
    assert (boat.label, boat.named) == ("boat", False)
    asyncio.run(remember(tmp_path / "n", [*other, ("Ben", "The boat is no longer called Aurora.")]))
    (boat,) = things(tmp_path / "n")
    assert (boat.label, boat.names) == ("Selma", {"Aurora": -1, "Selma": 1})


def test_two_are_one_and_one_is_two_and_both_are_undone(tmp_path: Path) -> None:
    async def main() -> None:
        async with with_a_letter(tmp_path / "m", "The yacht is called Aurora.") as (memory, people):
            before = await memory.things()
            with pytest.raises(InputError, match="one thing already"):
                await merge_things(people, before, "Selma", "boat", 1.0)
            with pytest.raises(InputError, match="nothing is known"):
                await merge_things(people, before, "Selma", "submarine", 1.0)
            await merge_things(people, before, "Selma", "yacht", 1.0)
            boat = find_thing(await memory.things(), "aurora")
            assert (boat.label, boat.descriptions) == ("Selma", ("boat", "yacht"))
            await split_thing(people, await memory.things(), "boat", "Selma", 2.0)
            assert find_thing(await memory.things(), "Selma").id != find_thing(before, "Selma").id
            await people.undo(None, 3.0, things=True)
            await people.undo(None, 4.0, things=True)
            assert await memory.things() == before
            await people.reload()
            assert (await memory.cast()).names() == {}

    asyncio.run(main())


def found(hits: Sequence[object]) -> list[str]:
    return [hit.text for hit in hits]  # type: ignore[attr-defined]


def test_a_question_finds_a_thing_by_any_of_its_names(tmp_path: Path) -> None:
    async def main() -> None:
        async with await opened(tmp_path / "m") as memory:
            await memory.add(talk(BOATS), source="chat")
            await memory.consolidate()
            leak, sail = BOATS[3][1], BOATS[4][1]
            assert found(await memory.search("Where does Selma leak?", k=3)).count(leak) == 1
            boat = {h.text: h.scores.total for h in await memory.search("Does the boat need a sail?", k=6)}
            selma = {h.text: h.scores.total for h in await memory.search("Does Selma need a sail?", k=6)}
            assert boat[sail] == selma[sail]
            await forget(memory.store, Selection(words="called Selma"), SETTINGS)
            await forget(memory.store, Selection(words="call Selma"), SETTINGS)
            assert [t.label for t in await memory.things()] == ["Bluebird"]
            alone = {h.text: h.scores.total for h in await memory.search("Does the boat need a sail?", k=6)}
            assert alone[sail] < boat[sail]

    asyncio.run(main())


def test_what_was_called_so_later_moves_no_score_of_before(tmp_path: Path) -> None:
    """Known then: who calls it Selma first on the last day does not help a question of the day before."""
    lines: list[Line] = [*BOATS[2:5], ("Ana", "Our boat is called Selma.")]

    async def scores(folder: Path, said: list[Line], as_of_s: float) -> dict[str, float]:
        async with await opened(folder) as memory:
            await memory.add(talk(said), source="chat")
            await memory.consolidate()
            hits = await memory.as_of(as_of_s).search("Does the boat need a sail?", k=6)
            return {hit.text: hit.scores.total for hit in hits}

    async def main() -> None:
        then = await scores(tmp_path / "all", lines, day(3.5))
        assert then == await scores(tmp_path / "before", lines[:3], day(3.5))
        assert (await scores(tmp_path / "all", lines, day(9)))[lines[2][1]] > then[lines[2][1]]

    asyncio.run(main())


@pytest.mark.parametrize("what", [Selection(words="Aurora"), Selection(sources=("letters",))])
def test_what_was_said_of_a_thing_is_forgotten_with_it(tmp_path: Path, what: Selection) -> None:
    async def main() -> None:
        async with with_a_letter(tmp_path / "m", "The zeppelin is called Aurora.") as (memory, people):
            await merge_things(people, await memory.things(), "boat", "zeppelin", 1.0)
            await people.undo(None, 2.0, things=True)
            await merge_things(people, await memory.things(), "Bluebird", "boat", 3.0)
            await forget(memory.store, what, SETTINGS)
            assert [t.descriptions for t in await memory.things()] == [("boat", "prototype")]

    asyncio.run(main())
    assert holding(tmp_path / "m", b"zeppelin") == []


def test_things_are_worked_out_once_and_what_is_claimed_is_seen_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []

    def counted(ledger: Ledger, cast: Cast) -> list[Thing]:
        threads.append(threading.current_thread().name)
        return things_of(ledger, cast)

    async def main() -> None:
        async with with_a_letter(tmp_path / "m", "The yacht is called Aurora.") as (writer, people):
            monkeypatch.setattr(view, "things_of", counted)
            async with await Memory.open(tmp_path / "m", HashEncoder(), settings=SETTINGS) as reader:
                for _ in range(3):
                    await reader.search("Where does Aurora leak?")
                assert len(threads) == 1
                leak, before = BOATS[3][1], await reader.search("Where does Aurora leak?", k=1)
                await merge_things(people, await writer.things(), "Selma", "Aurora", 1.0)
                assert "Aurora" in find_thing(await reader.things(), "boat").names
                assert (await reader.search("Where does Aurora leak?", k=1))[0].text == leak
                await people.undo(None, 2.0, things=True)
                assert await reader.search("Where does Aurora leak?", k=1) == before

    asyncio.run(main())
    assert threading.main_thread().name not in threads


def test_each_kind_of_claim_is_taken_back_by_itself(tmp_path: Path) -> None:
    async def main() -> None:
        async with with_a_letter(tmp_path / "m", "The yacht is called Aurora.") as (memory, people):
            with pytest.raises(InputError, match="nothing to undo"):
                await people.undo(None, 1.0, things=True)
            await merge_things(people, await memory.things(), "Selma", "yacht", 1.0)
            ana = await people.claim("name", 2.0, person="p1", name="Ana")
            assert (await people.undo(None, 3.0, things=True)).kind == "merge"
            assert ana in people.cast.claims
            await merge_things(people, await memory.things(), "Selma", "yacht", 4.0)
            assert await people.undo(None, 5.0) == ana
            assert "Aurora" in find_thing(await memory.things(), "boat").names

    asyncio.run(main())
