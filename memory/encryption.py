"""A memory encrypted at rest: its folder is a mount of gocryptfs (AES-256-GCM, file by file), of which the disk has only
what is encrypted. While it is unlocked it is an ordinary folder of the user; locked, it is nothing but names and sizes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from memory.lock import LOCK_NAME, WriterLock
from memory.place import encrypted_folder, is_locked
from runtime.errors import InputError, MemoryStoreError

LEAST_PASSPHRASE = 8
_PATIENCE_S = 60.0
_MISSING = (
    "encryption needs gocryptfs and fuse3 (apt install gocryptfs fuse3); where there is no FUSE, keep the memory on an "
    "encrypted volume of the system: LUKS, FileVault, BitLocker"
)


def encrypt(folder: Path, passphrase: str) -> int:
    """Moves a memory, or an empty one to be made, into an encrypted folder beside it, and unlocks it in its old place.

    Returns how many bytes were moved. What was not encrypted is deleted when every file has been compared; a disk may
    keep some of it until it is overwritten. Raises InputError, MemoryStoreError: then the memory is as it was.
    """
    _programs()
    if len(passphrase) < LEAST_PASSPHRASE:
        raise InputError(f"the passphrase is too short: at least {LEAST_PASSPHRASE} characters")
    cipher = encrypted_folder(folder)
    if cipher.exists():
        raise InputError(f"memory {folder} is encrypted already, in {cipher}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = WriterLock(folder)
    lock.acquire()
    beside = folder.with_name(f"{folder.name}.moving")
    try:
        cipher.mkdir(mode=0o700)
        beside.mkdir(mode=0o700)
        _run(["gocryptfs", "-init", "-q", str(cipher)], passphrase)
        _mount(cipher, beside, passphrase)
        moved = _copy(folder, beside)
        _unmount(beside)
    except BaseException:
        if os.path.ismount(beside):
            _unmount(beside)
        shutil.rmtree(cipher, ignore_errors=True)
        raise
    finally:
        if beside.exists() and not os.path.ismount(beside):
            beside.rmdir()
        lock.release()
    shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    _mount(cipher, folder, passphrase)
    return moved


def unlock(folder: Path, passphrase: str) -> None:
    """Raises InputError: not encrypted, unlocked already, a wrong passphrase."""
    _programs()
    cipher = encrypted_folder(folder)
    if not cipher.exists():
        raise InputError(f"memory {folder} is not encrypted: hearsight memory encrypt")
    if not is_locked(folder):
        raise InputError(f"memory {folder} is unlocked already")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(path.name != LOCK_NAME for path in folder.iterdir()):
        raise InputError(f"{folder} holds other files: the encrypted memory cannot be unlocked there")
    _mount(cipher, folder, passphrase)


def lock(folder: Path) -> None:
    """Raises InputError: not encrypted, locked already, in use."""
    _programs()
    if not encrypted_folder(folder).exists():
        raise InputError(f"memory {folder} is not encrypted: hearsight memory encrypt")
    if is_locked(folder):
        raise InputError(f"memory {folder} is locked already")
    _unmount(folder)


def _programs() -> None:
    if shutil.which("gocryptfs") is None or not _unmounting():
        raise InputError(_MISSING)


def _unmounting() -> list[str]:
    return next(([name, "-u"] for name in ("fusermount3", "fusermount") if shutil.which(name)), [])


def _mount(cipher: Path, folder: Path, passphrase: str) -> None:
    _run(["gocryptfs", "-q", str(cipher), str(folder)], passphrase)


def _unmount(folder: Path) -> None:
    try:
        _run([*_unmounting(), str(folder)])
    except MemoryStoreError as error:
        if "busy" in str(error):
            raise InputError(f"memory {folder} is in use: end what uses it first") from None
        raise


def _run(command: Sequence[str], passphrase: str = "") -> None:
    """The passphrase goes through standard input, which no other program can see."""
    # Into a file: a mount goes on as a process of its own, which would keep a pipe open.
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(
            command,
            input=f"{passphrase}\n".encode(),
            stdout=said,
            stderr=said,
            timeout=_PATIENCE_S,
            check=False,
        )
        said.seek(0)
        told = " ".join(said.read().decode("utf-8", "replace").split())[:300]
    if done.returncode == 12:  # gocryptfs: password incorrect
        raise InputError("the passphrase is wrong")
    if done.returncode != 0:
        raise MemoryStoreError(f"{command[0]} failed: {told}")


def _copy(old: Path, new: Path) -> int:
    """Every file but the lock, compared. Raises MemoryStoreError."""
    moved = 0
    shutil.copytree(old, new, dirs_exist_ok=True, ignore=shutil.ignore_patterns(LOCK_NAME))
    for path in old.rglob("*"):
        if not path.is_file() or path.name == LOCK_NAME:
            continue
        if _digest(path) != _digest(new / path.relative_to(old)):
            raise MemoryStoreError(f"{path} could not be copied: the memory stays as it was")
        moved += path.stat().st_size
    return moved


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
