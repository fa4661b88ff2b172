"""Rows of the table of facts, and what they come to: each fact with when it held, and what took its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from memory import schema
from memory.consolidation.assertion import Assertion, Kind, assertion_id, relation
from memory.records import fixed_list, matrix
from runtime.messages import Observation, Vector


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """An assertion as the memory keeps it. record, records: those it was made of; speaker: as the record has it.

    known_at_s: in the source's time; wall_s: the same moment as Unix time. vector: (d,) unit, of what is said of the subject.
    """

    id: str
    record: str
    records: tuple[str, ...]
    number: int
    source: str
    t_start_s: float
    t_end_s: float
    known_at_s: float
    wall_s: float
    speaker: str | None
    made: Assertion
    extractor: str
    prompt_hash: str
    vector: Vector


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that holds, or held, of a subject. text: the whole of it in a sentence.

    valid_from_s, valid_to_s: Unix time of the event, None for still; known_at_s: when it became known, in the source's time.
    superseded_by, supersedes: ids of facts; ended_by: the record by which it ended. evidence: ids of all records that say
    so, first the one it was made of; words: the sentence there, span: its characters. near: ids of facts that may be the
    same (.80 to .92), to be looked at when idle.
    """

    id: str
    kind: Kind
    subject: str
    relation: str
    object: str
    text: str
    confidence: float
    valid_from_s: float
    valid_to_s: float | None
    known_at_s: float
    source: str
    evidence: tuple[str, ...]
    words: str
    span: tuple[int, int]
    extractor: str
    prompt_hash: str = ""
    superseded_by: str | None = None
    supersedes: str | None = None
    ended_by: str | None = None
    near: tuple[str, ...] = ()


def said_of(one: Assertion) -> str:
    """What it says of its subject: "lives in Oslo"."""
    return relation(one.relation).phrase.format(one.object).strip()


def fact_table(
    made: Sequence[tuple[Sequence[Observation], float, Assertion]],
    vectors: NDArray[np.float32],
    extractor: str,
    prompt_hash: str,
    at_wall_s: float,
) -> pa.Table:
    """made: the records of each assertion (first the one it stands in), Unix time of their source's zero, the assertion.
    vectors: (n, d), one for each.
    """
    rows: list[dict[str, Any]] = []
    counts: dict[str, int] = {}
    for records, zero_s, one in made:
        record = records[0]
        counts[record.id] = counts.get(record.id, -1) + 1
        rows.append(
            {
                "id": assertion_id(record.id, one, extractor),
                "record": record.id,
                "records": [r.id for r in records],
                "number": counts[record.id],
                "source": record.source,
                "t_start_s": record.t_start_s,
                "t_end_s": record.t_end_s,
                "known_at_s": max(r.known_at_s for r in records),
                "wall_s": zero_s + max(r.known_at_s for r in records),
                "speaker": record.speaker,
                "subject": one.subject,
                "relation": one.relation,
                "object": one.object,
                "ended": one.ended,
                "when_s": one.when_s,
                "until_s": one.until_s,
                "confidence": one.confidence,
                "words": one.words,
                "span_begin": one.span[0],
                "span_end": one.span[1],
                "extractor": extractor,
                "prompt_hash": prompt_hash,
                "made_at_s": at_wall_s,
            }
        )
    shape = schema.facts_schema(vectors.shape[1])
    columns = [
        fixed_list(vectors) if f.name == "vector" else pa.array([row[f.name] for row in rows], f.type)
        for f in shape
    ]
    return pa.table(columns, schema=shape)


def stored_of(table: pa.Table) -> list[Stored]:
    """In the order in which they became known: by Unix time, then id."""
    if not table.num_rows:
        return []
    vectors = matrix(table["vector"])
    found = [
        Stored(
            id=row["id"],
            record=row["record"],
            records=tuple(row["records"]),
            number=row["number"],
            source=row["source"],
            t_start_s=row["t_start_s"],
            t_end_s=row["t_end_s"],
            known_at_s=row["known_at_s"],
            wall_s=row["wall_s"],
            speaker=row["speaker"],
            made=Assertion(
                subject=row["subject"],
                relation=row["relation"],
                object=row["object"],
                words=row["words"],
                span=(row["span_begin"], row["span_end"]),
                confidence=round(float(row["confidence"]), 4),
                ended=row["ended"],
                when_s=row["when_s"],
                until_s=row["until_s"],
            ),
            extractor=row["extractor"],
            prompt_hash=row["prompt_hash"],
            vector=vectors[i],
        )
        for i, row in enumerate(table.drop_columns(["vector"]).to_pylist())
    ]
    return in_order(found)


def in_order(stored: Iterable[Stored]) -> list[Stored]:
    return sorted(stored, key=lambda s: (s.wall_s, s.record, s.made.span, s.number, s.id))
