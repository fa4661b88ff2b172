"""A recorded session on disk: what it holds, and reading it.

session.json   what the session was: times, settings, models
events.jsonl   one JSON object a line, in order of `at` (seconds since the session's zero):
               {"at", "sound": samples, "t"}      so many samples of sound.wav, the first one at media time t
               {"at", "picture": file, "t"}       a picture of media time t
               {"at", "page": act, ...}           what came from the page: attach, detach, take, remind
               {"at", "did": name, "from", "ok"}  work that ended then, and when it had begun
               {"at", "show": kind, ...}          what the page was shown
               {"at", "end": true}
sound.wav      16 bits mono at 16 kHz, without what was missing
pictures/      JPEG
watches.json   the watches that were kept when it began
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from runtime.errors import InputError
from runtime.messages import SAMPLE_RATE_HZ, Image, Samples

VERSION = 1
ABOUT, EVENTS, SOUND, PICTURES, WATCHES = (
    "session.json",
    "events.jsonl",
    "sound.wav",
    "pictures",
    "watches.json",
)
HEADER_BYTES = 44
BYTES_PER_SAMPLE = 2
_FULL_SCALE = 32768.0
_MOST_SAMPLES = 10 * SAMPLE_RATE_HZ
_QUALITY = 90

Event = dict[str, Any]


class About(BaseModel):
    """settings: "section.key=value", those that shape what is perceived and answered."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = VERSION
    hearsight: str
    session: str
    zero_wall: float
    models: dict[str, str]
    vision_weights: str = ""
    settings: tuple[str, ...]


class _Line(BaseModel):
    """What every event has; those below, what the replay needs of them."""

    model_config = ConfigDict(extra="ignore", strict=True)

    at: FiniteFloat


class _Shown(_Line):
    show: str
    t: FiniteFloat = 0.0
    t_start: FiniteFloat = 0.0
    t_end: FiniteFloat = 0.0


class _Did(_Line):
    did: str
    began: FiniteFloat = Field(alias="from")
    ok: bool


class _Page(_Line):
    page: str
    resumed: bool = False
    data: str = ""


class _Picture(_Line):
    picture: str
    t: FiniteFloat


class _Sound(_Line):
    sound: int = Field(ge=0, le=_MOST_SAMPLES)
    t: FiniteFloat


_KINDS: dict[str, type[_Line]] = {
    "show": _Shown,
    "did": _Did,
    "page": _Page,
    "picture": _Picture,
    "sound": _Sound,
}
"""By the name that tells; of two the first."""


def recordings_in(folder: Path) -> list[Path]:
    """The folder itself, or those in it, oldest first. Raises InputError: there is none."""
    if not folder.is_dir():
        raise InputError(f"{folder}: {'is not a folder' if folder.exists() else 'no such folder'}")
    if (folder / ABOUT).is_file():
        return [folder]
    found = [path.parent for path in folder.glob(f"*/{ABOUT}")]
    if not found:
        raise InputError(f"{folder}: no recording in it (hearsight live --record DIR makes one)")
    return sorted(found, key=lambda path: (read_about(path).zero_wall, path.name))


def read_about(folder: Path) -> About:
    """Raises InputError."""
    path = folder / ABOUT
    try:
        about = About.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except ValidationError as error:
        raise InputError(f"{path}: {error.errors()[0]['msg'].lower()}") from None
    if about.version != VERSION:
        raise InputError(f"{path}: version {about.version}, this Hearsight reads {VERSION}")
    return about


def read_events(folder: Path) -> list[Event]:
    """All of them; a last line that was cut off is left out. Raises InputError."""
    path = folder / EVENTS
    events: list[Event] = []
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    for number, line in enumerate(lines, 1):
        try:
            event = json.loads(line)
            kind = next((kind for name, kind in _KINDS.items() if name in event), _Line)
            kind.model_validate(event)
        except (ValueError, TypeError):
            if number == len(lines):
                break
            raise InputError(f"{path}, line {number}: not an event") from None
        events.append(event)
    return events


def span_of(event: Event) -> tuple[float, float] | None:
    """The media time that something which was shown is about; None where it is about none."""
    if "show" not in event:
        return None
    if "t_start" in event:
        return event["t_start"], event["t_end"]
    return (event["t"], event["t"]) if "t" in event else None


def is_of(event: Event, from_s: float) -> bool:
    """Whether it is to go when everything from from_s on is forgotten: what was shown by what it is about."""
    span = span_of(event)
    if span is not None:
        return span[1] >= from_s
    return bool(event["at"] >= from_s or event.get("t", 0.0) >= from_s)


class Sound:
    """sound.wav, read from its begin."""

    def __init__(self, folder: Path) -> None:
        """Raises InputError."""
        try:
            self._samples = np.fromfile(folder / SOUND, "<i2", offset=HEADER_BYTES)
        except OSError as error:
            raise InputError(f"{folder / SOUND}: {error.strerror or error}") from None
        self._at = 0

    def next(self, count: int) -> Samples:
        """(count,) float32; fewer where the file was cut off."""
        samples = self._samples[self._at : self._at + count]
        self._at += count
        return from_pcm(samples)


def private(path: Path, mode: str) -> IO[bytes]:
    """The file, opened in a binary mode; a new one is the user's alone."""
    return open(path, mode, opener=lambda name, flags: os.open(name, flags, 0o600))


def from_pcm(pcm: np.ndarray[Any, np.dtype[np.int16]]) -> Samples:
    return (pcm / np.float32(_FULL_SCALE)).astype(np.float32)


def to_pcm(samples: Samples) -> np.ndarray[Any, np.dtype[np.int16]]:
    scaled = np.round(samples * _FULL_SCALE)
    return np.clip(scaled, -_FULL_SCALE, _FULL_SCALE - 1).astype("<i2")


def encode_picture(image: Image) -> bytes:
    done, data = cv2.imencode(
        ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    )
    if not done:
        raise ValueError(f"a picture of shape {image.shape} is no JPEG")
    return np.asarray(data, np.uint8).tobytes()


def decode_picture(data: bytes) -> Image:
    """Raises ValueError."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("not a JPEG")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def flat(values: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Settings as "section.key=value", the values as TOML reads them; what is None is left out."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from flat(value, f"{above}{name}.")
        elif value is not None:
            yield f"{above}{name}={json.dumps(value)}"
