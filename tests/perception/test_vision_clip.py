"""open_clip's own loader, with a tiny model of the same architecture that the test makes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memory.compressor import clips_of_chapter
from memory.settings import MemorySettings
from perception.vision import clip
from perception.vision.clip import (
    OpenClipEncoder,
    clip_weights,
    import_open_clip,
    in_hub_cache,
    on_hub,
    published_weights,
)
from runtime.errors import ConfigError, ModelError
from runtime.messages import FrameFeature
from tests.perception import tiny_clip
from tests.perception.vision_contract import keeps_the_contract, pictures

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A folder with the weights, and the model they were saved from; "tiny-vit" is its architecture's name."""
    folder = tmp_path_factory.mktemp("tiny")
    tiny_clip.register("tiny-vit", tmp_path_factory.mktemp("configs"))
    return folder, tiny_clip.make(folder)


@pytest.fixture(scope="module")
def encoder(tiny: tuple[Path, Any], tmp_path_factory: pytest.TempPathFactory) -> OpenClipEncoder:
    return OpenClipEncoder(clip_weights(str(tiny[0]), ""), tmp_path_factory.mktemp("keep"), "cpu")


def test_it_keeps_the_contract(encoder: OpenClipEncoder) -> None:
    keeps_the_contract(encoder)


def test_what_it_gives_is_what_the_model_gives(tiny: tuple[Path, Any], encoder: OpenClipEncoder) -> None:
    import torch
    from PIL.Image import fromarray

    open_clip = import_open_clip()
    prepare = open_clip.transform.image_transform_v2(
        open_clip.transform.PreprocessCfg(size=64), is_train=False
    )
    images = pictures(3)
    # Of different lengths: what lies behind a text's end is left out.
    texts = ["a", "a man with a hat", "word " * 100]
    with torch.inference_mode():
        seen = tiny[1].encode_image(torch.stack([prepare(fromarray(i)) for i in images]), normalize=True)
        told = tiny[1].encode_text(open_clip.tokenize(texts), normalize=True)
    np.testing.assert_allclose(encoder.encode_images(images).vectors, seen.numpy(), atol=1e-5)
    np.testing.assert_allclose(encoder.encode_text(texts), told.numpy(), atol=1e-5)
    np.testing.assert_allclose(encoder.encode_text(texts[:1]), told.numpy()[:1], atol=1e-5)


def test_a_named_model_with_a_file_and_a_folder_see_the_same(
    tiny: tuple[Path, Any], encoder: OpenClipEncoder, tmp_path: Path
) -> None:
    weights = clip_weights("tiny-vit", str(tiny[0] / tiny_clip.WEIGHTS))
    named = OpenClipEncoder(weights, tmp_path, "cpu")
    images = pictures(2)
    np.testing.assert_allclose(
        named.encode_images(images).vectors, encoder.encode_images(images).vectors, atol=1e-6
    )


def test_patches_become_short_term_memory(encoder: OpenClipEncoder) -> None:
    """Four steps of a picture in time: the grid of 4 x 4 patches stays, time is pooled to the budget."""
    features = encoder.encode_images(pictures(4))
    assert features.patches is not None
    side = tiny_clip.SIDE // tiny_clip.PATCH
    assert features.patches.shape == (4, side**2, tiny_clip.DIM)
    frames = [
        FrameFeature(float(i), 0, features.vectors[i], features.appearance[i], features.patches[i], (), b"")
        for i in range(4)
    ]
    tokens = 2 * side**2
    budget = tokens * 2 * tiny_clip.DIM * 3600 // 4
    settings = MemorySettings(short_term_bytes_per_hour=budget, surprise=2.0)
    (clip,) = clips_of_chapter("film", frames, 4.0, settings)
    assert clip.short_term is not None
    assert clip.short_term.shape == (2, side**2, tiny_clip.DIM)
    early = features.patches[:2].astype(np.float32).mean(axis=0)
    np.testing.assert_allclose(clip.short_term[0], early, atol=2e-3)


def test_class_names_are_encoded_once(tiny: tuple[Path, Any], tmp_path: Path) -> None:
    def tags(folder: Path, said: list[str]) -> Any:
        weights = clip_weights(str(folder), "")
        return OpenClipEncoder(weights, tmp_path, "cpu", 1, said.append).encode_images(pictures(1)).tags

    first: list[str] = []
    again: list[str] = []
    assert tags(tiny[0], first) == tags(tiny[0], again)
    assert "1000 classes" in first[0]
    assert again == []
    assert len(list(tmp_path.glob("*.npy"))) == 1


def test_kept_class_names_of_another_model_are_not_used(tiny: tuple[Path, Any], tmp_path: Path) -> None:
    OpenClipEncoder(clip_weights(str(tiny[0]), ""), tmp_path, "cpu").load()
    (kept,) = tmp_path.glob("*.npy")
    right = np.load(kept)
    np.save(kept, np.roll(right, 1, axis=1))
    OpenClipEncoder(clip_weights(str(tiny[0]), ""), tmp_path, "cpu").load()
    np.testing.assert_allclose(np.load(kept), right, atol=1e-6)


