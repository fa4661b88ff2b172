"""A line that was recognised once is known again, wherever it stands."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from perception.settings import ReadSettings
from perception.vision.line_cache import ink_of
from perception.vision.ocr import RapidTextReader
from runtime.messages import Image

LINES = ("the lighthouse keeper counts", "forty seagulls before breakfast")


def page(*lines: str, top: int = 40) -> Image:
    picture = np.full((240, 640, 3), 250, np.uint8)
    for i, line in enumerate(lines):
        cv2.putText(
            picture, line, (30, top + 48 * i), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (20, 20, 20), 1, cv2.LINE_AA
        )
    return picture


def texts(reader: RapidTextReader, picture: Image) -> list[str]:
    return sorted(line.text.replace(" ", "") for line in reader.pieces(picture))


@pytest.fixture(scope="module")
def reader() -> RapidTextReader:
    return RapidTextReader(ReadSettings(detect_side=64, kept_lines=64))


def test_a_page_that_has_scrolled_is_not_recognised_again(reader: RapidTextReader) -> None:
    before = texts(reader, page(*LINES))
    assert before == sorted(line.replace(" ", "") for line in LINES)
    recognised: list[int] = []
    real = reader._engine.text_rec

    def counting(given: object) -> object:
        recognised.append(len(given.img))  # type: ignore[attr-defined]
        return real(given)

    reader._engine.text_rec = counting
    try:
        assert texts(reader, page(*LINES, top=103)) == before
        assert recognised == []
        texts(reader, page(LINES[0], "a line that is new"))
        assert recognised == [1]
        reader.forget()
        texts(reader, page(*LINES))
        assert recognised == [1, 2]
    finally:
        reader._engine.text_rec = real


def test_the_margin_of_a_crop_does_not_count_and_one_letter_does() -> None:
    crop = page("mooring 48 euro")[20:60]
    assert ink_of(crop) == ink_of(crop[3:, 7:])
    assert ink_of(crop) != ink_of(page("mooring 43 euro")[20:60])
