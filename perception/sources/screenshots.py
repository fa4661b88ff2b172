"""A folder of screenshots named by their time, as a source: each is a look at the screen, in order of time."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path

import cv2
import numpy as np

from runtime.errors import InputError
from runtime.messages import Image

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
_NAME = re.compile(
    r"(?P<year>20\d\d)\D?(?P<month>0[1-9]|1[0-2])\D?(?P<day>0[1-9]|[12]\d|3[01])(?:\D{1,4}|(?=\d{4}))"
    r"(?P<hour>\d{1,2})\D?(?P<minute>[0-5]\d)(?:\D?(?P<second>[0-5]\d))?"
    r"(?:[-_.,](?P<fraction>\d{1,6})(?!\d))?(?:\s*(?P<half>[AP]M))?",
    re.I,
)
_UNIX = re.compile(r"(?<!\d)(1\d{9})(\d{3})?(?!\d)")


@dataclass(frozen=True, slots=True)
class Screenshot:
    """wall_s: Unix time that its name says."""

    path: Path
    wall_s: float


@dataclass(frozen=True, slots=True)
class ScreenshotFolder:
    """id: the same for the same first screenshot, wherever the folder lies, so that it may grow."""

    path: Path
    shots: tuple[Screenshot, ...]
    skipped: int
    id: str

    @property
    def wall_zero_s(self) -> float:
        return self.shots[0].wall_s

    @classmethod
    def open(cls, path: Path, zone: tzinfo | None = None) -> ScreenshotFolder:
        """zone: of the times in the names; None is the machine's. Raises InputError: no folder, nothing in it."""
        if not path.is_dir():
            raise InputError(f"{path}: {'is not a folder' if path.exists() else 'no such folder'}")
        try:
            files = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
            shots = [Screenshot(p, at) for p in files if (at := time_in(p.stem, zone)) is not None]
            if not shots:
                raise InputError(
                    f"{path}: no screenshots named by their time in it, like 2024-05-17_09-30-00.png"
                )
            shots.sort(key=lambda shot: (shot.wall_s, shot.path.name))
            first = hashlib.sha256(shots[0].path.name.encode() + shots[0].path.read_bytes()).hexdigest()
        except OSError as error:
            raise InputError(f"{path}: {error.strerror or error}") from None
        return cls(path, tuple(shots), len(files) - len(shots), f"screen-{first[:12]}")


def time_in(name: str, zone: tzinfo | None = None) -> float | None:
    """Unix time that a file's name says; None where it says none."""
    match = _NAME.search(name)
    if match is None:
        unix = _UNIX.search(name)
        return int(unix[1]) + int(unix[2] or 0) / 1000 if unix is not None else None
    hour = int(match["hour"])
    if match["half"]:
        hour = hour % 12 + (12 if match["half"].upper() == "PM" else 0)
    micro = int((match["fraction"] or "0").ljust(6, "0"))
    numbers = {part: int(match[part] or 0) for part in ("year", "month", "day", "minute", "second")}
    try:
        return datetime(**numbers, hour=hour, microsecond=micro, tzinfo=zone).timestamp()
    except ValueError:
        return None


def load(path: Path) -> Image | None:
    """(H, W, 3) uint8 RGB; None when the file is damaged."""
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError:
        return None
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    return None if picture is None else np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
