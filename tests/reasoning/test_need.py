"""What needs no memory is answered at once; what looks like it and asks for something remembered is looked up."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasoning.need import without_memory

MONDAY = 1_715_000_700.0  # 6 May 2024, 13:05 UTC


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Hello!", "Hello."),
        ("hi there", "Hello."),
        ("Good evening, Hearsight.", "Good evening."),
        ("What time is it?", "It is 13:05."),
        ("So, what's the time right now?", "It is 13:05."),
        ("Hey Hearsight, do you know what time it is?", "It is 13:05."),
        ("What day is it today?", "Today is Monday, 6 May 2024."),
        ("What's today's date, please?", "Today is Monday, 6 May 2024."),
        ("Who are you?", "I am Hearsight."),
        ("What can you do?", "I am Hearsight."),
        ("What is 7 times 8?", "56."),
        ("what's seven times eight", "56."),
        ("How much is 12 plus 30?", "42."),
        ("How much is three hundred and seventeen minus seventeen?", "300."),
        ("What is 15 percent of 80?", "12."),
        ("What is 15% of 80?", "12."),
        ("What is 1 divided by 3?", "About 0.3333."),
        ("What is 5 divided by 4?", "1.25."),
        ("What is 1,200 / 4?", "300."),
    ],
)
def test_it_is_answered_without_memory(text: str, says: str) -> None:
    told = without_memory(text, MONDAY, UTC)
    assert told is not None
    assert told.startswith(says)


@pytest.mark.parametrize(
    "text",
    [
        "What time is it on the clock in the picture?",
        "What time is the meeting?",
        "What time was it when the ferry left?",
        "What day is the rehearsal?",
        "What date is on the invoice?",
        "What is the date of the invoice?",
        "Who are you going to call?",
        "Who are you talking about?",
        "What can you do about the lamp?",
        "Hello kitty is on the screen.",
        "Good morning was written on the sign.",
        "Hello, where did I put my keys?",
        "What is the price of two and a half pounds?",
        "How much is the red one and the blue one?",
        "How much is 12 plus shipping?",
        "What is 5 divided by 0?",
        "What is his name?",
        "What is the wifi password?",
        "",
    ],
)
def test_it_is_looked_up(text: str) -> None:
    assert without_memory(text, MONDAY) is None


def test_the_time_is_that_of_the_place() -> None:
    assert without_memory("What time is it?", MONDAY, timezone(timedelta(hours=2))) == "It is 15:05."


@given(a=st.integers(0, 10**9), b=st.integers(0, 10**9))
def test_whole_numbers_are_reckoned_exactly(a: int, b: int) -> None:
    assert without_memory(f"What is {a} plus {b}?", MONDAY) == f"{a + b}."
    assert without_memory(f"What is {a} times {b}?", MONDAY) == f"{a * b}."
    assert without_memory(f"What is {a} minus {b}?", MONDAY) == f"{a - b}."


@given(text=st.text(max_size=60))
def test_any_text_is_an_answer_or_none(text: str) -> None:
    assert without_memory(text, MONDAY) is None or without_memory(text, MONDAY)
