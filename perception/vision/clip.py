"""CLIP models through open_clip: pictures and texts in one space (Radford et al., 2021)."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perception.vision.kept import kept_vectors
from runtime.errors import ConfigError, ModelError
from runtime.messages import Image
from runtime.models import ImageFeatures
from runtime.torchvision_operators import install

_HUB, _FOLDER = "hf-hub:", "local-dir:"  # open_clip's own prefixes
_HUB_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_CONFIG = "open_clip_config.json"
_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth")
_SAMPLES, _SAMPLE_BYTES = 16, 1 << 20
_TAGS = 50
_TEXT_BATCH = 64
_PROMPT = "a photo of a {}"


@dataclass(frozen=True, slots=True)
class ClipWeights:
    """One of open_clip's models with its weights.

    model: a name that open_clip knows, "hf-hub:ID" or "local-dir:FOLDER". pretrained: a tag that open_clip knows
    or a file; "" for the last two. name: of the space its vectors are in, "open_clip/MODEL:TAG",
    "open_clip/hf-hub:ID", or "open_clip/own-DIGEST" for a folder or file of the user's own, wherever it lies.
    """

    model: str
    pretrained: str
    name: str

    @property
    def own(self) -> bool:
        return self.name.startswith("open_clip/own-")


def clip_weights(model: str, pretrained: str) -> ClipWeights:
    """What the settings of these names mean. Needs no network and does not load open_clip.

    Raises ModelError: a folder or file of the user's own is not there.
    """
    if model.startswith(_HUB):
        return ClipWeights(model, "", f"open_clip/{model}")
    if model.startswith((_FOLDER, "/", ".", "~")) or (os.sep in model and Path(model).is_dir()):
        folder = Path(model.removeprefix(_FOLDER)).expanduser().absolute()
        config = folder / _CONFIG
        weights = sorted(p for p in folder.glob("*") if p.suffix in _WEIGHTS)
        if not (config.is_file() and weights):
            raise ModelError(f"{folder} is no folder with {_CONFIG} and weights in it")
        about = config.read_bytes()
        return ClipWeights(f"{_FOLDER}{folder}", "", f"open_clip/own-{_digest(about, weights)}")
    model = model.replace("/", "-")
    file = Path(pretrained).expanduser().absolute()
    if file.is_file():
        return ClipWeights(model, str(file), f"open_clip/own-{_digest(model.encode(), [file])}")
    if os.sep in pretrained or file.suffix in _WEIGHTS:
        raise ModelError(f"{file}: no such file")
    tag = pretrained.lower().replace("-", "_")
    return ClipWeights(model, tag, f"open_clip/{model}:{tag}")


def published_weights(name: str) -> ClipWeights:
    """The weights whose space has this name; none of the user's own."""
    known = name.removeprefix("open_clip/")
    model, _, tag = (known, "", "") if known.startswith(_HUB) else known.partition(":")
    return ClipWeights(model, tag, name)


