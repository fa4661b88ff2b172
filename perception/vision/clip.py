"""CLIP models through open_clip: pictures and texts in one space (Radford et al., 2021)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.errors import ModelError
from runtime.messages import Image
from runtime.models import ImageFeatures

_TAGS = 50
_TEXT_BATCH = 64
_PROMPT = "a photo of a {}"


def weights_at_hand(model: str, pretrained: str) -> bool:
    """They can be loaded without a download: a local file or folder, or in the Hugging Face cache."""
    if model.startswith("local-dir:"):
        return Path(model.removeprefix("local-dir:")).is_dir()
    if not model.startswith("hf-hub:") and Path(pretrained).is_file():
        return True
    from huggingface_hub import try_to_load_from_cache

    open_clip = _open_clip()
    if model.startswith("hf-hub:"):
        hub_id = model.removeprefix("hf-hub:")
    else:
        hub_id = (open_clip.get_pretrained_cfg(model, pretrained) or {}).get("hf_hub", "").rstrip("/")
    files = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
    return bool(hub_id) and any(isinstance(try_to_load_from_cache(hub_id, name), str) for name in files)


class OpenClipEncoder:
    """Any model open_clip knows.

    vectors: the image embedding; appearance is the same. patches: the patch tokens behind it, through the
    tower's last norm and projection into the joint space, unit length; None where the tower gives none.
    tags: zero-shot over the ImageNet class names, the 50 most probable.
    """

    def __init__(
        self,
        model: str,
        pretrained: str,
        device: str = "auto",
        threads: int = 1,
        names_cache: Path | None = None,
    ) -> None:
        """model, pretrained: a pair from `open_clip.list_pretrained()`; pretrained may be a file instead, and
        model "hf-hub:ID" or "local-dir:FOLDER" (then pretrained is not looked at).

        device: "cpu", "cuda", or "auto": a GPU when there is one. names_cache: a folder that keeps the class
        names' vectors. Downloads what is not at hand. Raises ModelError.
        """
        self._torch, open_clip = _torch(), _open_clip()
        if device == "auto":
            device = "cuda" if self._torch.cuda.is_available() else "cpu"
        if device == "cpu":
            self._torch.set_num_threads(threads)
        self._device = device
        self._half = device != "cpu"
        self._known_as = model if ":" in model else f"{model}:{Path(pretrained).stem}"
        try:
            self._model, self._prepare = open_clip.create_model_from_pretrained(
                model,
                pretrained=None if ":" in model else pretrained,
                device=device,
                precision="fp16" if self._half else "fp32",
            )
            self._tokenize = open_clip.get_tokenizer(model)
        except Exception as error:
            reason = " ".join(str(error).split())
            raise ModelError(f"open_clip cannot load {model} ({pretrained}): {reason}") from error
        self._model.eval()
        self._tower = self._model.visual
        # The class token's projection is the patches' only where the tower is open_clip's own.
        projection = getattr(self._tower, "proj", None)
        self._projection = projection if hasattr(self._tower, "output_tokens") else None
        if self._projection is not None:
            self._tower.output_tokens = True
        self._names: Sequence[str] = open_clip.IMAGENET_CLASSNAMES
        self._dim = int(self.encode_text(["a"]).shape[1])
        self._name_vectors = self._named(names_cache)

    @property
    def name(self) -> str:
        return f"open_clip/{self._known_as}"

    @property
    def dim(self) -> int:
        return self._dim

    def encode_images(self, images: Sequence[Image]) -> ImageFeatures:
        from PIL.Image import fromarray

        torch = self._torch
        batch = torch.stack([self._prepare(fromarray(image)) for image in images]).to(self._device)
        with torch.inference_mode():
            out = self._tower(batch.half() if self._half else batch)
            pooled, tokens = out if isinstance(out, tuple) else (out, None)
            patches: NDArray[np.float16] | None = None
            if tokens is not None and self._projection is not None:
                patches = _unit(tokens @ self._projection).astype(np.float16)
            vectors = _unit(pooled)
        scale = float(self._model.logit_scale.detach().exp())
        return ImageFeatures(
            vectors=vectors,
            appearance=vectors,
            patches=patches,
            tags=tuple(self._tags(row) for row in scale * vectors @ self._name_vectors.T),
        )

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Texts are cut at the model's context length."""
        rows = []
        with self._torch.inference_mode():
            for start in range(0, len(texts), _TEXT_BATCH):
                tokens = self._tokenize(list(texts[start : start + _TEXT_BATCH])).to(self._device)
                rows.append(_unit(self._model.encode_text(tokens)))
        return np.concatenate(rows) if rows else np.empty((0, self._dim), np.float32)

    def _tags(self, logits: NDArray[np.float32]) -> tuple[tuple[str, float], ...]:
        likely = np.exp(logits - logits.max())
        likely /= likely.sum()
        best = np.argsort(-likely, kind="stable")[:_TAGS]
        return tuple((self._names[i], float(likely[i])) for i in best)

    def _named(self, folder: Path | None) -> NDArray[np.float32]:
        """(1000, d): the class names in a prompt, as texts."""
        path = (
            None if folder is None else folder / f"{self.name.replace('/', '-').replace(':', '-')}-names.npy"
        )
        if path is not None and path.is_file():
            kept = np.load(path)
            if kept.shape == (len(self._names), self._dim):
                return np.asarray(kept, np.float32)
        vectors = self.encode_text([_PROMPT.format(name) for name in self._names])
        if path is not None:
            try:
                np.save(path, vectors)
            except OSError as error:  # costs the time to encode them again, nothing else
                logging.getLogger(__name__).debug("class names are not kept: %s", error)
        return vectors


def _unit(rows: Any) -> NDArray[np.float32]:
    """A tensor's rows (last axis) at length 1, on the CPU."""
    rows = rows.float()
    rows = rows / rows.norm(dim=-1, keepdim=True).clamp_min(1e-9)
    return np.asarray(rows.cpu().numpy(), np.float32)


@cache
def _torch() -> Any:
    """torch, with torchvision importable.

    The package index has torchvision only as a CUDA build, whose compiled half a CPU torch cannot load. Its
    Python half, all that open_clip needs, imports once the two operators it registers shapes for are declared.
    """
    import torch

    spec = find_spec("torchvision")
    if spec is not None and spec.origin is not None:
        try:
            for compiled in Path(spec.origin).parent.glob("_C*.so"):
                torch.ops.load_library(str(compiled))
        except OSError:
            library = torch.library.Library("torchvision", "FRAGMENT")
            for operator in ("nms", "qnms"):
                library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            _declared.append(library)
    return torch


# torch drops operators together with the object that declared them.
_declared: list[Any] = []


def _open_clip() -> Any:
    _torch()
    try:
        import open_clip
    except ImportError as error:
        raise ModelError(f"open_clip is not installed: {error}") from error
    return open_clip
