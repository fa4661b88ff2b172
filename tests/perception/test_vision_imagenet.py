"""The packaged image model, with its real weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from memory.text_encoder import MiniLMEncoder
from perception.vision.imagenet import ImageNetEncoder
from runtime.errors import HearsightError, ModelError
from runtime.messages import Image
from runtime.weights import Registry
from tests.conftest import require
from tests.perception.vision_contract import is_unit, keeps_the_contract, pictures

CLIP = Path(__file__).parents[2] / "demo" / "harbour_day.mp4"
SLIDE_S, BOTTLES_S = 2.0, 10.0


def located(model: str) -> Path:
    try:
        return Registry.load().locate(model)
    except HearsightError as error:
        require(False, str(error))
        raise


@pytest.fixture(scope="module")
def text_encoder() -> MiniLMEncoder:
    return MiniLMEncoder(located("minilm"))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy: beside it the encoder keeps the class names' vectors."""
    return Path(shutil.copytree(located("efficientnet-lite2"), tmp_path_factory.mktemp("models") / "lite2"))


@pytest.fixture(scope="module")
def encoder(weights: Path, text_encoder: MiniLMEncoder) -> ImageNetEncoder:
    return ImageNetEncoder(weights, text_encoder)


@pytest.fixture(scope="module")
def scenes() -> dict[float, Image]:
    """Of the demo clip: a slide, and the water bottles."""
    found = {}
    with av.open(str(CLIP)) as container:
        for frame in container.decode(video=0):
            for t_s in (SLIDE_S, BOTTLES_S):
                if t_s not in found and frame.time is not None and frame.time >= t_s:
                    found[t_s] = frame.to_ndarray(format="rgb24")
            if len(found) == 2:
                break
    return found


def test_it_keeps_the_contract(encoder: ImageNetEncoder) -> None:
    keeps_the_contract(encoder)


def test_it_names_its_space_and_has_no_patches(encoder: ImageNetEncoder, text_encoder: MiniLMEncoder) -> None:
    assert encoder.name == f"lite2+conse+{text_encoder.name}"
    assert encoder.dim == text_encoder.dim
    features = encoder.encode_images(pictures(2))
    assert features.patches is None
    assert features.appearance.shape == (2, 1280)


def test_bottles_look_like_bottles(encoder: ImageNetEncoder, scenes: dict[float, Image]) -> None:
    features = encoder.encode_images([scenes[SLIDE_S], scenes[BOTTLES_S]])
    assert "water bottle" in [name for name, _ in features.tags[1][:3]]
    assert "water bottle" not in [name for name, _ in features.tags[0][:3]]
    asked = encoder.encode_text(["plastic bottles of water"])[0]
    slide, bottles = features.vectors @ asked
    assert bottles > slide + 0.1


def test_a_vector_is_the_sum_of_class_vectors_by_probability(
    encoder: ImageNetEncoder, scenes: dict[float, Image]
) -> None:
    features = encoder.encode_images([scenes[BOTTLES_S]])
    tags = dict(features.tags[0])
    classes = encoder.class_vectors
    assert len(classes) > 950  # a few of the 1000 share a name
    expected = sum(chance * classes[name] for name, chance in tags.items())
    assert sum(tags.values()) > 0.6
    assert float(features.vectors[0] @ (expected / np.linalg.norm(expected))) > 0.98


def test_the_same_scene_looks_the_same(encoder: ImageNetEncoder, scenes: dict[float, Image]) -> None:
    bottles = scenes[BOTTLES_S]
    darker = (bottles * 0.8).astype(np.uint8)
    looks = encoder.encode_images([bottles, darker, scenes[SLIDE_S]]).appearance
    assert looks[0] @ looks[1] > 0.8 > looks[0] @ looks[2]


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (700, 20)])
def test_odd_pictures_are_pictures(encoder: ImageNetEncoder, size: tuple[int, int]) -> None:
    is_unit(encoder.encode_images([np.full((*size, 3), 128, np.uint8)]).vectors)


def test_class_names_are_encoded_once(weights: Path, text_encoder: MiniLMEncoder) -> None:
    class Counting:
        name, dim = text_encoder.name, text_encoder.dim
        texts = 0

        def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
            Counting.texts += len(texts)
            return text_encoder.encode(texts)

    before = ImageNetEncoder(weights, text_encoder).class_vectors
    after = ImageNetEncoder(weights, Counting()).class_vectors
    assert Counting.texts == 1  # to see that the kept ones are its own
    for name, vector in before.items():
        np.testing.assert_allclose(after[name], vector, atol=1e-6)


@pytest.mark.parametrize("damage", ["no folder", "no classes", "half a model", "no numbers"])
def test_what_does_not_load_is_one_line(
    weights: Path, text_encoder: MiniLMEncoder, tmp_path: Path, damage: str
) -> None:
    folder = tmp_path / "lite2"
    if damage != "no folder":
        shutil.copytree(weights, folder)
    if damage == "no classes":
        (folder / "classes.txt").unlink()
    elif damage == "half a model":
        model = folder / "model.onnx"
        model.write_bytes(model.read_bytes()[:10_000])
    elif damage == "no numbers":
        (folder / "preprocess.json").write_text(json.dumps({"size": "large"}))
    with pytest.raises(ModelError, match="does not load") as caught:
        ImageNetEncoder(folder, text_encoder)
    assert "\n" not in str(caught.value)
