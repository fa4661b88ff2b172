"""Whose face: dlib's detector and its face encoder, and which of the pictures are looked at for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from perception.settings import FaceSettings
from runtime.errors import ModelError
from runtime.messages import Face, Image, SampledFrame
from runtime.models import FaceBox, FaceEncoder
from runtime.pictures import scaled

_NETWORK = "dlib_face_recognition_resnet_model_v1.dat"
_LANDMARKS = "shape_predictor_5_face_landmarks.dat"
_CHIP = 150
_CLEAR = 2.0
"""Score of dlib's detector at which a face is as clear as any."""
_SAME_PLACE = 0.5
_SMALL = 24
_EPS_S = 0.02


class DlibFaces:
    """Histograms of oriented gradients find faces (Dalal and Triggs, 2005), a ResNet trained for a metric on faces
    (dlib, King, 2017) makes 128-d vectors of them: .6 apart is its border between two people before they are of length 1.
    """

    def __init__(self, folder: Path, settings: FaceSettings) -> None:
        """folder: has the two files of dlib. Raises ModelError: dlib is not installed, or the files are something else."""
        try:
            import dlib
        except ImportError:
            raise ModelError("dlib is not installed (pip install 'hearsight[faces]')") from None
        self._dlib: Any = dlib
        self._settings = settings
        try:
            self._detector = dlib.get_frontal_face_detector()
            self._landmarks = dlib.shape_predictor(str(folder / _LANDMARKS))
            self._network = dlib.face_recognition_model_v1(str(folder / _NETWORK))
        except RuntimeError as error:
            raise ModelError(f"{folder} has not dlib's face models: {error}") from None

    @property
    def name(self) -> str:
        return "dlib-resnet-v1"

    @property
    def dim(self) -> int:
        return 128

    def find(self, image: Image) -> tuple[FaceBox, ...]:
        """As the protocol says; looks at the picture at settings.side."""
        gray = scaled(np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8), self._settings.side)
        scale = max(gray.shape) / max(image.shape[:2])
        boxes, scores, _ = self._detector.run(gray, 0, self._settings.least_quality * _CLEAR)
        found = [
            FaceBox(
                tuple(side / scale for side in (b.left(), b.top(), b.right(), b.bottom())),
                min(1.0, score / _CLEAR),
            )
            for b, score in zip(boxes, scores, strict=True)
        ]
        return tuple(sorted(found, key=lambda f: (-f.quality, f.box)))

    def encode(self, image: Image, faces: Sequence[FaceBox]) -> NDArray[np.float32]:
        """As the protocol says; each face is turned upright by its eyes and nose first."""
        image = np.ascontiguousarray(image)
        out = np.zeros((len(faces), self.dim), np.float32)
        for row, face in zip(out, faces, strict=True):
            box = self._dlib.rectangle(*(round(side) for side in face.box))
            chip = self._dlib.get_face_chip(image, self._landmarks(image, box), _CHIP)
            row[:] = np.asarray(self._network.compute_face_descriptor(chip), np.float32)
        norms = np.maximum(np.linalg.norm(out, axis=1, keepdims=True), np.float32(1e-9))
        return np.asarray(out / norms)


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """encoded_s: when it was last looked at whose it is. small: what it looked like then, (n, n) of mean 0 and length 1."""

    face: Face
    encoded_s: float
    small: NDArray[np.float32]


@dataclass(slots=True)
class _Chapter:
    """All that is remembered, and forgotten at the next chapter. before: of the last look."""

    number: int
    before: tuple[_Known, ...] = ()
    looked_s: float = -inf
    change: float = 0.0


class FaceLooks:
    """Looks for faces where it is worth it. A function of a chapter's frames, in their order. Blocking compute."""

    def __init__(self, encoder: FaceEncoder, settings: FaceSettings) -> None:
        self._encoder = encoder
        self._settings = settings
        self._chapter = _Chapter(-1)

    def look(self, frames: Sequence[SampledFrame]) -> list[tuple[Face, ...] | None]:
        """Of each frame its faces; None where it was not looked at."""
        return [self._look(frame) for frame in frames]

    def _look(self, sampled: SampledFrame) -> tuple[Face, ...] | None:
        settings, t_s = self._settings, sampled.frame.t_s
        if sampled.chapter != self._chapter.number:
            self._chapter = _Chapter(sampled.chapter)
        chapter = self._chapter
        looked = chapter.looked_s > -inf
        chapter.change = max(chapter.change, sampled.change) if looked else 0.0
        if looked and chapter.change < settings.still_change:
            return tuple(known.face for known in chapter.before)
        cut = chapter.change >= settings.cut_change
        if t_s - chapter.looked_s < (settings.cut_interval_s if cut else settings.interval_s) - _EPS_S:
            return None
        chapter.before = self._known(sampled.frame.image, t_s, chapter)
        chapter.looked_s, chapter.change = t_s, 0.0
        return tuple(known.face for known in chapter.before)

    def _known(self, image: Image, t_s: float, chapter: _Chapter) -> tuple[_Known, ...]:
        found = self._encoder.find(image)
        cut = chapter.change >= self._settings.cut_change
        kept = {} if cut else self._stayed(image, found, t_s, chapter)
        new = [face for face in found if face not in kept][: self._settings.most]
        vectors = self._encoder.encode(image, new)
        for face, vector in zip(new, vectors, strict=True):
            who = Face(_shares(face, image), vector, face.quality, self._encoder.name)
            kept[face] = _Known(who, t_s, _small(face, image))
        return tuple(kept[face] for face in found if face in kept)

    def _stayed(
        self, image: Image, found: Sequence[FaceBox], t_s: float, chapter: _Chapter
    ) -> dict[FaceBox, _Known]:
        """Those that are where a known one was a moment ago, and look like it."""
        out: dict[FaceBox, _Known] = {}
        for face in found:
            box = _shares(face, image)
            near = [k for k in chapter.before if _overlap(k.face.box, box) >= _SAME_PLACE]
            if len(near) != 1 or t_s - near[0].encoded_s > self._settings.keep_s:
                continue
            if float(np.sum(near[0].small * _small(face, image))) >= self._settings.same_look:
                out[face] = replace(near[0], face=replace(near[0].face, box=box, quality=face.quality))
        return out


def _shares(face: FaceBox, image: Image) -> tuple[float, float, float, float]:
    height, width = image.shape[:2]
    x0, y0, x1, y1 = face.box
    return (x0 / width, y0 / height, x1 / width, y1 / height)


def _small(face: FaceBox, image: Image) -> NDArray[np.float32]:
    """What is in the box, small: its correlation with another is the sum of their product."""
    x0, y0, x1, y1 = (max(0, round(side)) for side in face.box)
    part = image[y0:y1, x0:x1]
    if not part.size:
        return np.zeros((_SMALL, _SMALL), np.float32)
    gray = cv2.cvtColor(cv2.resize(part, (_SMALL, _SMALL), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    centred = gray.astype(np.float32) - float(gray.mean())
    return np.asarray(centred / max(float(np.linalg.norm(centred)), 1e-6), np.float32)


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> float:
    """Intersection over union."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)
