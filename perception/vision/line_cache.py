"""RapidOCR that recognises a line of text once: one that scrolls, or that is found again, says the same."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rapidocr import RapidOCR
from rapidocr.ch_ppocr_rec.typings import TextRecOutput

from runtime.messages import Image

_INK = 24
_TURNED = 2.0


class CachingOCR(RapidOCR):  # type: ignore[misc]
    """kept: how many lines are remembered, by their pixels; 0 for none. Recognition is nine tenths of what reading a
    screen costs.
    """

    def __init__(self, kept: int, **options: Any) -> None:
        self._kept = kept
        self._known: OrderedDict[bytes, tuple[str, float]] = OrderedDict()
        super().__init__(**options)

    def forget(self) -> None:
        self._known.clear()

    def crop_text_regions(self, img: Image, det_boxes: NDArray[np.float32]) -> list[Image]:
        """Upright lines as they stand in the picture: turned by a pixel, the same line would be made of others."""
        if not self._kept:
            return list(super().crop_text_regions(img, det_boxes))
        crops = []
        for box in det_boxes:
            if (part := _upright(box, img.shape)) is not None:
                crops.append(np.ascontiguousarray(img[part]))
            else:
                crops += super().crop_text_regions(img, box[np.newaxis])
        return crops

    def recognize_txt(self, img: Sequence[Image]) -> TextRecOutput:
        if not self._kept:
            return super().recognize_txt(list(img))
        keys = [ink_of(crop) for crop in img]
        new = [i for i, key in enumerate(keys) if key not in self._known]
        if new:
            found = super().recognize_txt([img[i] for i in new])
            for i, text, score in zip(new, found.txts, found.scores, strict=True):
                self._known[keys[i]] = (text, float(score))
        read = [self._known[key] for key in keys]
        for key in keys:
            self._known.move_to_end(key)
        while len(self._known) > self._kept:
            self._known.popitem(last=False)
        return TextRecOutput(
            list(img), tuple(t for t, _ in read), tuple(s for _, s in read), (None,) * len(read), 0.0
        )


def _upright(box: NDArray[np.float32], shape: tuple[int, ...]) -> tuple[slice, slice] | None:
    """The rows and columns of a box (4, 2) that is hardly turned, and wider than high; None for others."""
    (x0, y0), (x1, y1) = np.floor(box.min(axis=0)).astype(int), np.ceil(box.max(axis=0)).astype(int)
    left_top, right_top, right_bottom, left_bottom = box
    turned = max(
        abs(left_top[1] - right_top[1]), abs(left_bottom[1] - right_bottom[1]),
        abs(left_top[0] - left_bottom[0]), abs(right_top[0] - right_bottom[0]),
    )  # fmt: skip
    if turned > _TURNED or x1 - x0 <= y1 - y0:
        return None
    return slice(max(0, y0), min(shape[0], y1)), slice(max(0, x0), min(shape[1], x1))


def ink_of(crop: Image) -> bytes:
    """A digest of what is written in a crop (H, W, 3), wherever in it that stands: boxes are found a pixel more or less."""
    gray = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    ink = cv2.absdiff(gray, np.full_like(gray, int(np.median(gray)))) > _INK
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if rows.size:
        gray = gray[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return hashlib.blake2b(gray.tobytes() + bytes(str(gray.shape), "ascii"), digest_size=16).digest()
