"""The tables of a memory.

Derived tables (nodes) can be rebuilt from the lossless ones (observations, clips). Blobs live in tables of
their own (short_term, keyframes), so that no scan of a hot table reads them.
"""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = 4
"""2: observations say when they were taken in. 3: facts and notes. 4: faces, which an older Hearsight would not forget."""

META = "meta"
OBSERVATIONS = "observations"
KEYS = "keys"
CLIPS = "clips"
SHORT_TERM = "short_term"
NODES = "nodes"
KEYFRAMES = "keyframes"
SOURCES = "sources"
PROGRESS = "progress"
VAULT = "vault"
VOICES = "voices"
FACES = "faces"
PEOPLE = "people"
SPANS = "spans"
FACTS = "facts"
NOTES = "notes"
CONSOLIDATED = "consolidated"

_PACKED = {
    b"lance-encoding:compression": b"zstd",
    b"lance-encoding:structural-encoding": b"miniblock",
    b"lance-encoding:minichunk-size": b"32768",
}
"""Of columns of text: half the bytes. Lance compresses by chunks, of 4 KB where nothing is said, and larger values alone."""


def _packed(name: str) -> pa.Field:
    return pa.field(name, pa.string(), metadata=_PACKED)


_SPAN = [("source", pa.string()), ("t_start_s", pa.float64()), ("t_end_s", pa.float64())]

_FIXED = {
    META: pa.schema([("key", pa.string()), ("value", pa.string())]),
    OBSERVATIONS: pa.schema(
        [
            ("id", pa.string()),
            *_SPAN,
            ("known_at_s", pa.float64()),
            ("modality", pa.string()),
            _packed("text"),
            ("confidence", pa.float32()),
            ("speaker", pa.string()),
            _packed("details"),
            ("ingested_at_s", pa.float64()),
        ]
    ),
    VAULT: pa.schema(
        [
            ("id", pa.string()),
            ("record", pa.string()),
            ("modality", pa.string()),
            *_SPAN,
            ("known_at_s", pa.float64()),
            ("kind", pa.string()),
            ("caption", pa.string()),
            ("sealed", pa.large_binary()),
        ]
    ),
    SPANS: pa.schema([("record", pa.string()), *_SPAN, ("line", pa.int32())]),
    SHORT_TERM: pa.schema(
        [("clip", pa.string()), *_SPAN, ("shape", pa.list_(pa.int32())), ("data", pa.large_binary())]
    ),
    KEYFRAMES: pa.schema([("clip", pa.string()), *_SPAN, ("t_s", pa.float64()), ("jpeg", pa.large_binary())]),
    SOURCES: pa.schema(
        [
            ("id", pa.string()),
            ("path", pa.string()),
            ("fingerprint", pa.string()),
            ("duration_s", pa.float64()),
            ("has_audio", pa.bool_()),
            ("has_video", pa.bool_()),
            ("wall_zero_s", pa.float64()),
            ("settings_hash", pa.string()),
            ("vision_model", pa.string()),
            ("added_at_s", pa.float64()),
        ]
    ),
    PROGRESS: pa.schema(
        [
            ("seq", pa.int64()),
            ("source", pa.string()),
            ("video_done_s", pa.float64()),
            ("said_done_s", pa.float64()),
            ("complete", pa.bool_()),
        ]
    ),
    CONSOLIDATED: pa.schema(
        [
            ("id", pa.string()),
            ("source", pa.string()),
            ("extractor", pa.string()),
            ("done_s", pa.float64()),
            ("calls", pa.int64()),
            ("tokens", pa.int64()),
            ("at_wall_s", pa.float64()),
        ]
    ),
    PEOPLE: pa.schema(
        [
            ("id", pa.string()),
            ("seq", pa.int64()),
            ("kind", pa.string()),
            ("made_by", pa.string()),
            ("record", pa.string()),
            *_SPAN,
            ("known_at_s", pa.float64()),
            ("person", pa.string()),
            ("other", pa.string()),
            ("name", pa.string()),
            ("weight", pa.float64()),
            ("records", pa.list_(pa.string())),
            ("undoes", pa.int64()),
            ("at_wall_s", pa.float64()),
        ]
    ),
}


def keys_schema(dim: int) -> pa.Schema:
    """One row per text key of a record. seq: grows with every row the writer adds, so readers can fetch the
    news.
    """
    return pa.schema(
        [
            ("seq", pa.int64()),
            ("id", pa.string()),
            ("record", pa.string()),
            ("kind", pa.string()),
            ("modality", pa.string()),
            *_SPAN,
            ("known_at_s", pa.float64()),
            _packed("text"),
            _packed("norm"),
            ("vector", pa.list_(pa.float16(), dim)),
        ]
    )


