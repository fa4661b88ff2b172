"""Reading what stands on the screen: RapidOCR as the TextReader, and readings as observations."""

from __future__ import annotations

import hashlib
import logging
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import cv2
import numpy as np

from perception.settings import ReadSettings
from perception.vision.sampling import Gray, small_gray
from runtime.channel import Channel
from runtime.compute import Compute
from runtime.errors import ModelError
from runtime.messages import Image, Observation, SampledFrame, Watermark
from runtime.models import TextLine, TextReader

# Boxes of one row farther apart than this share of the width belong to different columns.
_COLUMN_GAP = 0.3
# A line is still there while its pixels differ by less than this many grey levels on average.
_STILL_THERE = 12.0


class RapidTextReader:
    """PP-OCR small: finds lines (a segmentation network), then recognises them (CTC). Offline.

    Recognition is skipped when nothing is found. Not for two threads at once.
    """

    name = "pp-ocr-small"

    def __init__(self, settings: ReadSettings | None = None) -> None:
        """Loads the weights (a second). Raises ModelError."""
        self._settings = settings or ReadSettings()
        try:
            from perception.vision.line_cache import CachingOCR

            self._engine: Any = CachingOCR(
                self._settings.kept_lines,
                params={
                    "Global.log_level": "critical",
                    "Global.use_cls": False,
                    "Global.text_score": self._settings.min_confidence,
                    "EngineConfig.onnxruntime.intra_op_num_threads": self._settings.threads,
                    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
                    "Det.limit_side_len": self._settings.detect_side,
                    "Det.limit_type": "min",
                },
            )
            logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
            # It loads its networks on first use; a missing one should be known now.
            self.read(np.full((64, 64, 3), 255, np.uint8))
        except Exception as error:  # rapidocr raises bare ones, onnxruntime's share no base class
            raise ModelError(f"text reader (rapidocr) cannot be loaded: {error}") from error

    def forget(self) -> None:
        """Nothing that was read is remembered."""
        self._engine.forget()

    def read(self, image: Image) -> tuple[TextLine, ...]:
        return reading_order(self.pieces(image))

    def pieces(self, image: Image) -> list[TextLine]:
        """Runs of text as they were found: words of one line that stand far apart are several. Unordered."""
        # RapidOCR wants BGR.
        found = self._engine(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        boxes, texts, scores = getattr(found, "boxes", None), getattr(found, "txts", None), found.scores
        if boxes is None or not texts:
            return []
        height, width = image.shape[:2]
        pieces = []
        for box, text, score in zip(boxes, texts, scores, strict=True):
            if score >= self._settings.min_confidence and _says_something(text):
                x0, y0 = np.clip(np.min(box, axis=0) / (width, height), 0, 1)
                x1, y1 = np.clip(np.max(box, axis=0) / (width, height), 0, 1)
                place = (float(x0), float(y0), float(x1), float(y1))
                pieces.append(TextLine(" ".join(text.split()), float(score), place))
        return pieces


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


def same_line(a: str, b: str, same_word: float) -> bool:
    """Two readings of one line, not two lines: word by word equal, or as close as reading errors come.

    Case, spaces and punctuation do not count. Words with digits must agree: another number is another line.
    """
    words_a, words_b = re.findall(r"\w+", a.casefold()), re.findall(r"\w+", b.casefold())
    if "".join(words_a) == "".join(words_b):
        return True
    if len(words_a) != len(words_b):
        return False
    return all(
        x == y
        or (not re.search(r"\d", x + y) and SequenceMatcher(None, x, y, autojunk=False).ratio() >= same_word)
        for x, y in zip(words_a, words_b, strict=True)
    )


def same_screen(old: Sequence[TextLine], new: Sequence[TextLine], settings: ReadSettings) -> bool:
    """Nothing new stands there, and nearly all of the old still does."""
    left = list(old)
    for line in new:
        match = next((o for o in left if same_line(o.text, line.text, settings.same_word)), None)
        if match is None:
            return False
        left.remove(match)
    return len(old) - len(left) >= settings.same_screen * len(old)


@dataclass(slots=True)
class _OpenText:
    """The text on the screen now. gray: the small picture in which it was last seen to be there."""

    lines: tuple[TextLine, ...]
    keyframe_t_s: float
    t_start_s: float
    t_end_s: float
    gray: Gray


class ReadStage:
    """Channel[SampledFrame] -> Observation(modality "read") and Watermark("read").

    A text stays open until another one is read, its pixels change, or its chapter ends; then it is one
    observation. A screen that gains a line is a new text: both are kept. State lives in the object.
    """

    def __init__(
        self,
        compute: Compute,
        reader: TextReader,
        source: str,
        settings: ReadSettings | None = None,
        *,
        ended: Callable[[], bool] = lambda: True,
    ) -> None:
        """source: id of the media. ended: asked when the inbox is closed: is this the end of the media? If
        not (a session that drains), an open text is left to the next run, and no last mark is given.
        """
        self._compute = compute
        self._reader = reader
        self._source = source
        self._settings = settings or ReadSettings()
        self._ended = ended
        self._chapter: int | None = None
        self._open: _OpenText | None = None
        self._marked_s = -math.inf

    async def run(self, inbox: Channel[SampledFrame], outbox: Channel[Observation | Watermark]) -> None:
        async for sampled in inbox:
            if sampled.chapter != self._chapter:
                await self._close(outbox)
                self._chapter = sampled.chapter
            if sampled.read:
                lines = await self._compute.run("ocr", self._reader.read, sampled.frame.image)
                await self._read(sampled, lines, outbox)
            elif self._open is not None:
                gray = await self._compute.run("ocr", self._seen_again, self._open, sampled.frame.image)
                if gray is None:
                    await self._close(outbox, sampled.frame.t_s)
                else:
                    self._open.t_end_s = sampled.frame.t_s
            await self._mark(outbox, self._open.t_start_s if self._open else sampled.frame.t_s)
        if self._ended():
            await self._close(outbox)
            await self._mark(outbox, math.inf)

    async def _read(
        self, sampled: SampledFrame, lines: tuple[TextLine, ...], outbox: Channel[Observation | Watermark]
    ) -> None:
        t_s, now = sampled.frame.t_s, self._open
        gray = small_gray(sampled.frame.image) if lines else None
        if now is not None and gray is not None and same_screen(now.lines, lines, self._settings):
            now.t_end_s, now.gray = t_s, gray
            if len(lines) >= len(now.lines) and _confidence(lines) > _confidence(now.lines):
                now.lines, now.keyframe_t_s = lines, t_s
            return
        await self._close(outbox, t_s)
        if gray is not None:
            self._open = _OpenText(lines, t_s, t_s, t_s, gray)

    @staticmethod
    def _seen_again(text: _OpenText, image: Image) -> Gray | None:
        """The small picture, if half of the lines still look as they did."""
        gray = small_gray(image)
        if gray.shape != text.gray.shape:
            return None
        height, width = gray.shape
        there = 0
        for line in text.lines:
            x0, y0, x1, y1 = line.box
            part = np.s_[
                int(y0 * height) : max(int(y0 * height) + 1, math.ceil(y1 * height)),
                int(x0 * width) : max(int(x0 * width) + 1, math.ceil(x1 * width)),
            ]
            difference = np.abs(gray[part].astype(np.int16) - text.gray[part])
            there += bool(difference.size) and float(difference.mean()) < _STILL_THERE
        return gray if 2 * there >= len(text.lines) else None

    async def _close(self, outbox: Channel[Observation | Watermark], gone_s: float | None = None) -> None:
        """gone_s: when it was first seen to be gone: closer to its end than when it was last sampled."""
        if self._open is not None:
            if gone_s is not None:
                self._open.t_end_s = gone_s
            text, self._open = self._open, None
            await outbox.put(_observation(text, self._source))

    async def _mark(self, outbox: Channel[Observation | Watermark], t_s: float) -> None:
        if t_s > self._marked_s:
            self._marked_s = t_s
            await outbox.put(Watermark("read", t_s))


def _confidence(lines: Sequence[TextLine]) -> float:
    return sum(line.confidence for line in lines) / len(lines)


def _observation(text: _OpenText, source: str) -> Observation:
    """Known from its first reading. details: {"lines": [{"text", "box", "confidence"}], "keyframe_t"}."""
    joined = "\n".join(line.text for line in text.lines)
    return Observation(
        id=observation_id(source, text.t_start_s, joined),
        source=source,
        modality="read",
        text=joined,
        t_start_s=text.t_start_s,
        t_end_s=text.t_end_s,
        known_at_s=text.t_start_s,
        confidence=_confidence(text.lines),
        details={
            "lines": [
                {
                    "text": line.text,
                    "box": [round(x, 4) for x in line.box],
                    "confidence": round(line.confidence, 3),
                }
                for line in text.lines
            ],
            "keyframe_t": text.keyframe_t_s,
        },
    )


def observation_id(source: str, t_start_s: float, text: str) -> str:
    """16 hex digits: SHA-1 of source, modality, start in ms, and text without case and punctuation."""
    plain = " ".join(re.findall(r"\w+", text.casefold()))
    key = f"{source}\0read\0{round(t_start_s * 1000)}\0{plain}"
    return hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()[:16]
