"""Which pictures are worth a look, and when the text on them is worth reading."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from perception.settings import VideoSettings
from runtime.channel import Channel
from runtime.compute import Compute
from runtime.messages import Image, SampledFrame, VideoFrame

Gray = NDArray[np.uint8]
Tiles = NDArray[np.bool_]

# Longest side of the picture that is compared with others: small text still is four pixels high there.
_SIDE = 480
# Longest side of the picture that is searched for strokes: those of small text are gone at the other size.
_STROKE_SIDE = 960
_TILE = 20
# Grey levels that camera noise and compression reach.
_NOISE = 8
# A stroke is thinner than this many pixels, and differs from its ground by at least this many grey levels.
_STROKE_WIDTH = 5
_STROKE_CONTRAST = 40
# Times on the grid of the decoder's pictures are compared with this tolerance.
_EPS_S = 0.02

# Waking a second thread costs more than it does for pictures of this size, and the models want the cores.
cv2.setNumThreads(1)

_KERNEL = cv2.getStructuringElement(cv2.MORPH_RECT, (_STROKE_WIDTH, _STROKE_WIDTH))


def small_gray(image: Image) -> Gray:
    """(h, w) uint8, longest side 480 or less, both sides a multiple of the tile side."""
    return _shrink(_gray(image), _SIDE, _TILE)


def _gray(image: Image) -> Gray:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def _shrink(gray: Gray, side: int, multiple: int) -> Gray:
    """At most `side` long (to a rounding), both sides a multiple of `multiple`."""
    height, width = gray.shape
    scale = min(1.0, side / max(height, width))
    size = tuple(max(1, round(length * scale / multiple)) * multiple for length in (width, height))
    gray = _halved(gray, size)
    if size != gray.shape[::-1]:
        gray = cv2.resize(gray, size, interpolation=cv2.INTER_LINEAR)
    return gray


def _halved(gray: Gray, size: tuple[int, int]) -> Gray:
    """Halved until another time would make it smaller than size, (width, height).

    Several times cheaper than an area average over fractions of pixels.
    """
    while gray.shape[1] >= 2 * size[0] and gray.shape[0] >= 2 * size[1]:
        gray = cv2.resize(gray, (gray.shape[1] // 2, gray.shape[0] // 2), interpolation=cv2.INTER_AREA)
    return gray


def tile_difference(a: Gray, b: Gray) -> NDArray[np.float32]:
    """(rows, columns) mean absolute difference in grey levels; differences within the noise count as none."""
    difference = cv2.absdiff(a, b)
    cv2.threshold(difference, _NOISE, 0, cv2.THRESH_TOZERO, dst=difference)
    tiles = (a.shape[1] // _TILE, a.shape[0] // _TILE)
    means = cv2.resize(difference.astype(np.float32), tiles, interpolation=cv2.INTER_AREA)
    return np.asarray(means, np.float32)


def stroke_share(whole: Gray, grid: tuple[int, int]) -> NDArray[np.float32]:
    """(rows, columns) of the grid: share of each tile that lies on edges of thin, high-contrast strokes.

    whole: the picture at full size.

    Strokes are what a small closing or opening removes (top-hat transforms), looked for at two sizes.
    Counting only where the picture changes along x leaves out horizontal rules.
    """
    gray = _shrink(whole, _STROKE_SIDE, 2)
    half = cv2.resize(gray, (gray.shape[1] // 2, gray.shape[0] // 2), interpolation=cv2.INTER_AREA)
    counts = [_tile_means(_strokes(g), grid) for g in (gray, half)]
    return np.asarray(np.maximum(*counts) / 255, np.float32)


def _tile_means(gray: Gray, grid: tuple[int, int]) -> Gray:
    """(rows, columns) of the grid: mean of each tile, whose sides may be fractions of pixels."""
    rows, columns = grid
    return np.asarray(
        cv2.resize(_halved(gray, (8 * columns, 8 * rows)), (columns, rows), interpolation=cv2.INTER_AREA),
        np.uint8,
    )


def _strokes(gray: Gray) -> Gray:
    """uint8 0 or 255 where a thin stroke begins or ends along x."""
    thin = cv2.max(
        cv2.morphologyEx(gray, cv2.MORPH_TOPHAT, _KERNEL), cv2.morphologyEx(gray, cv2.MORPH_BLACKHAT, _KERNEL)
    )
    edge = np.zeros_like(gray)
    cv2.absdiff(thin[:, 1:], thin[:, :-1], dst=edge[:, 1:])
    return np.asarray(cv2.threshold(edge, _STROKE_CONTRAST, 255, cv2.THRESH_BINARY)[1], np.uint8)


@dataclass(slots=True)
class _Chapter:
    """All that is remembered, and forgotten at the next chapter."""

    number: int
    sampled: Gray | None = None
    sampled_s: float = -math.inf
    read: Gray | None = None
    # Tiles that looked different from the last reading at any time since: what comes back must be read again.
    dirty: Tiles | None = None
    read_s: float = -math.inf
    waiting_since_s: float | None = None


class Sampler:
    """Looks at every decoded picture and passes on those that are worth more (about 1 ms a look)."""

    def __init__(self, settings: VideoSettings | None = None) -> None:
        self._settings = settings or VideoSettings()
        self._chapter = _Chapter(-1)
        # Earlier looks of the chapter, as far back as settling needs.
        self._looks: deque[tuple[float, Gray]] = deque()

    def look(self, frame: VideoFrame) -> SampledFrame | None:
        """The frame with what changed, or None when it adds too little."""
        settings = self._settings
        number = math.floor(frame.t_s / settings.chapter_s + 1e-9)
        whole = _gray(frame.image)
        gray = _shrink(whole, _SIDE, _TILE)
        before = self._looks[-1][1] if self._looks else None
        if number != self._chapter.number or (before is not None and before.shape != gray.shape):
            self._chapter = _Chapter(number)
            self._looks.clear()
        chapter = self._chapter
        change = 1.0
        if chapter.sampled is not None:
            change = float(np.mean(tile_difference(chapter.sampled, gray) > settings.tile_change))
        read = self._worth_reading(frame.t_s, whole, gray)
        self._looks.append((frame.t_s, gray))
        if read:
            chapter.read, chapter.read_s, chapter.waiting_since_s = gray, frame.t_s, None
            chapter.dirty = None
        elif frame.t_s - chapter.sampled_s < self._interval_s(change) - _EPS_S:
            return None
        chapter.sampled, chapter.sampled_s = gray, frame.t_s
        return SampledFrame(frame, number, change, read)

    def _interval_s(self, change: float) -> float:
        settings = self._settings
        if change >= settings.busy_change:
            return settings.busy_interval_s
        return settings.base_interval_s if change >= settings.still_change else settings.still_interval_s

    def _worth_reading(self, t_s: float, whole: Gray, gray: Gray) -> bool:
        """Text-like tiles changed since the last reading, and have settled."""
        settings, chapter = self._settings, self._chapter
        changed = np.ones((gray.shape[0] // _TILE, gray.shape[1] // _TILE), np.bool_)
        if chapter.read is not None:
            changed = tile_difference(chapter.read, gray) > settings.tile_change
            if chapter.dirty is not None:
                changed |= chapter.dirty
            chapter.dirty = changed
        while len(self._looks) > 1 and self._looks[1][0] <= t_s - settings.settle_s + _EPS_S:
            self._looks.popleft()
        if not self._looks or self._looks[0][0] > t_s - settings.settle_s + _EPS_S:
            return False
        if t_s - chapter.read_s < settings.read_interval_s - _EPS_S:
            return False
        settled = tile_difference(self._looks[0][1], gray) <= settings.tile_change
        # Finding strokes is the dearest part of a look.
        if not (changed & settled).any():
            return False
        wanted = changed & _text_like(stroke_share(whole, settled.shape), settings.stroke_share)
        if not wanted.any():
            chapter.waiting_since_s = None
            return False
        ready = int(np.count_nonzero(wanted & settled))
        if chapter.waiting_since_s is None:
            chapter.waiting_since_s = t_s
        # While most of it still moves (scrolling), it is better to wait; but not for ever.
        patient = t_s - chapter.waiting_since_s < settings.patience_s
        return ready > 0 and (not patient or 2 * ready >= int(np.count_nonzero(wanted)))


def _text_like(strokes: NDArray[np.float32], share: float) -> Tiles:
    """Tiles full of strokes that have such a neighbour to the left or right: text runs along a line."""
    dense = strokes >= share
    beside = np.zeros_like(dense)
    beside[:, 1:] |= dense[:, :-1]
    beside[:, :-1] |= dense[:, 1:]
    return np.asarray(dense & beside)


class SampleStage:
    """Channel[VideoFrame] -> every Channel[SampledFrame] given. State lives in the object."""

    def __init__(self, compute: Compute, settings: VideoSettings | None = None) -> None:
        self._compute = compute
        self._sampler = Sampler(settings)

    async def run(self, inbox: Channel[VideoFrame], outboxes: Sequence[Channel[SampledFrame]]) -> None:
        async for frame in inbox:
            sampled = await self._compute.run("sample", self._sampler.look, frame)
            if sampled is not None:
                for outbox in outboxes:
                    await outbox.put(sampled)
