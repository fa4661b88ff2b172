"""The part of a recording that a question names, and hours as they are said."""

from __future__ import annotations

import pytest

from reasoning.clock_words import by_the_clock, hours_told, in_digits
from reasoning.media_time import media_time


@pytest.mark.parametrize(
    ("text", "from_s", "to_s", "rest"),
    [
        ("Which soup was there about three minutes into the video?", 105, 255, "Which soup was there?"),
        ("What did the sign say around minute fourteen?", 765, 915, "What did the sign say?"),
        ("What was shown roughly 5 minutes in?", 225, 375, "What was shown?"),
        ("Who came two and a half minutes into the recording?", 75, 225, "Who came?"),
        ("Who was welcomed in the last quarter of the video?", 876, 1200, "Who was welcomed?"),
        ("What was said in the first half of the recording?", 0, 624, "What was said?"),
        ("What was shown near the end of the clip?", 800, 1200, "What was shown?"),
        ("What did they sell early in the video?", 0, 400, "What did they sell?"),
    ],
)
def test_a_part_of_the_recording(text: str, from_s: float, to_s: float, rest: str) -> None:
    found = media_time(text, 1200.0)
    assert found is not None and found.rest == rest
    assert (found.from_s, found.to_s) == pytest.approx((max(0.0, from_s), to_s))


@pytest.mark.parametrize(
    "text",
    [
        "How many minutes does it stay in the oven?",
        "How long did it take, ten minutes in total?",
        "Who paid in the last quarter of 2023?",
        "What happened at the end of March?",
        "Which cake is baked about forty minutes in the oven?",
    ],
)
def test_what_names_no_part_of_it(text: str) -> None:
    assert media_time(text, 1200.0) is None


def test_a_part_of_no_recording_is_none() -> None:
    assert media_time("What was said in the last quarter of the video?", 0.0) is None


def test_hours_in_digits() -> None:
    assert in_digits("at ten past two and a quarter to nine") == "at 2:10 and 8:45"
    assert by_the_clock("at a quarter past eight in the evening") == "at 20:15"
    assert by_the_clock("at 12:40 am, at 3:05 pm, at 17:30") == "at 0:40, at 15:05, at 17:30"
    assert hours_told("closes at half past 2") == {"2:30", "14:30"}
    assert hours_told("a ratio of 3:2 and 10.15 euros") == frozenset()
