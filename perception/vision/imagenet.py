"""The packaged image model: an ImageNet classifier whose whole class distribution is put among texts (ConSE)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from perception.vision.kept import kept_vectors
from runtime.errors import ModelError
from runtime.messages import Image
from runtime.models import ImageFeatures, TextEncoder
from runtime.onnx import cpu_session

_TAGS = 50


class ImageNetEncoder:
    """EfficientNet-Lite through onnxruntime.

    vectors: ConSE (Norouzi et al., 2014): the probability-weighted sum of the class names' text embeddings, unit
    length. appearance: the pooled features, unit length. No patch tokens. tags: the 50 most probable classes.
    """

    def __init__(self, folder: Path, text_encoder: TextEncoder, threads: int = 1) -> None:
        """folder: as configs/models.toml makes it. Raises ModelError when it does not load."""
        self._text = text_encoder
        try:
            facts = json.loads((folder / "preprocess.json").read_text())
            self._classes = (folder / "classes.txt").read_text(encoding="utf-8").splitlines()
            self._size, self._crop = int(facts["size"]), float(facts["crop_fraction"])
            self._mean, self._std = float(facts["mean"]), float(facts["std"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = " ".join(str(error).split())
            raise ModelError(f"the image model at {folder} does not load: {reason}") from error
        self._session = cpu_session(folder / "model.onnx", "image model", threads)
        self._folder = folder
        self._class_vectors = kept_vectors(
            folder.parent, folder.name, text_encoder.name, self._classes, text_encoder.encode
        )

    @property
    def name(self) -> str:
        return f"{self._folder.name}+conse+{self._text.name}"

    @property
    def dim(self) -> int:
        return self._text.dim

    @property
    def class_vectors(self) -> dict[str, NDArray[np.float32]]:
        """The text vector (dim,) of every class name."""
        return dict(zip(self._classes, self._class_vectors, strict=True))

    def encode_images(self, images: Sequence[Image]) -> ImageFeatures:
        crops = [self._crop_of(image) for image in images]
        inputs = cv2.dnn.blobFromImages(crops, 1 / self._std, mean=(self._mean,) * 3)
        logits, features = self._session.run(None, {"images": inputs})
        logits = logits - logits.max(axis=1, keepdims=True)
        probabilities = np.exp(logits)
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        return ImageFeatures(
            # Not `@`: the thread that BLAS wakes for it would spin for 30 ms, to share half a millisecond's work.
            vectors=_unit_rows(np.einsum("ic,cd->id", probabilities, self._class_vectors)),
            appearance=_unit_rows(features),
            patches=None,
            tags=tuple(self._tags(row) for row in probabilities),
        )

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._text.encode(texts)

    def _crop_of(self, image: Image) -> Image:
        """Centre crop of crop_fraction, scaled to size: (size, size, 3)."""
        height, width = image.shape[:2]
        side = round(min(height, width) * self._crop)
        top, left = (height - side) // 2, (width - side) // 2
        crop = image[top : top + side, left : left + side]
        method = cv2.INTER_AREA if side > self._size else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(crop, (self._size, self._size), interpolation=method), np.uint8)

    def _tags(self, row: NDArray[np.float32]) -> tuple[tuple[str, float], ...]:
        best = np.argpartition(-row, _TAGS)[:_TAGS]
        best = best[np.lexsort((best, -row[best]))]
        return tuple((self._classes[i], float(row[i])) for i in best)


def _unit_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return np.asarray(rows / lengths, np.float32)
