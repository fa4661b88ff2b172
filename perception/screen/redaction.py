"""Secrets are taken out of the lines of a screen before they are remembered."""

from __future__ import annotations

from collections.abc import Sequence

from perception.screen.lines import Track
from perception.screen.rows import rows_of
from runtime.secrets import find_secrets


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
