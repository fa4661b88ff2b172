"""How something was done, and what was promised: from what a screen showed, twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

from reasoning.screen.find import Finder, Moment
from reasoning.screen.promises import promised
from reasoning.screen.steps import Procedure, headings, procedure
from reasoning.screen.when import When
from runtime.messages import Evidence
from tests.screen.days import Day, Scene, finder_of, remembered

MONDAY = datetime(2024, 5, 13, 10, 0).timestamp()
THURSDAY = MONDAY + 3 * 86400.0
CALC, TERMINAL = "harbour.ods - LibreOffice Calc", "build"

EXPORT: tuple[Scene, ...] = (
    (0.0, CALC, ("Berth Boats",)),
    (60.0, "Export chart - LibreOffice Calc", ("Choose a file format", "PNG image")),
    (80.0, "Save as - LibreOffice Calc", ("Enter a file name", "chart.png")),
    (100.0, CALC, ("Berth Boats", "Saved")),
)


def asked(folder: Path, ask: Callable[[Finder], Awaitable[object]], *days: Day) -> object:
    """What `ask` finds in a memory of those days."""

    async def main() -> object:
        async with remembered(folder, *days) as (memory, _):
            return await ask(await finder_of(memory))

    return asyncio.run(main())


def steps_of(folder: Path, phrase: str, *days: Day) -> Procedure | None:
    found = asked(folder, lambda finder: procedure(finder, phrase, When()), *days)
    assert found is None or isinstance(found, Procedure)
    return found


def test_the_steps_are_the_dialogs_and_what_they_asked_for_in_their_order(tmp_path: Path) -> None:
    found = steps_of(tmp_path, "export the chart", (MONDAY, EXPORT))
    assert found is not None
    assert [step.what for step in found.steps if "ods" not in step.what] == [
        "Export chart", "Choose a file format", "Save as", "Enter a file name",
    ]  # fmt: skip
    assert found.steps[1].moment.wall_s - MONDAY < 80
    assert found.before == ()


def test_of_a_thing_done_twice_the_last_time_counts_and_what_both_had(tmp_path: Path) -> None:
    aside: tuple[Scene, ...] = (*EXPORT[:2], (70.0, "Ana - Chat", ("Select a time", "hello")), *EXPORT[2:])
    found = steps_of(tmp_path, "export the chart", (MONDAY, EXPORT), (THURSDAY, aside))
    assert found is not None
    assert all(step.moment.wall_s >= THURSDAY for step in found.steps)
    assert "Select a time" not in [step.what for step in found.steps]
    assert len(found.before) == 1
    assert abs(found.before[0] - MONDAY) < 120


def test_commands_are_steps(tmp_path: Path) -> None:
    scenes: tuple[Scene, ...] = (
        (0.0, TERMINAL, ("ana@quay:~/boats$ make wheel", "wrote boats.whl")),
        (30.0, TERMINAL, ("ana@quay:~/boats$ make wheel", "wrote boats.whl", "ana@quay:~/boats$ make upload")),
    )  # fmt: skip
    found = steps_of(tmp_path, "upload the wheel", (MONDAY, scenes))
    assert found is not None
    assert [s.what for s in found.steps if s.what.startswith("make")] == ["make wheel", "make upload"]


def test_what_was_never_done_has_no_steps(tmp_path: Path) -> None:
    assert steps_of(tmp_path, "bake bread", (MONDAY, EXPORT)) is None


def test_promises_are_found_by_whom_they_were_made_to(tmp_path: Path) -> None:
    scenes: tuple[Scene, ...] = (
        (0.0, "Ana - Chat", ("I'll send you the tide tables", "thank you")),
        (30.0, "Ben - Chat", ("I'll call the harbour", "fine")),
    )

    async def both(finder: Finder) -> list[list[str]]:
        return [[m.line for m in await promised(finder, who, When())] for who in ("Ana", "")]

    assert asked(tmp_path, both, (MONDAY, scenes)) == [
        ["I'll send you the tide tables"],
        ["I'll send you the tide tables", "I'll call the harbour"],
    ]


def test_a_dialogs_part_is_named_by_the_title_that_stands_there_twice() -> None:
    text = "harbour.ods - LibreOffice Calc\nLegend\nChoose where the legend stands\nLeft\nLegend"
    evidence = Evidence("r", "screen-a", "read", text, 0.0, 1.0, 1.0)
    moment = Moment(evidence, 0.0, 1.0, "LibreOffice Calc", "harbour.ods", "", "", 1.0)
    assert headings(moment) == ["Legend", "Choose where the legend stands"]
