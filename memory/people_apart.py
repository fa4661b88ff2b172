"""Ids of people of another memory, so that its p1 is not taken for ours: both are counted from one."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa

from memory import schema
from memory.store import Store

PEOPLE_TABLES = (schema.VOICES, schema.FACES, schema.PEOPLE)
"""They share one seq, and are read together."""
_COLUMNS = {
    schema.OBSERVATIONS: ("speaker",),
    schema.FACTS: ("speaker",),
    schema.VOICES: ("person",),
    schema.FACES: ("person",),
    schema.PEOPLE: ("person", "other"),
}
_PERSON = re.compile(r"p(\d+)")


@dataclass(frozen=True, slots=True)
class Room:
    """The last person's number, and the first free seq."""

    people: int
    seq: int


async def room_for_people(store: Store) -> Room:
    """Raises MemoryStoreError."""
    people, seq = 0, 0
    for name in PEOPLE_TABLES:
        rows = await store.rows(name, columns=["seq", *_COLUMNS[name]])
        for row in rows.to_pylist() if rows is not None else []:
            seq = max(seq, row["seq"] + 1)
            people = max(people, *(_number(row[column]) for column in _COLUMNS[name]))
    return Room(people, seq)


def moved(rows: pa.Table, name: str, room: Room) -> pa.Table:
    """rows: of any table; people and seq behind those that are there."""
    for column in _COLUMNS.get(name, ()):
        ids = [f"p{n + room.people}" if (n := _number(v)) else v for v in rows[column].to_pylist()]
        rows = rows.set_column(rows.schema.get_field_index(column), column, pa.array(ids, pa.string()))
    if name in PEOPLE_TABLES:
        seqs = pa.array([n + room.seq for n in rows["seq"].to_pylist()], pa.int64())
        rows = rows.set_column(rows.schema.get_field_index("seq"), "seq", seqs)
        if name == schema.PEOPLE:
            ids = pa.array([f"c{n}" for n in seqs.to_pylist()], pa.string())
            rows = rows.set_column(rows.schema.get_field_index("id"), "id", ids)
    return rows


def _number(person: str | None) -> int:
    match = _PERSON.fullmatch(person or "")
    return int(match[1]) if match else 0
