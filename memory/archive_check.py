"""Whether the tables of an exported memory are such as this one writes: the sum over the file says only that it is whole, not
who made it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from memory import schema
from memory.arrow_stream import BROKEN, read_stream
from runtime.errors import InputError

_MOST_TIMES, _ROOM_BYTES = 200, 64_000_000
"""How much larger than the file its tables may be: text shrinks to a tenth, vectors hardly."""
_ANY_WIDTH = 0


@contextmanager
def table_batches(file: Path, name: str) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    """Shape and rows of a table in the archive. Raises InputError: they are damaged."""
    try:
        with zipfile.ZipFile(file) as archive, archive.open(member(name)) as raw:
            yield read_stream(raw)
    except (*BROKEN, zipfile.BadZipFile) as error:
        raise InputError(f"{file} is damaged: {name}: {' '.join(str(error).split())[:100]}") from None


def member(name: str) -> str:
    """Of the archive, that holds a table."""
    return f"tables/{name}.arrows"


def check_tables(file: Path, schema_version: int, text_model: str, rows: Mapping[str, int]) -> None:
    """Reads all of it once. rows: of each table, as the manifest has it. Raises InputError with the first thing that is wrong."""
    for needed in (schema.META, schema.OBSERVATIONS, schema.KEYS, schema.SOURCES):
        if needed not in rows:
            raise InputError(f"{file} is damaged: it has no table {needed}")
    wanted = _shapes(_text_dim(file, schema_version, text_model))
    left = file.stat().st_size * _MOST_TIMES + _ROOM_BYTES
    for name, count in rows.items():
        if name not in wanted:
            raise InputError(f"{file} is damaged: {name} is no table of a memory")
        with table_batches(file, name) as (shape, batches):
            _check_shape(file, name, shape, wanted[name], complete=schema_version == schema.SCHEMA_VERSION)
            for batch in batches:
                count -= batch.num_rows
                left -= batch.nbytes
                if left < 0:
                    raise InputError(f"{file} is damaged: its tables are larger than such a file can hold")
                if name == schema.OBSERVATIONS:
                    _check_details(file, batch)
        if count:
            raise InputError(f"{file} is damaged: {name} has not the rows that its manifest says")


def _text_dim(file: Path, schema_version: int, text_model: str) -> int:
    with table_batches(file, schema.META) as (shape, batches):
        _check_shape(file, schema.META, shape, schema.fixed_schema(schema.META), complete=True)
        meta = {row["key"]: row["value"] for batch in batches for row in batch.to_pylist()}
    dim = meta.get("text_dim") or ""
    if (
        (meta.get("schema_version"), meta.get("text_model")) != (str(schema_version), text_model)
        or not dim.isdigit()
        or not 0 < int(dim) <= 65_536
    ):
        raise InputError(f"{file} is damaged: its meta table does not say what its manifest says")
    return int(dim)


def _shapes(dim: int) -> dict[str, pa.Schema]:
    wide = {
        schema.CLIPS: schema.clips_schema(1, 1),
        schema.VOICES: schema.voices_schema(1),
        schema.FACES: schema.faces_schema(1),
    }
    return schema.schemas(dim) | {name: _of_any_width(shape) for name, shape in wide.items()}


def _of_any_width(shape: pa.Schema) -> pa.Schema:
    return pa.schema([(f.name, _any_width(f.type)) for f in shape])


def _any_width(kind: pa.DataType) -> pa.DataType:
    return pa.list_(kind.value_type, _ANY_WIDTH) if pa.types.is_fixed_size_list(kind) else kind


def _check_shape(file: Path, name: str, shape: pa.Schema, wanted: pa.Schema, complete: bool) -> None:
    """complete: every column has to be there, as in a file of this version."""
    kinds = {f.name: f.type for f in wanted}
    for field in shape:
        kind = kinds.pop(field.name, None)
        if kind is None or kind not in (field.type, _any_width(field.type)):
            raise InputError(f"{file} is damaged: {name} has a column {field.name} of another kind")
    if complete and kinds:
        raise InputError(f"{file} is damaged: {name} has no column {next(iter(kinds))}")


def _check_details(file: Path, batch: pa.RecordBatch) -> None:
    try:
        for text in batch.column("details").to_pylist():
            if not isinstance(json.loads(text), dict):
                raise ValueError
    except (ValueError, TypeError, RecursionError):
        raise InputError(
            f"{file} is damaged: {schema.OBSERVATIONS} has details that are no JSON object"
        ) from None
