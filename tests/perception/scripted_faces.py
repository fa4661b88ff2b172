"""A FaceEncoder without weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from runtime.messages import Image
from runtime.models import FaceBox


class Scripted:
    """A picture's first pixel says how many faces are in it, side by side, and whose. Notes what it is asked.

    each: so many in every picture instead.
    """

    name, dim = "scripted", 4

    def __init__(self, each: int | None = None) -> None:
        self.each = each
        self.found = 0
        self.encoded = 0

    def find(self, image: Image) -> tuple[FaceBox, ...]:
        self.found += 1
        count = int(image[0, 0, 0]) if self.each is None else self.each
        return tuple(FaceBox((10.0 + 50 * i, 10.0, 50.0 + 50 * i, 50.0), 0.9) for i in range(count))

    def encode(self, image: Image, faces: Sequence[FaceBox]) -> NDArray[np.float32]:
        self.encoded += len(faces)
        return np.tile(np.eye(4, dtype=np.float32)[int(image[0, 0, 1]) % 4], (len(faces), 1))
