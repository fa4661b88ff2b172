"""Every version of a statement, in order, and what took the place of each."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from math import inf
from pathlib import Path

from memory import Memory
from memory.history import history
from runtime.messages import Observation, Watermark
from tests.memory.world import HashEncoder, opened, read, remembered, said, source, stream

TOLD = [
    (10.0, "The rehearsal is on Monday."),
    (20.0, "The lamp in the garden is green."),
    (100.0, "The rehearsal is on Monday."),
    (200.0, "The rehearsal is on Thursday now."),
    (300.0, "The rehearsal is on Friday now."),
    (310.0, "Order 58213 goes to Rotterdam."),
]


def talk(folder: Path) -> Path:
    records: list[Observation | Watermark] = [said("film", t, t + 3.0, text) for t, text in TOLD]
    records.append(read("film", 400.0, 410.0, 401.0, ["Prices", "Soup: 3 euro", "Bread: 2 euro"]))
    records.append(read("film", 500.0, 510.0, 501.0, ["Prices", "Soup: 4 euro", "Bread: 2 euro"]))
    marks = [Watermark("vision", inf), Watermark("read", inf), Watermark("said", inf)]
    return asyncio.run(remembered(folder, [*records, *marks], source(duration_s=600.0)))


def test_a_question_finds_all_versions_oldest_first(tmp_path: Path) -> None:
    async def main() -> None:
        async with await opened(talk_folder) as memory:
            versions = await history(memory, "when is the rehearsal")
            assert [v.text for v in versions] == [TOLD[0][1], TOLD[3][1], TOLD[4][1]]
            assert [(v.valid_from_s, v.valid_to_s) for v in versions] == [
                (13.0, 203.0),
                (203.0, 303.0),
                (303.0, None),
            ]
            assert [v.superseded_by for v in versions] == [versions[1].id, versions[2].id, None]
            assert [len(v.also) for v in versions] == [1, 0, 0]
            middle = await history(memory, versions[1].id)
            assert middle == versions
            then = await history(memory, "when is the rehearsal", "film", as_of_s=250.0)
            assert [(v.text, v.valid_to_s) for v in then] == [(TOLD[0][1], 203.0), (TOLD[3][1], None)]

    talk_folder = talk(tmp_path / "m")
    asyncio.run(main())


def test_a_line_on_the_screen_has_versions_too(tmp_path: Path) -> None:
    async def main(folder: Path) -> None:
        async with await opened(folder) as memory:
            versions = await history(memory, "what is the price of soup")
            assert [v.text for v in versions] == ["Prices: Soup: 3 euro", "Prices: Soup: 4 euro"]
            assert versions[0].superseded_by == versions[1].id

    asyncio.run(main(talk(tmp_path / "m")))


def test_what_never_changed_has_one_version_and_what_is_not_there_none(tmp_path: Path) -> None:
    async def main(folder: Path) -> None:
        async with await opened(folder) as memory:
            assert [v.text for v in await history(memory, "what colour is the lamp")] == [TOLD[1][1]]
            assert await history(memory, "the of") == ()

    asyncio.run(main(talk(tmp_path / "m")))


def test_versions_follow_each_other_without_a_gap(tmp_path: Path) -> None:
    async def main(folder: Path) -> None:
        async with await opened(folder) as memory:
            for record in await memory.observations("film"):
                versions = await history(memory, record.id)
                if record.modality != "seen":
                    assert record.id in {i for v in versions for i in (v.id, *v.also)}
                for one, later in pairwise(versions):
                    assert one.valid_to_s == later.valid_from_s >= one.valid_from_s
                    assert one.superseded_by == later.id

    asyncio.run(main(asyncio.run(remembered(tmp_path / "m", stream(4, 120.0)))))


def test_what_a_person_said_of_themselves_has_versions_that_share_no_words(tmp_path: Path) -> None:
    async def main() -> None:
        async with await Memory.open(tmp_path / "m", HashEncoder(), read_only=False) as memory:
            await memory.add("I live in Bergen.", speaker="Ana", time=1000.0)
            await memory.add("The ferry leaves at ten.", speaker="Ben", time=1500.0)
            await memory.add("I no longer live in Bergen, I live in Oslo now.", speaker="Ana", time=2000.0)
            await memory.consolidate()
            versions = await history(memory, "where does Ana live")
            assert [(v.text, v.valid_from_s, v.valid_to_s) for v in versions] == [
                ("Ana lives in Bergen", 1000.0, 2000.0),
                ("Ana lives in Oslo", 2000.0, None),
            ]
            assert [v.text for v in await history(memory, "when does the ferry leave")] == [
                "The ferry leaves at ten."
            ]
            stats = await memory.stats()
            assert (stats.kinds["episodic"], stats.kinds["core"]) == (3, 3)
            assert stats.dates == {"notes": (1000.0, 2000.0)}

    asyncio.run(main())
