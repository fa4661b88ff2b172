"""Which parts of the screen have changed, at full size: one new letter is enough."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
Tiles = NDArray[np.bool_]
Box = tuple[int, int, int, int]

TILE = 32
_LEVELS = 24  # of 255: what JPEG and font smoothing may differ by
_PIXELS = 4  # of a tile
_WHOLE = 0.6
_MOST = 8
# How long what has changed must have stood as it is: a person who writes pauses between two letters, and a page that is
# turned stands as a whole.
_REST_S, _PAGE_REST_S = 0.45, 0.2
_PAGE = 0.1


def differs(a: Gray, b: Gray) -> Tiles:
    """(rows, columns) of tiles of 32 pixels in which at least a few pixels differ."""
    height, width = a.shape
    different = (cv2.absdiff(a, b) > _LEVELS).view(np.uint8)
    rows, columns = -(-height // TILE), -(-width // TILE)
    padded = np.zeros((rows * TILE, columns * TILE), np.uint8)
    padded[:height, :width] = different
    counts = padded.reshape(rows, TILE, columns, TILE).sum(axis=(1, 3), dtype=np.int32)
    return np.asarray(counts >= _PIXELS)


def regions(tiles: Tiles, shape: tuple[int, int]) -> list[Box]:
    """Boxes in pixels, (x0, y0, x1, y1), that cover the tiles: few, since each costs a search for text."""
    if not tiles.any():
        return []
    height, width = shape
    # Words of one line lie in tiles with a gap between them.
    near = cv2.dilate(tiles.astype(np.uint8), np.ones((1, 5), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(near, connectivity=8)
    boxes = [
        (x * TILE, y * TILE, min(width, (x + w) * TILE), min(height, (y + h) * TILE))
        for x, y, w, h, _ in stats[1:count].tolist()
    ]
    if len(boxes) > 4 * _MOST:
        boxes = [_around(boxes)]
    while len(boxes) > _MOST:
        pairs = [(i, j) for i in range(len(boxes)) for j in range(i)]
        i, j = min(pairs, key=lambda p: _area(_around([boxes[p[0]], boxes[p[1]]])))
        boxes[j] = _around([boxes[i], boxes[j]])
        del boxes[i]
    if sum(map(_area, boxes)) > _WHOLE * height * width:
        return [(0, 0, width, height)]
    return merged(boxes)


def _rows(tiles: Tiles) -> NDArray[np.int32]:
    """Of each tile the number of the stretch of its row that it belongs to, gaps between words closed; 0 for none."""
    near = cv2.dilate(tiles.astype(np.uint8), np.ones((1, 5), np.uint8))
    apart = np.zeros((2 * near.shape[0], near.shape[1]), np.uint8)
    apart[::2] = near
    _, labels = cv2.connectedComponents(apart, connectivity=4)
    return np.asarray(labels[::2], np.int32)


def merged(boxes: list[Box]) -> list[Box]:
    """Until no two overlap."""
    out: list[Box] = []
    for box in boxes:
        while (hit := next((other for other in out if overlap(box, other)), None)) is not None:
            out.remove(hit)
            box = _around([box, hit])
        out.append(box)
    return out


def overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def aligned(box: Box, shape: tuple[int, int]) -> Box:
    """Grown to whole tiles."""
    height, width = shape
    return (
        max(0, box[0] // TILE * TILE),
        max(0, box[1] // TILE * TILE),
        min(width, -(-box[2] // TILE) * TILE),
        min(height, -(-box[3] // TILE) * TILE),
    )


def _around(boxes: list[Box]) -> Box:
    return (
        min(b[0] for b in boxes),
        min(b[1] for b in boxes),
        max(b[2] for b in boxes),
        max(b[3] for b in boxes),
    )


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


@dataclass(slots=True)
class Changes:
    """One monitor. base: every tile as it was when it was last read; known: it has been; last: the look before; moved_s:
    when each was last seen to have changed.
    """

    base: Gray
    last: Gray
    known: Tiles
    unread: Tiles
    moved_s: NDArray[np.float64]
    waiting_since_s: float | None = None

    @classmethod
    def of(cls, gray: Gray) -> Changes:
        tiles = (-(-gray.shape[0] // TILE), -(-gray.shape[1] // TILE))
        return cls(
            gray.copy(), gray, np.zeros(tiles, np.bool_), np.ones(tiles, np.bool_), np.full(tiles, -np.inf)
        )

    def look(self, gray: Gray, t_s: float, settled: bool, patience_s: float) -> list[Box]:
        """The boxes that should be read now: changed since they were read, and still. unread says what is left."""
        self.moved_s[differs(self.last, gray)] = t_s
        self.unread = ~self.known | differs(self.base, gray)
        rest_s = _PAGE_REST_S if self.unread.mean() >= _PAGE else _REST_S
        still = t_s - self.moved_s >= rest_s
        self.last = gray
        if not self.unread.any():
            self.waiting_since_s = None
            return []
        if self.waiting_since_s is None:
            self.waiting_since_s = t_s
        if settled or t_s - self.waiting_since_s >= patience_s:
            return regions(self.unread, gray.shape)
        # A line that is being written is read when it rests, not whenever one more of its tiles does.
        rows = _rows(self.unread)
        moving = np.isin(rows, rows[self.unread & ~still])
        return regions(self.unread & still & ~moving, gray.shape)

    def at_rest(self, box: Box) -> bool:
        """Nothing in the box, nor right behind it, where a line is written on, has yet to be read."""
        x0, y0, x1, y1 = box
        tiles = np.s_[max(0, y0) // TILE : -(-y1 // TILE), max(0, x0) // TILE : -(-x1 // TILE) + 1]
        return not self.unread[tiles].any()

    def read(self, gray: Gray, box: Box) -> None:
        """The box, of whole tiles, has been read as it is in this picture."""
        x0, y0, x1, y1 = box
        self.base[y0:y1, x0:x1] = gray[y0:y1, x0:x1]
        tiles = np.s_[y0 // TILE : -(-y1 // TILE), x0 // TILE : -(-x1 // TILE)]
        self.known[tiles] = True
        self.unread[tiles] = False
        self.waiting_since_s = None
