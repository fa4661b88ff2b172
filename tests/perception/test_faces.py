"""Faces: real ones are found and told apart; which pictures are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest

from memory.settings import FaceMatchSettings
from perception.settings import FaceSettings
from perception.vision.faces import DlibFaces, FaceLooks
from runtime.errors import HearsightError, ModelError
from runtime.messages import Face, Image, SampledFrame, VideoFrame
from runtime.weights import Registry
from tests.conftest import require
from tests.perception.scripted_faces import Scripted

PICTURES = Path(__file__).resolve().parent.parent / "fixtures" / "faces"
PEOPLE = {
    "obama-2009": "obama",
    "obama-2012": "obama",
    "biden-2010": "biden",
    "collins": "collins",
    "hopper": "hopper",
}
SETTINGS = FaceSettings()
MATCHING = FaceMatchSettings()


def picture(name: str, size: tuple[int, int] = (640, 360)) -> Image:
    """The fixture in the middle of a grey picture. size: (width, height)."""
    face = cv2.cvtColor(cv2.imread(str(PICTURES / f"{name}.jpg")), cv2.COLOR_BGR2RGB)
    out = np.full((size[1], size[0], 3), 120, np.uint8)
    top, left = (size[1] - face.shape[0]) // 2, (size[0] - face.shape[1]) // 2
    out[top : top + face.shape[0], left : left + face.shape[1]] = face
    return out


@pytest.fixture(scope="module")
def encoder() -> DlibFaces:
    try:
        folder = Registry.load().locate("faces")
    except HearsightError as error:
        require(False, str(error))
        raise
    require(find_spec("dlib") is not None, "dlib: pip install 'hearsight[faces]'")
    return DlibFaces(folder, SETTINGS)


def test_people_are_told_apart_with_room_to_both_sides(encoder: DlibFaces) -> None:
    vectors = {}
    for name in PEOPLE:
        image = picture(name)
        (found,) = encoder.find(image)
        (vectors[name],) = encoder.encode(image, (found,))
        assert found.quality >= 0.4
    for a, b in combinations(PEOPLE, 2):
        likeness = float(vectors[a] @ vectors[b])
        if PEOPLE[a] == PEOPLE[b]:
            assert likeness >= MATCHING.same + 0.02
        else:
            assert likeness <= MATCHING.other - 0.02
    assert all(
        abs(float(np.linalg.norm(v)) - 1.0) < 1e-5 and v.shape == (encoder.dim,) for v in vectors.values()
    )


def test_a_large_picture_is_searched_small_and_its_boxes_are_its_own(encoder: DlibFaces) -> None:
    image = cv2.resize(picture("collins"), None, fx=2.0, fy=2.0)
    (found,) = encoder.find(image)
    x0, y0, x1, y1 = found.box
    assert 400 < x0 < 640 < x1 < 900 and 180 < y0 < 360 < y1 < 560


def test_where_nobody_is_nobody_is_found(encoder: DlibFaces) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (360, 640, 3), dtype=np.uint8)
    assert encoder.find(noise) == encoder.find(np.zeros((96, 160, 3), np.uint8)) == ()
    assert encoder.encode(noise, ()).shape == (0, encoder.dim)


def test_a_folder_of_something_else_is_one_line(tmp_path: Path) -> None:
    require(find_spec("dlib") is not None, "dlib: pip install 'hearsight[faces]'")
    with pytest.raises(ModelError, match="has not dlib's face models"):
        DlibFaces(tmp_path, SETTINGS)


def sampled(t_s: float, faces: int = 1, change: float = 0.1, who: int = 0, chapter: int = 0) -> SampledFrame:
    """Everybody has a look of their own."""
    image = np.random.default_rng(who).integers(0, 255, (60, 240, 3), dtype=np.uint8)
    image[0, 0, :2] = faces, who
    return SampledFrame(VideoFrame(t_s, image), chapter, change, read=False)


def counts(found: Sequence[tuple[Face, ...] | None]) -> list[int | None]:
    return [None if faces is None else len(faces) for faces in found]


def test_moving_pictures_are_looked_at_every_four_seconds() -> None:
    encoder = Scripted()
    found = FaceLooks(encoder, SETTINGS).look([sampled(2.0 * t) for t in range(5)])
    assert counts(found) == [1, None, 1, None, 1]
    assert (encoder.found, encoder.encoded) == (3, 1)  # it stays where it is, and looks the same


def test_a_still_picture_is_looked_at_once() -> None:
    encoder = Scripted()
    found = FaceLooks(encoder, SETTINGS).look([sampled(4.0 * t, change=0.0) for t in range(5)])
    assert counts(found) == [1] * 5
    assert encoder.found == 1


def test_after_a_cut_one_looks_sooner_and_who_it_is() -> None:
    encoder = Scripted()
    looks = FaceLooks(encoder, SETTINGS)
    found = looks.look([sampled(0.0), sampled(1.0, change=0.9), sampled(2.0)])
    assert counts(found) == [1, None, 1]
    assert encoder.encoded == 2


def test_somebody_else_at_the_same_place_is_not_taken_for_who_was_there() -> None:
    encoder = Scripted()
    found = FaceLooks(encoder, SETTINGS).look([sampled(0.0), sampled(4.0, who=1)])
    assert found[1] is not None and found[1][0].vector[1] == 1.0
    assert encoder.encoded == 2


def test_after_a_while_one_looks_again_who_it_is() -> None:
    encoder = Scripted()
    FaceLooks(encoder, SETTINGS).look([sampled(4.0 * t) for t in range(6)])
    assert (encoder.found, encoder.encoded) == (6, 2)


def test_of_a_crowd_a_few_at_a_time_are_told_whose_they_are() -> None:
    encoder = Scripted()
    found = FaceLooks(encoder, SETTINGS).look([sampled(4.0 * t, faces=4) for t in range(3)])
    assert counts(found) == [3, 4, 4]
    assert encoder.encoded == 4


def test_nothing_crosses_a_chapter() -> None:
    whole, again = FaceLooks(Scripted(), SETTINGS), FaceLooks(Scripted(), SETTINGS)
    second = [
        sampled(20.5, faces=2, chapter=1, change=0.0),
        sampled(21.0, chapter=1),
        sampled(25.0, chapter=1),
    ]
    rest = whole.look([sampled(19.0), *second])[1:]
    assert counts(rest) == counts(again.look(second)) == [2, None, 1]
