"""A memory as it was: named copies that are made in a moment and share their files with it.

Not Lance's tags: while a tag holds an old version its cleanup refuses to run at all, and nothing can be forgotten in a
tagged version. A snapshot is a memory of its own, so that it is searched, forgotten in and migrated like any other.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from memory import schema
from memory.generations import copy_tables, sync_folder, tables_folder
from memory.place import local_folder
from memory.store import Store
from runtime.errors import InputError, MemoryStoreError

FOLDER = "snapshots"
_ABOUT = "snapshot.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_UNFINISHED = ".new"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """taken_at_s: Unix time. records: how many observations it holds."""

    name: str
    taken_at_s: float
    records: int


async def take_snapshot(store: Store, name: str, wall_s: float) -> Snapshot:
    """Raises InputError: a name that cannot be used, or is used; MemoryStoreError."""
    folder = _snapshots(store.uri)
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} cannot name a snapshot: letters, digits, dots and dashes, at most 64")
    if (folder / name).exists():
        raise InputError(f"there is a snapshot {name} already: drop it, or take another name")
    made = Snapshot(name, wall_s, await store.count(schema.OBSERVATIONS))
    draft = folder / f"{_UNFINISHED}-{name}"
    async with store.writing():
        await asyncio.to_thread(_copy, Path(folder).parent, draft, made)
        draft.rename(folder / name)
        sync_folder(folder)
    return made


def list_snapshots(uri: str | Path) -> list[Snapshot]:
    """Oldest first."""
    abouts = (about for about in _snapshots(uri).glob(f"*/{_ABOUT}") if not about.parent.name.startswith("."))
    found = [Snapshot(**json.loads(about.read_text("utf-8"))) for about in abouts]
    return sorted(found, key=lambda s: (s.taken_at_s, s.name))


def drop_snapshot(store: Store, name: str) -> None:
    """Raises InputError: there is none of that name."""
    gone = snapshot_folder(store.uri, name)
    draft = gone.with_name(f"{_UNFINISHED}-{name}")
    shutil.rmtree(draft, ignore_errors=True)
    gone.rename(draft)
    shutil.rmtree(draft)


def snapshot_folder(uri: str | Path, name: str) -> Path:
    """A memory's folder: `Store.open` and `Memory.open` read it like any other. Raises InputError."""
    names = [s.name for s in list_snapshots(uri)]
    if name not in names:
        raise InputError(
            f"there is no snapshot {name}: {'there are ' + ', '.join(names) if names else 'none was taken'}"
        )
    return _snapshots(uri) / name


def snapshot_folders(uri: str | Path) -> list[Path]:
    """Of all of them; none where the memory is no local folder."""
    return [] if local_folder(uri) is None else [_snapshots(uri) / s.name for s in list_snapshots(uri)]


def _snapshots(uri: str | Path) -> Path:
    folder = local_folder(uri)
    if folder is None:
        raise MemoryStoreError(f"snapshots are of a memory in a local folder, and {uri} is none")
    return folder / FOLDER


def _copy(memory: Path, draft: Path, about: Snapshot) -> None:
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    copy_tables(tables_folder(memory), draft)
    (draft / _ABOUT).write_text(json.dumps(asdict(about)), "utf-8")
