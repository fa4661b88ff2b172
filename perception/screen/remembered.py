"""Which lines of which records stand on the screen; from when to when is told as soon as it is known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perception.screen.lines import Track
from runtime.messages import Standing

_RECORDS = 10_000


@dataclass(slots=True)
class _Record:
    """left: by line, the tracks that still stand there as they were when it was written. lines: how many it has."""

    source: str
    left: dict[int, set[Track]]
    lines: int


class Remembered:
    """Of the last records. Times in media seconds."""

    def __init__(self) -> None:
        self.told: list[Standing] = []
        self._records: dict[str, _Record] = {}

    def add(self, record: str, source: str, rows: Mapping[int, Sequence[Track]], there: bool = True) -> None:
        """rows: by line of the record's text the tracks that it was made of. there: they stand there now."""
        for line, row in rows.items():
            for track in row:
                track.record, track.line = record, line
        left = {line: set(row) for line, row in rows.items()} if there else {}
        self._records[record] = _Record(source, left, len(rows))
        if len(self._records) > _RECORDS:
            del self._records[next(iter(self._records))]

    def end(self, gone: Sequence[Track], t_s: float) -> None:
        """Lines are no longer there: from when to when they were is told."""
        last = []
        for track in gone:
            record = self._records.get(track.record) if track.record is not None else None
            if record is None:
                continue
            left = record.left.get(track.line, set())
            left.discard(track)
            if not left:
                last.append(track)
        self.stand(last, t_s)

    def stand(self, tracks: Sequence[Track], until_s: float = math.inf) -> None:
        """Of those that are remembered: from when to when. until_s: inf, they are there again."""
        lines: dict[tuple[str, float], set[int]] = {}
        for track in tracks:
            if track.record is not None and track.record in self._records:
                lines.setdefault((track.record, track.shown_s), set()).add(track.line)
        for (name, since_s), those in lines.items():
            record = self._records[name]
            for line in [-1] if len(those) == record.lines else sorted(those):
                self.told.append(Standing(name, record.source, since_s, max(since_s, until_s), line))

    def clear(self) -> None:
        self._records.clear()
