"""hearsight memory add: what came as text, or can be read off a picture, into the memory."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import cv2

from memory import Message, Store, add_messages, conversation_source, text_source
from memory.records import SourceInfo
from memory.text_files import dated, read_chat, read_note
from runtime.app import console
from runtime.app.context import App, open_app
from runtime.app.settings import default_memory
from runtime.errors import InputError

CHATS = {".jsonl", ".ndjson"}
NOTES = {".md", ".markdown", ".txt"}
PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}
_EXIF_TAKEN, _EXIF_CHANGED, _EXIF_DETAILS = 36867, 306, 0x8769


async def run_add(args: argparse.Namespace) -> int:
    async with open_app(args) as app:
        for path in args.files:
            check_file(path)
        read = [(path, await _read(app, path)) for path in args.files]
        encoder = await app.models.text_encoder()
        async with await Store.open(args.memory or default_memory(), encoder) as store:
            for path, messages in read:
                source = _source(path, messages, args.source)
                added = await add_messages(
                    store, encoder, app.compute, app.settings.memory, source, messages, wall=app.clock.wall
                )
                late = f", {added.late} of them told late" if added.late else ""
                known = f", {added.known} known already" if added.known else ""
                line = f"{path.name}: {added.new} new{late}{known} (source {source.id})"
                console.stdout.print(line, markup=False)
    return 0


def check_file(path: Path) -> None:
    """Raises InputError."""
    if not path.is_file():
        raise InputError(f"{path}: {'is not a file' if path.exists() else 'no such file'}")


async def _read(app: App, path: Path) -> Sequence[Message]:
    suffix = path.suffix.lower()
    if suffix in CHATS:
        return await asyncio.to_thread(read_chat, path)
    if suffix in NOTES:
        return await asyncio.to_thread(read_note, path)
    if suffix in PICTURES:
        return await _read_picture(app, path)
    known = ", ".join(sorted(CHATS | NOTES | PICTURES))
    raise InputError(f"{path}: cannot tell what it is by its name (known are {known})")


async def _read_picture(app: App, path: Path) -> Sequence[Message]:
    picture = await asyncio.to_thread(cv2.imread, str(path))
    if picture is None:
        raise InputError(f"{path}: not a picture that can be read")
    reader = await app.models.reader()
    lines = await app.compute.run("ocr", reader.read, cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
    if not lines:
        raise InputError(f"{path}: no text in the picture")
    taken_s = await asyncio.to_thread(_taken, path)
    return [Message("\n".join(line.text for line in lines), taken_s, path.name)]


def _taken(path: Path) -> float:
    """When a picture was taken, by itself, by its name, or by when the file was last changed."""
    from PIL import Image

    with Image.open(path) as picture:
        exif = picture.getexif()
        told = exif.get_ifd(_EXIF_DETAILS).get(_EXIF_TAKEN) or exif.get(_EXIF_CHANGED)
    try:
        when = datetime.strptime(str(told), "%Y:%m:%d %H:%M:%S")
        return when.replace(tzinfo=UTC).timestamp()
    except ValueError:
        return dated(path.name) or path.stat().st_mtime


def _source(path: Path, messages: Sequence[Message], named: str | None) -> SourceInfo:
    where = str(path.resolve())
    if named:
        return text_source(named, where)
    if path.suffix.lower() in CHATS:
        return conversation_source(path.stem, where, messages)
    return text_source(path.name, where)
