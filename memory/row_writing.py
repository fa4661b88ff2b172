"""The rows that perceived things become: records, their keys, clips with pictures and patch tokens, and what is sealed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa

from memory import schema
from memory.discretion import clean, cover
from memory.key_writing import write_keys
from memory.keys import Key, keys_of
from memory.records import clip_table, observation_table
from memory.settings import MemorySettings
from memory.store import Store
from memory.vault import Sealed, public_key, vault_table
from runtime.compute import Compute
from runtime.messages import Clip, Observation
from runtime.models import TextEncoder


class RowWriter:
    """Appends to the tables of a store; commits nothing itself. previous: the turn before the next one that is said."""

    def __init__(
        self,
        store: Store,
        text_encoder: TextEncoder,
        compute: Compute,
        settings: MemorySettings,
        wall: Callable[[], float],
    ) -> None:
        """wall: Unix time, for when records are taken in."""
        self._store = store
        self._encoder = text_encoder
        self._compute = compute
        self._settings = settings
        self._wall = wall
        self.previous: Observation | None = None

    async def write(
        self, records: Sequence[Observation], spoken: Sequence[Observation], clips: Sequence[Clip]
    ) -> None:
        """Appends what was seen and read, what was said, and clips, without their secrets. Raises MemoryStoreError."""
        records, spoken, clips, sealed = await self._without_secrets(records, spoken, clips)
        keys: list[tuple[Observation, Key]] = [(r, key) for r in records for key in keys_of(r, None)]
        for said in spoken:
            keys += [(said, key) for key in keys_of(said, self.previous)]
            self.previous = said if said.modality == "said" else self.previous
        everything = [*records, *spoken]
        await self._store.add(
            schema.OBSERVATIONS,
            observation_table(everything, schema.fixed_schema(schema.OBSERVATIONS), self._wall()),
        )
        await self._write_keys(keys)
        await self._store.add(schema.VAULT, vault_table(sealed))
        if clips:
            await self._write_clips(list(clips))

    async def _without_secrets(
        self, records: Sequence[Observation], spoken: Sequence[Observation], clips: Sequence[Clip]
    ) -> tuple[Sequence[Observation], Sequence[Observation], Sequence[Clip], list[Sealed]]:
        """As the settings want it; where there is no vault yet, what should go there is redacted."""
        if self._settings.secrets in ("auto", "keep"):
            return records, spoken, clips, []
        key = public_key(self._store) if self._settings.secrets == "vault" else None
        seen, heard = [clean(r, key) for r in records], [clean(s, key) for s in spoken]
        covering = [c for c in (*seen, *heard) if c.boxes]
        if covering:
            clips = [await self._compute.run("redaction", cover, clip, covering) for clip in clips]
        sealed = [entry for cleaned in (*seen, *heard) for entry in cleaned.sealed]
        return [c.record for c in seen], [c.record for c in heard], clips, sealed

    async def _write_keys(self, keys: list[tuple[Observation, Key]]) -> None:
        keys.sort(key=lambda pair: (pair[0].known_at_s, pair[1].id))
        await write_keys(self._store, self._encoder, self._compute, keys)

    async def _write_clips(self, clips: list[Clip]) -> None:
        shape = schema.clips_schema(len(clips[0].vector), len(clips[0].appearance))
        await self._store.add(schema.CLIPS, clip_table(clips, shape, self._settings.tags))
        spans = [
            {"clip": c.id, "source": c.source, "t_start_s": c.t_start_s, "t_end_s": c.t_end_s} for c in clips
        ]
        frames = [
            span | {"t_s": c.keyframe_t_s, "jpeg": c.keyframe} for span, c in zip(spans, clips, strict=True)
        ]
        await self._store.add(
            schema.KEYFRAMES, pa.Table.from_pylist(frames, schema=schema.fixed_schema(schema.KEYFRAMES))
        )
        short = [
            span | {"shape": list(c.short_term.shape), "data": c.short_term.tobytes()}
            for span, c in zip(spans, clips, strict=True)
            if c.short_term is not None
        ]
        await self._store.add(
            schema.SHORT_TERM, pa.Table.from_pylist(short, schema=schema.fixed_schema(schema.SHORT_TERM))
        )
