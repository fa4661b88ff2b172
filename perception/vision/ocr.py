"""Reading text off pictures: RapidOCR (PP-OCR, its weights lie in the wheel) behind the TextReader protocol."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from perception.settings import ReadSettings
from runtime.errors import ModelError
from runtime.messages import Image
from runtime.models import TextLine

# Boxes of one row farther apart than this share of the width belong to different columns.
_COLUMN_GAP = 0.3


class RapidTextReader:
    """PP-OCR small: finds lines (a segmentation network), then recognises them (CTC). Offline.

    Recognition is skipped when nothing is found. Not for two threads at once.
    """

    name = "pp-ocr-small"

    def __init__(self, settings: ReadSettings | None = None) -> None:
        """Loads the weights (a second). Raises ModelError."""
        self._settings = settings or ReadSettings()
        try:
            from rapidocr import RapidOCR

            self._engine: Any = RapidOCR(
                params={
                    "Global.log_level": "critical",
                    "Global.use_cls": False,
                    "Global.text_score": self._settings.min_confidence,
                    "EngineConfig.onnxruntime.intra_op_num_threads": self._settings.threads,
                    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
                    "Det.limit_side_len": self._settings.detect_side,
                    "Det.limit_type": "min",
                }
            )
            logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
            # It loads its networks on first use; a missing one should be known now.
            self.read(np.full((64, 64, 3), 255, np.uint8))
        except Exception as error:
            raise ModelError(f"text reader (rapidocr) cannot be loaded: {error}") from error

    def read(self, image: Image) -> tuple[TextLine, ...]:
        # RapidOCR wants BGR.
        found = self._engine(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        boxes, texts, scores = getattr(found, "boxes", None), getattr(found, "txts", None), found.scores
        if boxes is None or not texts:
            return ()
        height, width = image.shape[:2]
        pieces = []
        for box, text, score in zip(boxes, texts, scores, strict=True):
            if score >= self._settings.min_confidence and _says_something(text):
                x0, y0 = np.clip(np.min(box, axis=0) / (width, height), 0, 1)
                x1, y1 = np.clip(np.max(box, axis=0) / (width, height), 0, 1)
                place = (float(x0), float(y0), float(x1), float(y1))
                pieces.append(TextLine(" ".join(text.split()), float(score), place))
        return reading_order(pieces)


def _says_something(text: str) -> bool:
    """Icons and textures are read as single signs."""
    signs = re.findall(r"\w", text)
    return len(signs) > 1 or (len(signs) == 1 and signs[0].isdigit())


def reading_order(pieces: Sequence[TextLine]) -> tuple[TextLine, ...]:
    """Rows from top to bottom; pieces of one row joined left to right, a wide gap as two spaces.

    Two pieces share a row when they overlap by half of the lower one's height.
    """
    rows: list[list[TextLine]] = []
    for piece in sorted(pieces, key=lambda line: (line.box[1] + line.box[3], line.box[0])):
        for row in rows:
            top, bottom = row[0].box[1], row[0].box[3]
            overlap = min(bottom, piece.box[3]) - max(top, piece.box[1])
            if overlap >= 0.5 * min(bottom - top, piece.box[3] - piece.box[1]):
                row.append(piece)
                break
        else:
            rows.append([piece])
    lines: list[TextLine] = []
    for row in rows:
        row.sort(key=lambda line: line.box[0])
        joined = row[0]
        for piece in row[1:]:
            if piece.box[0] - joined.box[2] > _COLUMN_GAP:
                lines.append(joined)
                joined = piece
            else:
                joined = _join(joined, piece)
        lines.append(joined)
    return tuple(lines)


def _join(left: TextLine, right: TextLine) -> TextLine:
    wide = right.box[0] - left.box[2] > right.box[3] - right.box[1]
    share = len(left.text) / (len(left.text) + len(right.text))
    return TextLine(
        text=left.text + ("  " if wide else " ") + right.text,
        confidence=share * left.confidence + (1 - share) * right.confidence,
        box=(
            min(left.box[0], right.box[0]),
            min(left.box[1], right.box[1]),
            max(left.box[2], right.box[2]),
            max(left.box[3], right.box[3]),
        ),
    )
