"""Lines of which a part is hidden: by a window over theirs, by the edge of their own or of the screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from perception.screen.change import Box
from perception.screen.lines import CUT, Piece, inside, loose
from runtime.messages import ScreenWindow

_NEAR_PX = 6
_NEAR = 0.6  # of a line's height: less than one letter


def marked(
    pieces: Sequence[Piece], windows: Sequence[ScreenWindow] | None, shape: tuple[int, ...]
) -> list[Piece]:
    """Those that are cut off say so. Of what another window leaves of a word there is nothing to be known: it is left
    out. windows: topmost first. shape: of the picture.
    """
    if windows is None:
        return list(pieces)
    out = []
    for piece in pieces:
        at = next((i for i, w in enumerate(windows) if inside(piece.box, w.box)), len(windows))
        own = windows[at].box if at < len(windows) else None
        hidden = any(_beside(piece.box, w.box) for w in windows[:at])
        if own is not None and not hidden:
            hidden = own[2] > shape[1] and _near(piece.box, piece.box[2], shape[1])
            hidden |= own[0] < 0 and _near(piece.box, piece.box[0], 0)
        if hidden and len(loose(piece.text)) < CUT:
            continue
        at_edge = own is not None and _near(piece.box, piece.box[2], own[2])
        out.append(replace(piece, cut=hidden or at_edge))
    return out


def _beside(line: Box, cover: Box) -> bool:
    """Whether the line ends where the cover begins, or begins where it ends."""
    level = cover[1] <= (line[1] + line[3]) / 2 < cover[3]
    return level and (_near(line, line[2], cover[0]) or _near(line, line[0], cover[2]))


def _near(line: Box, a: int, b: int) -> bool:
    return abs(a - b) <= max(_NEAR_PX, _NEAR * (line[3] - line[1]))
