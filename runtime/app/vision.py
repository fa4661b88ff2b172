"""Which encoder looks at the pictures: the one a memory was made with, else open_clip, else the packaged model."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from math import ceil

from memory import Store
from memory.text_encoder import MiniLMEncoder
from perception.settings import VisionSettings
from perception.vision.clip import (
    ClipWeights,
    OpenClipEncoder,
    clip_weights,
    in_hub_cache,
    on_hub,
    published_weights,
)
from perception.vision.imagenet import ImageNetEncoder
from runtime.compute import Compute
from runtime.errors import HearsightError, ModelError
from runtime.model_cache import cache_root
from runtime.models import VisionEncoder
from runtime.weights import Registry

IMAGENET = "efficientnet-lite2"
CATALOGUED = {"open_clip/ViT-B-32:laion2b_s34b_b79k": "open-clip-vit-b-32"}
"""Published weights that configs/models.toml has too, by the name of their space."""
HUB_PATIENCE_S = 3.0


class VisionModels:
    """Finds, gets and loads the encoder of the one memory that this process works with."""

    def __init__(
        self, settings: VisionSettings, registry: Registry, compute: Compute, report: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._compute = compute
        self._report = report
        self._lock = asyncio.Lock()
        self._encoder: VisionEncoder | None = None

    async def to_perceive(self, store: Store) -> VisionEncoder:
        """The encoder for new clips, loaded: that of the clips which the memory has; where it has none the
        settings choose, and the memory remembers. Raises ModelError, ConfigError, MemoryStoreError.
        """
        async with self._lock:
            if self._encoder is None:
                made_with = store.meta.get("vision_model")
                if made_with is None:
                    encoder = await self._chosen()
                else:
                    encoder = await self._made_with(store, made_with)
                    if self._wants_another(made_with):
                        self._report(f"vision: this memory was made with {made_with} and goes on with it")
                if isinstance(encoder, OpenClipEncoder):
                    await self._load(encoder)
                self._encoder = encoder
            await store.claim_model("vision", self._encoder.name, _place(self._encoder))
            return self._encoder

    async def to_ask(self, store: Store) -> VisionEncoder | None:
        """The encoder that the memory's clips were made with. None: it has no clips, or their encoder cannot be
        had (said in one line), so that what was said and read can still be asked for.
        """
        made_with = store.meta.get("vision_model")
        if made_with is None:
            return None
        async with self._lock:
            if self._encoder is None:
                try:
                    self._encoder = await self._made_with(store, made_with)
                except HearsightError as error:
                    self._report(f"vision: what was seen is not searched: {error}")
            return self._encoder

    async def _chosen(self) -> VisionEncoder:
        if self._settings.encoder == "imagenet":
            return await self._imagenet(IMAGENET)
        try:
            return await self._clip(clip_weights(self._settings.model, self._settings.pretrained))
        except ModelError as error:
            if self._settings.encoder == "open_clip":
                raise
            self._report(f"vision: the packaged ImageNet model, because {error}")
            return await self._imagenet(IMAGENET)

    async def _made_with(self, store: Store, name: str) -> VisionEncoder:
        """ModelError: it cannot be had."""
        try:
            if name.startswith("open_clip/own-"):
                return await self._clip(self._own(name, store.meta.get("vision_weights")))
            if name.startswith("open_clip/"):
                return await self._clip(published_weights(name))
            model = name.partition("+")[0]
            encoder = await self._imagenet(model if model in self._registry.names() else IMAGENET)
            if encoder.name != name:
                raise ModelError(f"the packaged one is {encoder.name}")
            return encoder
        except HearsightError as error:
            raise ModelError(f"memory {store.uri} was made with the encoder {name}: {error}") from None

    def _own(self, name: str, place: str | None) -> ClipWeights:
        """The user's own weights, where they were or where the settings say. ModelError: at neither place."""
        places = [(self._settings.model, self._settings.pretrained)]
        if place is not None:
            model, pretrained = json.loads(place)
            places.insert(0, (model, pretrained))
        gone = ""
        for model, pretrained in places:
            try:
                weights = clip_weights(model, pretrained)
            except ModelError as error:
                gone = gone or str(error)
                continue
            if weights.name == name:
                return weights
        raise ModelError(f"{gone or 'its weights were changed'}; say where they are now with vision.model")

    def _wants_another(self, made_with: str) -> bool:
        if self._settings.encoder != "open_clip":
            return self._settings.encoder == "imagenet" and made_with.startswith("open_clip/")
        try:
            return clip_weights(self._settings.model, self._settings.pretrained).name != made_with
        except ModelError:
            return True

    async def _imagenet(self, model: str) -> ImageNetEncoder:
        # Its text side has a session of its own: an encoder serves one thread at a time.
        text = MiniLMEncoder(await self._registry.ensure("minilm", self._report))
        folder = await self._registry.ensure(model, self._report)
        return await self._compute.run("load vision", ImageNetEncoder, folder, text, self._settings.threads)

    async def _clip(self, weights: ClipWeights) -> OpenClipEncoder:
        """Its weights are here then, and perhaps not loaded. ModelError: they cannot be had."""
        download = ""
        if weights.name in CATALOGUED:
            weights = replace(weights, pretrained=await self._catalogued(CATALOGUED[weights.name]))
        elif not weights.own and not await self._compute.run("load vision", in_hub_cache, weights):
            repo, files = on_hub(weights)
            download = f"{await self._mb_on_hub(repo, files)} MB from the hub ({repo})"
        settings = self._settings
        encoder = OpenClipEncoder(
            weights, cache_root() / "models", settings.device, settings.threads, self._report
        )
        if download:
            self._report(f"vision: downloading {download}")
            await self._compute.run("load vision", partial(encoder.load, offline=False))
        return encoder

    async def _load(self, encoder: OpenClipEncoder) -> None:
        self._report(f"vision: loading {encoder.name}")
        try:
            await self._compute.run("load vision", encoder.load)
        except ModelError:
            # The weights may be here and a tokenizer not: then the hub is needed after all.
            await self._compute.run("load vision", partial(encoder.load, offline=False))

    async def _catalogued(self, model: str) -> str:
        """The file with the weights of a model of configs/models.toml."""
        spec = self._registry.spec(model)
        try:
            folder = self._registry.locate(model)
        except ModelError:
            repo = spec.sources[0].hf
            if repo is not None:
                try:
                    await self._mb_on_hub(repo, spec.requires)
                except ModelError as error:
                    raise ModelError(
                        f"{error}; with network, `hearsight models pull {model}` gets it"
                    ) from None
            folder = await self._registry.ensure(model, self._report)
        return str(folder / spec.requires[0])

    async def _mb_on_hub(self, repo: str, files: Sequence[str]) -> int:
        """Size of the first of the files that the hub has. ModelError: none, or no answer in good time."""
        try:
            async with asyncio.timeout(HUB_PATIENCE_S):
                return await self._compute.run("hub", _size_mb, repo, files)
        except TimeoutError:
            raise ModelError(f"{repo} is not here and the hub does not answer") from None


