"""Batches of streams that others made: read as they are, and refused before they are unpacked where they take too much."""

from __future__ import annotations

import io
import struct
from contextlib import suppress
from typing import Literal

import pyarrow as pa
import pytest

from memory import arrow_stream
from memory.arrow_stream import read_stream, write_batch

SHAPE = pa.schema(
    [("text", pa.string()), ("vector", pa.list_(pa.float16(), 4)), ("tags", pa.list_(pa.string()))]
)


def batch(rows: int, text: str = "the ferry is late, the ferry is late") -> pa.RecordBatch:
    columns = [[text] * rows, [[1.0, 2.0, 3.0, 4.0]] * rows, [["a", "b"]] * rows]
    arrays = [pa.array(c, f.type) for c, f in zip(columns, SHAPE, strict=True)]
    return pa.record_batch(arrays, schema=SHAPE)


def stream(*batches: pa.RecordBatch, codec: Literal["zstd", "lz4"] | None = "zstd") -> bytes:
    out = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=codec)
    with pa.ipc.new_stream(out, SHAPE, options=options) as writer:
        for one in batches:
            write_batch(writer, one)
    return out.getvalue()


def read(raw: bytes, most: int = arrow_stream.BATCH_BYTES) -> pa.Table:
    shape, batches = read_stream(io.BytesIO(raw), most)
    return pa.Table.from_batches(list(batches), shape)


@pytest.mark.parametrize("codec", ["zstd", "lz4", None])
def test_what_was_written_is_read(codec: Literal["zstd", "lz4"] | None) -> None:
    parts = batch(5), batch(0), batch(300)
    assert read(stream(*parts, codec=codec)).equals(pa.Table.from_batches(parts))
    assert read(stream(codec=codec)).num_rows == 0


def test_a_large_batch_is_written_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrow_stream, "BATCH_BYTES", 20_000)
    raw = stream(batch(300))
    assert read(raw, 20_000).equals(pa.Table.from_batches([batch(300)]))


@pytest.mark.parametrize("codec", ["zstd", "lz4", None])
def test_a_batch_that_takes_too_much_is_refused(codec: Literal["zstd", "lz4"] | None) -> None:
    raw = stream(batch(1000, "a" * 1000), codec=codec)
    assert read(raw).num_rows == 1000
    with pytest.raises(pa.ArrowInvalid, match="a batch of"):
        read(raw, 100_000)


def test_a_batch_that_says_it_takes_a_terabyte_is_not_unpacked() -> None:
    told = struct.pack("<q", 1000 * 1000)  # of the texts, before they are packed
    raw = stream(batch(1000, "a" * 1000))
    assert raw.count(told) == 1
    with pytest.raises(pa.ArrowInvalid, match=r"a batch of 1,099,5"):
        read(raw.replace(told, struct.pack("<q", 1 << 40)))


def test_damage_is_told_in_one_way() -> None:
    raw = stream(batch(3))
    for at in range(len(raw)):
        for harmed in (raw[:at], *(raw[:at] + bytes([raw[at] ^ bits]) + raw[at + 1 :] for bits in (1, 0xFF))):
            with suppress(*arrow_stream.BROKEN):
                read(harmed)
