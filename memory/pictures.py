"""Pictures that come with a message, or alone: what was seen and read in each, as a clip of one frame and its records."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np

from memory.compressor import seen_in
from memory.settings import MemorySettings
from runtime.messages import Clip, Observation, Vector
from runtime.models import TextLine


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture after it was looked at.

    name: of its file. digest: of its content. model: name of the encoder that made vector ((d,) unit float32, in the space
    where it also puts text), appearance ((a,) unit float32) and tags (most probable first). thumbnail: JPEG bytes.
    lines: the text in it, in reading order.
    """

    name: str
    digest: str
    model: str
    vector: Vector
    appearance: Vector
    tags: tuple[tuple[str, float], ...]
    thumbnail: bytes = field(repr=False)
    lines: tuple[TextLine, ...] = ()


def picture_id(source: str, time_s: float, digest: str) -> str:
    """Of its clip: the same whenever the same picture comes again with the same time."""
    told = f"{time_s!r}\n{digest}".encode()
    return f"{source}/clip/{hashlib.sha256(told).hexdigest()[:12]}"


def parts_of(
    picture: Picture, source: str, time_s: float, at_s: float, settings: MemorySettings
) -> tuple[Clip | Observation, ...]:
    """The clip first, then what was read and what was seen, where there is any. at_s: its place in the source."""
    clip = Clip(
        id=picture_id(source, time_s, picture.digest),
        source=source,
        t_start_s=at_s,
        t_end_s=at_s,
        vector=picture.vector,
        appearance=picture.appearance,
        short_term=None,
        tags=picture.tags[: settings.tags],
        surprise=0.0,
        frames=1,
        keyframe=picture.thumbnail,
        keyframe_t_s=at_s,
    )
    found = (_read_in(picture, clip), seen_in(clip, settings))
    return (clip, *(one for one in found if one is not None))


def _read_in(picture: Picture, clip: Clip) -> Observation | None:
    if not picture.lines:
        return None
    return Observation(
        id=f"{clip.id}/read",
        source=clip.source,
        modality="read",
        text="\n".join(line.text for line in picture.lines),
        t_start_s=clip.t_start_s,
        t_end_s=clip.t_end_s,
        known_at_s=clip.known_s,
        confidence=float(np.mean([line.confidence for line in picture.lines])),
        details={
            "clip": clip.id,
            "picture": picture.name,
            "lines": [{"text": line.text, "box": list(line.box)} for line in picture.lines],
        },
    )
