"""The search index of a large memory as one file beside its tables, so that it is mapped and not made anew.

An Arrow IPC file with one row, whose columns are the index's arrays, and the CRC-32 of all of it behind. Made of the key
table and nothing else, and thrown away whenever in doubt: the name is put in place when all of it is on the disk, and the
rows that it holds are counted again in the table (`memory/resident.py`). Its words are the memory's: whoever forgets
removes it (`discard`), and holds the lock that whoever writes it holds, so that no file of words from before comes after.
"""

from __future__ import annotations

import fcntl
import io
import logging
import mmap
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

log = logging.getLogger(__name__)

INDEX = "index.bin"
_DRAFT = f".{INDEX}.new"
_LOCK = ".index.lock"
_KIND = b"hearsight index 3"
"""Another number whenever the arrays mean something else: a file of another one is made anew."""
_SUM_BYTES = 4
_AT_ONCE = 8 << 20


@dataclass(frozen=True, slots=True)
class KeptIndex:
    """last_seq: of the newest key in it. parts: NumPy arrays of one or two dimensions and texts (LargeStringArray) by name,
    which lie in the mapped file.
    """

    last_seq: int
    parts: Mapping[str, Any]


def read(tables: Path) -> KeptIndex | None:
    """The index that lies beside these tables; None where there is none that is whole."""
    try:
        with (tables / INDEX).open("rb", buffering=0) as file:
            return _read(file)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        log.info("the index of memory %s is made anew: %s", tables, error)
        return None


def write(tables: Path, index: KeptIndex) -> None:
    """Puts the index beside the tables, in one step. Under `writing`. Raises OSError; what was there stays then."""
    told = {"kind": _KIND, "last_seq": str(index.last_seq)}
    columns = {name: _row_of(part) for name, part in index.parts.items()}
    batch = pa.record_batch(columns).replace_schema_metadata(told)
    draft = tables / _DRAFT
    try:
        with os.fdopen(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b") as file:
            with pa.ipc.new_file(file, batch.schema) as out:
                out.write_batch(batch)
            size = file.tell()
            file.seek(0)
            file.write(_sum(file, size))
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, tables / INDEX)
    except BaseException:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise


@contextmanager
def writing(tables: Path) -> Iterator[bool]:
    """Whether this process may write the index now; not, where another one does or forgets."""
    try:
        number = os.open(tables / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(number)


def discard(tables: Path) -> None:
    """Takes the index, and what a killed process left of one, off the disk. Waits for who writes it: in a thread."""
    if not any((tables / name).exists() for name in (INDEX, _DRAFT, _LOCK)):
        return
    number = os.open(tables / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        for name in (INDEX, _DRAFT):
            (tables / name).unlink(missing_ok=True)
    finally:
        os.close(number)


def _read(file: io.RawIOBase) -> KeptIndex:
    """Raises ValueError: it is not whole, or of another kind."""
    size = os.fstat(file.fileno()).st_size - _SUM_BYTES
    # Read, not mapped: what is compared is not what this process will hold.
    if size < 0 or _sum(file, size) != file.read(_SUM_BYTES):
        raise ValueError("it is damaged")
    whole = pa.py_buffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    batch = pa.ipc.open_file(pa.BufferReader(whole.slice(0, size))).get_batch(0)
    told = batch.schema.metadata
    if told.get(b"kind") != _KIND:
        raise ValueError("it is of another kind")
    return KeptIndex(int(told[b"last_seq"]), {name: _part_of(batch[name]) for name in batch.schema.names})


def _sum(file: io.RawIOBase | io.BufferedRandom, size: int) -> bytes:
    """CRC-32 of the next so many bytes."""
    buffer, value = memoryview(bytearray(_AT_ONCE)), 0
    while size and (count := file.readinto(buffer[: min(size, _AT_ONCE)])):
        value = zlib.crc32(buffer[:count], value)
        size -= count
    return value.to_bytes(_SUM_BYTES)


def _row_of(part: Any) -> pa.LargeListArray:
    """All of it as the one value of a column."""
    if isinstance(part, np.ndarray):
        flat = pa.array(part.reshape(-1))
        part = flat if part.ndim == 1 else pa.FixedSizeListArray.from_arrays(flat, part.shape[1])
    return pa.LargeListArray.from_arrays(pa.array([0, len(part)], pa.int64()), part)


def _part_of(column: pa.LargeListArray) -> Any:
    part = column.values
    if pa.types.is_fixed_size_list(part.type):
        return part.values.to_numpy().reshape(-1, part.type.list_size)
    return part if pa.types.is_large_string(part.type) else part.to_numpy(zero_copy_only=False)
