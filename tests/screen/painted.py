"""A made-up screen whose text can be read without a model: every letter is a cell of 8 x 16 pixels that spells its bits."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from runtime.messages import Image, ScreenFrame, ScreenWindow
from runtime.models import TextLine

CELL_W, CELL_H = 8, 16


def paint(lines: Mapping[tuple[int, int], str], size: tuple[int, int] = (640, 352)) -> Image:
    """lines: by (column, row) of their first letter. size: (width, height), multiples of 32."""
    image = np.zeros((size[1], size[0], 3), np.uint8)
    for (column, row), text in lines.items():
        for i, letter in enumerate(text):
            x, y = (column + i) * CELL_W, row * CELL_H
            image[y : y + 2, x : x + CELL_W] = 255
            for bit in range(7):
                if ord(letter) >> bit & 1:
                    image[y + 2 + 2 * bit : y + 4 + 2 * bit, x : x + CELL_W] = 255
    return image


class PaintedReader:
    """A PieceReader of such screens. reads: how many pixels it was shown."""

    def __init__(self) -> None:
        self.reads: list[int] = []

    def pieces(self, image: Image) -> list[TextLine]:
        height, width = image.shape[:2]
        self.reads.append(height * width)
        out = []
        for y in range(0, height - CELL_H + 1, CELL_H):
            text, start = "", 0
            for x in range(0, width + 1, CELL_W):
                letter = self._letter(image, x, y) if x < width else None
                if letter is None:
                    if text.strip():
                        out.append(
                            TextLine(
                                text.strip(),
                                0.99,
                                (start / width, y / height, x / width, (y + CELL_H) / height),
                            )
                        )
                    text = ""
                else:
                    start = start if text else x
                    text += letter
        return out

    def forget(self) -> None:
        """It remembers nothing."""

    @staticmethod
    def _letter(image: Image, x: int, y: int) -> str | None:
        column = image[y : y + CELL_H : 2, x, 0]
        if column[0] < 128:
            return None
        return chr(sum(1 << bit for bit in range(7) if column[bit + 1] >= 128))


def window(
    title: str, program: str, active: bool = True, box: tuple[int, int, int, int] = (0, 0, 640, 352)
) -> ScreenWindow:
    return ScreenWindow(title, program, box, active)


def frame(
    t_s: float,
    lines: Mapping[tuple[int, int], str],
    title: str = "notes.txt - Mousepad",
    program: str = "Mousepad",
    monitor: int = 0,
) -> ScreenFrame:
    return ScreenFrame(t_s, paint(lines), monitor, (window(title, program),))


def column(*texts: str, row: int = 2) -> dict[tuple[int, int], str]:
    """Lines under each other, at the left."""
    return {(2, row + i): text for i, text in enumerate(texts)}
