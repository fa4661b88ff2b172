"""The records of a memory as they lie in its tables: by id, by source and span, and what was to be seen then."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from memory import schema
from memory.records import Keyframe, StoredClip, clips_of, observations_of
from memory.store import Store, quoted
from runtime.messages import Modality, Observation


class Reader:
    """Reads what is committed; of a store that stays the caller's to close."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def clips(
        self, source: str, as_of_s: float | None = None, span: tuple[float, float] | None = None
    ) -> list[StoredClip]:
        """All clips of a source that were known by as_of_s, and touch a span, in order of time."""
        where = visible(as_of_s, frozenset((source,))) + _touching(span)
        rows = await self._store.rows(schema.CLIPS, where)
        clips = clips_of(rows, as_of_s) if rows is not None else []
        return sorted(clips, key=lambda c: (c.t_start_s, c.id))

    async def neighbours(self, record_id: str, n: int = 2, as_of_s: float | None = None) -> list[Observation]:
        """Up to n records of the same modality and source before and after a record, with it, in order of
        time.
        """
        found = await self.records(f"id = {quoted(record_id)}")
        if not found:
            return []
        one = found[0]
        where = f"{visible(as_of_s, frozenset((one.source,)))} AND modality = {quoted(one.modality)}"
        span = 60.0 * (n + 1)
        while True:
            near = f"t_start_s >= {one.t_start_s - span!r} AND t_start_s <= {one.t_start_s + span!r}"
            records = await self.records(f"{where} AND {near}")
            records.sort(key=lambda o: (o.t_start_s, o.known_at_s, o.id))
            at = next((i for i, o in enumerate(records) if o.id == record_id), None)
            if at is None:
                return []
            if (at >= n and len(records) - at > n) or span > 1e7:
                return records[max(0, at - n) : at + n + 1]
            span *= 8

    async def observations(
        self,
        source: str,
        as_of_s: float | None = None,
        modality: Modality | None = None,
        span: tuple[float, float] | None = None,
    ) -> list[Observation]:
        """All records of a source that were known by as_of_s, and touch a span, in order of time."""
        where = visible(as_of_s, frozenset((source,))) + _touching(span)
        if modality is not None:
            where += f" AND modality = {quoted(modality)}"
        records = await self.records(where)
        return sorted(records, key=lambda o: (o.t_start_s, o.known_at_s, o.id))

    async def keyframe(self, clip_id: str) -> Keyframe | None:
        rows = await self._store.rows(schema.KEYFRAMES, f"clip = {quoted(clip_id)}")
        return _keyframes(rows)[0] if rows is not None and rows.num_rows else None

    async def keyframe_at(self, source: str, t_s: float, as_of_s: float | None = None) -> Keyframe | None:
        """The key frame taken nearest to t_s, of the clips known by as_of_s."""
        limit = "" if as_of_s is None else f" AND t_end_s <= {as_of_s!r}"
        where = f"source = {quoted(source)}{limit}"
        rows = await self._store.rows(schema.KEYFRAMES, where, ["clip", "t_s"])
        if rows is None or not rows.num_rows:
            return None
        nearest = min(rows.to_pylist(), key=lambda row: (abs(row["t_s"] - t_s), row["clip"]))
        return await self.keyframe(nearest["clip"])

    async def short_term(self, clip_id: str) -> NDArray[np.float16] | None:
        """(steps, cells, d) patch tokens of a clip; None once dropped, or when the encoder has none."""
        rows = await self._store.rows(schema.SHORT_TERM, f"clip = {quoted(clip_id)}")
        if rows is None or not rows.num_rows:
            return None
        row = rows.to_pylist()[0]
        return np.frombuffer(row["data"], np.float16).reshape(row["shape"])

    async def records(self, where: str) -> list[Observation]:
        rows = await self._store.rows(schema.OBSERVATIONS, where)
        return observations_of(rows) if rows is not None else []

    async def nearest_clips(self, vector: NDArray[np.float32], where: str, k: int) -> dict[str, float]:
        """id -> cosine of the k nearest, with all that tie with the last: which of them stay, time
        decides.
        """
        limit = 2 * k
        while True:
            found = await self._store.nearest(schema.CLIPS, vector, where, limit, ["id", "_distance"])
            scores = {row["id"]: 1.0 - row["_distance"] for row in found}
            ordered = sorted(scores.values(), reverse=True)
            if len(ordered) < limit or ordered[-1] < ordered[k - 1]:
                return scores
            limit *= 4


def visible(as_of_s: float | None, sources: frozenset[str] | None) -> str:
    parts = [] if as_of_s is None else [f"known_at_s <= {as_of_s!r}"]
    if sources is not None:
        parts.append(f"source IN ({', '.join(map(quoted, sorted(sources)))})" if sources else "false")
    return " AND ".join(parts) or "true"


def _touching(span: tuple[float, float] | None) -> str:
    return "" if span is None else f" AND t_end_s >= {span[0]!r} AND t_start_s <= {span[1]!r}"


def _keyframes(rows: pa.Table) -> list[Keyframe]:
    found: list[dict[str, Any]] = rows.to_pylist()
    return [Keyframe(row["clip"], row["source"], row["t_s"], row["jpeg"]) for row in found]
