"""Media times as people write them."""

from __future__ import annotations

from datetime import datetime

_UNIX_FROM_S = 1e8
"""No recording is three years long: such a time is a date (conversations and notes count in Unix time)."""


def is_date(t_s: float) -> bool:
    """A time of a conversation or note, and not of a recording."""
    return t_s >= _UNIX_FROM_S


def clock_text(t_s: float) -> str:
    """mm:ss below an hour ("3:07"), h:mm:ss from then on ("1:03:07"). Seconds are cut, not rounded.
    Of a conversation: the date and the minute, by the clock of this machine.
    """
    if is_date(t_s):
        return f"{datetime.fromtimestamp(t_s):%Y-%m-%d %H:%M}"
    total = max(0, int(t_s))
    hours, minutes, seconds = total // 3600, total // 60 % 60, total % 60
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def span_text(start_s: float, end_s: float) -> str:
    """From when to when; of a message or a picture, which lasts no time, when."""
    start, end = clock_text(start_s), clock_text(end_s)
    return start if start_s == end_s else f"{start}-{end}"
