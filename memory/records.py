"""What goes into a memory's tables and comes out of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from runtime.messages import Clip, Observation, Vector


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """A file or session that is remembered.

    id: same for the same content. wall_zero_s: Unix time of media second 0, where known. settings_hash: of
    all settings and models that shape its records. vision_model: name of the encoder of its clips.
    """

    id: str
    path: str
    fingerprint: str
    duration_s: float | None = None
    has_audio: bool = True
    has_video: bool = True
    wall_zero_s: float | None = None
    settings_hash: str = ""
    vision_model: str | None = None
    added_at_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """How far a source is committed. Video is committed up to (excluding) video_done_s, speech up to
    said_done_s.
    """

    video_done_s: float = 0.0
    said_done_s: float = 0.0
    complete: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class StoredClip:
    """A clip as memory keeps it; its key frame and short-term memory are fetched by id.

    t_end_s is clamped to the as_of it was asked with. vector: (d,), appearance: (a,) float32 unit.
    """

    id: str
    source: str
    t_start_s: float
    t_end_s: float
    known_at_s: float
    vector: Vector
    appearance: Vector
    tags: tuple[tuple[str, float], ...]
    surprise: float
    frames: int
    keyframe_t_s: float


@dataclass(frozen=True, slots=True)
class Keyframe:
    """jpeg: the picture's bytes (of a screen WebP, see runtime/pictures.py); t_s: its media time."""

    clip: str
    source: str
    t_s: float
    jpeg: bytes


def fixed_list(rows: NDArray[Any]) -> pa.FixedSizeListArray:
    """(n, d) -> a float16 list column."""
    flat = np.ascontiguousarray(rows, dtype=np.float16)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat.ravel()), flat.shape[1])


def matrix(column: Any) -> NDArray[np.float32]:
    """A float16 list column -> (n, d) float32."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks)
    width = array.type.list_size
    return np.asarray(array.flatten()).astype(np.float32).reshape(-1, width)


def observation_table(
    observations: Iterable[Observation], schema: pa.Schema, ingested_at_s: float | None = None
) -> pa.Table:
    """ingested_at_s: Unix time at which they are taken in; when they were perceived is said in media time."""
    return pa.Table.from_pylist(
        [
            {
                "id": o.id,
                "source": o.source,
                "t_start_s": o.t_start_s,
                "t_end_s": o.t_end_s,
                "known_at_s": o.known_at_s,
                "modality": o.modality,
                "text": o.text,
                "confidence": o.confidence,
                "speaker": o.speaker,
                "details": json.dumps(dict(o.details), ensure_ascii=False, separators=(",", ":")),
                "ingested_at_s": ingested_at_s,
            }
            for o in observations
        ],
        schema=schema,
    )


def observations_of(table: pa.Table) -> list[Observation]:
    return [
        Observation(
            id=row["id"],
            source=row["source"],
            modality=row["modality"],
            text=row["text"],
            t_start_s=row["t_start_s"],
            t_end_s=row["t_end_s"],
            known_at_s=row["known_at_s"],
            confidence=row["confidence"],
            speaker=row["speaker"],
            details=json.loads(row["details"]),
        )
        for row in table.to_pylist()
    ]


def clip_table(clips: list[Clip], schema: pa.Schema, tags: int) -> pa.Table:
    columns = {
        "id": [c.id for c in clips],
        "source": [c.source for c in clips],
        "t_start_s": [c.t_start_s for c in clips],
        "t_end_s": [c.t_end_s for c in clips],
        "known_at_s": [c.known_s for c in clips],
        "vector": fixed_list(np.stack([c.vector for c in clips])),
        "appearance": fixed_list(np.stack([c.appearance for c in clips])),
        "tag_names": [[name for name, _ in c.tags[:tags]] for c in clips],
        "tag_probs": [[np.float16(p) for _, p in c.tags[:tags]] for c in clips],
        "surprise": [c.surprise for c in clips],
        "frames": [c.frames for c in clips],
        "keyframe_t_s": [c.keyframe_t_s for c in clips],
    }
    return pa.table(
        [
            pa.array(columns[f.name], f.type) if f.name not in ("vector", "appearance") else columns[f.name]
            for f in schema
        ],
        schema=schema,
    )


def clips_of(table: pa.Table, as_of_s: float | None = None) -> list[StoredClip]:
    if not table.num_rows:
        return []
    vectors, appearances = matrix(table["vector"]), matrix(table["appearance"])
    limit = np.inf if as_of_s is None else as_of_s
    return [
        StoredClip(
            id=row["id"],
            source=row["source"],
            t_start_s=row["t_start_s"],
            t_end_s=min(row["t_end_s"], limit),
            known_at_s=row["known_at_s"],
            vector=vectors[i],
            appearance=appearances[i],
            tags=tuple(zip(row["tag_names"], map(float, row["tag_probs"]), strict=True)),
            surprise=row["surprise"],
            frames=row["frames"],
            keyframe_t_s=row["keyframe_t_s"],
        )
        for i, row in enumerate(table.drop_columns(["vector", "appearance"]).to_pylist())
    ]
