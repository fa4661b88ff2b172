"""Keys on their way into the store: their texts are encoded in batches, in the text encoder's own thread."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from memory.keys import Key
from memory.records import fixed_list
from memory.store import Store
from runtime.compute import Compute
from runtime.messages import Observation
from runtime.models import TextEncoder

_BATCH = 64


async def write_keys(
    store: Store, encoder: TextEncoder, compute: Compute, keys: Sequence[tuple[Observation, Key]]
) -> None:
    """Appends the keys, each with its record, in this order."""
    if not keys:
        return
    parts = []
    for start in range(0, len(keys), _BATCH):
        texts = [key.text for _, key in keys[start : start + _BATCH]]
        parts.append(await compute.run("text encoder", encoder.encode, texts))
    rows = [
        {
            "id": key.id,
            "record": record.id,
            "kind": key.kind,
            "modality": record.modality,
            "source": record.source,
            "t_start_s": record.t_start_s,
            "t_end_s": record.t_end_s,
            "known_at_s": record.known_at_s,
            "text": key.text,
            "norm": key.norm,
        }
        for record, key in keys
    ]
    await store.add_keys(rows, fixed_list(np.concatenate(parts)))
