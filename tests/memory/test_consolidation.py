"""Facts: what is known of people and things, when it held, what took its place, and where it comes from."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory import Memory, Message, Store, schema
from memory.consolidation import view
from memory.consolidation.consolidate import drop
from memory.consolidation.facts import Fact, Stored
from memory.consolidation.ledger import Ledger, Name, fold
from memory.forgetting import Selection, forget
from memory.integrity import check
from memory.portable import export_memory, import_memory
from tests.memory.test_forgetting import holding
from tests.memory.world import SETTINGS, HashEncoder

Line = tuple[str | None, str]
SOME = [
    HealthCheck.function_scoped_fixture,
    HealthCheck.too_slow,
]


def day(number: float) -> float:
    return datetime(2024, 5, 1, tzinfo=UTC).timestamp() + 86400.0 * (number - 1)


def talk(lines: Sequence[Line]) -> list[Message]:
    """One message a day, from 1 May 2024 on."""
    return [Message(text, day(n), f"{n:02d}", who) for n, (who, text) in enumerate(lines, 1)]


async def opened(folder: Path) -> Memory:
    return await Memory.open(folder, HashEncoder(), settings=SETTINGS, read_only=False)


async def remember(folder: Path, lines: Sequence[Line], source: str = "chat") -> None:
    async with await opened(folder) as memory:
        await memory.add(talk(lines), source=source)
        await memory.consolidate()


def facts(folder: Path, **more: object) -> list[Fact]:
    async def main() -> list[Fact]:
        async with await opened(folder) as memory:
            return await memory.facts(**more)  # type: ignore[arg-type]

    return asyncio.run(main())


def texts(found: Sequence[Fact]) -> list[str]:
    return [fact.text for fact in found]


def ops(folder: Path) -> list[str]:
    async def main() -> list[str]:
        async with await opened(folder) as memory:
            return list((await memory.ledger()).steps)

    return asyncio.run(main())


MOVES: list[Line] = [
    ("Ana", "I live in Bergen, and I work at the hospital."),
    ("Ben", "Ana lives in Bergen."),
    ("Ana", "Good news: I moved to Oslo!"),
    ("Ana", "I quit my job."),
    ("Ben", "I love cats."),
    ("Ben", "I don't like cats."),
]


def test_what_is_said_is_added_strengthened_replaced_or_ended(tmp_path: Path) -> None:
    asyncio.run(remember(tmp_path / "m", MOVES))
    assert ops(tmp_path / "m") == ["add", "add", "noop", "update", "delete", "add", "update"]
    assert texts(facts(tmp_path / "m")) == ["Ana lives in Oslo", "Ben dislikes cats"]
    bergen, work, oslo, *_ = facts(tmp_path / "m", history=True)
    assert (bergen.valid_from_s, bergen.valid_to_s, bergen.superseded_by) == (day(1), day(3), oslo.id)
    assert (work.valid_to_s, work.superseded_by) == (day(4), None)
    assert len(bergen.evidence) == 2
    assert bergen.confidence > oslo.confidence


def test_a_fact_says_where_it_comes_from(tmp_path: Path) -> None:
    asyncio.run(remember(tmp_path / "m", MOVES))
    (oslo,) = facts(tmp_path / "m", about="ana")
    assert oslo.words == "Good news: I moved to Oslo!"
    assert MOVES[2][1][slice(*oslo.span)] == oslo.words
    assert oslo.evidence[0].startswith("chat/03/")
    assert oslo.extractor.startswith("rules/")


def test_as_of_knows_what_was_known(tmp_path: Path) -> None:
    asyncio.run(remember(tmp_path / "m", MOVES))
    assert texts(facts(tmp_path / "m", about="Ana", as_of_s=day(2.5))) == [
        "Ana lives in Bergen",
        "Ana works at the hospital",
    ]
    assert texts(facts(tmp_path / "m", about="Ana", relation="lives in", valid_at_s=day(2))) == [
        "Ana lives in Bergen"
    ]


def test_what_is_told_of_an_earlier_time_replaces_nothing(tmp_path: Path) -> None:
    asyncio.run(remember(tmp_path / "m", [("Ana", "I live in Oslo."), ("Ana", "In 2019 I moved to Bergen.")]))
    assert texts(facts(tmp_path / "m")) == ["Ana lives in Oslo"]
    bergen = facts(tmp_path / "m", history=True)[1]
    assert (bergen.text, bergen.valid_to_s) == ("Ana lives in Bergen", day(1))
    assert bergen.valid_from_s == datetime(2019, 1, 1, tzinfo=UTC).timestamp()


def test_somebody_without_a_name_gets_one_when_it_is_told(tmp_path: Path) -> None:
    lines: list[Line] = [
        ("Ana", "My sister works at Acme."),
        ("Ana", "My sister is called Mia."),
        ("Ana", "My sister lives in Rome."),
    ]
    asyncio.run(remember(tmp_path / "m", lines))
    assert texts(facts(tmp_path / "m")) == [
        "Ana's sister works at Acme",
        "Ana's sister is Mia",
        "Mia lives in Rome",
    ]


def test_a_note_without_a_writer_is_the_users(tmp_path: Path) -> None:
    asyncio.run(remember(tmp_path / "m", [(None, "I have two kids."), (None, "I have three kids.")]))
    assert texts(facts(tmp_path / "m")) == ["the user has three kids"]


def test_a_second_run_and_a_second_import_add_nothing(tmp_path: Path) -> None:
    async def again() -> tuple[int, int]:
        async with await opened(tmp_path / "m") as memory:
            await memory.add(talk(MOVES), source="chat")
            done = await memory.consolidate()
            return done.records, done.assertions

    asyncio.run(remember(tmp_path / "m", MOVES))
    before = facts(tmp_path / "m", history=True)
    assert asyncio.run(again()) == (0, 0)
    assert facts(tmp_path / "m", history=True) == before


def test_it_stops_when_it_is_told_to_and_goes_on_from_there(tmp_path: Path) -> None:
    small = SETTINGS.model_copy(
        update={"consolidation": SETTINGS.consolidation.model_copy(update={"batch": 2})}
    )
    asyncio.run(remember(tmp_path / "whole", MOVES))

    async def main() -> tuple[list[int], list[Fact]]:
        async with await Memory.open(
            tmp_path / "m", HashEncoder(), settings=small, read_only=False
        ) as memory:
            await memory.add(talk(MOVES), source="chat")
            read = []
            done = False
            while not done:
                asked = iter((False, True))
                run = await memory.consolidate(stop=lambda asked=asked: next(asked))  # type: ignore[misc]
                read.append(run.records)
                done = run.done
            return read, await memory.facts(history=True)

    read, found = asyncio.run(main())
    assert read == [2, 2, 2]
    assert found == facts(tmp_path / "whole", history=True)


CANARY = "Quetzalville"


@pytest.mark.parametrize(
    "selection",
    [
        Selection(words=CANARY),
        Selection(speaker="Ana", words=CANARY),
        Selection(sources=("chat",), t_min_s=day(2.5), t_max_s=day(3.5)),
    ],
    ids=["words", "speaker", "span"],
)
def test_what_is_forgotten_leaves_no_fact(tmp_path: Path, selection: Selection) -> None:
    lines = [*MOVES[:2], ("Ana", f"I moved to {CANARY}."), *MOVES[3:]]
    asyncio.run(remember(tmp_path / "m", lines))
    assert holding(tmp_path / "m", CANARY.encode())

    async def main() -> None:
        async with await opened(tmp_path / "m") as memory:
            assert f"Ana lives in {CANARY}" in texts(await memory.facts())
            await forget(memory.store, selection, SETTINGS)
            assert texts(await memory.facts(about="Ana")) == ["Ana lives in Bergen"]
            assert (await memory.consolidate()).assertions == 0

    asyncio.run(main())
    assert holding(tmp_path / "m", CANARY.encode()) == []


def test_a_forgotten_source_can_be_remembered_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with await opened(tmp_path / "m") as memory:
            await forget(memory.store, Selection(sources=("chat",)), SETTINGS)
            assert await memory.facts(history=True) == []

    asyncio.run(remember(tmp_path / "m", MOVES))
    before = facts(tmp_path / "m", history=True)
    asyncio.run(main())
    asyncio.run(remember(tmp_path / "m", MOVES))
    assert facts(tmp_path / "m", history=True) == before


def test_facts_are_exported_imported_and_checked(tmp_path: Path) -> None:
    asyncio.run(remember(tmp_path / "m", MOVES))

    async def main() -> None:
        async with await Store.open(tmp_path / "m", read_only=True) as store:
            await export_memory(store, tmp_path / "m.zip", 1.0)
        await import_memory(tmp_path / "m.zip", tmp_path / "new")
        await import_memory(tmp_path / "m.zip", tmp_path / "other")
        assert (await check(tmp_path / "new")).findings == ()

    asyncio.run(remember(tmp_path / "other", [("Cy", "I live in Rome.")], "other"))
    asyncio.run(main())
    before = facts(tmp_path / "m", history=True)
    assert facts(tmp_path / "new", history=True) == before
    assert facts(tmp_path / "other", history=True, sources=("chat",)) == before


PEOPLE = st.sampled_from(["Ana", "Ben"])
SAID = st.sampled_from(
    [
        "I live in Oslo.",
        "I moved to Bergen last week.",
        "Ana lives in Rome.",
        "I work at Acme.",
        "I quit my job.",
        "I love cats.",
        "I don't like cats.",
        "I have two kids.",
        "I have three kids.",
        "My sister is called Mia.",
        "My sister lives in Paris.",
        "The meeting is on Tuesday.",
        "The meeting has been moved to Friday.",
        "I prefer tea.",
        "Is it raining?",
    ]
)
LINES = st.lists(st.tuples(PEOPLE, SAID), min_size=1, max_size=12)


@settings(max_examples=8, deadline=None, suppress_health_check=SOME)
@given(lines=LINES, cut=st.integers(0, 12))
def test_as_of_is_what_a_memory_would_say_that_never_heard_more(
    tmp_path_factory: pytest.TempPathFactory, lines: list[Line], cut: int
) -> None:
    whole, part = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("part")

    async def main() -> None:
        await remember(whole, lines)
        await remember(part, lines[: cut + 1])
        async with await opened(whole) as memory, await opened(part) as shorter:
            then = await memory.ledger(as_of_s=day(cut + 1))
            assert then == await shorter.ledger()
            assert (await memory.ledger()).steps[: len(then.steps)] == then.steps

    asyncio.run(main())


@settings(max_examples=6, deadline=None, suppress_health_check=SOME)
@given(lines=LINES, data=st.data())
def test_a_rebuild_and_an_odd_order_make_the_same(
    tmp_path_factory: pytest.TempPathFactory, lines: list[Line], data: st.DataObject
) -> None:
    """Sources that come in whatever order, consolidated now and then, come to what one rebuild makes of them."""
    folder = tmp_path_factory.mktemp("m")
    order = data.draw(st.permutations(range(3)))

    async def main() -> None:
        async with await opened(folder) as memory:
            for number in order:
                await memory.add(talk(lines)[number::3], source=f"chat{number}")
                if data.draw(st.booleans()):
                    await memory.consolidate()
            await memory.consolidate()
            before = await memory.ledger()
            await memory.consolidate(rebuild=True)
            assert await memory.ledger() == before

    asyncio.run(main())


@settings(max_examples=3, deadline=None, suppress_health_check=SOME)
@given(lines=LINES, speaker=st.sampled_from(["assistant", "Ana"]))
def test_a_hundred_rounds_of_recalling_and_remembering_add_nothing(
    tmp_path_factory: pytest.TempPathFactory, lines: list[Line], speaker: str
) -> None:
    """Said by an assistant, or told to be recalled."""
    folder = tmp_path_factory.mktemp("m")

    async def main() -> None:
        async with await opened(folder) as memory:
            await memory.add(talk(lines), source="chat")
            await memory.consolidate()
            before = await memory.ledger()
            recalled = speaker != "assistant"
            for ten in range(10):
                known = await memory.facts(history=True)
                echoes = []
                for number in range(10 * ten, 10 * ten + 10):
                    told = known[number % len(known)].text if known else lines[number % len(lines)][1]
                    echoes.append(Message(f"{told}.", day(40 + number), "later", speaker, recalled=recalled))
                await memory.add(echoes, source="chat")
                await memory.consolidate()
            assert await memory.ledger() == before

    asyncio.run(main())


@settings(max_examples=6, deadline=None, suppress_health_check=SOME)
@given(lines=LINES, data=st.data())
def test_what_is_forgotten_is_as_if_it_had_never_been(
    tmp_path_factory: pytest.TempPathFactory, lines: list[Line], data: st.DataObject
) -> None:
    folder, other = tmp_path_factory.mktemp("m"), tmp_path_factory.mktemp("other")
    gone = data.draw(st.integers(0, len(lines) - 1))

    async def main() -> None:
        async with await opened(folder) as memory:
            await memory.add(talk(lines), source="chat")
            await memory.consolidate()
            ids = [o.id for o in await memory.observations("chat")]
            await forget(memory.store, Selection(ids=(ids[gone],)), SETTINGS)
            left = await memory.ledger()
        async with await opened(other) as memory:
            messages = talk(lines)
            await memory.add(messages[:gone] + messages[gone + 1 :], source="chat")
            await memory.consolidate()
            assert left == await memory.ledger()

    asyncio.run(main())


def test_a_drop_that_is_cut_short_loses_nothing(tmp_path: Path) -> None:
    """The marks go first."""
    asyncio.run(remember(tmp_path / "m", MOVES))
    before = facts(tmp_path / "m", history=True)

    async def main() -> None:
        async with await opened(tmp_path / "m") as memory:
            await memory.store.delete(schema.CONSOLIDATED, "true")  # and it is killed
            assert (await memory.consolidate()).assertions == 0
            assert await memory.facts(history=True) == before
            await drop(memory.store)
            assert await memory.facts(history=True) == []
            await memory.consolidate()
            assert await memory.facts(history=True) == before

    asyncio.run(main())


def test_facts_are_folded_when_others_may_be_seen_and_not_on_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(remember(tmp_path / "m", MOVES))
    threads: list[str] = []

    def counted(stored: Sequence[Stored], name: Name) -> Ledger:
        threads.append(threading.current_thread().name)
        return fold(stored, name)

    async def main() -> None:
        monkeypatch.setattr(view, "fold", counted)
        async with await opened(tmp_path / "m") as memory:
            for as_of_s in (None, day(90), day(91)):
                assert texts(await memory.facts(as_of_s=as_of_s)) == [
                    "Ana lives in Oslo",
                    "Ben dislikes cats",
                ]
            assert len(threads) == 1
            assert "Ana lives in Bergen" in texts(await memory.facts(as_of_s=day(2.5)))
            await memory.add([Message("I live in Rome.", day(20), "20", "Ben")], source="chat")
            await memory.consolidate()
            assert "Ben lives in Rome" in texts(await memory.facts())
            assert len(threads) == 3

    asyncio.run(main())
    assert {name == threading.main_thread().name for name in threads} == {False}
