"""The runs of text in a region of a screen. The same pixels say the same: a caret blinks, a menu opens and closes."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np

from perception.screen.change import TILE, Box, aligned
from perception.screen.covers import parts
from perception.screen.lines import Piece, inside
from runtime.messages import Image, ScreenWindow
from runtime.models import TextLine

_SEEN_CROPS = 256
_MARGIN = 6


class PieceReader(Protocol):
    """OCR that leaves apart what stands apart. Boxes as fractions of the picture; unordered."""

    def pieces(self, image: Image) -> list[TextLine]: ...
    def forget(self) -> None: ...


class RegionReader:
    """Reads regions, and remembers the last ones."""

    def __init__(self, reader: PieceReader) -> None:
        self._reader = reader
        self._crops: OrderedDict[bytes, list[TextLine]] = OrderedDict()

    def forget(self) -> None:
        self._crops.clear()
        self._reader.forget()

    def of(self, image: Image, box: Box, windows: Sequence[ScreenWindow] | None = None) -> list[Piece]:
        """The runs of text in a box, each of one window: what was read across an edge is read once more on either side."""
        out = []
        for piece in self._read(image, box):
            several = parts(piece.box, windows)
            out += [piece] if len(several) == 1 else self._each(image, several)
        return out

    def _each(self, image: Image, several: Sequence[Box]) -> list[Piece]:
        """What stands in each of some boxes, read with what is above and below."""
        out = []
        for x0, y0, x1, y1 in several:
            _, above, _, below = aligned((x0, y0 - _MARGIN, x1, y1 + _MARGIN), image.shape[:2])
            found = self._read(image, (x0, above, x1, below))
            out += [piece for piece in found if inside(piece.box, (x0, y0, x1, y1))]
        return out

    def _read(self, image: Image, box: Box) -> list[Piece]:
        x0, y0, x1, y1 = box
        crop = np.ascontiguousarray(image[y0:y1, x0:x1])
        key = hashlib.blake2b(crop.tobytes() + bytes(str(crop.shape), "ascii"), digest_size=16).digest()
        lines = self._crops.get(key)
        if lines is None:
            lines = self._crops[key] = self._reader.pieces(_at_least(crop, 2 * TILE))
            if len(self._crops) > _SEEN_CROPS:
                self._crops.popitem(last=False)
        else:
            self._crops.move_to_end(key)
        height, width = max(y1 - y0, 2 * TILE), max(x1 - x0, 2 * TILE)
        return [
            Piece(
                line.text,
                line.confidence,
                (
                    x0 + round(line.box[0] * width),
                    y0 + round(line.box[1] * height),
                    x0 + round(line.box[2] * width),
                    y0 + round(line.box[3] * height),
                ),
            )
            for line in lines
        ]


def _at_least(crop: Image, side: int) -> Image:
    """Grown to the right and below until both sides are long enough to search for text."""
    height, width = crop.shape[:2]
    below, right = max(0, side - height), max(0, side - width)
    if not below and not right:
        return crop
    return np.asarray(cv2.copyMakeBorder(crop, 0, below, 0, right, cv2.BORDER_REPLICATE), np.uint8)
