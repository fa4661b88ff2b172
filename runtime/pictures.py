"""Pictures as they are kept: JPEG of video, WebP of screens, whose text it keeps sharp in half the bytes."""

from __future__ import annotations


def mime_of(picture: bytes) -> str:
    """The type that a picture's first bytes say (RFC 9649, 2.4, for WebP)."""
    return "image/webp" if picture[:4] == b"RIFF" and picture[8:12] == b"WEBP" else "image/jpeg"
