"""Who is to be seen when, by face."""

from __future__ import annotations

from dataclasses import dataclass

from memory import schema
from memory.cast import Cast, Speaker
from memory.reading import visible
from memory.store import Store


@dataclass(frozen=True, slots=True)
class Appearance:
    """A face of a clip. who: whose it is. t_s: where it is seen best. id: of its row."""

    id: str
    who: Speaker
    clip: str
    source: str
    t_start_s: float
    t_end_s: float
    t_s: float


async def appearances(
    store: Store, cast: Cast, as_of_s: float | None, sources: frozenset[str] | None
) -> list[Appearance]:
    """Of all people known by face, in order of source and time. cast: as of the same time. Raises MemoryStoreError."""
    columns = ["id", "clip", "source", "t_start_s", "t_end_s", "t_s", "person"]
    rows = await store.rows(schema.FACES, visible(as_of_s, sources), columns)
    found = [
        Appearance(
            id=row["id"],
            who=cast.speaker_of(person),
            clip=row["clip"],
            source=row["source"],
            t_start_s=row["t_start_s"],
            t_end_s=row["t_end_s"],
            t_s=row["t_s"],
        )
        for row in (rows.to_pylist() if rows is not None else [])
        if (person := cast.person(row["id"], row["person"] or None))
    ]
    return sorted(found, key=lambda a: (a.source, a.t_start_s, a.id))
