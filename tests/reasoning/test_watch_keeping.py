"""Watches and reminders: due at their time, kept over a restart, and ended."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest

from reasoning.proactive import MOST, Cancel, Watch, Watches
from runtime.errors import InputError
from runtime.messages import Alert
from tests.conftest import Run
from tests.reasoning.wishes import BOTTLE, BUDGET, NOW, TEA

# Reminders


def test_a_reminder_comes_once_at_its_time(run_virtual: Run) -> None:
    async def main() -> list[Alert]:
        watches = Watches(None, zone=UTC)
        assert watches.next_due() is None
        kept = await watches.add(TEA)
        assert watches.next_due() == NOW + 600
        assert await watches.due(NOW + 599.9) == []
        alerts = await watches.due(NOW + 600, 33.0)
        assert [a.watch for a in alerts] == [kept.id]
        assert await watches.due(NOW + 601) == []
        assert watches.all() == []
        return alerts

    (alert,) = run_virtual(main())
    assert (alert.text, alert.t_s) == ("Reminder: make tea.", 33.0)


def test_one_that_was_missed_says_when_it_was_due(run_virtual: Run, tmp_path: Path) -> None:
    async def main() -> list[Alert]:
        await Watches(tmp_path / "w.json").add(TEA)
        return await Watches(tmp_path / "w.json", zone=UTC).due(NOW + 3 * 3600)

    (alert,) = run_virtual(main())
    assert alert.text == "Reminder: make tea. It was due at 2:10 pm."


def test_what_comes_again_comes_again_but_not_for_every_time_missed(run_virtual: Run, tmp_path: Path) -> None:
    async def main() -> list[float | None]:
        watches = Watches(tmp_path / "w.json", zone=UTC)
        await watches.add(replace(TEA, every_s=600.0, once=False))
        assert [len(await watches.due(now)) for now in (NOW + 600, NOW + 600, NOW + 4000)] == [1, 0, 1]
        return [watches.next_due(), Watches(tmp_path / "w.json").next_due()]

    assert run_virtual(main()) == [NOW + 4200, NOW + 4200]


def test_several_come_in_the_order_of_their_times(run_virtual: Run) -> None:
    async def main() -> list[Alert]:
        watches = Watches(None)
        for minutes in (3, 1, 2):
            await watches.add(replace(TEA, what=f"number {minutes}", due=NOW + 60 * minutes))
        return await watches.due(NOW + 180)

    assert [a.text.split(".")[0] for a in run_virtual(main())] == [f"Reminder: number {n}" for n in (1, 2, 3)]


# Kept


def test_they_survive_a_restart(run_virtual: Run, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "watches.json"

    async def main() -> None:
        watches = Watches(path)
        for watch in (BOTTLE, BUDGET, TEA):
            await watches.add(watch)
        await watches.remove("w3")
        again = Watches(path)
        assert again.all() == watches.all()
        assert [w.what for w in again.all()] == ["bottle", "budget"]
        assert (await again.add(TEA)).id == "w4"

    run_virtual(main())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["watches.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"version": 2}',
        b'{"watches": [{"kind": "smelt"}]}',
        b"\xff\xfe",
        b'{"surprise": 1}',
    ],
)
def test_a_damaged_file_is_moved_aside_in_one_line(run_virtual: Run, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "watches.json"
    said: list[str] = []

    async def main() -> None:
        for _ in range(2):
            path.write_bytes(content)
            watches = Watches(path, report=said.append)
            assert watches.all() == []
            await watches.add(BOTTLE)
            assert len(Watches(path).all()) == 1

    run_virtual(main())
    assert len(said) == 2
    assert all("is damaged" in line and "\n" not in line for line in said)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "watches.json", "watches.json.bad", "watches.json.bad-2",
    ]  # fmt: skip
    assert (tmp_path / "watches.json.bad").read_bytes() == content


def test_a_place_that_cannot_be_written_costs_a_line_and_nothing_else(
    run_virtual: Run, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    said: list[str] = []

    async def main() -> list[Watch]:
        watches = Watches(tmp_path / "file" / "watches.json", report=said.append)
        await watches.add(BOTTLE)
        return watches.all()

    assert len(run_virtual(main())) == 1
    assert any("cannot be written" in line for line in said)


def test_a_failed_write_leaves_the_old_file(
    run_virtual: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "watches.json"
    said: list[str] = []

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    async def main() -> None:
        watches = Watches(path, report=said.append)
        await watches.add(BOTTLE)
        before = path.read_bytes()
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", full)
            await watches.add(BUDGET)
        assert path.read_bytes() == before
        assert os.listdir(tmp_path) == ["watches.json"]
        await watches.add(TEA)
        assert len(json.loads(path.read_text())["watches"]) == 3

    run_virtual(main())
    assert said == [f"watches: {path} cannot be written: No space left on device"]


def test_writes_at_once_leave_the_last_state(run_virtual: Run, tmp_path: Path) -> None:
    async def main() -> None:
        watches = Watches(tmp_path / "w.json")
        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(watches.add(replace(BOTTLE, what=f"thing {number}")))
        assert Watches(tmp_path / "w.json").all() == watches.all()
        assert len(watches.all()) == 20

    run_virtual(main())


def test_the_same_wish_twice_is_one(run_virtual: Run) -> None:
    async def main() -> list[Watch]:
        watches = Watches(None)
        await watches.add(BOTTLE)
        await watches.add(BUDGET)
        await watches.add(replace(BOTTLE, text="Let me know when you see bottles.", what="bottles"))
        return watches.all()

    assert [(w.id, w.what) for w in run_virtual(main())] == [("w2", "budget"), ("w3", "bottles")]


def test_there_is_an_end_to_how_many(run_virtual: Run) -> None:
    async def main() -> None:
        watches = Watches(None)
        for number in range(MOST):
            await watches.add(replace(BOTTLE, what=f"thing {number}"))
        with pytest.raises(InputError, match="cancel some first"):
            await watches.add(BUDGET)
        await watches.add(replace(BOTTLE, what="thing 5"))

    run_virtual(main())


# Ended


RENT = replace(TEA, what="pay the rent", text="Remind me at five o'clock to pay the rent.", due=NOW + 10800)


@pytest.mark.parametrize(
    ("cancel", "left"),
    [
        (Cancel("bottles"), ["budget", "make tea", "pay the rent"]),
        (Cancel("tea", True), ["bottle", "budget", "pay the rent"]),
        (Cancel("five o'clock", True), ["bottle", "budget", "make tea"]),
        (Cancel("", True), ["bottle", "budget", "make tea"]),
        (Cancel("", False), ["bottle", "make tea", "pay the rent"]),
        (Cancel("", True, every=True), ["bottle", "budget"]),
        (Cancel("", None, every=True), []),
        (Cancel("zebra"), ["bottle", "budget", "make tea", "pay the rent"]),
        (Cancel("tea", False), ["bottle", "budget", "make tea", "pay the rent"]),
    ],
)
def test_a_cancel_ends_those_that_it_means(run_virtual: Run, cancel: Cancel, left: list[str]) -> None:
    async def main() -> None:
        watches = Watches(None)
        for watch in (BOTTLE, BUDGET, TEA, RENT):
            await watches.add(watch)
        ended = await watches.cancel(cancel)
        assert [w.what for w in watches.all()] == left
        assert len(ended) == 4 - len(left)

    run_virtual(main())


def test_a_cancel_of_nothing_and_an_unknown_id(run_virtual: Run) -> None:
    async def main() -> None:
        watches = Watches(None)
        assert await watches.cancel(Cancel("", None, every=True)) == []
        assert await watches.cancel(Cancel()) == []
        assert await watches.remove("w7") is None

    run_virtual(main())
