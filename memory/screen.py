"""What a screen showed: written as it comes, read back with from when to when it stood there.

A record is written when its lines have appeared, and never again; how long they stayed is told later, in a table of
its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import inf
from typing import Any

import pyarrow as pa

from memory import schema
from memory.erasing import erase
from memory.forgetting import Selection
from memory.forgetting import forget as forget_records
from memory.key_writing import write_keys
from memory.keys import Key, keys_of
from memory.records import ResumePoint, SourceInfo, observations_of
from memory.records import observation_table as table_of
from memory.screen_pictures import monitor_of, name_of, picture_of
from memory.settings import MemorySettings
from memory.store import Store, quoted
from runtime.compute import Compute
from runtime.messages import Observation, ScreenReading
from runtime.models import TextEncoder

PREFIX = "screen-"
_OPTIMIZE_EVERY = 128
_AT_ONCE = 500
_ROUNDED_S = 0.001


def is_screen(source: str) -> bool:
    """Whether a source's times are told by the wall clock, as those of a screen are."""
    return source.startswith(PREFIX)


class ScreenWriter:
    """Writes the readings of screen sources, one at a time; it forgets one thing at a time."""

    def __init__(
        self, store: Store, encoder: TextEncoder, compute: Compute, settings: MemorySettings | None = None
    ) -> None:
        self._settings = settings or MemorySettings()
        self._store = store
        self._encoder = encoder
        self._compute = compute
        self._commits = 0
        self._reading: ScreenReading | None = None
        self._steps = 0
        self._previous: Observation | None = None
        self._forgetting = asyncio.Lock()

    async def begin(self, about: SourceInfo) -> ResumePoint:
        """Registers a source, if it is new. Returns how far it has been written."""
        if all(source.id != about.id for source in await self._store.sources()):
            rows = pa.Table.from_pylist([asdict(about)], schema=schema.fixed_schema(schema.SOURCES))
            await self._store.add(schema.SOURCES, rows)
        return await self._store.resume_point(about.id)

    async def write(self, source: str, reading: ScreenReading, complete: bool = False) -> None:
        """Rows first, how far they reach last. Raises MemoryStoreError: no space left, among others; the same reading
        can then be given again, and nothing of it is written twice.
        """
        if reading is not self._reading:
            self._reading, self._steps = reading, 0
        steps = (self._write_records, self._write_keys, self._write_spans, self._write_pictures)
        for step in steps[self._steps :]:
            await step(reading)
            self._steps += 1
        await self._committed(source, reading.until_s, complete)

    async def reached(self, source: str, t_s: float) -> None:
        """Nothing was new until t_s. Raises MemoryStoreError."""
        await self._committed(source, t_s, complete=False)

    async def _committed(self, source: str, until_s: float, complete: bool) -> None:
        if until_s > -inf:
            await self._store.set_progress(source, ResumePoint(until_s, inf, complete))
        self._commits += 1
        if complete or self._commits % _OPTIMIZE_EVERY == 0:
            await self._store.optimize()

    async def forget(self, source: str, from_s: float) -> int:
        """Takes back what appeared from from_s on, what was said since, and every picture, off the disk. What stood there
        before stays. Returns how many records that were.
        """
        mine = f"source = {quoted(source)}"
        async with self._forgetting:
            heard = await self._forget_heard(f"{mine} AND t_end_s >= {from_s!r}")
            return heard + await self._erase(f"{mine} AND t_start_s >= {from_s!r}")

    async def forget_before(self, before_s: Mapping[str, float], pictures_only: bool = False) -> int:
        """By source: what appeared or was said before that; of the pictures those taken before. It may be called while
        readings are written. Returns how many records and pictures.
        """
        if not before_s:
            return 0
        where = " OR ".join(
            f"(source = {quoted(source)} AND t_start_s < {t_s!r})" for source, t_s in before_s.items()
        )
        async with self._forgetting:
            heard = 0 if pictures_only else await self._forget_heard(f"({where})")
            return heard + await self._erase(where, pictures_only)

    async def times(self, table: str) -> list[tuple[str, float]]:
        """Of each of its rows the source, and when it begins there. Unordered."""
        rows = await self._store.rows(table, columns=["source", "t_start_s"])
        if rows is None:
            return []
        return list(zip(rows["source"].to_pylist(), rows["t_start_s"].to_pylist(), strict=True))

    async def _forget_heard(self, where: str) -> int:
        """What was said, with whose voice that was, and the facts that were made of it."""
        said = await self._ids(schema.OBSERVATIONS, "id", f"{where} AND modality = 'said'")
        for at in range(0, len(said), _AT_ONCE):
            ids = tuple(said[at : at + _AT_ONCE])
            await forget_records(self._store, Selection(ids=ids), self._settings)
        if said:
            self._previous = None
        return len(said)

    async def _erase(self, where: str, pictures_only: bool = False) -> int:
        pictures = await self._ids(schema.KEYFRAMES, "clip", where)
        records = [] if pictures_only else await self._ids(schema.OBSERVATIONS, "id", where)
        if not pictures and not records:
            return 0
        doomed: dict[str, dict[str, Sequence[str]]] = {schema.KEYFRAMES: {"clip": pictures}}
        if records:
            doomed |= {
                schema.OBSERVATIONS: {"id": records},
                schema.KEYS: {"record": records},
                schema.SPANS: {"record": records},
            }
        await erase(self._store, doomed, (), self._settings)
        return len(pictures) if pictures_only else len(records)

    async def _ids(self, table: str, column: str, where: str) -> list[str]:
        rows = await self._store.rows(table, where, [column])
        return [str(value) for value in rows[column].to_pylist()] if rows is not None else []

    async def _write_records(self, reading: ScreenReading) -> None:
        shape = schema.fixed_schema(schema.OBSERVATIONS)
        if reading.observations:
            await self._store.add(schema.OBSERVATIONS, table_of(reading.observations, shape))

    async def _write_spans(self, reading: ScreenReading) -> None:
        await self._add(
            schema.SPANS,
            [
                {
                    "record": s.record,
                    "source": s.source,
                    "t_start_s": s.t_start_s,
                    "t_end_s": s.t_end_s,
                    "line": s.line,
                }
                for s in reading.standings
            ],
        )

    async def _write_pictures(self, reading: ScreenReading) -> None:
        await self._add(
            schema.KEYFRAMES,
            [
                {
                    "clip": name_of(p),
                    "source": p.source,
                    "t_start_s": p.t_s,
                    "t_end_s": p.t_s,
                    "t_s": p.t_s,
                    "jpeg": p.data,
                }
                for p in reading.pictures
            ],
        )

    async def _write_keys(self, reading: ScreenReading) -> None:
        keys: list[tuple[Observation, Key]] = []
        for record in reading.observations:
            before = self._previous if record.modality == "said" else None
            keys += [(record, key) for key in keys_of(record, before)]
            if record.modality == "said":
                self._previous = record
        await write_keys(self._store, self._encoder, self._compute, keys)

    async def _add(self, name: str, rows: list[dict[str, Any]]) -> None:
        if rows:
            await self._store.add(name, pa.Table.from_pylist(rows, schema=schema.fixed_schema(name)))