def on_hub(weights: ClipWeights) -> tuple[str, tuple[str, ...]]:
    """Where others publish them: the repository on the hub, and the files that one of is enough, best first.

    Raises ConfigError: open_clip knows no such pair. ModelError: open_clip cannot be imported.
    """
    if weights.model.startswith(_HUB):
        return weights.model.removeprefix(_HUB), _HUB_FILES
    open_clip = import_open_clip()
    where = open_clip.get_pretrained_cfg(weights.model, weights.pretrained).get("hf_hub")
    if not where:
        known = open_clip.list_pretrained_tags_by_model(weights.model)
        if known:
            raise ConfigError(
                f"vision.pretrained: {weights.model} has no weights {weights.pretrained}; it has {', '.join(known)}"
            )
        near = get_close_matches(weights.model, open_clip.list_models(), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ConfigError(f"vision.model: open_clip has no model {weights.model}{hint}")
    repo, file = os.path.split(where)
    return repo, (str(Path(file).with_suffix(".safetensors")), file) if file else _HUB_FILES


def in_hub_cache(weights: ClipWeights) -> bool:
    """Published weights lie in the Hugging Face cache. Raises as `on_hub`."""
    from huggingface_hub import try_to_load_from_cache

    repo, files = on_hub(weights)
    return any(isinstance(try_to_load_from_cache(repo, file), str) for file in files)


class OpenClipEncoder:
    """Any model open_clip knows. Loads at the first use, or by `load`. One thread for images, one for texts.

    vectors: the image embedding; appearance is the same. patches: the patch tokens behind it, through the
    tower's last norm and projection into the joint space, unit length; None where the tower gives none.
    tags: zero-shot over the ImageNet class names, the 50 most probable.
    """

    def __init__(
        self,
        weights: ClipWeights,
        keep: Path,
        device: str = "auto",
        threads: int = 1,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        """keep: a folder for the class names' vectors. device: "cpu", "cuda", "auto": a GPU when one can be used.

        report: gets a line, in the loading thread, when loading will take long, or a GPU cannot be used.
        """
        self.weights = weights
        self._keep, self._device, self._threads, self._report = keep, device, threads, report
        self._loading = threading.Lock()
        self._loaded: _Model | None = None

    @property
    def name(self) -> str:
        return self.weights.name

    @property
    def dim(self) -> int:
        return self._model().dim

    def load(self, *, offline: bool = True) -> None:
        """offline: the hub is not asked for what is missing, such as a tokenizer. Raises ModelError."""
        self._model(offline)

    def encode_images(self, images: Sequence[Image]) -> ImageFeatures:
        return self._model().encode_images(images)

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Texts are cut at the model's context length."""
        return self._model().encode_text(texts)

    def _model(self, offline: bool = True) -> _Model:
        with self._loading:
            if self._loaded is None:
                self._loaded = self._on_some_device(offline)
            return self._loaded

    def _on_some_device(self, offline: bool) -> _Model:
        if self._device != "auto":
            return self._on(self._device, offline)
        if not _gpu_is_there():
            return self._on("cpu", offline)
        try:
            return self._on("cuda", offline)
        except Exception as error:  # no room, a GPU too old for this torch, a driver too old
            model = self._on("cpu", offline)
            reason = " ".join(str(error).split())[:300]
            self._report(f"vision: on the CPU, as the GPU cannot be used: {reason}")
            return model

    def _on(self, device: str, offline: bool) -> _Model:
        model = _Model(self.weights, device, self._threads, offline)
        model.name_classes(self._keep, self._report)
        return model


class _Model:
    """The loaded model of an OpenClipEncoder."""

    def __init__(self, weights: ClipWeights, device: str, threads: int, offline: bool) -> None:
        open_clip = import_open_clip()
        import torch

        self._torch = torch
        # On a GPU too: pictures are made ready on the CPU, where by default every core waits for every other.
        torch.set_num_threads(threads)
        self._device = device
        self._half = device != "cpu"
        model, pretrained = weights.model, weights.pretrained
        quick_gelu = open_clip.get_pretrained_cfg(model, pretrained).get("quick_gelu", False)
        try:
            with _quietly(offline):
                self._model, self._prepare = open_clip.create_model_from_pretrained(
                    model,
                    pretrained=pretrained or None,
                    device=device,
                    precision="fp16" if self._half else "fp32",
                    force_quick_gelu=quick_gelu,
                )
                self._tokenize = open_clip.get_tokenizer(model)
        except Exception as error:  # torch, safetensors, the hub and open_clip, each with errors of its own
            reason = " ".join(str(error).split())[:300]
            raise ModelError(f"open_clip cannot load {model} {pretrained}: {reason}") from error
        self._model.eval()
        self._tower = self._model.visual
        # The class token's projection is the patches' only where the tower is open_clip's own.
        projection = getattr(self._tower, "proj", None)
        self._projection = projection if hasattr(self._tower, "output_tokens") else None
        if self._projection is not None:
            self._tower.output_tokens = True
        self._space = weights.name
        self._names: Sequence[str] = open_clip.IMAGENET_CLASSNAMES
        self._name_vectors = np.empty((0, 0), np.float32)

    def name_classes(self, keep: Path, report: Callable[[str], None]) -> None:
        """Before the first image: what the tags are chosen from."""

        def encode(prompts: Sequence[str]) -> NDArray[np.float32]:
            if len(prompts) == len(self._names):
                takes = "up to a minute" if self._device == "cpu" else "seconds"
                report(f"vision: the names of {len(prompts)} classes are encoded, once for all: {takes}")
            return self.encode_text(prompts)

        prompts = [_PROMPT.format(name) for name in self._names]
        self._name_vectors = kept_vectors(keep, "open_clip", self._space, prompts, encode)

    @property
    def dim(self) -> int:
        return self._name_vectors.shape[1]

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
        rows = []
        with self._torch.inference_mode():
            for start in range(0, len(texts), _TEXT_BATCH):
                tokens = self._tokenize(list(texts[start : start + _TEXT_BATCH])).to(self._device)
                rows.append(_unit(self._text_features(tokens)))
        return np.concatenate(rows) if rows else np.empty((0, self.dim), np.float32)

    def _text_features(self, tokens: Any) -> Any:
        """open_clip computes all 77 places of a text. Where no place looks ahead those behind the end change
        nothing: leaving them out is the same, and for a class name seven times faster.
        """
        model = self._model
        mask = getattr(model, "attn_mask", None)
        if mask is None or getattr(model, "text_pool_type", "") != "argmax":
            return model.encode_text(tokens)
        length = int(tokens.argmax(dim=-1).max()) + 1
        short = {
            "attn_mask": mask[:length, :length],
            "positional_embedding": model.positional_embedding[:length],
        }
        out = self._torch.func.functional_call(model, short, (None, tokens[:, :length]))
        return out["text_features"] if isinstance(out, dict) else out[1]

    def _tags(self, logits: NDArray[np.float32]) -> tuple[tuple[str, float], ...]:
        likely = np.exp(logits - logits.max())
        likely /= likely.sum()
        best = np.argsort(-likely, kind="stable")[:_TAGS]
        return tuple((self._names[i], float(likely[i])) for i in best)


def _gpu_is_there() -> bool:
    import torch

    return bool(torch.cuda.is_available())


def _unit(rows: Any) -> NDArray[np.float32]:
    """A tensor's rows (last axis) at length 1, on the CPU."""
    rows = rows.float()
    rows = rows / rows.norm(dim=-1, keepdim=True).clamp_min(1e-9)
    return np.asarray(rows.cpu().numpy(), np.float32)


def _digest(about: bytes, files: Sequence[Path]) -> str:
    """Of some bytes, and of the files' sizes and sixteen pieces of each: a checkpoint of gigabytes takes no time."""
    digest = hashlib.sha256(about)
    for path in files:
        size = path.stat().st_size
        digest.update(size.to_bytes(8, "little"))
        with path.open("rb") as file:
            for i in range(_SAMPLES):
                file.seek(i * max(size - _SAMPLE_BYTES, 0) // (_SAMPLES - 1))
                digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()[:12]


@contextmanager
def _quietly(offline: bool) -> Iterator[None]:
    """offline: what asks the hub meanwhile gets an error at once, and what lies in its cache is used as it is.

    open_clip logs an error before it raises it; a user is told once.
    """
    from huggingface_hub import constants

    hub_off, log_off = constants.HF_HUB_OFFLINE, logging.root.manager.disable
    constants.HF_HUB_OFFLINE = hub_off or offline
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = hub_off
        logging.disable(log_off)


@cache
def import_open_clip() -> Any:
    """The library, with torchvision importable beside any torch. Seconds. Raises ModelError."""
    install()
    try:
        import open_clip
    except (
        Exception
    ) as error:  # torchvision's operators fail with RuntimeError, a wrong library with OSError, and so on
        reason = " ".join(str(error).split())[:300]
        raise ModelError(f"open_clip cannot be imported: {reason}") from error
    return open_clip
