"""The days of a memory, as readers see them: what each was about, source by source."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from memory import schema
from memory.store import Store


@dataclass(frozen=True, slots=True)
class Day:
    """date: "2024-05-07". synopsis: of all that was said and read; episodes: ids. t_start_s, t_end_s: media seconds."""

    id: str
    date: str
    source: str
    t_start_s: float
    t_end_s: float
    synopsis: str
    episodes: tuple[str, ...]


async def read_days(
    store: Store, date: str | None = None, as_of_s: float = inf, sources: frozenset[str] | None = None
) -> list[Day]:
    """Those that were over by then (all of them, where no time is given). Raises MemoryStoreError."""
    where = "level = 'day'" + ("" if as_of_s == inf else f" AND known_at_s <= {as_of_s!r}")
    columns = ["id", "source", "t_start_s", "t_end_s", "synopsis", "children"]
    rows = await store.rows(schema.NODES, where, columns)
    days = [
        Day(
            id=row["id"],
            date=row["id"].rpartition("/")[2],
            source=row["source"],
            t_start_s=row["t_start_s"],
            t_end_s=row["t_end_s"],
            synopsis=row["synopsis"],
            episodes=tuple(row["children"]),
        )
        for row in (rows.to_pylist() if rows is not None else [])
        if sources is None or row["source"] in sources
    ]
    return sorted((d for d in days if date in (None, d.date)), key=lambda d: (d.date, d.source))
