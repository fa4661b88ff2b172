"""The search index of a large memory as one file beside its tables, so that it is mapped and not made anew.

Made of the key table and nothing else, and thrown away whenever in doubt: the name is put in place when all of it is on the disk,
every array has a checksum, and the rows that it holds are counted again in the table (`memory/resident.py`). Its words
are the memory's: whoever forgets removes it (`discard`), and holds the lock that whoever writes it holds, so that no file of
words from before comes after.
"""

from __future__ import annotations

import fcntl
import io
import json
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
from numpy.typing import NDArray

log = logging.getLogger(__name__)

INDEX = "index.bin"
_DRAFT = f".{INDEX}.new"
_LOCK = ".index.lock"
_MAGIC = b"hearsight index 2\n"
"""Another number whenever the arrays mean something else: a file of another one is made anew."""
_ALIGN = 64
_AT_ONCE = 8 << 20
_COUNTS = 24
"""Bytes that say how long the header is, and its checksum."""


@dataclass(frozen=True, slots=True)
class KeptIndex:
    """last_seq: of the newest key in it. parts: arrays by name, which lie in the mapped file."""

    last_seq: int
    parts: Mapping[str, NDArray[Any]]


def read(tables: Path) -> KeptIndex | None:
    """The index that lies beside these tables; None where there is none that is whole."""
    try:
        with (tables / INDEX).open("rb", buffering=0) as file:
            return _read(file)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.info("the index of memory %s is made anew: %s", tables, error)
        return None


def write(tables: Path, index: KeptIndex) -> None:
    """Puts the index beside the tables, in one step. Under `writing`. Raises OSError; what was there stays then."""
    entries: list[tuple[str, str, tuple[int, ...], int, int]] = []
    place = 0
    for name, array in index.parts.items():
        entries.append((name, array.dtype.str, array.shape, place, _sum(_bytes(array))))
        place += -(-array.nbytes // _ALIGN) * _ALIGN
    header = json.dumps({"last_seq": index.last_seq, "arrays": entries, "bytes": place}).encode()
    begin = _begin(len(header))
    draft = tables / _DRAFT
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(_MAGIC + f"{len(header):012d} {zlib.crc32(header):010d}\n".encode() + header)
            for (_, _, _, at, _), array in zip(entries, index.parts.values(), strict=True):
                file.seek(begin + at)
                file.write(_bytes(array))
            file.truncate(begin + place)
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
    """Raises ValueError, KeyError or TypeError: it is not whole, or of another kind."""
    start = file.read(len(_MAGIC) + _COUNTS) or b""
    if not start.startswith(_MAGIC) or len(start) != len(_MAGIC) + _COUNTS:
        raise ValueError("it has no header of this kind")
    length, expected = map(int, start[len(_MAGIC) :].split())
    header = file.read(length) or b""
    if zlib.crc32(header) != expected:
        raise ValueError("its header is damaged")
    told, begin = json.loads(header), _begin(length)
    if os.fstat(file.fileno()).st_size != begin + told["bytes"]:
        raise ValueError("it is cut short")
    whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    parts = {}
    for name, kind, shape, at, check in told["arrays"]:
        dtype = np.dtype(kind)
        size = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
        # Read, not mapped: what is compared is not what this process will hold.
        if _sum_of_file(file, begin + at, size) != check:
            raise ValueError(f"its {name} are damaged")
        parts[name] = np.frombuffer(whole[begin + at : begin + at + size], dtype).reshape(shape)
    return KeptIndex(told["last_seq"], parts)


def _sum_of_file(file: io.RawIOBase, begin: int, size: int) -> int:
    """Of size bytes from begin on, or of those that there are."""
    buffer, value = memoryview(bytearray(min(size, _AT_ONCE))), 0
    file.seek(begin)
    while size:
        count = file.readinto(buffer[: min(size, _AT_ONCE)])
        if not count:
            break
        value = zlib.crc32(buffer[:count], value)
        size -= count
    return value


def _begin(header: int) -> int:
    """Where the arrays begin, in a file with a header of so many bytes."""
    return -(-(len(_MAGIC) + _COUNTS + header) // _ALIGN) * _ALIGN


def _bytes(array: NDArray[Any]) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _sum(data: memoryview) -> int:
    value = 0
    for at in range(0, len(data), _AT_ONCE):
        value = zlib.crc32(data[at : at + _AT_ONCE], value)
    return value