def clips_schema(dim: int, appearance_dim: int) -> pa.Schema:
    return pa.schema(
        [
            ("id", pa.string()),
            *_SPAN,
            ("known_at_s", pa.float64()),
            ("vector", pa.list_(pa.float16(), dim)),
            ("appearance", pa.list_(pa.float16(), appearance_dim)),
            ("tag_names", pa.list_(pa.string())),
            ("tag_probs", pa.list_(pa.float16())),
            ("surprise", pa.float32()),
            ("frames", pa.int32()),
            ("keyframe_t_s", pa.float64()),
        ]
    )


def nodes_schema(dim: int) -> pa.Schema:
    """Events and episodes. vector: centroid of the text keys below (zero where there are none)."""
    return pa.schema(
        [
            ("id", pa.string()),
            ("level", pa.string()),
            *_SPAN,
            ("known_at_s", pa.float64()),
            ("vector", pa.list_(pa.float16(), dim)),
            ("appearance", pa.list_(pa.float16())),
            ("synopsis", pa.string()),
            ("children", pa.list_(pa.string())),
        ]
    )


def voices_schema(dim: int) -> pa.Schema:
    """Voice prints, one row for each utterance; id is its record's. seq counts on through this table, the faces' and the
    people's.
    """
    return pa.schema(
        [
            ("seq", pa.int64()),
            ("id", pa.string()),
            *_SPAN,
            ("known_at_s", pa.float64()),
            ("stretch", pa.string()),
            ("voice", pa.int32()),
            ("speech_s", pa.float32()),
            ("quality", pa.float32()),
            ("person", pa.string()),
            ("score", pa.float32()),
            ("runner_up", pa.float32()),
            ("vector", pa.list_(pa.float16(), dim)),
        ]
    )


def faces_schema(dim: int) -> pa.Schema:
    """Prints of faces, one row for each face of a clip. t_s: where it is seen best. seq as of the voices."""
    return pa.schema(
        [
            ("seq", pa.int64()),
            ("id", pa.string()),
            ("clip", pa.string()),
            *_SPAN,
            ("known_at_s", pa.float64()),
            ("t_s", pa.float64()),
            ("number", pa.int32()),
            ("looks", pa.int32()),
            ("quality", pa.float32()),
            ("person", pa.string()),
            ("score", pa.float32()),
            ("runner_up", pa.float32()),
            ("vector", pa.list_(pa.float16(), dim)),
        ]
    )


def facts_schema(dim: int) -> pa.Schema:
    """What records assert, one row each, never changed; memory/consolidation/ledger.py says what holds. vector: of the
    relation and its object. records: all that it was made of. number: which one of its record's. wall_s: known_at_s as Unix time.
    """
    return pa.schema(
        [
            ("id", pa.string()),
            ("record", pa.string()),
            ("records", pa.list_(pa.string())),
            ("number", pa.int32()),
            *_SPAN,
            ("known_at_s", pa.float64()),
            ("wall_s", pa.float64()),
            ("speaker", pa.string()),
            ("subject", pa.string()),
            ("relation", pa.string()),
            ("object", pa.string()),
            ("ended", pa.bool_()),
            ("when_s", pa.float64()),
            ("until_s", pa.float64()),
            ("confidence", pa.float32()),
            ("words", pa.string()),
            ("span_begin", pa.int32()),
            ("span_end", pa.int32()),
            ("extractor", pa.string()),
            ("prompt_hash", pa.string()),
            ("made_at_s", pa.float64()),
            ("vector", pa.list_(pa.float16(), dim)),
        ]
    )


def notes_schema(dim: int) -> pa.Schema:
    """One row for each episode; basis: a hash of what it was made of; wall_s: known_at_s as Unix time. Links are not stored."""
    return pa.schema(
        [
            ("id", pa.string()),
            ("node", pa.string()),
            *_SPAN,
            ("known_at_s", pa.float64()),
            ("wall_s", pa.float64()),
            ("text", pa.string()),
            ("keywords", pa.list_(pa.string())),
            ("tags", pa.list_(pa.string())),
            ("basis", pa.string()),
            ("vector", pa.list_(pa.float16(), dim)),
        ]
    )


def fixed_schema(name: str) -> pa.Schema:
    return _FIXED[name]


def schemas(dim: int) -> dict[str, pa.Schema]:
    """Of all tables that are made with a memory; dim: of the text vectors. Clips wait for their first vector."""
    return dict(_FIXED) | {
        KEYS: keys_schema(dim),
        NODES: nodes_schema(dim),
        FACTS: facts_schema(dim),
        NOTES: notes_schema(dim),
    }
