"""One writer per memory folder, across processes."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from runtime.errors import MemoryStoreError

LOCK_NAME = ".writer.lock"


class WriterLock:
    """An flock on a file in the folder: the kernel lets go of it when the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_NAME
        self._fd: int | None = None

    @property
    def fd(self) -> int:
        """Of the open file that holds the lock; a process that inherits it holds the lock too."""
        assert self._fd is not None, "not held"
        return self._fd

    def acquire(self) -> None:
        """Raises MemoryStoreError, naming the process that holds it."""
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise MemoryStoreError(f"cannot write to memory {self._path.parent}: {error.strerror}") from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(fd)
            raise MemoryStoreError(
                f"memory {self._path.parent} is being written by process {holder}: wait for it, or stop it"
            ) from None
        try:
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(fd)
            raise MemoryStoreError(f"cannot write to memory {self._path.parent}: {error.strerror}") from error
        self._fd = fd

    def release(self) -> None:
        """The file stays: removing it would let two later processes lock two different files of that name."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
