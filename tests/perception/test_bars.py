"""Black bars around a picture."""

from __future__ import annotations

import numpy as np
import pytest

from perception.vision.bars import without_bars
from runtime.messages import Image


def picture(height: int, width: int) -> Image:
    return np.random.default_rng(3).integers(60, 200, (height, width, 3), np.uint8)


def framed(inner: Image, above: int, below: int, left: int, right: int) -> Image:
    noisy = np.random.default_rng(4).integers(
        0, 16, (inner.shape[0] + above + below, inner.shape[1] + left + right, 3)
    )
    out = noisy.astype(np.uint8)
    out[above : above + inner.shape[0], left : left + inner.shape[1]] = inner
    return out


@pytest.mark.parametrize(
    "bars", [(60, 60, 0, 0), (0, 0, 107, 107), (52, 52, 150, 150)], ids=["letterbox", "pillarbox", "both"]
)
def test_bars_are_cut_off(bars: tuple[int, int, int, int]) -> None:
    inner = picture(240, 320)
    assert np.array_equal(without_bars(framed(inner, *bars)), inner)


def test_of_a_large_picture_to_a_few_lines() -> None:
    inner = picture(816, 1920)
    height, width = without_bars(framed(inner, 132, 132, 0, 0)).shape[:2]
    assert width == 1920 and 816 <= height <= 816 + 2 * 6


@pytest.mark.parametrize("bars", [(0, 120, 0, 0), (40, 120, 0, 0), (0, 0, 0, 0), (500, 500, 0, 0)])
def test_what_may_be_a_dark_scene_stays(bars: tuple[int, int, int, int]) -> None:
    image = framed(picture(240, 320), *bars)
    assert without_bars(image).shape == image.shape


def test_a_black_picture_stays() -> None:
    black = np.zeros((90, 160, 3), np.uint8)
    assert without_bars(black).shape == black.shape
