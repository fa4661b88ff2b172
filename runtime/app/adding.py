"""hearsight memory add: what came as text, or can be read off a picture, into the memory."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from datetime import tzinfo
from pathlib import Path

from memory import Message, Store, add_messages, conversation_source, text_source
from memory.documents import DOCUMENTS, read_document
from memory.records import SourceInfo
from memory.settings import MemorySettings
from memory.text_files import PICTURES, Told, read_chat, read_note
from memory.zone import zone_of
from runtime.app import console
from runtime.app.context import open_app
from runtime.app.pictures import check_picture, looked_at, taken
from runtime.app.settings import default_memory
from runtime.errors import InputError, MemoryStoreError

CHATS = {".jsonl", ".ndjson"}
NOTES = {".md", ".markdown", ".txt"}


async def run_add(args: argparse.Namespace) -> int:
    async with open_app(args) as app:
        for path in args.files:
            check_file(path)
        uri = args.memory or default_memory()
        zone = await _zone(uri, app.settings.memory)
        read = [(path, await asyncio.to_thread(_read, path, zone)) for path in args.files]
        for _, told in read:
            for picture in dict.fromkeys(p for one in told for p in one.pictures):
                await asyncio.to_thread(check_picture, picture)
        encoder = await app.models.text_encoder()
        async with await Store.open(uri, encoder) as store:
            for path, told in read:
                source = _source(path, [one.message for one in told], args.source)
                messages, known = await looked_at(app, store, source.id, told)
                added = await add_messages(
                    store, encoder, app.compute, app.settings.memory, source, messages, wall=app.clock.wall
                )
                late = f", {added.late} of them told late" if added.late else ""
                known += added.known
                line = f"{path.name}: {added.new} new{late}{f', {known} known already' if known else ''}"
                console.stdout.print(f"{line} (source {source.id})", markup=False)
    return 0


def check_file(path: Path) -> None:
    """Raises InputError."""
    if not path.is_file():
        raise InputError(f"{path}: {'is not a file' if path.exists() else 'no such file'}")


async def _zone(uri: str, settings: MemorySettings) -> tzinfo | None:
    """In which times without a zone are read."""
    try:
        async with await Store.open(uri, read_only=True) as store:
            return store.zone(settings.timezone)
    except MemoryStoreError:  # none there yet, or one whose trouble is told when it is written
        return zone_of(settings.timezone)


def _read(path: Path, zone: tzinfo | None) -> list[Told]:
    suffix = path.suffix.lower()
    if suffix in CHATS:
        return read_chat(path, zone)
    if suffix in NOTES:
        return [Told(message) for message in read_note(path, zone)]
    if suffix in DOCUMENTS:
        return [Told(message) for message in read_document(path, zone)]
    if suffix in PICTURES:
        return [Told(Message("", taken(path, zone), path.name), (path,))]
    known = ", ".join(sorted(CHATS | NOTES | DOCUMENTS.keys() | PICTURES))
    raise InputError(
        f"{path}: cannot tell what it is by its name (known are {known}; hearsight ingest takes videos and sound)"
    )


def _source(path: Path, messages: Sequence[Message], named: str | None) -> SourceInfo:
    where = str(path.resolve())
    if named:
        return text_source(named, where)
    if path.suffix.lower() in CHATS:
        return conversation_source(path.stem, where, messages)
    return text_source(path.name, where)
