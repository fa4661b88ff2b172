"""Pictures from files, looked at and read before they are remembered."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from pathlib import Path

import cv2
import numpy as np

from memory import Message, Store
from memory.conversation import stored_ids
from memory.pictures import Picture, picture_id
from memory.text_files import Told, dated
from memory.zone import unix_of
from perception.vision.stages import look
from runtime.app.context import App
from runtime.errors import InputError
from runtime.messages import Image

_EXIF_TAKEN, _EXIF_CHANGED, _EXIF_DETAILS = 36867, 306, 0x8769
_MOST_PIXELS = 120_000_000


def check_picture(path: Path) -> None:
    """Before anything is written: whether it can be read. Raises InputError."""
    _decoded(path)


def taken(path: Path, zone: tzinfo | None) -> float:
    """Unix time at which a picture was taken, by itself, by its name, or by when the file was last changed.
    zone: of times that name none.
    """
    from PIL import Image as Pillow

    try:
        with Pillow.open(path) as picture:
            exif = picture.getexif()
            told = exif.get_ifd(_EXIF_DETAILS).get(_EXIF_TAKEN) or exif.get(_EXIF_CHANGED)
        return unix_of(datetime.strptime(str(told), "%Y:%m:%d %H:%M:%S"), zone)
    except Exception:  # Pillow raises anything on broken EXIF data; then the file tells the time
        return dated(path.name, zone) or path.stat().st_mtime


async def looked_at(app: App, store: Store, source: str, told: Sequence[Told]) -> tuple[list[Message], int]:
    """Messages with their pictures looked at, but for those that the source holds already: how many these are.

    Raises InputError, ModelError.
    """
    digests = {path: await asyncio.to_thread(_digest, path) for one in told for path in one.pictures}
    ids = [picture_id(source, one.message.time_s, digests[path]) for one in told for path in one.pictures]
    known = await stored_ids(store, source, ids)
    messages, left_out = [], 0
    for one in told:
        new = [p for p in one.pictures if picture_id(source, one.message.time_s, digests[p]) not in known]
        left_out += len(one.pictures) - len(new)
        pictures = [await _look(app, store, path, digests[path]) for path in new]
        messages.append(replace(one.message, pictures=tuple(pictures)))
    return messages, left_out


async def _look(app: App, store: Store, path: Path, digest: str) -> Picture:
    image = await asyncio.to_thread(_decoded, path)
    encoder = await app.models.vision.to_perceive(store)
    features, thumbnails = await app.compute.run("vision", look, encoder, app.settings.vision, [image])
    reader = await app.models.reader()
    return Picture(
        name=path.name,
        digest=digest,
        model=encoder.name,
        vector=features.vectors[0],
        appearance=features.appearance[0],
        tags=features.tags[0],
        thumbnail=thumbnails[0],
        lines=await app.compute.run("ocr", reader.read, image),
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _decoded(path: Path) -> Image:
    """(H, W, 3) RGB, upright. Raises InputError."""
    from PIL import Image as Pillow

    try:
        with Pillow.open(path) as picture:
            pixels = picture.width * picture.height
        if pixels > _MOST_PIXELS:
            raise InputError(f"{path}: a picture of {pixels:,} pixels is too large")
        found = cv2.imread(str(path))
    except (OSError, ValueError, SyntaxError, Pillow.DecompressionBombError, cv2.error):
        found = None
    if found is None:
        raise InputError(f"{path}: not a picture that can be read")
    return np.asarray(cv2.cvtColor(found, cv2.COLOR_BGR2RGB), np.uint8)