def vision_outlook(settings: VisionSettings, registry: Registry) -> str:
    """What a new memory would get, as a line of `doctor`. Uses no network."""
    packaged = "the packaged ImageNet model"
    if settings.encoder == "imagenet":
        return f"ok       vision: {packaged}, by vision.encoder"
    try:
        weights = clip_weights(settings.model, settings.pretrained)
        if weights.name in CATALOGUED:
            registry.locate(CATALOGUED[weights.name])
        elif not weights.own and not in_hub_cache(weights):
            raise ModelError(f"{weights.name} is not here: the hub has it")
    except HearsightError as error:
        return f"note     vision: {packaged}, 1000 classes only, unless the hub answers: {error}"
    return f"ok       vision: {weights.name}"


def _place(encoder: VisionEncoder) -> str:
    """Where weights of the user's own lie; what others publish is found by its name."""
    if not isinstance(encoder, OpenClipEncoder) or not encoder.weights.own:
        return ""
    return json.dumps([encoder.weights.model, encoder.weights.pretrained])


def _size_mb(repo: str, files: Sequence[str]) -> int:
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import EntryNotFoundError, OfflineModeIsEnabled

    for file in files:
        try:
            found = get_hf_file_metadata(hf_hub_url(repo, file), timeout=HUB_PATIENCE_S)
        except EntryNotFoundError:
            continue
        except OfflineModeIsEnabled:
            raise ModelError(f"{repo} is not here and HF_HUB_OFFLINE is set") from None
        except Exception as error:  # the hub's, its HTTP client's and the socket's share no base class
            reason = " ".join(str(error).split())[:120]
            raise ModelError(f"{repo} is not here and the hub cannot be reached ({reason})") from None
        return ceil((found.size or 0) / 1e6)
    raise ModelError(f"{repo} on the hub has none of {', '.join(files)}")
