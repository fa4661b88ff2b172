"""What every VisionEncoder keeps to, the one made up for tests too."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from runtime.messages import Image
from runtime.models import VisionEncoder


def pictures(n: int) -> list[Image]:
    """Noise, each of another size and shape."""
    rng = np.random.default_rng(3)
    return [rng.integers(0, 255, (90 + 40 * i, 120 - 10 * i, 3), dtype=np.uint8) for i in range(n)]


def keeps_the_contract(encoder: VisionEncoder) -> None:
    images = pictures(3)
    features = encoder.encode_images(images)
    assert encoder.name
    assert features.vectors.shape == (3, encoder.dim)
    assert features.appearance.shape[0] == 3
    is_unit(features.vectors)
    is_unit(features.appearance)
    if features.patches is not None:
        assert features.patches.shape[::2] == (3, encoder.dim)
        assert features.patches.dtype == np.float16
    for tags in features.tags:
        chances = [chance for _, chance in tags]
        assert 0 < len(tags) <= 50
        assert chances == sorted(chances, reverse=True)
        assert 0 < sum(chances) <= 1 + 1e-5

    alone = encoder.encode_images(images[1:2])
    np.testing.assert_allclose(alone.vectors[0], features.vectors[1], atol=1e-4)
    assert [name for name, _ in alone.tags[0][:3]] == [name for name, _ in features.tags[1][:3]]

    texts = encoder.encode_text(["a red bicycle", "two cats asleep on a very long wall by the sea"])
    assert texts.shape == (2, encoder.dim)
    is_unit(texts)
    np.testing.assert_allclose(encoder.encode_text(["a red bicycle"])[0], texts[0], atol=1e-4)


def is_unit(rows: NDArray[np.float32]) -> None:
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-4)
