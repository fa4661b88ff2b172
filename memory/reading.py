"""The records of a memory as they lie in its tables: by id, by source and span, and what was to be seen then."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from memory import schema
from memory.records import Keyframe, StoredClip, clips_of, observations_of
from memory.screen_pictures import picture_of
from memory.store import Store, quoted
from runtime.messages import Modality, Observation

_SAME_S = 1e-4


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

    async def neighbours_of(
        self, record_ids: Sequence[str], n: int = 2, as_of_s: float | None = None
    ) -> dict[str, list[Observation]]:
        """Of each record that is there: up to n records of its modality and source before and after it, with it, in
        order of time. One look for all of them, a wider one for those that have few nearby.
        """
        if not record_ids:
            return {}
        waiting = await self.records(f"id IN ({', '.join(map(quoted, record_ids))})")
        found: dict[str, list[Observation]] = {}
        span_s = 60.0 * (n + 1)
        while waiting:
            near = " OR ".join(f"({_alike(one, span_s)})" for one in waiting)
            records = await self.records(f"{visible(as_of_s, None)} AND ({near})")
            records.sort(key=lambda o: (o.t_start_s, o.known_at_s, o.id))
            few = []
            for one in waiting:
                alike = [o for o in records if _is_alike(o, one, span_s)]
                at = next((i for i, o in enumerate(alike) if o.id == one.id), None)
                if at is None:
                    continue
                if (at >= n and len(alike) - at > n) or span_s > 1e7:
                    found[one.id] = alike[max(0, at - n) : at + n + 1]
                else:
                    few.append(one)
            waiting, span_s = few, span_s * 8
        return found

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
        rows = await self._store.rows(schema.KEYFRAMES, f"clip = {quoted(clip_id)}", ["source", "t_s"])
        picture = await picture_of(self._store, clip_id)
        if rows is None or not rows.num_rows or picture is None:
            return None
        row = rows.to_pylist()[0]
        return Keyframe(clip_id, row["source"], row["t_s"], picture)

    async def keyframe_at(self, source: str, t_s: float, as_of_s: float | None = None) -> Keyframe | None:
        """The key frame taken nearest to t_s, of the clips known by as_of_s; of a conversation only a picture that came then."""
        limit = ""
        about = await self._store.rows(schema.SOURCES, f"id = {quoted(source)}", ["wall_zero_s"])
        if about is not None and 0.0 in about["wall_zero_s"].to_pylist():
            limit += f" AND t_start_s >= {t_s - _SAME_S!r} AND t_start_s <= {t_s + _SAME_S!r}"
        where = f"source = {quoted(source)}{limit}"
        rows = await self._store.rows(schema.KEYFRAMES, where, ["clip", "t_s"])
        taken = rows.to_pylist() if rows is not None else []
        if taken and as_of_s is not None:  # a key frame's own times do not say that it was told late
            clips = await self._store.rows(schema.CLIPS, visible(as_of_s, frozenset((source,))), ["id"])
            known = set(clips["id"].to_pylist()) if clips is not None else set()
            taken = [row for row in taken if row["clip"] in known]
        if not taken:
            return None
        nearest = min(taken, key=lambda row: (abs(row["t_s"] - t_s), row["clip"]))
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


def _alike(one: Observation, span_s: float) -> str:
    return (
        f"source = {quoted(one.source)} AND modality = {quoted(one.modality)} "
        f"AND t_start_s >= {one.t_start_s - span_s!r} AND t_start_s <= {one.t_start_s + span_s!r}"
    )


def _is_alike(other: Observation, one: Observation, span_s: float) -> bool:
    return (other.source, other.modality) == (one.source, one.modality) and (
        one.t_start_s - span_s <= other.t_start_s <= one.t_start_s + span_s
    )


def _touching(span: tuple[float, float] | None) -> str:
    return "" if span is None else f" AND t_end_s >= {span[0]!r} AND t_start_s <= {span[1]!r}"
