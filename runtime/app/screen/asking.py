"""Questions about a memory that holds a screen: who answers them, and times as the wall clock showed them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from memory import Memory, SourceInfo
from memory.screen import is_screen
from reasoning.answer import Answerer
from reasoning.engine import Engine
from reasoning.screen.answer import ScreenAnswerer
from reasoning.support import Verifier
from reasoning.times import clock_text, span_text
from runtime.app.context import App
from runtime.app.live.guard import is_loopback
from runtime.app.settings import AppSettings
from runtime.clock import WallClock
from runtime.messages import Answer, Evidence

REMOTE = "the language model is on another machine and is not asked about the screen (screen.remote_model)"


def choose_answerer(
    app: App,
    memory: Memory,
    answerer: Answerer,
    verifier: Verifier,
    sources: Sequence[str],
    engine: Engine | None = None,
) -> Answerer | ScreenAnswerer:
    """sources: those that the question looks at. A screen's own where all of them are screens. What a screen showed goes
    to a model on another machine only where that is wanted (screen.remote_model).
    """
    if not sources or not all(map(is_screen, sources)):
        return answerer
    settings = app.settings
    note = ""
    if engine is not None and not model_allowed(settings):
        engine, note = None, REMOTE
    return ScreenAnswerer(
        memory, verifier, app.compute, settings.answer, app.clock, app.clock.wall, engine=engine, note=note
    )


def model_allowed(settings: AppSettings) -> bool:
    """Whether the language model may be told what a screen showed: it is on this machine, or it is wanted."""
    here = settings.engine.mode != "remote" or is_loopback(urlsplit(settings.engine.url).hostname or "")
    return here or settings.screen.remote_model


class Times:
    """How the time of a moment is told: by the wall clock for a screen, else from the media's beginning."""

    def __init__(self, sources: Sequence[SourceInfo], clock: WallClock) -> None:
        self.sources = {s.id: s for s in sources}
        self._clock = clock

    def wall(self, source: str, t_s: float) -> datetime | None:
        """The local time of a screen's moment; None for another source."""
        about = self.sources.get(source)
        if about is None or about.wall_zero_s is None or not is_screen(source):
            return None
        return datetime.fromtimestamp(about.wall_zero_s + t_s)

    def start(self, e: Evidence) -> str:
        at = self.wall(e.source, e.t_start_s)
        return clock_text(e.t_start_s) if at is None else f"{at:%H:%M:%S}"

    def span(self, e: Evidence) -> str:
        start, end = self.wall(e.source, e.t_start_s), self.wall(e.source, e.t_end_s)
        if start is None or end is None:
            return span_text(e.t_start_s, e.t_end_s)
        today = datetime.fromtimestamp(self._clock.wall()).date()
        day = "" if start.date() == today else f"{start:%Y-%m-%d} "
        return f"{day}{start:%H:%M:%S}-{end:%H:%M:%S}"

    def on(self, line: dict[str, Any], answer: Answer) -> dict[str, Any]:
        """An answer's JSON line, its evidence with the local time where that is known."""
        for item, e in zip(line["evidence"], answer.evidence, strict=True):
            at = self.wall(e.source, e.t_start_s)
            if at is not None:
                item["at"] = at.isoformat(timespec="seconds")
        return line
