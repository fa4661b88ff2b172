"""What must not be seen is blacked out before anything reads the pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from runtime.messages import Image, ScreenWindow

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Exclusions:
    """Patterns with * and ?, case does not count. programs: window classes and program names; titles: of windows."""

    programs: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()

    def hides(self, window: ScreenWindow) -> bool:
        title = window.title.casefold()
        return self.hides_program(window.program) or any(
            fnmatchcase(title, t.casefold()) for t in self.titles
        )

    def hides_program(self, name: str) -> bool:
        return any(fnmatchcase(name.casefold(), p.casefold()) for p in self.programs)

    def hidden(self, windows: Sequence[ScreenWindow]) -> list[bool]:
        """Of each window; one without a title (a menu, a tooltip) goes with the others of its process."""
        out = [self.hides(w) for w in windows]
        processes = {w.pid for w, hide in zip(windows, out, strict=True) if hide and w.pid}
        return [hide or (w.pid in processes and not w.title) for w, hide in zip(windows, out, strict=True)]


def mask(
    windows: Sequence[ScreenWindow], hidden: Sequence[bool], shape: tuple[int, int]
) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """(H, W): where hidden windows show; windows topmost first, boxes in pixels of the picture."""
    height, width = shape
    dark = np.zeros((height, width), np.bool_)
    for window, hide in reversed(list(zip(windows, hidden, strict=True))):
        x0, y0, x1, y1 = window.box
        dark[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = hide
    return dark


def blacked_out(
    image: Image,
    before: Sequence[ScreenWindow],
    after: Sequence[ScreenWindow],
    exclusions: Exclusions,
) -> tuple[Image, tuple[ScreenWindow, ...]]:
    """The picture without what is hidden, and the windows that may be spoken of.

    before, after: the windows as they stood before and after the picture was taken. If they differ, something moved
    meanwhile: then all of every hidden window's rectangle is black, at both places, whatever lies over it.
    """
    hide_before, hide_after = exclusions.hidden(before), exclusions.hidden(after)
    shape = image.shape[:2]
    if any(hide_before) or any(hide_after):
        if _stacked(before) == _stacked(after):
            dark = mask(after, hide_after, (shape[0], shape[1]))
        else:
            both = [
                w
                for ws, hs in ((before, hide_before), (after, hide_after))
                for w, h in zip(ws, hs, strict=True)
                if h
            ]
            dark = mask(both, [True] * len(both), (shape[0], shape[1]))
        image = image.copy()
        image[dark] = 0
    # A hidden window that is in front stays in the list, nameless: what is under it must not be taken for its text.
    return image, tuple(
        ScreenWindow("", "private", w.box, w.active) if h else w
        for w, h in zip(after, hide_after, strict=True)
    )


def _stacked(windows: Sequence[ScreenWindow]) -> list[tuple[str, str, Box]]:
    return [(w.program, w.title, w.box) for w in windows]
