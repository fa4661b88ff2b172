"""Spans of time on the command line."""

from __future__ import annotations

import argparse

import pytest

from runtime.app.screen.arguments import span_s


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10", 600),
        ("10m", 600),
        ("90s", 90),
        ("2h", 7200),
        ("1.5 hours", 5400),
        ("1d", 86400),
        ("5 min", 300),
    ],
)
def test_a_span_of_time(text: str, seconds: float) -> None:
    assert span_s(text) == seconds


@pytest.mark.parametrize("text", ["10x", "1month", "m", "-5m", "10 2", ""])
def test_what_is_no_span_is_not_guessed_at(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        span_s(text)
