"""Which moment of several is meant: what stands there as it is asked for, and what a place is called."""

from __future__ import annotations

from pathlib import Path

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
