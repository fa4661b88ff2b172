"""Arrow streams from files that others made: no batch is unpacked before it is known how large it will be.

A batch's header (a flatbuffer, Arrow's Message.fbs) names its buffers; each of a compressed one begins with its length when it
is unpacked (8 bytes, -1: it is not packed).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO

import pyarrow as pa

BATCH_BYTES = 512_000_000
"""What a batch may take, unpacked; those that this project writes take a tenth of it at most."""
BROKEN = (pa.ArrowException, UnicodeDecodeError, OSError)
"""What reading a stream raises that is damaged, or holds a batch that takes too much."""
_HEADER, _BUFFERS, _COMPRESSION = 2, 2, 3
"""Numbers of fields: of a message its header, of a record batch its buffers and its codec."""


class _Bounded:
    """A file of which nobody reads more than a batch's bytes at once."""

    closed = False

    def __init__(self, raw: IO[bytes], most: int) -> None:
        self._raw = raw
        self._most = most

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= self._most:
            raise pa.ArrowInvalid(f"a batch of {size:,} bytes")
        return self._raw.read(size)

    def close(self) -> None:
        self.closed = True


def read_stream(raw: IO[bytes], most: int = BATCH_BYTES) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """most: bytes that a batch may take. Both raise what BROKEN names."""
    messages = pa.ipc.MessageReader.open_stream(pa.PythonFile(_Bounded(raw, most), mode="r"))
    try:
        shape = pa.ipc.read_schema(messages.read_next_message())
    except StopIteration:
        raise pa.ArrowInvalid("no schema") from None
    return shape, _batches(messages, shape, most)


def write_batch(writer: pa.ipc.RecordBatchStreamWriter, batch: pa.RecordBatch) -> None:
    """In parts that `read_stream` takes, unless a row alone takes more."""
    rows = max(1, batch.num_rows * (BATCH_BYTES // 10) // max(1, batch.nbytes))
    for start in range(0, batch.num_rows, rows):
        writer.write_batch(batch.slice(start, rows))


def _batches(messages: pa.ipc.MessageReader, shape: pa.Schema, most: int) -> Iterator[pa.RecordBatch]:
    for message in messages:
        if message.type != "record batch":
            raise pa.ArrowInvalid(f"a {message.type}")
        try:
            size = unpacked_bytes(message)
        except (struct.error, TypeError):
            raise pa.ArrowInvalid("a batch without a header") from None
        if size > most:
            raise pa.ArrowInvalid(f"a batch of {size:,} bytes")
        batch = pa.ipc.read_record_batch(message, shape)
        batch.validate(full=True)
        yield batch


def unpacked_bytes(message: pa.Message) -> int:
    """Of the buffers of a record batch. Raises struct.error, TypeError: its header is damaged."""
    data, body = message.metadata.to_pybytes(), memoryview(message.body)
    batch = _followed(data, _field(data, _followed(data, 0), _HEADER))
    packed = _field(data, batch, _COMPRESSION) is not None
    buffers = _followed(data, _field(data, batch, _BUFFERS))
    (count,) = struct.unpack_from("<I", data, buffers)
    total = 0
    for number in range(count):
        offset, length = struct.unpack_from("<qq", data, buffers + 4 + 16 * number)
        if packed and length > 0:
            (unpacked,) = struct.unpack_from("<q", body, offset)
            length = length if unpacked == -1 else unpacked
        if length < 0:
            raise struct.error
        total += length
    return total


def _followed(data: bytes, at: int | None) -> int:
    """Where the offset that stands there leads. Raises TypeError where there is none."""
    return at + int(struct.unpack_from("<I", data, at)[0])  # type: ignore[operator, arg-type]


def _field(data: bytes, table: int, number: int) -> int | None:
    """Where a field of a flatbuffer's table stands; None where it is left out."""
    shape = table - struct.unpack_from("<i", data, table)[0]
    at = 4 + 2 * number
    if at >= struct.unpack_from("<H", data, shape)[0]:
        return None
    offset: int = struct.unpack_from("<H", data, shape + at)[0]
    return table + offset if offset else None
