"""The user's folder of weights: shared by clones and processes, and checked before anything in it is used.

A model is a folder with a marker file that lists its files and how it was made. The marker is written last
and the folder moved into place in one step, so a model is there whole or not at all.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO

from runtime.clock import Clock
from runtime.wheels import sha256

MARKER = ".hearsight.json"
LOCK_POLL_S = 0.2


def cache_root() -> Path:
    """$HEARSIGHT_CACHE, else $XDG_CACHE_HOME/hearsight, else ~/.cache/hearsight."""
    own = os.environ.get("HEARSIGHT_CACHE")
    if own:
        return Path(own).expanduser()
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared).expanduser() if shared else Path.home() / ".cache") / "hearsight"


def write_marker(folder: Path, recipe: str) -> None:
    """Lists every file of the folder with size, time and SHA-256. recipe: how it was made, as a hash."""
    files = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        stat = path.stat()
        entry = {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns, "sha256": sha256(path)}
        files[path.relative_to(folder).as_posix()] = entry
    (folder / MARKER).write_text(json.dumps({"recipe": recipe, "files": files}, indent=1) + "\n")


def intact(folder: Path, recipe: str, *, verify: bool = False) -> bool:
    """The folder is what `write_marker` saw, made by the same recipe.

    Files of the same size and time are taken as unchanged (no reading); verify reads them all.
    """
    try:
        marker = json.loads((folder / MARKER).read_text())
        if marker["recipe"] != recipe:
            return False
        for name, known in marker["files"].items():
            stat = (folder / name).stat()
            if stat.st_size != known["size"]:
                return False
            unread = stat.st_mtime_ns == known["mtime_ns"] and not verify
            if not unread and sha256(folder / name) != known["sha256"]:
                return False
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return True


def size_mb(folder: Path) -> float:
    """What the files of a folder take, in MB (10^6 bytes). Links are followed, vanished files left out."""
    total = 0
    for path in folder.rglob("*"):
        try:
            if path.is_file():
                total += path.stat().st_size
        except OSError:
            continue
    return total / 1e6


@asynccontextmanager
async def locked(models: Path, name: str, clock: Clock, on_wait: Callable[[], None]) -> AsyncIterator[None]:
    """One puller of a model at a time, over all processes. The lock goes with the process that holds it."""
    with _lock_file(models, name) as file:
        told = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    on_wait()
                    told = True
                await clock.sleep(LOCK_POLL_S)
        yield


@contextmanager
def workplace(models: Path, name: str) -> Iterator[Path]:
    """An empty folder on the cache's disk, removed at the end.

    Call it with the model's lock held: it also removes what a killed puller of the same model left.
    """
    prefix = f".pull-{name}-"
    for stale in models.glob(f"{prefix}*"):
        shutil.rmtree(stale, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=models))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _lock_file(models: Path, name: str) -> IO[str]:
    models.mkdir(parents=True, exist_ok=True)
    return (models / f".{name}.lock").open("w")


def move_in(made: Path, target: Path, old: Path) -> None:
    """Puts `made` at `target`; what was there goes to `old`. Those who have the old files open keep them."""
    if target.exists():
        target.rename(old)
    made.rename(target)
