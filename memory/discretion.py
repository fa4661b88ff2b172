"""What becomes of secrets on their way into a memory: out of the text, out of what stands beside it, out of the pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from memory.keys import readings_of
from memory.vault import Sealed, seal
from runtime.messages import Clip, Observation
from runtime.secrets import Secret, find_secrets, holds_part, redact, redact_values

_MARGIN = 0.01
_CAPTION_CHARS = 120

Box = tuple[float, float, float, float]
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """record: without its secrets. boxes: where in the picture they stood, in shares of its sides. sealed: for the vault."""

    record: Observation
    boxes: tuple[Box, ...] = ()
    sealed: tuple[Sealed, ...] = ()


def clean(record: Observation, vault_key: bytes | None) -> Cleaned:
    """vault_key: None where secrets are redacted and not kept."""
    secrets = find_secrets(record.text) if record.modality != "seen" else ()
    if readings := readings_of(record):
        # Another reading of a secret is nearly the secret: none is kept beside one, nor one that is one itself.
        kept = [] if secrets else [reading for reading in readings if not find_secrets(reading)]
        record = replace(record, details={**record.details, "alternatives": kept})
    if not secrets:
        return Cleaned(record)
    values = [record.text[s.start : s.end] for s in secrets]
    cleaned = replace(
        record, text=redact(record.text, secrets), details=redact_values(dict(record.details), values)
    )
    boxes = tuple(_boxes(record, values)) if record.modality == "read" else ()
    if vault_key is None:
        return Cleaned(cleaned, boxes)
    sealed = tuple(_sealed(record, number, secrets, vault_key) for number in range(len(secrets)))
    return Cleaned(cleaned, boxes, sealed)


def cover(clip: Clip, read: Iterable[Cleaned]) -> Clip:
    """The clip's key frame with black where a secret stood while it ran."""
    at_once = (c for c in read if c.record.t_start_s <= clip.t_end_s and c.record.t_end_s >= clip.t_start_s)
    boxes = [box for cleaned in at_once for box in cleaned.boxes]
    return replace(clip, keyframe=blacked_out(clip.keyframe, boxes)) if boxes else clip


def blacked_out(jpeg: bytes, boxes: Sequence[Box]) -> bytes:
    """A picture that cannot be read as one becomes a black one."""
    import cv2

    raw = np.frombuffer(jpeg, np.uint8)
    image = cv2.imdecode(raw, cv2.IMREAD_COLOR) if len(raw) else None
    if image is None:
        image = np.zeros((8, 8, 3), np.uint8)
    height, width = image.shape[:2]
    for x0, y0, x1, y1 in boxes:
        left, top = int((x0 - _MARGIN) * width), int((y0 - _MARGIN) * height)
        right, bottom = int((x1 + _MARGIN) * width) + 1, int((y1 + _MARGIN) * height) + 1
        image[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = 0
    return bytes(cv2.imencode(".jpg", image)[1].tobytes())


def _boxes(record: Observation, values: Sequence[str]) -> Iterable[Box]:
    lines = record.details.get("lines") or ()
    found = False
    for line in lines:
        if isinstance(line, dict) and holds_part(str(line.get("text", "")), values):
            found = True
            box = line.get("box")
            yield (float(box[0]), float(box[1]), float(box[2]), float(box[3])) if box else WHOLE
    if not found:
        yield WHOLE


def _sealed(record: Observation, number: int, secrets: Sequence[Secret], key: bytes) -> Sealed:
    secret, entry = secrets[number], f"{record.id}#vault{number}"
    return Sealed(
        id=entry,
        record=record.id,
        modality=record.modality,
        source=record.source,
        t_start_s=record.t_start_s,
        t_end_s=record.t_end_s,
        known_at_s=record.known_at_s,
        kind=secret.kind,
        caption=_caption(record.text, secret, secrets),
        sealed=seal(record.text[secret.start : secret.end], key, entry),
    )


def _caption(text: str, secret: Secret, secrets: Sequence[Secret]) -> str:
    """The line around it, and the one above where nothing else stands in it."""
    start = text.rfind("\n", 0, secret.start) + 1
    if start and not text[start : secret.start].strip():
        start = text.rfind("\n", 0, start - 1) + 1
    end = text.find("\n", secret.end)
    end = len(text) if end < 0 else end
    near = [s for s in secrets if s.start < end and s.end > start]
    start, end = min(start, *(s.start for s in near), start), max(end, *(s.end for s in near), end)
    line = redact(text[start:end], [Secret(s.kind, s.start - start, s.end - start) for s in near])
    return " ".join(line.split())[:_CAPTION_CHARS]
