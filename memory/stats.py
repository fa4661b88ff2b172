"""How large a memory is, and what is in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from memory import schema
from memory.consolidation.assertion import relation
from memory.generations import tables_folder
from memory.index_file import INDEX
from memory.place import told
from memory.snapshots import snapshot_folders
from memory.store import Store, quoted


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
    """levels: bytes by level (observations, clips, short_term, keyframes: files; event, episode, day: rows).
    records: observations by modality. kinds: of memory (MIRIX, arXiv 2507.07957): episodic in records, core, semantic,
    procedural and resource in assertions, of which the facts are made, vault in entries. media_hours: of recordings, streams and
    screens. dates: of each conversation, note or picture, Unix time of the first and the last thing in it.
    disk_bytes: of the tables, and of the search index where it is kept. snapshot_bytes: what only snapshots hold on to.
    """

    tables: dict[str, TableStats]
    levels: dict[str, int]
    records: dict[str, int]
    kinds: dict[str, int]
    dates: dict[str, tuple[float, float]]
    media_hours: float
    disk_bytes: int
    keyframe_bytes: int
    snapshots: int = 0
    snapshot_bytes: int = 0

    @property
    def mb_per_hour(self) -> float:
        """10^6 bytes on disk per hour of media, key frames aside; 0 when no duration is known."""
        return (self.disk_bytes - self.keyframe_bytes) / 1e6 / self.media_hours if self.media_hours else 0.0


async def memory_stats(store: Store) -> MemoryStats:
    """Raises MemoryStoreError."""
    tables = await table_stats(store)
    whole = (schema.OBSERVATIONS, schema.CLIPS, schema.SHORT_TERM, schema.KEYFRAMES)
    levels = {name: tables[name].data_bytes if name in tables else 0 for name in whole}
    for level in ("event", "episode", "day"):
        rows = await store.rows(schema.NODES, f"level = '{level}'")
        levels[level] = int(rows.nbytes) if rows is not None else 0
    keyframes = tables.get(schema.KEYFRAMES)
    records = await _by_modality(store)
    told = await _spans(store, {s.id for s in await store.sources() if s.wall_zero_s == 0.0})
    return MemoryStats(
        tables=tables,
        levels=levels,
        records=records,
        kinds={
            "episodic": sum(records.values()),
            **await _assertions(store),
            "vault": tables[schema.VAULT].rows if schema.VAULT in tables else 0,
        },
        dates=told,
        media_hours=sum(await _durations_s(store)) / 3600.0,
        disk_bytes=sum(max(t.disk_bytes, 0) for t in tables.values()) + _index_bytes(store),
        keyframe_bytes=max(keyframes.disk_bytes, 0) if keyframes is not None else 0,
        snapshots=len(snapshot_folders(store.uri)),
        snapshot_bytes=_only_in_snapshots(store),
    )


def _index_bytes(store: Store) -> int:
    return 0 if store.tables is None else _inode(store.tables / INDEX)[2]


async def _by_modality(store: Store) -> dict[str, int]:
    rows = await store.rows(schema.OBSERVATIONS, columns=["modality"])
    counts = Counter(rows["modality"].to_pylist() if rows is not None else [])
    return {str(name): counts[name] for name in sorted(counts)}


async def _assertions(store: Store) -> dict[str, int]:
    """By kind; what belongs to a person's profile is core."""
    rows = await store.rows(schema.FACTS, columns=["relation"])
    found = map(relation, rows["relation"].to_pylist() if rows is not None else [])
    counts = Counter("core" if one.core else one.kind for one in found)
    return {kind: counts[kind] for kind in ("core", "semantic", "procedural", "resource")}


async def _durations_s(store: Store) -> list[float]:
    """Of each source; where it is not known, from its first record to its last."""
    sources = await store.sources()
    unknown = {s.id for s in sources if s.duration_s is None and s.wall_zero_s != 0.0}
    spans = await _spans(store, unknown)
    return [s.duration_s or 0.0 for s in sources] + [end - begin for begin, end in spans.values()]


async def _spans(store: Store, sources: set[str]) -> dict[str, tuple[float, float]]:
    """From when to when each of these sources has records or clips, in its own time."""
    spans: dict[str, tuple[float, float]] = {}
    for name in (schema.OBSERVATIONS, schema.CLIPS) if sources else ():
        where = f"source IN ({', '.join(map(quoted, sorted(sources)))})"
        rows = await store.rows(name, where, ["source", "t_start_s", "t_end_s"])
        for row in rows.to_pylist() if rows is not None else []:
            begin, end = spans.get(row["source"], (row["t_start_s"], row["t_end_s"]))
            spans[row["source"]] = (min(begin, row["t_start_s"]), max(end, row["t_end_s"]))
    return spans


def _only_in_snapshots(store: Store) -> int:
    """Bytes of files below snapshots that the tables do not share."""
    if store.folder is None:
        return 0
    own = {_inode(path) for path in tables_folder(store.folder).glob("*.lance/**/*")}
    held = {_inode(path): path for folder in snapshot_folders(store.uri) for path in folder.rglob("*")}
    return sum(size for (_, _, size) in set(held) - own)


def _inode(path: Path) -> tuple[int, int, int]:
    """Device, number and bytes; nothing of what is no file, or gone meanwhile."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0, 0)
    return (found.st_dev, found.st_ino, found.st_size) if path.is_file() else (0, 0, 0)


async def table_stats(store: Store) -> dict[str, TableStats]:
    """Raises MemoryStoreError."""
    with told(store.uri):
        names = sorted(await store.names())
    found = {name: await store.read(name, partial(_table_stats, store, name)) for name in names}
    return {name: one for name, one in found.items() if one is not None}


async def _table_stats(store: Store, name: str, table: Any) -> TableStats:
    stats = await table.stats()
    return TableStats(
        rows=int(await table.count_rows()),
        versions=len(await table.list_versions()),
        fragments=int(stats["fragment_stats"]["num_fragments"]),
        data_bytes=int(stats["total_bytes"]),
        disk_bytes=_bytes_of(store, name),
    )


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
