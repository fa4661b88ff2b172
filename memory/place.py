"""Where a memory lies, and what is wrong with the place in one line."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from memory import schema
from memory.generations import CURRENT
from memory.lock import LOCK_NAME
from runtime.errors import MemoryStoreError


def local_folder(uri: str | Path) -> Path | None:
    """The folder that a path or a file:// URI names; None for any other URI."""
    text = str(uri)
    if text.startswith("file://"):
        return Path(text.removeprefix("file://"))
    return None if "://" in text else Path(text).expanduser()


def encrypted_folder(folder: Path) -> Path:
    """Where an encrypted memory lies on the disk, if it is one (memory/encryption.py)."""
    return folder.with_name(f"{folder.name}.encrypted")


def is_locked(folder: Path) -> bool:
    return encrypted_folder(folder).exists() and not os.path.ismount(folder)


def is_to_be_made(folder: Path, read_only: bool) -> bool:
    """True if a new memory is to be made there. Raises MemoryStoreError: locked, a file, or a folder of something else."""
    if is_locked(folder):
        raise MemoryStoreError(f"memory {folder} is encrypted and locked: hearsight memory unlock")
    if folder.exists() and not folder.is_dir():
        raise MemoryStoreError(f"{folder} is a file, not a memory folder")
    entries = {path.name for path in folder.iterdir()} if folder.exists() else set()
    if CURRENT in entries or f"{schema.META}.lance" in entries:
        return False
    if read_only:
        raise MemoryStoreError(f"there is no memory at {folder}")
    if entries - {LOCK_NAME}:
        raise MemoryStoreError(f"{folder} holds other files and no memory: name an empty or new folder")
    return True


_RUST_SOURCE = re.compile(r",? /\S*\.rs\b\S*.*$")
"""Where in its own sources Lance says that it failed."""


@contextmanager
def told(uri: str) -> Iterator[None]:
    """Turns what the disk and Lance raise into one line for the user."""
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        text = str(error)
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        if full or any(s in text for s in ("No space left", "StorageFull", "Disk quota", "os error 28")):
            raise MemoryStoreError(
                f"no space left on the disk of memory {uri}: free some and run again; "
                "what was committed is kept"
            ) from error
        denied = isinstance(error, PermissionError) or "Permission denied" in text
        if denied or "Read-only file system" in text:
            raise MemoryStoreError(f"no permission to use memory {uri}: {_one_line(text)}") from error
        why = _RUST_SOURCE.sub("", _one_line(text))
        raise MemoryStoreError(
            f"memory {uri} failed: {why} (hearsight memory check names what is damaged)"
        ) from error


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]
