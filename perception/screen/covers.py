"""Lines and the edges of windows: those that are cut off there, and those that were read across one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from perception.screen.change import Box
from perception.screen.lines import CUT, Piece, inside, loose
from runtime.messages import ScreenWindow

_NEAR_PX = 6
_BAR_PX, _BUTTONS_PX, _ICONS = 32, 120, 3
_NEAR = 0.6  # of a line's height: less than one letter


def marked(
    pieces: Sequence[Piece], windows: Sequence[ScreenWindow] | None, shape: tuple[int, ...]
) -> list[Piece]:
    """Those that are cut off say so. Of what another window leaves of a word there is nothing to be known: it is left
    out; so are the buttons of a title bar, which are read as "00" or "OW". windows: topmost first. shape: of the picture.
    """
    if windows is None:
        return list(pieces)
    out = []
    for piece in pieces:
        at = next((i for i, w in enumerate(windows) if inside(piece.box, w.box)), len(windows))
        own = windows[at].box if at < len(windows) else None
        hidden = any(_cut_off(piece.box, own, w.box) for w in windows[:at])
        if own is not None and not hidden:
            hidden = own[2] > shape[1] and _near(piece.box, piece.box[2], shape[1])
            hidden |= own[0] < 0 and _near(piece.box, piece.box[0], 0)
        if (hidden and len(loose(piece.text)) < CUT) or (own is not None and _is_button(piece, own)):
            continue
        at_edge = own is not None and _near(piece.box, piece.box[2], own[2])
        out.append(replace(piece, cut=hidden or at_edge))
    return out


def parts(box: Box, windows: Sequence[ScreenWindow] | None) -> list[Box]:
    """A run of text that lies in several windows, one beside the other, is as many."""
    x0, y0, x1, y1 = box
    y = (y0 + y1) // 2
    level = [w.box for w in windows or () if w.box[1] <= y < w.box[3]]
    inner = range(x0 + _NEAR_PX, x1 - _NEAR_PX)
    edges = sorted(
        {x for b in level for x in (b[0], b[2]) if x in inner and _owner(level, x - 1) != _owner(level, x)}
    )
    ends = [x0, *edges, x1]
    return [(a, y0, b, y1) for a, b in pairwise(ends)]


def _owner(boxes: Sequence[Box], x: int) -> int:
    """The topmost that is there, by its number; -1: none."""
    return next((i for i, b in enumerate(boxes) if b[0] <= x < b[2]), -1)


def _is_button(piece: Piece, own: Box) -> bool:
    on_bar = piece.box[3] <= own[1] + _BAR_PX and piece.box[0] >= own[2] - _BUTTONS_PX
    return on_bar and len(loose(piece.text)) <= _ICONS


def _cut_off(line: Box, own: Box | None, cover: Box) -> bool:
    """Whether the line ends where the cover begins, or begins where it ends, and its window goes on below."""
    if not cover[1] <= (line[1] + line[3]) / 2 < cover[3]:
        return False
    right = own is None or own[2] > cover[0] + _NEAR_PX
    left = own is None or own[0] < cover[2] - _NEAR_PX
    return (right and _near(line, line[2], cover[0])) or (left and _near(line, line[0], cover[2]))


def _near(line: Box, a: int, b: int) -> bool:
    return abs(a - b) <= max(_NEAR_PX, _NEAR * (line[3] - line[1]))
