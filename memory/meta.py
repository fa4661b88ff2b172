"""What a memory says of itself: the version of its tables, its calendar, and the models that its vectors were made with."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from memory import schema
from memory.zone import machine_zone
from runtime.errors import MemoryStoreError
from runtime.models import TextEncoder


def first_meta(text_encoder: TextEncoder) -> dict[str, str]:
    """Of a new memory."""
    return {
        "schema_version": str(schema.SCHEMA_VERSION),
        "text_model": text_encoder.name,
        "text_dim": str(text_encoder.dim),
        "timezone": machine_zone(),
    }


def meta_table(values: Mapping[str, str]) -> pa.Table:
    rows = [{"key": key, "value": value} for key, value in values.items()]
    return pa.Table.from_pylist(rows, schema=schema.fixed_schema(schema.META))


def check(uri: str, meta: Mapping[str, str], text_encoder: TextEncoder | None) -> None:
    """Raises MemoryStoreError: of a newer Hearsight, no memory at all, or with the vectors of another text encoder."""
    version = int(meta.get("schema_version", "0"))
    if version > schema.SCHEMA_VERSION:
        raise MemoryStoreError(
            f"memory {uri} was written by a newer Hearsight (schema {version}, this one reads "
            f"{schema.SCHEMA_VERSION}): upgrade Hearsight"
        )
    if not version:
        raise MemoryStoreError(f"{uri} is not a memory: its meta table says no schema version")
    if text_encoder is not None and text_encoder.name != meta["text_model"]:
        raise MemoryStoreError(
            f"memory {uri} was written with the text encoder {meta['text_model']}, "
            f"not {text_encoder.name}: use that one, or another memory"
        )


def unclaimed(uri: str, meta: Mapping[str, str], kind: str, name: str, weights: str) -> dict[str, str]:
    """What is to be noted of this kind of model, {} where it is. Raises MemoryStoreError: it was another one."""
    known = meta.get(f"{kind}_model")
    if known is None:
        return {f"{kind}_model": name} | ({f"{kind}_weights": weights} if weights else {})
    if known != name:
        raise MemoryStoreError(
            f"memory {uri} was written with the {kind} encoder {known}, not {name}: "
            f"use {known}, or another memory"
        )
    return {}