def test_the_name_says_which_space_it_is(tiny: tuple[Path, Any], tmp_path: Path) -> None:
    own = clip_weights(str(tiny[0]), "")
    assert own.own
    moved = tmp_path / "moved"
    shutil.copytree(tiny[0], moved)
    assert clip_weights(str(moved), "").name == clip_weights(f"local-dir:{moved}", "").name == own.name
    tiny_clip.make(moved, seed=8)
    assert clip_weights(str(moved), "").name != own.name

    file = str(tiny[0] / tiny_clip.WEIGHTS)
    assert clip_weights("tiny-vit", file).name != clip_weights("tiny-vit-quickgelu", file).name

    pair = clip_weights("ViT-B/16", "LAION2B-S34B-B88K")
    assert (pair.name, pair.own) == ("open_clip/ViT-B-16:laion2b_s34b_b88k", False)
    hub = clip_weights("hf-hub:someone/clip", "whatever")
    assert hub.name == "open_clip/hf-hub:someone/clip"
    for published in (pair, hub):
        assert published_weights(published.name) == published


def test_where_the_hub_has_them() -> None:
    assert on_hub(clip_weights("ViT-B-32", "laion2b_s34b_b79k")) == (
        "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
        ("open_clip_model.safetensors", "open_clip_pytorch_model.bin"),
    )
    repo, files = on_hub(clip_weights("ViTamin-S", "datacomp1b"))
    assert (repo, files) == ("jienengchen/ViTamin-S", ("pytorch_model.safetensors", "pytorch_model.bin"))
    assert on_hub(clip_weights("hf-hub:someone/clip", ""))[0] == "someone/clip"


def test_the_hubs_cache_is_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    weights = clip_weights("hf-hub:someone/clip", "")
    assert not in_hub_cache(weights)
    repo = tmp_path / "models--someone--clip"
    tiny_clip.make(repo / "snapshots" / ("a" * 40))
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("a" * 40)
    assert in_hub_cache(weights)

    def no_network(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("the hub was asked")

    monkeypatch.setattr("socket.getaddrinfo", no_network)
    encoder = OpenClipEncoder(weights, tmp_path, "cpu")
    assert encoder.encode_text(["a"]).shape == (1, tiny_clip.DIM)


@pytest.mark.parametrize(
    ("model", "pretrained", "says"),
    [
        ("ViT-B-23", "openai", "did you mean ViT-B-32"),
        ("ViT-B-32", "laion3b", "no weights laion3b; it has openai, "),
    ],
)
def test_what_open_clip_does_not_know(model: str, pretrained: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        on_hub(clip_weights(model, pretrained))
    assert "\n" not in str(caught.value)


def test_weights_of_ones_own_that_are_not_there(tmp_path: Path) -> None:
    for model, pretrained in (
        (str(tmp_path / "none"), ""),
        (f"local-dir:{tmp_path}", ""),
        ("ViT-B-32", str(tmp_path / "none.pt")),
        ("ViT-B-32", "none.safetensors"),
    ):
        with pytest.raises(ModelError, match=r"none|open_clip_config") as caught:
            clip_weights(model, pretrained)
        assert "\n" not in str(caught.value)


def test_weights_that_do_not_load_are_one_line(
    tiny: tuple[Path, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(tiny[0], damaged)
    file = damaged / tiny_clip.WEIGHTS
    file.write_bytes(file.read_bytes()[:1000])
    encoder = OpenClipEncoder(clip_weights(str(damaged), ""), tmp_path, "cpu")
    with pytest.raises(ModelError, match="open_clip cannot load") as caught:
        encoder.load()
    assert "\n" not in str(caught.value)
    weights = published_weights("open_clip/ViT-B-32:openai")
    with pytest.raises(ModelError, match="open_clip cannot load ViT-B-32 openai"):
        OpenClipEncoder(weights, tmp_path, "cpu").load()
    assert caplog.messages == []  # open_clip itself logs an error, too


def test_a_gpu_that_cannot_be_used_is_said_and_done_without(
    tiny: tuple[Path, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights, said = clip_weights(str(tiny[0]), ""), list[str]()
    on = clip.OpenClipEncoder._on

    def without_room(self: OpenClipEncoder, device: str, offline: bool) -> Any:
        if device == "cuda":
            raise RuntimeError("CUDA error: out of memory\nCompile with ...")
        return on(self, device, offline)

    monkeypatch.setattr(clip, "_gpu_is_there", lambda: True)
    monkeypatch.setattr(OpenClipEncoder, "_on", without_room)
    encoder = OpenClipEncoder(weights, tmp_path, "auto", report=said.append)
    assert encoder.encode_text(["a cat"]).shape == (1, tiny_clip.DIM)
    assert said[-1].startswith("vision: on the CPU") and "out of memory" in said[-1] and "\n" not in said[-1]
    with pytest.raises(RuntimeError, match="out of memory"):
        OpenClipEncoder(weights, tmp_path, "cuda").load()
