"""Secrets are taken out of the lines of a screen before they are remembered, and out of its pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from perception.screen.change import TILE, Tiles
from perception.screen.lines import Track
from perception.screen.rows import rows_of
from runtime.messages import Image
from runtime.secrets import find_secrets

_AROUND_PX = 4


def redacted(tracks: Sequence[Track], width: int) -> tuple[dict[Track, str], set[Track]]:
    """tracks: all that stands on a monitor of that width, since a label may stand beside or above its value. Their texts
    without secrets, and those that hold one.
    """
    at = 0
    starts: list[tuple[int, Track]] = []
    parts = []
    for row in rows_of(tracks, width):
        for track in row:
            starts.append((at, track))
            parts.append(track.text + ("\n" if track is row[-1] else "  "))
            at += len(parts[-1])
    secrets = find_secrets("".join(parts))
    texts, holding = {}, set()
    for start, track in starts:
        text, shift = track.text, 0
        for secret in secrets:
            a, b = max(0, secret.start - start), min(len(track.text), secret.end - start)
            if a < b:
                mark = f"[{secret.kind}]"
                text = text[: a + shift] + mark + text[b + shift :]
                shift += len(mark) - (b - a)
                holding.add(track)
        texts[track] = text
    return texts, holding


def blackened(image: Image, tiles: Tiles, tracks: Iterable[Track]) -> Image:
    """A copy that does not show those tiles and lines."""
    out = image.copy()
    for row, column in np.argwhere(tiles).tolist():
        out[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE] = 0
    for x0, y0, x1, y1 in (track.box for track in tracks):
        out[max(0, y0 - _AROUND_PX) : y1 + _AROUND_PX, max(0, x0 - _AROUND_PX) : x1 + _AROUND_PX] = 0
    return out
