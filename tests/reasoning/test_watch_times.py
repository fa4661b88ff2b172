"""Times as people say them, against a Wednesday at two in the afternoon."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasoning.watches.times import DAY_S, duration_s, find_times, next_time

NOW = datetime(2026, 11, 18, 14, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def due(text: str, now: datetime = NOW) -> str | None:
    found = find_times(text, now.timestamp(), now.tzinfo)
    assert len(found) <= 1
    return datetime.fromtimestamp(found[0].due, now.tzinfo).strftime("%d %H:%M:%S") if found else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("in ten minutes", "18 14:10:00"),
        ("in 90 seconds", "18 14:01:30"),
        ("in half an hour", "18 14:30:00"),
        ("in an hour and a half", "18 15:30:00"),
        ("in two and a half hours", "18 16:30:00"),
        ("in 2 hours and 15 minutes", "18 16:15:00"),
        ("in an hour and a quarter", "18 15:15:00"),
        ("in 1.5 hours", "18 15:30:00"),
        ("in 1,5 hours", "18 15:30:00"),
        ("in a quarter of an hour", "18 14:15:00"),
        ("in three quarters of an hour", "18 14:45:00"),
        ("in a couple of minutes", "18 14:02:00"),
        ("in a few minutes", "18 14:03:00"),
        ("in twenty-five mins", "18 14:25:00"),
        ("in a hundred seconds", "18 14:01:40"),
        ("in ten minutes' time", "18 14:10:00"),
        ("ten minutes from now", "18 14:10:00"),
        ("after three days", "21 14:00:00"),
        ("in two weeks", "02 14:00:00"),
        ("in fifteen", "18 14:15:00"),
    ],
)
def test_a_length_of_time(text: str, expected: str) -> None:
    assert due(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at 5 pm", "18 17:00:00"),
        ("at 5 p.m.", "18 17:00:00"),
        ("at 17:30", "18 17:30:00"),
        ("at 17.30", "18 17:30:00"),
        ("at five o'clock", "18 17:00:00"),
        ("at 5", "18 17:00:00"),
        ("at 3", "18 15:00:00"),
        ("at 2", "19 14:00:00"),
        ("at 9", "18 21:00:00"),
        ("at 5:30", "18 17:30:00"),
        ("at 05:30", "19 05:30:00"),
        ("at 12:30", "19 12:30:00"),
        ("at 12 am", "19 00:00:00"),
        ("at 12 pm", "19 12:00:00"),
        ("at half past six", "18 18:30:00"),
        ("at quarter to nine", "18 20:45:00"),
        ("at a quarter past 8 in the evening", "18 20:15:00"),
        ("at twenty five to seven", "18 18:35:00"),
        ("at ten past four", "18 16:10:00"),
        ("at five to one", "19 12:55:00"),
        ("at five thirty", "18 17:30:00"),
        ("at seven oh five am", "19 07:05:00"),
        ("at noon", "19 12:00:00"),
        ("at midnight", "19 00:00:00"),
        ("at 3 in the morning", "19 03:00:00"),
        ("at ten at night", "18 22:00:00"),
        ("by 6", "18 18:00:00"),
        ("at 25:00", None),
        ("at 5:75", None),
        ("at 13 pm", "19 13:00:00"),
    ],
)
def test_a_time_of_day_is_the_next_one_to_come(text: str, expected: str | None) -> None:
    assert due(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tomorrow at 9 am", "19 09:00:00"),
        ("tomorrow at five", "19 17:00:00"),
        ("tomorrow", "19 09:00:00"),
        ("tomorrow evening", "19 19:00:00"),
        ("at eight tomorrow evening", "19 20:00:00"),
        ("at 9 tomorrow", "19 09:00:00"),
        ("tonight", "18 21:00:00"),
        ("tonight at eight", "18 20:00:00"),
        ("this evening", "18 19:00:00"),
        ("in the morning", "19 09:00:00"),
        ("today at 9", "18 21:00:00"),
        ("on Monday at 10", "23 10:00:00"),
        ("next friday", "20 09:00:00"),
        ("on wednesday at 3", "18 15:00:00"),
        ("on wednesday at 1 pm", "25 13:00:00"),
        ("on the 5th of March at 10", "05 10:00:00"),
        ("on December 24th", "24 09:00:00"),
        ("on February 31st", None),
    ],
)
def test_a_day(text: str, expected: str | None) -> None:
    assert due(text) == expected


@pytest.mark.parametrize(
    ("text", "expected", "every_s"),
    [
        ("every hour", "18 15:00:00", 3600),
        ("every ten minutes", "18 14:10:00", 600),
        ("every day at 9", "19 09:00:00", DAY_S),
        ("every morning", "19 09:00:00", DAY_S),
        ("every monday at 9:30", "23 09:30:00", 7 * DAY_S),
        ("each evening at seven", "18 19:00:00", DAY_S),
    ],
)
def test_what_comes_again(text: str, expected: str, every_s: float) -> None:
    assert due(text) == expected
    assert find_times(text, NOW.timestamp(), UTC)[0].every_s == every_s


@pytest.mark.parametrize(
    "text", ["in 3 apples", "the 5 of us", "at home", "in the kitchen", "", "minutes", "every cat"]
)
def test_what_is_no_time(text: str) -> None:
    assert due(text) is None


def test_where_in_the_text_it_stands() -> None:
    text = "call Ana in ten minutes about the cake"
    (when,) = find_times(text, NOW.timestamp(), UTC)
    assert text[when.start : when.end] == "in ten minutes"


@pytest.mark.parametrize(
    ("text", "seconds"), [("ten minutes", 600), ("an hour", 3600), ("soon", None), ("5 apples", None)]
)
def test_a_duration_by_itself(text: str, seconds: float | None) -> None:
    assert duration_s(text) == seconds


def test_the_hour_stays_when_the_clocks_change() -> None:
    """Clocks went back in Berlin on 25 October 2026 at three."""
    saturday = datetime(2026, 10, 24, 20, 0, tzinfo=BERLIN)
    assert due("tomorrow at 9 am", saturday) == "25 09:00:00"
    nine = datetime(2026, 10, 24, 9, 0, tzinfo=BERLIN).timestamp()
    later = next_time(nine, DAY_S, saturday.timestamp(), BERLIN)
    assert datetime.fromtimestamp(later, BERLIN).strftime("%d %H:%M") == "25 09:00"
    assert later - nine == DAY_S + 3600


@pytest.mark.parametrize(
    ("missed_s", "expected"), [(0, 600), (599, 600), (601, 1200), (1200, 1800), (6001, 6600)]
)
def test_what_was_missed_is_not_made_up_for(missed_s: float, expected: float) -> None:
    assert next_time(1000.0, 600.0, 1000.0 + missed_s, UTC) == 1000.0 + expected


_WORDS = st.sampled_from(
    "in at on every a half past quarter to ten five 5 17:30 9.15 minutes hours and pm am tomorrow monday morning the 5th of "
    "march tonight noon from now couple few o'clock oh , day next".split()
)


@given(st.lists(_WORDS, max_size=12).map(" ".join))
def test_nothing_that_is_said_is_too_odd(text: str) -> None:
    for when in find_times(text, NOW.timestamp(), UTC):
        assert 0 <= when.start < when.end <= len(text)
        assert when.due > NOW.timestamp()
        assert when.every_s is None or when.every_s > 0
