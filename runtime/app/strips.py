"""The moments that prove an answer, as one picture: their key frames side by side, each with its time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from memory import Memory
from memory.screen import ScreenMemory, is_screen
from reasoning.times import clock_text
from runtime.errors import InputError
from runtime.messages import Evidence, Image

WIDTH, HEIGHT, BAR = 320, 180, 24
MOST = 4
_PAPER, _INK = (255, 255, 255), (0, 0, 0)


async def write_strip(
    path: Path,
    memory: Memory,
    evidence: Sequence[Evidence],
    as_of_s: float | None,
    at: Callable[[Evidence], str] = lambda item: clock_text(item.t_start_s),
) -> bool:
    """A JPEG of the best moments, best first, each with its time (at). False: none of them has a picture. Raises InputError."""
    tiles = []
    for item in evidence[:MOST]:
        picture = await _picture(memory, item, as_of_s)
        if picture is not None:
            tiles.append(_tile(picture, f"{at(item)} {item.modality}"))
    if not tiles:
        return False
    _, data = cv2.imencode(".jpg", np.hstack(tiles), [cv2.IMWRITE_JPEG_QUALITY, 85])
    await asyncio.to_thread(_write, path, data.tobytes())
    return True


async def _picture(memory: Memory, item: Evidence, as_of_s: float | None) -> bytes | None:
    if is_screen(item.source) and as_of_s is None:  # there may be several monitors
        return await ScreenMemory(memory.store).picture(item.source, item.t_start_s, item.t_end_s, item.id)
    keyframe = await memory.keyframe_at(item.source, item.t_start_s, as_of_s)
    return keyframe.jpeg if keyframe is not None else None


def file_name(question_id: str) -> str:
    """A question's id as a name that no file system takes for a path."""
    return re.sub(r"[^\w.-]+", "_", question_id).strip(".") or "_"


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None


def _tile(jpeg: bytes, label: str) -> Image:
    """(HEIGHT + BAR, WIDTH, 3) uint8, the picture whole in the middle under its label."""
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    scale = min(WIDTH / picture.shape[1], HEIGHT / picture.shape[0])
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    tile = np.full((HEIGHT + BAR, WIDTH, 3), _PAPER, np.uint8)
    x, y = (WIDTH - size[0]) // 2, BAR + (HEIGHT - size[1]) // 2
    tile[y : y + size[1], x : x + size[0]] = small
    cv2.putText(tile, label, (6, BAR - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.5, _INK, 1, cv2.LINE_AA)
    return tile
