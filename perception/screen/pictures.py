"""Evidence pictures of one monitor: each shows only what differs from one of the last ones, as a video codec does."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from perception.screen.settings import ScreenReadSettings
from runtime.pictures import Picture, avif, scaled

_TILE = 16
_LEVELS = 24
_RECENT = 8
_DEEPEST = 8
_WHOLE = 0.7


@dataclass(frozen=True, slots=True)
class _Taken:
    """depth: how many other pictures this one rests on."""

    t_s: float
    small: Picture
    depth: int


class Pictures:
    """Encodes pictures (AVIF). A window that comes back finds its earlier picture among the last eight.

    A picture rests on at most eight others, so that what is lost with one of them is bounded.
    """

    def __init__(self, settings: ScreenReadSettings) -> None:
        self._settings = settings
        self._recent: deque[_Taken] = deque(maxlen=_RECENT)

    def forget(self) -> None:
        """The next one stands alone: none of those that were taken is kept any more."""
        self._recent.clear()

    def encode(self, picture: Picture, t_s: float) -> tuple[bytes, float | None]:
        """picture: (height, width, 3) RGB. The bytes, and when the picture was taken that shows through where these are
        transparent; None: it stands alone. No bytes: it is the same picture. Raises MediaError.
        """
        picture = scaled(picture, self._settings.picture_side)
        likest = [
            (_differing(picture, taken.small), taken)
            for taken in self._recent
            if taken.depth < _DEEPEST and taken.small.shape == picture.shape
        ]
        tiles, under = min(likest, key=lambda pair: int(pair[0].sum()), default=(None, None))
        if tiles is None or under is None or tiles.mean() > _WHOLE:
            self._recent.append(_Taken(t_s, picture, 0))
            return self._avif(picture), None
        if not tiles.any():
            return b"", under.t_s
        self._recent.append(_Taken(t_s, picture, under.depth + 1))
        height, width = picture.shape[:2]
        shown = np.kron(tiles, np.ones((_TILE, _TILE), np.uint8))[:height, :width]
        # A colour of its own there would bleed into the tiles beside it.
        patch = np.where(
            shown[..., None] > 0, picture, np.median(picture[shown > 0], axis=0).astype(np.uint8)
        )
        return self._avif(np.dstack([patch, shown * np.uint8(255)])), under.t_s

    def _avif(self, picture: Picture) -> bytes:
        code = cv2.COLOR_RGBA2BGRA if picture.shape[2] == 4 else cv2.COLOR_RGB2BGR
        return avif(np.asarray(cv2.cvtColor(picture, code), np.uint8), self._settings.picture_quality)


def _differing(a: Picture, b: Picture) -> NDArray[np.uint8]:
    """(rows, columns) 1 for each tile of 16 pixels in which they differ."""
    height, width = a.shape[:2]
    rows, columns = -(-height // _TILE), -(-width // _TILE)
    padded = np.zeros((rows * _TILE, columns * _TILE), np.uint8)
    padded[:height, :width] = cv2.absdiff(a, b).max(axis=2) > _LEVELS
    return np.asarray(padded.reshape(rows, _TILE, columns, _TILE).max(axis=(1, 3)), np.uint8)
