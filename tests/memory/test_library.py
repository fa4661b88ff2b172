"""Memory as a library: the example of its page runs, in both faces; packing keeps to its budget."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memory as memory_package
from memory import BlockingMemory, Memory, Message
from memory.blocking import BlockingPast
from memory.integrity import check
from memory.packing import tokens_of
from memory.past import Past
from runtime.errors import InputError, MemoryStoreError
from runtime.weights import Registry
from tests.conftest import require
from tests.memory.test_conversation import TALK
from tests.memory.world import HashEncoder

PAGE = Path(__file__).parent.parent.parent / "docs" / "memory.md"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.slow
def test_the_page_s_examples_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    require("minilm" in {r.spec.name for r in Registry.load().status() if r.present}, "minilm is not here")
    monkeypatch.chdir(tmp_path)
    first, second = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    exec(compile(first, "docs/memory.md", "exec"), {"__name__": "__main__"})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("Ana: The team meets in room 204. (old)")
    assert lines[1].endswith("Ana: Note: the team now meets in room 317. ")
    assert lines[-3] == "The team meets in room 204."
    assert lines[-1].startswith("Note: the team now meets in room 317. ")
    exec(compile(second, "docs/memory.md", "exec"), {"__name__": "__main__"})
    assert "full Ana: It is on the second shelf." in capsys.readouterr().out.splitlines()


def test_what_is_added_is_there_at_once_and_once(tmp_path: Path) -> None:
    async def main() -> None:
        folder = tmp_path / "m"
        async with await Memory.open(folder, HashEncoder(), read_only=False) as memory:
            said = datetime(2024, 5, 6, 9, 30, tzinfo=UTC)
            assert (await memory.add("The lamp is in the shed.", speaker="Ana", time=said)).new == 1
            (hit, *_) = await memory.search("Where is the lamp?")
            assert (hit.record.speaker, hit.t_start_s) == ("Ana", said.timestamp())
            assert hit.record.details["session"] == "2024-05-06"
            assert (await memory.add("The lamp is in the shed.", speaker="Ana", time=said)).new == 0
            await memory.add("The lamp is in the attic.", speaker="Ana", time=said.timestamp() + 60)
            await memory.add("A lamp from another source.", source="letters")
            assert {s.id for s in await memory.sources()} == {"notes", "letters"}
            past = memory.as_of(said)
            assert [h.text for h in await past.search("lamp")] == ["The lamp is in the shed."]
            versions = await memory.history("The lamp is in the shed.", source="notes")
            assert [v.text[-6:] for v in versions] == ["shed.", "attic."] or len(versions) == 2
        async with await Memory.open(folder, HashEncoder()) as memory:
            assert len(await memory.search("lamp")) == 3
            with pytest.raises(MemoryStoreError, match="reading only"):
                await memory.add("No.")

    asyncio.run(main())


@pytest.mark.parametrize(("speaker", "recalled"), [("assistant", False), ("Ana", True)])
def test_what_is_repeated_of_it_leaves_room_for_the_rest(
    tmp_path: Path, speaker: str, recalled: bool
) -> None:
    told = [f"The heron nests at creek {number}." for number in range(6)]
    first = [Message(text, 60.0 * i, "day", "Ana") for i, text in enumerate(told)]
    echoes = [Message(told[0].upper(), 1e6 + i, "later", speaker, recalled=recalled) for i in range(100)]

    async def main() -> None:
        async with await Memory.open(tmp_path / "m", HashEncoder(), read_only=False) as memory:
            await memory.add([*first, *echoes], source="chat")
            hits = await memory.search("Where does the heron nest, at creek 0?", k=7)
            assert {hit.text for hit in hits} >= set(told)

    asyncio.run(main())


def test_the_blocking_face(tmp_path: Path) -> None:
    with BlockingMemory.open(tmp_path / "m", HashEncoder(), read_only=False) as memory:
        assert memory.add(TALK, source="chat").new == len(TALK)
        assert memory.search("What did Ben buy?", k=1)[0].record.speaker == "Ben"
        before = memory.as_of(TALK[2].time_s).search("kayak", sources=("chat",))
        assert all(hit.record.known_at_s <= TALK[2].time_s for hit in before)
        assert memory.as_of(TALK[4].time_s).history("Which kayak does Ana have?")
        with pytest.raises(InputError, match="no source"):
            memory.search("kayak", sources=("nowhere",))
    with pytest.raises(MemoryStoreError, match="no memory"):
        BlockingMemory.open(tmp_path / "none", HashEncoder())


def test_the_blocking_face_within_a_loop_and_from_many_threads(tmp_path: Path) -> None:
    async def in_a_notebook() -> int:
        with BlockingMemory.open(tmp_path / "m", HashEncoder(), read_only=False) as memory:
            return memory.add("The lamp is in the shed.", speaker="Ana").new

    assert asyncio.run(in_a_notebook()) == 1
    memory = BlockingMemory.open(tmp_path / "m", HashEncoder(), read_only=False)

    def work(number: int) -> int:
        memory.add(f"Item {number} lies in drawer {number}.", speaker="Ana", time=1000.0 + number)
        return len(memory.search(f"item {number}", k=50))

    with ThreadPoolExecutor(8) as pool:
        assert all(found >= 1 for found in pool.map(work, range(16)))
    assert len(memory.observations("notes")) == 17
    memory.close()
    memory.close()
    with pytest.raises(MemoryStoreError, match="closed"):
        memory.search("lamp")


def test_what_was_written_is_checked_from_its_closing_on(tmp_path: Path) -> None:
    with BlockingMemory.open(tmp_path / "m", HashEncoder(), read_only=False) as memory:
        memory.add("I live in Bergen.", speaker="Ana", time=at("2024-05-06T09:30"))
        memory.consolidate()
    report = asyncio.run(check(tmp_path / "m"))
    assert (report.new, report.findings) == (0, ())
    written = max((tmp_path / "m").rglob("observations.lance/data/*"), key=lambda p: p.stat().st_size)
    raw = bytearray(written.read_bytes())
    raw[len(raw) // 2] ^= 1
    written.write_bytes(raw)
    assert any(written.name in one.where for one in asyncio.run(check(tmp_path / "m")).findings)


def test_the_synchronous_face_has_all_that_the_other_has(tmp_path: Path) -> None:
    def offered(kind: type) -> set[str]:
        return {name for name in dir(kind) if not name.startswith("_")}

    assert offered(Memory) - offered(BlockingMemory) == {"settings"}
    assert offered(Past) - {"as_of_s"} == offered(BlockingPast)
    with BlockingMemory.open(tmp_path / "m", HashEncoder(), read_only=False) as memory:
        memory.add("I live in Bergen.", speaker="Ana", time=at("2024-05-06T09:30"))
        memory.add("I moved to Oslo.", speaker="Ana", time=at("2024-05-09T09:30"))
        assert memory.consolidate().assertions == 2
        assert [fact.text for fact in memory.profile("Ana")] == ["Ana lives in Oslo"]
        assert [fact.text for fact in memory.facts(about="Ana", history=True)] == [
            "Ana lives in Bergen",
            "Ana lives in Oslo",
        ]
        before = memory.as_of(at("2024-05-08T00:00"))
        assert [fact.text for fact in before.profile("Ana")] == ["Ana lives in Bergen"]
        assert [source.id for source in memory.sources()] == ["notes"]


@settings(max_examples=6, deadline=None)
@given(budgets=st.lists(st.integers(0, 120), min_size=2, max_size=5))
def test_packing_keeps_to_its_budget(
    tmp_path_factory: pytest.TempPathFactory, budgets: Sequence[int]
) -> None:
    long = [
        Message(f"{m.text} And so on, and so forth, and what else there was.", m.time_s, m.session, m.speaker)
        for m in TALK
    ]
    with BlockingMemory.open(tmp_path_factory.mktemp("pack") / "m", HashEncoder(), read_only=False) as memory:
        memory.add(long)
        hits = memory.search("Where is the kayak, and where is the lamp?")
        full = 0
        for budget in sorted(budgets):
            packed = memory.pack(hits, budget)
            assert [p.hit for p in packed] == hits
            assert sum(tokens_of(p.text) for p in packed if p.text) <= budget
            assert all(p.text for p in packed if p.form == "full")
            now = sum(p.form == "full" for p in packed)
            assert now >= min(full, 1)
            full = now
        assert {p.form for p in memory.pack(hits, 10_000)} == {"full"}
        assert {p.form for p in memory.pack(hits, 0)} == {"dropped"}


def test_a_session_in_short_stands_for_what_has_no_room(tmp_path: Path) -> None:
    with BlockingMemory.open(tmp_path / "m", HashEncoder(), read_only=False) as memory:
        memory.add(
            [
                Message(f"The lamp number {i} is in shed {i}. " + "It shines. " * 40, 1e9 + i, "s")
                for i in range(6)
            ]
        )
        packed = memory.pack(memory.search("lamp shed"), 400)
        assert [p.form for p in packed[:2]] == ["full", "full"]
        assert "synopsis" in {p.form for p in packed}
        assert sum(bool(p.text) for p in packed if p.form == "synopsis") == 1


def test_all_that_is_public_says_what_it_does() -> None:
    things = [getattr(memory_package, name) for name in memory_package.__all__]
    methods = [
        getattr(part, "__func__", getattr(part, "fget", part))
        for thing in things
        if inspect.isclass(thing)
        for name, part in vars(thing).items()
        if not name.startswith("_") and (callable(part) or isinstance(part, property | classmethod))
    ]
    assert [one for one in (*things, *methods) if not (one.__doc__ or "").strip()] == []
    assert (Path(memory_package.__file__).parent / "py.typed").is_file()
