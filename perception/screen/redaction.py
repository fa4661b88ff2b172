"""Secrets are taken out of the lines of a screen before they are remembered, and out of its pictures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np

from perception.screen.change import TILE, Tiles
from perception.screen.lines import Track
from perception.screen.rows import rows_of
from runtime.messages import Image
from runtime.secrets import find_secrets

_AROUND_PX = 4
_NEAR = 2.5  # line heights between a label and its value, or two rows
_LABEL_CHARS = 40
_SOME_VALUE = "x7x7x7"
_VALUE = re.compile(r"(?=\S*[\d\W])\S{4,64}")
"""No word, which may as well be the name on a button."""


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
    for track in _under_labels(tracks) - holding:
        texts[track] = "[password]"
        holding.add(track)
    return texts, holding


def _under_labels(tracks: Sequence[Track]) -> set[Track]:
    """Values of forms and tables that stand below their label, other columns beside them."""
    found: set[Track] = set()
    for label in tracks:
        if not _is_label(label.text):
            continue
        x0, y0, x1, y1 = label.box
        for track in sorted(tracks, key=lambda t: t.box[1]):
            apart = track.box[1] - y1
            if apart < -_AROUND_PX or track.box[0] >= x1 or track.box[2] <= x0:
                continue
            if apart > _NEAR * (y1 - y0) or not _VALUE.fullmatch(track.text):
                break
            found.add(track)
            y0, y1 = track.box[1], track.box[3]
    return found


@lru_cache(4096)
def _is_label(text: str) -> bool:
    return len(text) <= _LABEL_CHARS and bool(find_secrets(f"{text}\n{_SOME_VALUE}"))


def blackened(image: Image, tiles: Tiles, tracks: Iterable[Track]) -> Image:
    """A copy that does not show those tiles and lines."""
    out = image.copy()
    for row, column in np.argwhere(tiles).tolist():
        out[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE] = 0
    for x0, y0, x1, y1 in (track.box for track in tracks):
        out[max(0, y0 - _AROUND_PX) : y1 + _AROUND_PX, max(0, x0 - _AROUND_PX) : x1 + _AROUND_PX] = 0
    return out
