"""Which window each line of a screen stands in, and what that window shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from perception.screen.change import Box
from perception.screen.lines import inside
from perception.screen.titles import Place, is_browser, place_of, read_title, same_place, site_of
from runtime.messages import Observation, ScreenFrame, ScreenWindow
from runtime.models import TextLine
from runtime.secrets import redact

_TITLES = 50
_ADDRESS_PX = 140


class Places:
    """Where the platform does not tell titles they are read, and another reading of a known one is that one."""

    def __init__(self) -> None:
        self._titles: list[Place] = []

    def of(self, frame: ScreenFrame, lines: Sequence[TextLine], before: Place) -> list[Place]:
        """Of each window; where the platform tells of none, the whole screen's. lines: all that stands there, boxes as
        fractions. before: the screen's until now.
        """
        if frame.windows is None:
            title, address = read_title(lines)
            return [self._read_before(place_of(redact(title), address=redact(address))) if lines else before]
        shape = frame.image.shape[:2]
        return [_window_place(w, lines, shape) for w in frame.windows] + [Place("desktop", "", "", "")]

    def _read_before(self, place: Place) -> Place:
        """The place that this one is another reading of."""
        known = next((p for p in self._titles if p == place or same_place(p, place)), place)
        if known in self._titles:
            self._titles.remove(known)
        self._titles.insert(0, known)
        del self._titles[_TITLES:]
        return known


def _window_place(window: ScreenWindow, lines: Sequence[TextLine], shape: tuple[int, ...]) -> Place:
    title = redact(window.title)
    place = place_of(title, window.program)
    if not is_browser(place.program) and not is_browser(window.program):
        return place
    x0, y0, x1, _ = window.box
    height, width = shape
    for line in sorted(lines, key=lambda line: line.box[1]):
        x, y = (line.box[0] + line.box[2]) / 2 * width, line.box[1] * height
        if x0 <= x < x1 and y0 <= y < y0 + _ADDRESS_PX and site_of(line.text):
            return place_of(title, window.program, redact(line.text))
    return place


def place_at(box: Box, windows: Sequence[ScreenWindow] | None, places: list[Place]) -> Place:
    for window, place in zip(windows or (), places, strict=False):
        if inside(box, window.box):
            return place
    return places[-1]


def where_of(place: Place) -> dict[str, Any]:
    """details: "screen" marks records of a screen."""
    return {"screen": True, "app": place.program, "document": place.document, "site": place.site}


def place_in(record: Observation) -> Place:
    """The window that a record of text stood in."""
    about = record.details
    title = record.text.splitlines()[0] if about.get("heading") else ""
    return Place(about.get("app", ""), about.get("document", ""), about.get("site", ""), title)
