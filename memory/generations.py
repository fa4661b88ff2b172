"""Changing a whole memory at once: a copy is changed, then one file says that the copy is the memory.

The tables lie in the memory's folder itself, or in the folder that its file CURRENT names. Lance never changes a file that
it has written, so a copy is a set of hard links and takes no space. Whoever is killed leaves either the old tables or the
new ones in force; what is in force no longer is removed by the next writer.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from memory.index_file import discard
from runtime.errors import MemoryStoreError

CURRENT = "CURRENT"
LEDGER = "checksums.json"
"""Beside the tables (memory/integrity.py)."""
_PREFIX = "generation-"
_IMMUTABLE = ("data", "_deletions", "_indices")
_SUFFIX = ".lance"


def tables_folder(folder: Path) -> Path:
    """Where the tables of a memory lie. Raises MemoryStoreError: CURRENT names no folder."""
    try:
        name = (folder / CURRENT).read_text("utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return folder
    except UnicodeDecodeError:
        name = ""
    if not name.startswith(_PREFIX) or "/" in name:
        raise MemoryStoreError(
            f"{folder / CURRENT} is damaged: it does not name the folder of the memory's tables"
        )
    return folder / name


def new_generation(folder: Path) -> Path:
    """An empty folder for the next tables."""
    numbers = [int(p.name.removeprefix(_PREFIX)) for p in folder.glob(f"{_PREFIX}[0-9]*")]
    made = folder / f"{_PREFIX}{max(numbers, default=0) + 1:06d}"
    made.mkdir()
    return made


def copy_tables(old: Path, new: Path) -> None:
    """new: is there. What Lance never changes is linked, or copied where the disk has no links."""
    for table in sorted(old.glob(f"*{_SUFFIX}")):
        shutil.copytree(table, new / table.name, copy_function=_link_or_copy)
    ledger = old / LEDGER
    if ledger.is_file():
        shutil.copyfile(ledger, new / LEDGER)


def switch(folder: Path, generation: Path) -> None:
    """From here on the generation's tables are the memory."""
    draft = folder / f".{CURRENT}.new"
    with draft.open("w", encoding="utf-8") as file:
        file.write(generation.name + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, folder / CURRENT)
    sync_folder(folder)


def tidy(folder: Path) -> None:
    """Removes tables that are not in force. Only for who holds the writer's lock."""
    there = tables_folder(folder)
    if there != folder and not there.is_dir():
        raise MemoryStoreError(f"memory {folder} is damaged: the folder {there.name} of its tables is gone")
    for other in folder.glob(f"{_PREFIX}*"):
        if other != there:
            shutil.rmtree(other)
    if there != folder:
        for table in folder.glob(f"*{_SUFFIX}"):
            shutil.rmtree(table)
        (folder / LEDGER).unlink(missing_ok=True)
        discard(folder)


def sync_folder(folder: Path) -> None:
    """A rename is on the disk once its folder is."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _link_or_copy(source: str, target: str) -> None:
    if any(part in _IMMUTABLE for part in Path(source).parts[-4:-1]):
        try:
            os.link(source, target)
            return
        except OSError:
            pass
    shutil.copyfile(source, target)
