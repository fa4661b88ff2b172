"""Texts to vectors: all-MiniLM-L6-v2 as a CTranslate2 int8 encoder, without torch.

Sentence embeddings by mean pooling over the tokens (Reimers & Gurevych, Sentence-BERT, 2019).
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import ctranslate2
import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from runtime.errors import ModelError
from runtime.weights import Registry

MAX_TOKENS = 256
BATCH_TOKENS = 4096
REMEMBERED = 4096


async def packaged_encoder() -> MiniLMEncoder:
    """The encoder that comes with Hearsight; its weights are fetched if they are not here. Raises ModelError."""
    folder = await Registry.load().ensure("minilm", lambda _: None)
    return await asyncio.to_thread(MiniLMEncoder, folder)


class MiniLMEncoder:
    """A TextEncoder (runtime.models). Blocking, for one thread at a time: call it through runtime.compute.

    path: folder made by runtime.weights ("minilm").  threads: CPU threads of one call.
    remembered: recent texts whose vectors are kept, as the same words are read from a screen again and again.
    ModelError: the folder does not hold the model.
    """

    def __init__(self, path: Path, threads: int = 1, remembered: int = REMEMBERED) -> None:
        try:
            self._dim = int(json.loads((path / "encoder.json").read_text())["dim"])
            self._tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
            self._encoder = ctranslate2.Encoder(
                str(path), device="cpu", compute_type="int8", inter_threads=1, intra_threads=threads
            )
        # tokenizers raises bare Exception
        except Exception as error:
            raise ModelError(f"{path} does not hold the text encoder: {error}") from error
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()
        self._remembered = remembered
        self._known: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    @property
    def name(self) -> str:
        return "all-MiniLM-L6-v2"

    @property
    def dim(self) -> int:
        return self._dim

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, 384) float32, each row of length 1. What goes past 256 tokens of a text is not seen."""
        vectors = {text: self._known[text] for text in texts if text in self._known}
        fresh = [text for text in dict.fromkeys(texts) if text not in vectors]
        vectors.update(self._compute(fresh))
        for text in texts:
            self._known[text] = vectors[text]
            self._known.move_to_end(text)
        while len(self._known) > self._remembered:
            self._known.popitem(last=False)
        if not texts:
            return np.empty((0, self._dim), dtype=np.float32)
        return np.stack([vectors[text] for text in texts])

    def _compute(self, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        vectors: dict[str, NDArray[np.float32]] = {}
        # Texts of like length go together, so that little is computed for padding.
        order = sorted(range(len(texts)), key=lambda i: len(tokens[i]), reverse=True)
        start = 0
        while start < len(order):
            count = max(1, BATCH_TOKENS // len(tokens[order[start]]))
            batch = order[start : start + count]
            start += count
            for i, vector in zip(batch, self._pooled([tokens[i] for i in batch]), strict=True):
                vectors[texts[i]] = vector.copy()  # a view would keep its whole batch alive
        return vectors

    def _pooled(self, tokens: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """(n, dim) unit rows: mean over each text's own tokens, padding left out."""
        output = self._encoder.forward_batch([list(ids) for ids in tokens])
        states = np.array(output.last_hidden_state, dtype=np.float32)
        lengths = np.array([len(ids) for ids in tokens])
        real = np.arange(states.shape[1])[None, :] < lengths[:, None]
        pooled = (states * real[:, :, None]).sum(axis=1) / lengths[:, None]
        unit: NDArray[np.float32] = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return unit.astype(np.float32)
