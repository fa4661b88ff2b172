"""Media times as people write them."""

from __future__ import annotations


def clock_text(t_s: float) -> str:
    """mm:ss below an hour ("3:07"), h:mm:ss from then on ("1:03:07"). Seconds are cut, not rounded."""
    total = max(0, int(t_s))
    hours, minutes, seconds = total // 3600, total // 60 % 60, total % 60
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