@dataclass(frozen=True, slots=True)
class Activity:
    """What was in front, from when to when. wall_s: Unix time of its beginning."""

    id: str
    source: str
    t_start_s: float
    t_end_s: float
    wall_s: float
    program: str
    document: str
    site: str
    text: str

    @property
    def duration_s(self) -> float:
        return self.t_end_s - self.t_start_s

    @property
    def end_wall_s(self) -> float:
        return self.wall_s + self.duration_s


class ScreenMemory:
    """Reads what ScreenWriter wrote; of this process or another."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def sources(self) -> list[SourceInfo]:
        """In order of time."""
        found = [s for s in await self._store.sources() if is_screen(s.id) and s.wall_zero_s is not None]
        return sorted(found, key=lambda s: (s.wall_zero_s or 0.0, s.id))

    async def activities(self, sources: Sequence[SourceInfo]) -> list[Activity]:
        """In order of time. One that has not ended, or whose end was lost, lasts until the next or the last look."""
        zeros = {s.id: s.wall_zero_s or 0.0 for s in sources}
        records = await self.activity_records(sources)
        stood = await self.standings([r.id for r in records])
        out: list[Activity] = []
        for source in sources:
            until_s = (await self._store.resume_point(source.id)).video_done_s
            mine = sorted((r for r in records if r.source == source.id), key=lambda r: r.t_start_s)
            for i, record in enumerate(mine):
                later = mine[i + 1].t_start_s if i + 1 < len(mine) else max(until_s, record.t_start_s)
                spans = stood.get(record.id)
                end_s = max(e for _, e, _ in spans) if spans else later
                about = record.details
                out.append(
                    Activity(
                        record.id,
                        source.id,
                        record.t_start_s,
                        min(end_s, later) if i + 1 < len(mine) else end_s,
                        zeros[source.id] + record.t_start_s,
                        about.get("app", ""),
                        about.get("document", ""),
                        about.get("site", ""),
                        record.text,
                    )
                )
        return sorted(out, key=lambda a: (a.wall_s, a.id))

    async def texts(
        self, sources: Sequence[SourceInfo], from_s: float = -inf, to_s: float = inf
    ) -> list[Observation]:
        """What was read and appeared within a time, in order of time within each source; t_end_s is when the last of
        it was gone, of what is still there the last look.
        """
        where = "modality = 'read'"
        where += f" AND t_start_s >= {from_s!r}" if from_s > -inf else ""
        where += f" AND t_start_s <= {to_s!r}" if to_s < inf else ""
        records = await self._records(sources, where)
        stood = await self.stood(records)
        return [
            replace(r, t_end_s=max(end for _, end in stood[r.id]))
            for r in sorted(records, key=lambda r: (r.source, r.t_start_s, r.id))
        ]

    async def activity_records(self, sources: Sequence[SourceInfo]) -> list[Observation]:
        """Unordered, as they were written: without their ends."""
        return await self._records(sources, "modality = 'seen'")

    async def text_records(self, sources: Sequence[SourceInfo]) -> list[Observation]:
        """The same of what was read."""
        return await self._records(sources, "modality = 'read'")

    async def heard(self, sources: Sequence[SourceInfo]) -> list[Observation]:
        """What was said, in order of time within each source. details["ear"]: "microphone" or "system"."""
        records = await self._records(sources, "modality = 'said'")
        return sorted(records, key=lambda r: (r.source, r.t_start_s, r.id))

    async def stood(self, records: Sequence[Observation]) -> dict[str, list[tuple[float, float]]]:
        """By record: from when to when it stood there, in order of time; what is still there to the last look."""
        stood = await self.standings([r.id for r in records])
        names = {r.source for r in records}
        until = {name: (await self._store.resume_point(name)).video_done_s for name in names}
        out: dict[str, list[tuple[float, float]]] = {}
        for r in records:
            times = set()
            for line in lines_of(r):
                for start, end in line_times(line, stood.get(r.id, []), r):
                    times.add((start, end if end < inf else max(start, r.t_end_s, until[r.source])))
            out[r.id] = sorted(times) or [(r.t_start_s, max(r.t_end_s, until[r.source]))]
        return out

    async def standing(
        self, source: SourceInfo, t_s: float, open_ended: bool
    ) -> list[tuple[Observation, list[int]]]:
        """What stood there at a time, the last that appeared first: records, and which of their lines.

        open_ended: of a source that is still being written, a line whose end is not told yet is still there; of
        another one it was there until the last look.
        """
        records = await self._records([source], f"modality = 'read' AND t_start_s <= {t_s!r}")
        stood = await self.standings([r.id for r in records])
        until_s = inf if open_ended else (await self._store.resume_point(source.id)).video_done_s
        out = []
        for record in sorted(records, key=lambda r: (-r.t_start_s, r.id)):
            spans = stood.get(record.id, [])
            there = [
                line
                for line in lines_of(record)
                if any(a <= t_s <= min(b, until_s) for a, b in line_times(line, spans, record))
            ]
            if there:
                out.append((record, there))
        return out

    async def picture(
        self, source: str, t_s: float, until_s: float | None = None, record: str = ""
    ) -> bytes | None:
        """The picture of a moment: the first one taken between t_s and until_s, else the nearest to t_s.

        Of a record that stood on the screen only one that was taken meanwhile, of its monitor, proves it; None: there is none.
        """
        rows = await self._store.rows(schema.KEYFRAMES, f"source = {quoted(source)}", ["clip", "t_s"])
        taken = rows.to_pylist() if rows is not None else []
        until_s = t_s if until_s is None else until_s
        about = await self._store.rows(schema.OBSERVATIONS, f"id = {quoted(record)}") if record else None
        for found in observations_of(about) if about is not None else []:
            if found.modality != "said":
                taken = [row for row in taken if t_s - _ROUNDED_S <= row["t_s"] <= until_s + _ROUNDED_S]
            if (monitor := found.details.get("monitor")) is not None:
                taken = [row for row in taken if monitor_of(row["clip"]) == monitor]
        if not taken:
            return None
        nearest = min(
            taken,
            key=lambda row: (not t_s <= row["t_s"] <= until_s, abs(row["t_s"] - t_s), row["clip"]),
        )
        return await picture_of(self._store, nearest["clip"])

    async def standings(self, records: Sequence[str]) -> dict[str, list[tuple[float, float, int]]]:
        """By record: (from, to, line) in media seconds, in order of time; line -1 is all of it."""
        out: dict[str, list[tuple[float, float, int]]] = {}
        wanted = list(dict.fromkeys(records))
        for start in range(0, len(wanted), 500):
            names = ", ".join(map(quoted, wanted[start : start + 500]))
            rows = await self._store.rows(schema.SPANS, f"record IN ({names})")
            for row in rows.to_pylist() if rows is not None else []:
                out.setdefault(row["record"], []).append((row["t_start_s"], row["t_end_s"], row["line"]))
        return {name: sorted(spans) for name, spans in out.items()}

    async def _records(self, sources: Sequence[SourceInfo], where: str) -> list[Observation]:
        if not sources:
            return []
        names = ", ".join(quoted(s.id) for s in sources)
        rows = await self._store.rows(schema.OBSERVATIONS, f"source IN ({names}) AND {where}")
        return observations_of(rows) if rows is not None else []


def lines_of(record: Observation) -> range:
    """The numbers of its lines, the window's title aside."""
    return range(int(record.details.get("heading", 0)), len(record.text.splitlines()))


def line_times(
    line: int, spans: Sequence[tuple[float, float, int]], record: Observation
) -> list[tuple[float, float]]:
    """From when to when a line stood there; an end that is not known is inf."""
    mine = [(a, b) for a, b, which in spans if which in (-1, line)]
    ended = {a for a, b in mine if b < inf}
    return [(a, b) for a, b in mine if b < inf or a not in ended] or [(record.t_start_s, inf)]
