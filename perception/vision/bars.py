"""Black bars around a picture of another shape than the video: nothing to see in them, and an encoder sees that."""

from __future__ import annotations

import numpy as np

from runtime.messages import Image

_BLACK = 24
"""Of 255: compression leaves some noise in black."""
_LIT = 0.02
"""Share of a row or column that is not black, from which on it belongs to the picture."""
_LEAST = 0.25
_SAMPLES = 180


def without_bars(image: Image) -> Image:
    """The picture between bars of the same width on both sides, above and below or left and right; else all of it.

    Bars on one side alone may be a dark scene, and so may what would leave less than a quarter of a side.
    """
    step = max(1, min(image.shape[:2]) // _SAMPLES)
    lit = image[::step, ::step].max(axis=2) > _BLACK
    top, bottom = _inside(lit.mean(axis=1), image.shape[0], step)
    left, right = _inside(lit.mean(axis=0), image.shape[1], step)
    return image[top:bottom, left:right]


def _inside(lit: np.ndarray[tuple[int], np.dtype[np.float64]], size: int, step: int) -> tuple[int, int]:
    """From where to where the lines of one direction belong to the picture."""
    bright = np.flatnonzero(lit >= _LIT)
    if not len(bright):
        return 0, size
    before, after = int(bright[0]), len(lit) - 1 - int(bright[-1])
    if abs(before - after) > 1 + 0.02 * len(lit) or len(lit) - before - after < _LEAST * len(lit):
        return 0, size
    return before * step, size - after * step
