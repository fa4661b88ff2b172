"""Pictures as they are kept: JPEG of video; of screens AVIF, which may show only what differs from another one."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from runtime.errors import MediaError

Picture = NDArray[np.uint8]

_MISSING = 128  # grey: what lay below is not kept any more
_WEBP_QUALITY = 80
_AVIF_SPEED = 8  # of 10; at 6 it takes six times as long, for nothing


def mime_of(picture: bytes) -> str:
    """The type that a picture's first bytes say (RFC 9649, 2.4, for WebP)."""
    return "image/webp" if picture[:4] == b"RIFF" and picture[8:12] == b"WEBP" else "image/jpeg"


def is_avif(picture: bytes) -> bool:
    """ISO/IEC 14496-12, 4.3: the file type box comes first."""
    return picture[4:12] == b"ftypavif"


def scaled(picture: Picture, longest: int) -> Picture:
    """picture: (height, width) or (height, width, channels). Its longer side is at most so many pixels then."""
    scale = longest / max(picture.shape[:2])
    if scale >= 1:
        return picture
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def laid_over(layers: Sequence[bytes]) -> Picture | None:
    """(height, width, 3) BGR: the picture that layers make together, the lowest first; grey where none of them shows
    anything. None: nothing of it can be decoded. Blocking: some ten milliseconds.
    """
    whole: Picture | None = None
    for layer in layers:
        found = cv2.imdecode(np.frombuffer(layer, np.uint8), cv2.IMREAD_UNCHANGED) if layer else None
        if found is None:
            continue
        top = np.asarray(found, np.uint8)
        colours = top[..., :3]
        if whole is None or whole.shape != colours.shape:
            whole = np.full_like(colours, _MISSING)
        shown = top[..., 3] >= 128 if top.shape[2] == 4 else np.ones(top.shape[:2], bool)
        whole[shown] = colours[shown]
    return whole


def webp(picture: Picture) -> bytes:
    """picture: (height, width, 3) BGR. What every program can show."""
    return _encoded(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, _WEBP_QUALITY])


def avif(picture: Picture, quality: int) -> bytes:
    """picture: (height, width, 3 or 4) BGR or BGRA; quality 1 to 100. Blocking: some thirty milliseconds."""
    return _encoded(
        ".avif", picture, [cv2.IMWRITE_AVIF_QUALITY, quality, cv2.IMWRITE_AVIF_SPEED, _AVIF_SPEED]
    )


def _encoded(kind: str, picture: Picture, how: list[int]) -> bytes:
    done, data = cv2.imencode(kind, picture, how)
    if not done:
        raise MediaError(f"a picture cannot be encoded as {kind}")
    return bytes(data.tobytes())
