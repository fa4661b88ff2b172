"""open_clip's own loader, with a tiny model of the same architecture that the test makes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perception.vision.clip import OpenClipEncoder, _open_clip, _torch, weights_at_hand
from runtime.errors import ModelError

pytestmark = pytest.mark.slow

DIM, PATCH, SIDE = 32, 16, 64
CONFIG = {
    "embed_dim": DIM,
    "vision_cfg": {"image_size": SIDE, "layers": 2, "width": 64, "head_width": 32, "patch_size": PATCH},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The weights' file and the model that was saved to it; "tiny-vit" is registered with open_clip."""
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "tiny-vit.json").write_text(json.dumps(CONFIG))
    torch, open_clip = _torch(), _open_clip()
    open_clip.add_model_config(folder)
    torch.manual_seed(7)
    model = open_clip.create_model("tiny-vit").eval()
    weights = folder / "tiny.pt"
    torch.save(model.state_dict(), weights)
    return weights, model


@pytest.fixture(scope="module")
def encoder(tiny: tuple[Path, Any]) -> OpenClipEncoder:
    return OpenClipEncoder("tiny-vit", str(tiny[0]), device="cpu", names_cache=tiny[0].parent)


def pictures(n: int) -> list[np.ndarray[Any, Any]]:
    rng = np.random.default_rng(3)
    return [rng.integers(0, 255, (90 + 10 * i, 120, 3), dtype=np.uint8) for i in range(n)]


def test_loads_the_weights_from_a_file_and_gives_what_the_model_gives(
    tiny: tuple[Path, Any], encoder: OpenClipEncoder
) -> None:
    from PIL.Image import fromarray

    torch, open_clip = _torch(), _open_clip()
    prepare = open_clip.transform.image_transform_v2(
        open_clip.transform.PreprocessCfg(**open_clip.get_model_preprocess_cfg(tiny[1])), is_train=False
    )
    images = pictures(3)
    with torch.inference_mode():
        expected = tiny[1].encode_image(torch.stack([prepare(fromarray(i)) for i in images]), normalize=True)
    np.testing.assert_allclose(encoder.encode_images(images).vectors, expected.numpy(), atol=1e-5)


def test_features_have_the_shapes_of_the_protocol(encoder: OpenClipEncoder) -> None:
    features = encoder.encode_images(pictures(2))
    assert encoder.dim == DIM
    assert features.vectors.shape == features.appearance.shape == (2, DIM)
    assert features.vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(features.vectors, axis=1), 1, atol=1e-5)
    assert features.patches is not None
    assert features.patches.shape == (2, (SIDE // PATCH) ** 2, DIM)
    assert features.patches.dtype == np.float16
    for tags in features.tags:
        chances = [p for _, p in tags]
        assert chances == sorted(chances, reverse=True)
        assert 0 < sum(chances) <= 1 + 1e-5


def test_texts_are_in_the_space_of_the_images(encoder: OpenClipEncoder) -> None:
    vectors = encoder.encode_text(["a red bicycle", "two cats"] * 40)
    assert vectors.shape == (80, DIM)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors[0], vectors[2], atol=1e-6)


def test_class_names_are_encoded_once(tiny: tuple[Path, Any], encoder: OpenClipEncoder) -> None:
    (kept,) = tiny[0].parent.glob("*-names.npy")
    assert np.load(kept).shape == (1000, DIM)
    again = OpenClipEncoder("tiny-vit", str(tiny[0]), device="cpu", names_cache=tiny[0].parent)
    assert again.encode_images(pictures(1)).tags == encoder.encode_images(pictures(1)).tags


def test_weights_at_hand(tiny: tuple[Path, Any], tmp_path: Path) -> None:
    assert weights_at_hand("tiny-vit", str(tiny[0]))
    assert not weights_at_hand("tiny-vit", str(tmp_path / "none.pt"))
    assert not weights_at_hand(f"local-dir:{tmp_path / 'none'}", "")


def test_what_cannot_be_loaded_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no-such-model") as caught:
        OpenClipEncoder("no-such-model", str(tmp_path / "none.pt"))
    assert "\n" not in str(caught.value)
