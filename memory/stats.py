"""How large a memory is, and what is in it."""

from __future__ import annotations

from dataclasses import dataclass

from memory import schema
from memory.generations import tables_folder
from memory.place import told
from memory.store import Store


@dataclass(frozen=True, slots=True)
class TableStats:
    """data_bytes: files of the newest version.
    disk_bytes: all versions, indices and compacted files; -1 where the memory is no local folder."""

    rows: int
    versions: int
    fragments: int
    data_bytes: int
    disk_bytes: int


@dataclass(frozen=True, slots=True)
class MemoryStats:
    """levels: bytes by level (observations, clips, short_term: files; event, episode: rows)."""

    tables: dict[str, TableStats]
    levels: dict[str, int]
    media_hours: float
    disk_bytes: int
    keyframe_bytes: int

    @property
    def mb_per_hour(self) -> float:
        """10^6 bytes on disk per hour of media, key frames aside; 0 when no duration is known."""
        return (self.disk_bytes - self.keyframe_bytes) / 1e6 / self.media_hours if self.media_hours else 0.0


async def memory_stats(store: Store) -> MemoryStats:
    """Raises MemoryStoreError."""
    tables = await table_stats(store)
    durations = [source.duration_s or 0.0 for source in await store.sources()]
    whole = (schema.OBSERVATIONS, schema.CLIPS, schema.SHORT_TERM)
    levels = {name: tables[name].data_bytes if name in tables else 0 for name in whole}
    for level in ("event", "episode"):
        rows = await store.rows(schema.NODES, f"level = '{level}'")
        levels[level] = int(rows.nbytes) if rows is not None else 0
    keyframes = tables.get(schema.KEYFRAMES)
    return MemoryStats(
        tables=tables,
        levels=levels,
        media_hours=sum(durations) / 3600.0,
        disk_bytes=sum(max(t.disk_bytes, 0) for t in tables.values()),
        keyframe_bytes=max(keyframes.disk_bytes, 0) if keyframes is not None else 0,
    )


async def table_stats(store: Store) -> dict[str, TableStats]:
    """Raises MemoryStoreError."""
    out = {}
    with told(store.uri):
        for name in sorted(await store.names()):
            table = await store.table(name)
            if table is None:
                continue
            stats = await table.stats()
            out[name] = TableStats(
                rows=int(await table.count_rows()),
                versions=len(await table.list_versions()),
                fragments=int(stats["fragment_stats"]["num_fragments"]),
                data_bytes=int(stats["total_bytes"]),
                disk_bytes=_bytes_of(store, name),
            )
    return out


def _bytes_of(store: Store, name: str) -> int:
    if store.folder is None:
        return -1
    total = 0
    for path in (tables_folder(store.folder) / f"{name}.lance").rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:  # compacted away meanwhile
            continue
    return total
