"""Where a day begins: for questions, for what is added, and across the change of the clocks."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from memory import Memory, Message, SearchRequest, Store
from memory.consolidation.extractor import RuleExtractor
from memory.conversation import observations
from memory.settings import MemorySettings
from memory.text_files import read_chat
from memory.time_range import time_range
from memory.zone import machine_zone, zone_of
from runtime.compute import Compute
from runtime.errors import InputError
from tests.conftest import Run
from tests.memory.world import HashEncoder

OSLO = ZoneInfo("Europe/Oslo")


def oslo(text: str, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=OSLO, fold=fold).timestamp()


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@contextmanager
def machine_in(name: str) -> Iterator[None]:
    before = os.environ["TZ"]
    os.environ["TZ"] = name
    time.tzset()
    try:
        yield
    finally:
        os.environ["TZ"] = before
        time.tzset()


@pytest.mark.parametrize(
    ("now_s", "words", "start_s", "end_s"),
    [
        # Half past midnight in summer is still the day before in UTC.
        (oslo("2026-07-02T00:30"), "yesterday", utc("2026-06-30T22:00"), utc("2026-07-01T22:00")),
        (oslo("2026-07-02T00:30"), "this morning", utc("2026-07-02T03:00"), utc("2026-07-02T10:00")),
        (oslo("2026-07-02T00:30"), "last Tuesday", utc("2026-06-29T22:00"), utc("2026-06-30T22:00")),
        # 25 October 2026 has 25 hours, 29 March 2026 has 23.
        (oslo("2026-10-26T00:30"), "yesterday", utc("2026-10-24T22:00"), utc("2026-10-25T23:00")),
        (oslo("2026-10-25T02:30"), "yesterday", utc("2026-10-23T22:00"), utc("2026-10-24T22:00")),
        (oslo("2026-10-25T02:30", fold=1), "yesterday", utc("2026-10-23T22:00"), utc("2026-10-24T22:00")),
        (oslo("2026-10-25T02:30", fold=1), "this morning", utc("2026-10-25T04:00"), utc("2026-10-25T11:00")),
        (oslo("2026-10-25T02:30", fold=1), "an hour ago", utc("2026-10-25T00:00"), utc("2026-10-25T01:00")),
        (oslo("2026-03-30T00:30"), "yesterday", utc("2026-03-28T23:00"), utc("2026-03-29T22:00")),
        (oslo("2026-03-29T03:30"), "an hour ago", utc("2026-03-29T00:00"), utc("2026-03-29T01:00")),
        (oslo("2026-03-30T09:00"), "yesterday morning", utc("2026-03-29T03:00"), utc("2026-03-29T10:00")),
        (oslo("2026-03-31T09:00"), "last week", utc("2026-03-22T23:00"), utc("2026-03-29T22:00")),
        (oslo("2026-11-10T09:00"), "in October 2026", utc("2026-09-30T22:00"), utc("2026-10-31T23:00")),
    ],
)
def test_a_day_begins_at_midnight_where_one_asks(
    now_s: float, words: str, start_s: float, end_s: float
) -> None:
    found = time_range(f"What did Ana say {words}?", now_s, OSLO)
    assert found is not None
    assert (found.start_s, found.end_s) == (start_s, end_s)


def test_the_zone_of_the_machine_is_that_of_who_asks(run_virtual: Run, tmp_path: Path) -> None:
    def asked(settings: MemorySettings) -> str:
        async def ask() -> str:
            async with await Memory.open(
                tmp_path / "m", HashEncoder(), settings=settings, read_only=False
            ) as memory:
                for thing, when in (("beans", "2026-06-30T23:00"), ("peas", "2026-07-01T23:00")):
                    await memory.add(f"I planted {thing}.", speaker="Ana", time=datetime.fromisoformat(when))
                request = SearchRequest("What did Ana plant yesterday?", now_s=oslo("2026-07-02T00:30"), k=1)
                return (await memory.search(request))[0].text

        return run_virtual(ask())

    with machine_in("Europe/Oslo"):
        assert asked(MemorySettings()) == "I planted peas."
    # The times of what is added stay those of where the memory was made.
    with machine_in("America/New_York"):
        assert machine_zone() == "America/New_York"
        assert asked(MemorySettings(timezone="Europe/Oslo")) == "I planted peas."
        assert asked(MemorySettings()) == "I planted beans."


def test_a_memory_that_does_not_say_keeps_its_calendar(run_virtual: Run, tmp_path: Path) -> None:
    async def zones() -> list[tzinfo | None]:
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            made = store.zone()
            await store.delete("meta", "key = 'timezone'")
        async with await Store.open(tmp_path / "m", HashEncoder()) as store:
            return [made, store.zone(), store.zone("Asia/Tokyo")]

    with machine_in("Europe/Oslo"):
        assert run_virtual(zones()) == [OSLO, ZoneInfo("UTC"), ZoneInfo("Asia/Tokyo")]


def test_days_of_a_memory_are_those_of_its_zone(run_virtual: Run, tmp_path: Path) -> None:
    async def told() -> list[tuple[str, list[str]]]:
        async with await Memory.open(tmp_path / "m", HashEncoder(), read_only=False) as memory:
            for when in ("2026-10-24T23:30", "2026-10-25T00:30", "2026-10-25T23:30", "2026-10-26T00:30"):
                await memory.add(f"It is {when}.", time=oslo(when))
        async with await Memory.open(tmp_path / "m", HashEncoder()) as memory:
            days = await memory.days()
            return [(day.date, day.synopsis.split(". ")) for day in days]

    with machine_in("Europe/Oslo"):
        found = run_virtual(told())
    assert [date for date, _ in found] == ["2026-10-24", "2026-10-25", "2026-10-26"]
    assert all(date in said for date, parts in found for said in parts)


def test_the_offset_of_a_message_is_its_own(run_virtual: Run, tmp_path: Path) -> None:
    lines = [
        {"speaker": "Ana", "time": "2026-07-02T00:30:00+02:00", "text": "I moved to Bergen yesterday."},
        {"speaker": "Ana", "time": "2026-07-02T09:00", "text": "It rains."},
        {"speaker": "Ana", "time": "2026-07-02T12:00:00Z", "text": "Still."},
    ]
    (tmp_path / "chat.jsonl").write_text("\n".join(map(json.dumps, lines)))
    messages: list[Message] = [one.message for one in read_chat(tmp_path / "chat.jsonl", OSLO)]
    assert [(m.time_s, m.utc_offset_s, m.session) for m in messages] == [
        (utc("2026-07-01T22:30"), 7200.0, "2026-07-02"),
        (utc("2026-07-02T07:00"), None, "2026-07-02"),
        (utc("2026-07-02T12:00"), None, "2026-07-02"),
    ]

    async def moved(zone: tzinfo) -> list[float | None]:
        compute = Compute()
        try:
            extracted = await RuleExtractor(compute, 8, zone).extract(observations("chat", messages), 0.0)
        finally:
            await compute.close(deadline_s=1.0)
        return [one.when_s for _, one in extracted.made]

    # As of the message's own clock, wherever the memory is.
    for zone in (OSLO, ZoneInfo("America/New_York")):
        assert run_virtual(moved(zone)) == [utc("2026-06-30T22:00")]


def test_a_zone_that_is_none_is_named() -> None:
    for name in ("Mars/Olympus", "../etc/passwd", "Europe"):
        with pytest.raises(InputError, match="no time zone"):
            zone_of(name)
        with pytest.raises(ValueError, match="no time zone"):
            MemorySettings(timezone=name)
