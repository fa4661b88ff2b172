"""Where an earlier run of the recorder left off, which may have been killed: its source goes on, and what it left open ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import inf

from memory.records import SourceInfo
from memory.screen import ScreenMemory, line_times, lines_of
from memory.store import Store
from runtime.messages import Observation, Standing


@dataclass(frozen=True, slots=True)
class Recalled:
    """A record of text, and by line until when it stood there last. Media seconds."""

    record: Observation
    until_s: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class LeftOff:
    """until_s: media time of the last look that is known of. ends: of what had none yet. texts: the last one to go comes
    last.
    """

    source: SourceInfo
    until_s: float
    ends: tuple[Standing, ...]
    texts: tuple[Recalled, ...]


def path_of(day: date) -> str:
    """By which a recorder's source of a day is told from a folder of screenshots."""
    return f"screen of {day}"


async def left_off(store: Store, day: date, wall_s: float, back_s: float) -> LeftOff | None:
    """The source of that day that can go on at wall_s (Unix time); texts are those that stood there in the last back_s
    seconds of it. None: there is none, or the clock was set back since.
    """
    memory = ScreenMemory(store)
    source = next((s for s in reversed(await memory.sources()) if s.path == path_of(day)), None)
    if source is None:
        return None
    until_s = max(0.0, (await store.resume_point(source.id)).video_done_s)
    if wall_s - (source.wall_zero_s or 0.0) < until_s:
        return None
    seen, read = await memory.activity_records([source]), await memory.text_records([source])
    stood = await memory.standings([r.id for r in (*seen, *read)])
    ends = [_end(r, r.t_start_s, until_s) for r in seen if r.id not in stood]
    texts = []
    for record in read:
        spans = stood.get(record.id, [])
        last = {}
        for line in lines_of(record):
            times = line_times(line, spans, record)
            if spans:
                ends += [_end(record, a, until_s, line) for a, b in times if b == inf]
            last[line] = max(b if b < inf else max(a, until_s) for a, b in times)
        if not spans:
            ends.append(_end(record, record.t_start_s, until_s))
        if max(last.values(), default=-inf) >= until_s - back_s:
            texts.append(Recalled(record, last))
    texts.sort(key=lambda r: max(r.until_s.values()))
    return LeftOff(source, until_s, tuple(ends), tuple(texts))


def _end(record: Observation, since_s: float, until_s: float, line: int = -1) -> Standing:
    return Standing(record.id, record.source, since_s, max(since_s, until_s), line)
