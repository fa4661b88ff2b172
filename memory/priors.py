"""Coarse to fine: how well the events and episodes around a record fit the question (HCAM's session
prior).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from memory.quantise import Quantised, quantise, query_of
from memory.records import matrix
from memory.settings import SearchSettings


@dataclass(frozen=True, slots=True, eq=False)
class _Level:
    """The nodes of one level of one source, in order of time."""

    t_start_s: NDArray[np.float64]
    t_end_s: NDArray[np.float64]
    known_at_s: NDArray[np.float64]
    vectors: Quantised


class Priors:
    """rows: the node table's columns source, level, t_start_s, t_end_s, known_at_s, vector."""

    def __init__(self, rows: pa.Table | None, settings: SearchSettings) -> None:
        self._weights = {"event": settings.event_prior, "episode": settings.episode_prior}
        self._levels: dict[tuple[str, str], _Level] = {}
        if rows is None or not rows.num_rows:
            return
        rows = rows.sort_by("t_start_s").combine_chunks()
        vectors = matrix(rows["vector"])
        places: dict[tuple[str, str], list[int]] = {}
        for i, where in enumerate(zip(rows["source"].to_pylist(), rows["level"].to_pylist(), strict=True)):
            places.setdefault(where, []).append(i)
        start, end, known = (
            np.asarray(rows[c], dtype=np.float64) for c in ("t_start_s", "t_end_s", "known_at_s")
        )
        for where, at in places.items():
            self._levels[where] = _Level(start[at], end[at], known[at], quantise(vectors[at]))

    def factors(
        self,
        sources: NDArray[np.object_],
        t_s: NDArray[np.float64],
        vector: NDArray[np.float32],
        as_of_s: float,
    ) -> NDArray[np.float64]:
        """For each (source, time): 1 + weighted likeness of the event and episode there that ended by as_of_s."""
        query = query_of(vector)
        out = np.ones(len(t_s))
        for source in sorted(set(sources.tolist())):
            mine = np.flatnonzero(sources == source)
            for name, weight in self._weights.items():
                level = self._levels.get((source, name))
                if level is None or not weight:
                    continue
                at = np.searchsorted(level.t_start_s, t_s[mine], side="right") - 1
                inside = (at >= 0) & (t_s[mine] < level.t_end_s[at]) & (level.known_at_s[at] <= as_of_s)
                nodes, inverse = np.unique(at[inside], return_inverse=True)
                out[mine[inside]] += weight * np.maximum(level.vectors.dot(query, nodes), 0.0)[inverse]
        return out
