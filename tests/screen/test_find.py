"""Which moment of several is meant: what stands there as it is asked for, and what a place is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from reasoning.screen.failures import failures
from reasoning.screen.when import When
from reasoning.screen.words import initials
from tests.conftest import Run
from tests.screen.days import Day, finder_of, remembered

DAY: Day = (
    1_700_000_000.0,
    (
        (0.0, "boat.py - Editor", ("from harbour import Boat", "today the boat is not the gazette")),
        (60.0, "boat.py - Editor", ("from harbour import Boat", "boat = Boat(name)")),
        (120.0, "results - Browser", ("the gazette of today", "Boat Today", "the last boat")),
    ),
)


def test_code_and_names_are_looked_for_as_they_stand(run_real: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with remembered(tmp_path, DAY) as (memory, _):
            finder = await finder_of(memory)
            for phrase, line, at_s in (
                ("boat = Boat(name)", "boat = Boat(name)", 60.0),
                ("Boat Today", "Boat Today", 120.0),
            ):
                first = (await finder.seen(phrase, When()))[0]
                assert (first.line, first.wall_s) == (line, DAY[0] + at_s)

    run_real(main())


def test_a_title_is_known_by_its_initials() -> None:
    assert {"ai", "sh"} <= initials("Artificial intelligence - Safe harbours")
    assert initials("Harbour") == set()


FAILING: Day = (
    1_700_000_000.0,
    (
        (0.0, "build log - XTerm", ("make harbour", "cat: chart.cfg: No such file")),
        (60.0, "list.txt - Editor", ("an error is human", "the list is long")),
        (120.0, "build log - XTerm", ("make lamp", "lamp.c: undefined lamp")),
        (
            180.0,
            "ana: boats - XTerm",
            ("ana@sea:~$ scp boats.tgz attic.invalid:", "Could not resolve hostname"),
        ),
    ),
)


@pytest.mark.parametrize(
    ("question", "lines"),
    [
        (
            "What did the error in the terminal say?",
            ["Could not resolve hostname", "lamp.c: undefined lamp", "cat: chart.cfg: No such file"],
        ),
        ("What went wrong with chart.cfg?", ["cat: chart.cfg: No such file"]),
        ("Why did copying the archive fail?", ["Could not resolve hostname"]),
        ("Why did deleting the archive fail?", []),
        ("What did the error in the spreadsheet say?", []),
        ("What did the error about the compass say?", []),
        ("What did the terminal say?", []),
    ],
)
def test_an_error_need_not_call_itself_one(
    run_real: Run, tmp_path: Path, question: str, lines: list[str]
) -> None:
    async def main() -> None:
        async with remembered(tmp_path, FAILING) as (memory, _):
            found = await failures(await finder_of(memory), question, When())
            assert [m.line for m in found] == lines

    run_real(main())
