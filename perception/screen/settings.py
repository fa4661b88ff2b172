"""Settings of what is read from a screen."""

from __future__ import annotations

from pydantic import Field

from runtime.config import Settings


class ScreenReadSettings(Settings):
    """settle_s: how long a line must stay as it is before it is remembered (typing, scrolling).

    ticker_s: the same for a line that keeps changing its numbers at its place (a counter, a clock).
    patience_s: what keeps moving is read as it is after that.
    recall_s: a line that comes back within that time into the same window is the same line.
    gap_s: after a longer time without a look nothing is known of the time between.
    picture_side, picture_quality: of the pictures that are kept, longer side in pixels and AVIF quality.
    picture_every_s: at most one picture of a monitor in that time, unless the activity changed.
    activity_s: a window must be in front that long to count as what was done.
    """

    settle_s: float = Field(default=2.0, ge=0)
    ticker_s: float = Field(default=20.0, ge=0)
    patience_s: float = Field(default=4.0, ge=0)
    recall_s: float = Field(default=3600.0, ge=0)
    gap_s: float = Field(default=60.0, gt=0)
    min_confidence: float = Field(default=0.6, ge=0, le=1)
    threads: int = Field(default=1, ge=1, le=64)
    pictures: bool = True
    picture_side: int = Field(default=640, ge=160, le=4096)
    picture_quality: int = Field(default=35, ge=1, le=100)
    picture_every_s: float = Field(default=10.0, ge=0)
    activity_s: float = Field(default=3.0, ge=0)
