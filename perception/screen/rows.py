"""Lines of text in the order in which they are read: columns one after the other, the cells of a table's row in one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from perception.screen.change import Box
from perception.screen.lines import CUT, Track, level

_CELL = 40
_LABEL = 6
_TABLE, _LABELS = 3, 2
_WIDE = 0.2
"""Of the width: cells may stand further apart only in what is a table without doubt."""
_ALIGNED, _LEVEL = 8, 0.8


def rows_of(tracks: Sequence[Track], width: int) -> list[list[Track]]:
    """Lines in reading order, each from left to right: column by column, cells of a table's row in one line."""
    rows: list[list[Track]] = []
    for track in sorted(tracks, key=lambda t: (t.box[1] + t.box[3], t.box[0])):
        row = next((r for r in reversed(rows[-3:]) if level(r[0].box, track.box)), None)
        if row is None:
            rows.append([track])
        else:
            row.append(track)
    for row in rows:
        row.sort(key=lambda t: t.box[0])
    pairs = [pair for row in rows for pair in pairwise(row)]
    cells = Counter(sign for a, b in pairs for sign in _columns(a, b))
    far = {id(a) for a, b in pairs if b.box[0] - a.box[2] > _WIDE * width and _of_table(a, b, pairs, tracks)}
    parts: list[list[Track]] = []
    for row in rows:
        part = [row[0]]
        for before, track in pairwise(row):
            if id(before) not in far and not _beside(before, track, width, len(rows) < _TABLE, cells):
                parts.append(part)
                part = []
            part.append(track)
        parts.append(part)
    return _by_column(parts)


def _beside(a: Track, b: Track, width: int, few: bool, cells: Counter[tuple[int, int, str]]) -> bool:
    """Two neighbours of a row are one line: words, a label with what it is for, or cells of a table."""
    gap, height = b.box[0] - a.box[2], b.box[3] - b.box[1]
    prose = max(len(a.text), len(b.text)) > _CELL
    if len(a.text) <= _LABEL:
        return gap <= _WIDE * width
    if gap <= (1.2 if prose else 3.0) * height:
        return True
    if prose or gap > _WIDE * width:
        return False
    least = _LABELS if len(a.text) <= CUT else _TABLE
    return few or any(cells[near] >= least for sign in _columns(a, b) for near in _nearby(sign))


def _of_table(a: Track, b: Track, pairs: Sequence[tuple[Track, Track]], tracks: Sequence[Track]) -> bool:
    """However far apart: where one column has a line the other has one too, level with it. Two columns of prose, and a
    list beside a text with other line heights, are none.
    """
    same = [
        (c, d)
        for c, d in pairs
        if _near(c.box[0], a.box[0])
        and (_near(d.box[0], b.box[0]) or _near(d.box[2], b.box[2]))
        and min(len(c.text), len(d.text)) <= _CELL
    ]
    if len(same) < _TABLE:
        return False
    top, bottom = min(c.box[1] for c, _ in same), max(c.box[3] for c, _ in same)
    for column in ((a.box[0], 0), (b.box[0], 0), (b.box[2], 2)):
        lines = sum(
            _near(t.box[column[1]], column[0]) and t.box[1] >= top and t.box[3] <= bottom for t in tracks
        )
        if len(same) < _LEVEL * lines:
            return False
    return True


def _near(a: int, b: int) -> bool:
    return abs(a - b) <= _ALIGNED


def _columns(a: Track, b: Track) -> tuple[tuple[int, int, str], tuple[int, int, str]]:
    """Two neighbours that begin, or begin and end, where those of other rows do."""
    return ((a.box[0] // 12, b.box[0] // 12, "left"), (a.box[0] // 12, b.box[2] // 12, "right"))


def _nearby(sign: tuple[int, int, str]) -> list[tuple[int, int, str]]:
    return [(sign[0] + i, sign[1] + j, sign[2]) for i in (-1, 0, 1) for j in (-1, 0, 1)]


def _by_column(parts: list[list[Track]]) -> list[list[Track]]:
    """What stands under each other without a gap belongs together."""
    blocks: list[list[list[Track]]] = []
    for part in parts:
        box = _bounds(part)
        for block in blocks:
            last = _bounds(block[-1])
            shared = min(last[2], box[2]) - max(last[0], box[0])
            near = box[1] - last[3] < 1.2 * (box[3] - box[1])
            if near and shared > 0.5 * min(last[2] - last[0], box[2] - box[0]):
                block.append(part)
                break
        else:
            blocks.append([part])
    return [part for block in blocks for part in block]


def _bounds(part: Sequence[Track]) -> Box:
    return (
        min(t.box[0] for t in part),
        min(t.box[1] for t in part),
        max(t.box[2] for t in part),
        max(t.box[3] for t in part),
    )


def per_mille(row: Sequence[Track], width: int, height: int) -> list[int]:
    """The box of a line in thousandths of the picture."""
    return [
        round(1000 * min(t.box[0] for t in row) / width),
        round(1000 * min(t.box[1] for t in row) / height),
        round(1000 * max(t.box[2] for t in row) / width),
        round(1000 * max(t.box[3] for t in row) / height),
    ]
