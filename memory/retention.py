"""What fades first when there is too much: MemoryBank's forgetting curve (arXiv 2305.10250, section 3.3).

R = exp(-t / S): t in days since something was last recalled, S its strength, 1 at first; a recall sets t to 0 and S to
S + 1. Only pictures and patch tokens fade, weakest first; words, levels and synopses stay, so that what has faded is still
found and told of. What is pinned never fades.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, exp
from pathlib import Path
from typing import Any

from memory import schema
from memory.erasing import erase
from memory.settings import MemorySettings
from memory.stats import TableStats, table_stats
from memory.store import Store, quoted

LOG = "retention.jsonl"
"""Beside the tables: recalls and pins, one a line, appended by whoever reads or writes."""

_DAY_S = 86_400.0
_SPARE = 0.9
"""Thinned to this share of the budget, so that the next clip does not begin it again."""


def retention(days: float, strength: float) -> float:
    """R in (0, 1]: how well something is retained so long after its last recall. Raises ValueError: strength < 1."""
    if strength < 1.0:
        raise ValueError(f"strength begins at 1, and {strength} is less")
    return exp(-max(days, 0.0) / strength)


@dataclass(frozen=True, slots=True)
class Trace:
    """How often something was recalled, and when last (Unix time)."""

    recalls: int
    last_s: float


@dataclass(frozen=True, slots=True)
class Marks:
    """traces: by the id of a record or clip. pinned: ids of records, clips, events, episodes or sources."""

    traces: Mapping[str, Trace]
    pinned: frozenset[str]


@dataclass(frozen=True, slots=True)
class Thinned:
    """How many clips lost their patch tokens and their key frames; over_bytes: what the memory is still too large."""

    short_terms: int
    keyframes: int
    over_bytes: int


def note_recalls(folder: Path, ids: Iterable[str], wall_s: float) -> None:
    """What an answer cited. Lost where the folder cannot be written: an answer does not depend on it."""
    _append(folder, {"recalled": sorted(set(ids)), "at_s": wall_s})


def pin(folder: Path, ids: Iterable[str], pinned: bool = True) -> None:
    _append(folder, {"pinned" if pinned else "unpinned": sorted(set(ids))}, must=True)


def read_marks(folder: Path) -> Marks:
    """A line that a killed process has cut short is passed over."""
    traces: dict[str, Trace] = {}
    pinned: set[str] = set()
    for line in _lines(folder):
        for record in line.get("recalled", ()):
            trace = traces.get(record, Trace(0, 0.0))
            traces[record] = Trace(trace.recalls + 1, max(trace.last_s, float(line["at_s"])))
        pinned |= set(line.get("pinned", ()))
        pinned -= set(line.get("unpinned", ()))
    return Marks(traces, frozenset(pinned))


async def knows(store: Store, name: str) -> bool:
    """Whether something in the memory has this id."""
    tables = {
        schema.OBSERVATIONS: "id",
        schema.CLIPS: "id",
        schema.NODES: "id",
        schema.SOURCES: "id",
        schema.KEYFRAMES: "clip",
    }
    for table, column in tables.items():
        if await _rows(store, table, _in(column, (name,)), [column]):
            return True
    return False


def torn_lines(folder: Path) -> list[int]:
    """Numbers of lines in the log that cannot be read. The last one, if a kill has cut it short, is none."""
    try:
        whole = (folder / LOG).read_text("utf-8", errors="replace").split("\n")[:-1]
    except FileNotFoundError:
        return []
    return [number for number, line in enumerate(whole, 1) if _mark(line) is None]


def forget_marks(folder: Path, ids: Iterable[str]) -> None:
    """Writes the log anew without these ids. Only for the writer."""
    gone, kept = set(ids), []
    if not gone or not (folder / LOG).is_file():
        return
    for line in _lines(folder):
        for key in ("recalled", "pinned", "unpinned"):
            if key in line:
                line[key] = [i for i in line[key] if i not in gone]
                if line[key]:
                    kept.append(json.dumps(line, ensure_ascii=False))
    draft = folder / f".{LOG}.new"
    draft.write_text("".join(f"{line}\n" for line in kept), "utf-8")
    os.replace(draft, folder / LOG)


async def thin(store: Store, settings: MemorySettings, wall_s: float) -> Thinned:
    """Makes the memory fit total_bytes, if that is more than 0: patch tokens of the weakest clips go first, then their
    key frames but for one in each event, then those. Raises MemoryStoreError.
    """
    if settings.total_bytes <= 0 or store.folder is None:
        return Thinned(0, 0, 0)
    if _size(await table_stats(store)) <= settings.total_bytes:
        return Thinned(0, 0, 0)
    await store.optimize()  # old versions are no reason to let anything fade
    tables = await table_stats(store)
    used = _size(tables)
    if used <= settings.total_bytes:
        return Thinned(0, 0, 0)
    excess = used - settings.total_bytes * _SPARE
    order = await _weakest_first(store, read_marks(store.folder), wall_s)
    doomed: dict[str, dict[str, Sequence[str]]] = {}
    for name in (schema.SHORT_TERM, schema.KEYFRAMES):
        stats = tables.get(name)
        if stats is None or not stats.rows or excess <= 0:
            continue
        each = stats.data_bytes / stats.rows
        there = await _ids(store, name)
        candidates = [c for c in order if c in there]
        if name == schema.KEYFRAMES:
            candidates = await _one_of_each_event_last(store, candidates)
        chosen = candidates[: ceil(excess / each)] if each else []
        doomed[name] = {"clip": chosen}
        excess -= each * len(chosen)
    if not any(columns["clip"] for columns in doomed.values()):
        return Thinned(0, 0, used - settings.total_bytes)
    await erase(store, doomed, (), settings)
    left = _size(await table_stats(store)) - settings.total_bytes
    gone = {name: len(columns["clip"]) for name, columns in doomed.items()}
    return Thinned(gone.get(schema.SHORT_TERM, 0), gone.get(schema.KEYFRAMES, 0), max(0, left))


def _size(tables: Mapping[str, TableStats]) -> int:
    return sum(max(t.disk_bytes, 0) for t in tables.values())


async def _weakest_first(store: Store, marks: Marks, wall_s: float) -> list[str]:
    """Ids of all clips and screen pictures that may fade. Age counts from when a thing was seen, where that is known."""
    zero = {s.id: s.added_at_s if s.wall_zero_s is None else s.wall_zero_s for s in await store.sources()}
    spans = await _rows(
        store, schema.OBSERVATIONS, _in("id", marks.traces), ["id", "source", "t_start_s", "t_end_s"]
    )
    recalled: dict[str, list[dict[str, Any]]] = {}
    for row in spans:
        recalled.setdefault(row["source"], []).append(row)
    pinned = await _pinned_spans(store, marks.pinned)
    scored = []
    for clip in await _rows(store, schema.KEYFRAMES, None, ["clip", "source", "t_start_s", "t_end_s"]):
        if clip["source"] in marks.pinned or clip["clip"] in marks.pinned or _overlaps(clip, pinned):
            continue
        near = [marks.traces[r["id"]] for r in recalled.get(clip["source"], ()) if _overlap(clip, r)]
        near += [marks.traces[clip["clip"]]] if clip["clip"] in marks.traces else []
        begun_s = zero.get(clip["source"], wall_s) + clip["t_end_s"]
        last_s = max([begun_s, *(trace.last_s for trace in near)])
        strength = 1.0 + sum(trace.recalls for trace in near)
        scored.append((retention((wall_s - last_s) / _DAY_S, strength), begun_s, str(clip["clip"])))
    return [clip for *_, clip in sorted(scored)]


async def _one_of_each_event_last(store: Store, clips: Sequence[str]) -> list[str]:
    """The same order, but for the strongest of each event, which come after all others."""
    rows = await _rows(store, schema.NODES, "level = 'event'", ["id", "children"])
    event = {child: row["id"] for row in rows for child in row["children"]}
    last: dict[str, str] = {}
    for clip in clips:
        last[event.get(clip, clip)] = clip
    kept = set(last.values())
    return [c for c in clips if c not in kept] + [c for c in clips if c in kept]


async def _pinned_spans(store: Store, ids: frozenset[str]) -> dict[str, list[dict[str, Any]]]:
    out: dict[str, list[dict[str, Any]]] = {}
    for name in (schema.OBSERVATIONS, schema.NODES):
        for row in await _rows(store, name, _in("id", ids), ["source", "t_start_s", "t_end_s"]):
            out.setdefault(row["source"], []).append(row)
    return out


def _overlaps(clip: dict[str, Any], spans: Mapping[str, list[dict[str, Any]]]) -> bool:
    return any(_overlap(clip, span) for span in spans.get(clip["source"], ()))


def _overlap(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return bool(a["t_start_s"] <= b["t_end_s"] and a["t_end_s"] >= b["t_start_s"])


async def _ids(store: Store, name: str) -> set[str]:
    return {row["clip"] for row in await _rows(store, name, None, ["clip"])}


async def _rows(store: Store, name: str, where: str | None, columns: Sequence[str]) -> list[dict[str, Any]]:
    rows = await store.rows(name, where, columns)
    found: list[dict[str, Any]] = rows.to_pylist() if rows is not None else []
    return found


def _in(column: str, values: Iterable[str]) -> str:
    wanted = ", ".join(map(quoted, sorted(values)))
    return f"{column} IN ({wanted})" if wanted else "false"


def _append(folder: Path, line: dict[str, Any], must: bool = False) -> None:
    raw = (json.dumps(line, ensure_ascii=False) + "\n").encode()
    try:
        number = os.open(folder / LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(number, raw)  # one call: lines of two processes do not mix
        finally:
            os.close(number)
    except OSError:
        if must:
            raise


def _lines(folder: Path) -> list[dict[str, Any]]:
    try:
        text = (folder / LOG).read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return [found for line in text.split("\n") if (found := _mark(line)) is not None]


def _mark(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
