"""Events, episodes and days: the levels above clips. Derived; `rebuild` makes them again from what is stored.

A level must not know the future: an event that had ended by T has to be the same whatever came after T, or a
search as of T would see a later world through it. So units are merged in order of time, an ended event is
never touched again, and the byte budget is kept by a least length, not by merging backwards.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from math import floor, inf
from typing import Protocol, TypeVar

import numpy as np
import pyarrow as pa

from memory import schema
from memory.compressor import unit
from memory.keys import is_message
from memory.records import clips_of, fixed_list, matrix, observations_of
from memory.settings import MemorySettings
from memory.store import Store, quoted
from memory.text import sentences, tokens
from runtime.messages import Observation, Vector

_NODE_OVERHEAD_BYTES = 160
"""Ids, times and lengths of one row."""


class _Timed(Protocol):
    @property
    def t_start_s(self) -> float: ...


_T = TypeVar("_T", bound=_Timed)


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """What events are made of: a clip, or (no video) a chapter of speech. vector: unit, for likeness."""

    id: str
    t_start_s: float
    t_end_s: float
    known_at_s: float
    vector: Vector
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """level: "event", "episode" or "day". known_at_s: from when on it could no longer change.

    vector: (d,) centroid of the text keys in the span; appearance: mean of the units' vectors, may be empty.
    """

    id: str
    level: str
    t_start_s: float
    t_end_s: float
    known_at_s: float
    vector: Vector
    appearance: Vector
    synopsis: str
    children: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TextKey:
    """A text key's place in time and its vector, for the centroids."""

    t_start_s: float
    known_at_s: float
    vector: Vector


def build(
    source: str,
    units: Sequence[Unit],
    keys: Sequence[TextKey],
    observations: Sequence[Observation],
    dim: int,
    settings: MemorySettings,
) -> list[Node]:
    """All events and episodes of one source, in order of time, events before their episode."""
    keys = sorted(keys, key=_start)
    observations = sorted(observations, key=_start)
    nodes: list[Node] = []
    episodes: dict[int, list[Unit]] = {}
    for one in sorted(units, key=lambda u: (u.t_start_s, u.id)):
        episodes.setdefault(floor(one.t_start_s / settings.episode_s), []).append(one)
    for number, members in sorted(episodes.items()):
        end_s = (number + 1) * settings.episode_s
        spans = _events(members, end_s, _least_event_s(dim, members, settings), settings)
        events = [
            _node(
                f"{source}/event/{round(group[0].t_start_s * 1000):010d}",
                "event",
                group,
                known_at_s,
                keys,
                observations,
                tuple(u.id for u in group),
                dim,
                settings,
            )
            for group, known_at_s in spans
        ]
        children = tuple(event.id for event in events)
        episode = f"{source}/episode/{number:05d}"
        nodes += events
        nodes.append(_node(episode, "episode", members, end_s, keys, observations, children, dim, settings))
    return nodes


def sessions(
    keys: Sequence[TextKey],
    observations: Sequence[Observation],
    dim: int,
    settings: MemorySettings,
) -> list[Node]:
    """The sessions of a conversation, in place of episodes. One is known when something else was said after it; the
    last one may still go on (known_at_s is infinite).
    """
    keys = sorted(keys, key=_start)
    groups: dict[str, list[Observation]] = {}
    for one in sorted(observations, key=lambda o: (o.t_start_s, o.id)):
        groups.setdefault(one.id.rpartition("/")[0], []).append(one)
    nodes = []
    for name, members in groups.items():
        last = max(o.known_at_s for o in members)
        known_at_s = min((o.known_at_s for o in observations if o.known_at_s > last), default=inf)
        start, end = members[0].t_start_s, members[-1].t_end_s
        inside = [k.vector for k in _within(keys, start, end + 1e-3)]
        nodes.append(
            Node(
                id=f"{name}/session",
                level="episode",
                t_start_s=start,
                t_end_s=end,
                known_at_s=known_at_s,
                vector=unit(np.sum(inside, axis=0)) if inside else np.zeros(dim, np.float32),
                appearance=np.zeros(0, np.float32),
                synopsis=synopsis(members, (), settings.synopsis_chars),
                children=tuple(o.id for o in members),
            )
        )
    return nodes


def days(
    source: str,
    nodes: Sequence[Node],
    observations: Sequence[Observation],
    zero_s: float,
    zone: tzinfo | None,
    settings: MemorySettings,
) -> list[Node]:
    """The days of a source in a zone, each of the episodes that begin in it. zero_s: Unix time of its second 0. A day is known
    when it is over and its last episode is known.
    """
    by_day: dict[date, list[Node]] = {}
    for one in nodes:
        if one.level == "episode":
            by_day.setdefault(datetime.fromtimestamp(zero_s + one.t_start_s, zone).date(), []).append(one)
    ordered = sorted(observations, key=_start)
    out = []
    for day, members in sorted(by_day.items()):
        next_day = day + timedelta(days=1)
        over_s = datetime(next_day.year, next_day.month, next_day.day, tzinfo=zone).timestamp()
        start, end = min(n.t_start_s for n in members), max(n.t_end_s for n in members)
        told = [o for o in _within(ordered, start, end + 1e-3) if o.modality != "seen"]
        like = [n.appearance for n in members if len(n.appearance) == len(members[0].appearance)]
        out.append(
            Node(
                id=f"{source}/day/{day:%Y-%m-%d}",
                level="day",
                t_start_s=start,
                t_end_s=end,
                known_at_s=max(over_s - zero_s, *(n.known_at_s for n in members)),
                vector=unit(np.sum([n.vector for n in members], axis=0)),
                appearance=unit(np.sum(like, axis=0)),
                synopsis=synopsis(told, (), settings.synopsis_chars),
                children=tuple(n.id for n in members),
            )
        )
    return out


async def rebuild(store: Store, source: str, settings: MemorySettings) -> int:
    """Makes the nodes of a source from its stored clips, keys and observations. Returns how many there are.

    Idempotent: nodes that stay as they were are not written again. Raises MemoryStoreError.
    """
    if source.startswith("screen-"):
        return 0  # its levels are activities
    mine = f"source = {quoted(source)}"
    clips = await store.rows(schema.CLIPS, mine)
    columns = ["t_start_s", "known_at_s", "vector", "modality"]
    keys = await store.rows(schema.KEYS, f"{mine} AND kind NOT IN ('pair', 'sentence')", columns)
    records = await store.rows(schema.OBSERVATIONS, mine)
    old = await store.rows(schema.NODES, mine)
    text_keys = _text_keys(keys)
    units = (
        [
            Unit(c.id, c.t_start_s, c.t_end_s, c.known_at_s, c.appearance, tuple(n for n, _ in c.tags[:3]))
            for c in clips_of(clips)
        ]
        if clips is not None
        else []
    )
    if not units:
        units = _speech_units(source, text_keys, settings)
    observations = observations_of(records) if records is not None else []
    if any(is_message(o) for o in observations):
        messages = [o for o in observations if is_message(o)]
        nodes = sessions(text_keys, messages, store.text_dim, settings)
    else:
        nodes = build(source, units, text_keys, observations, store.text_dim, settings)
    about = await store.rows(schema.SOURCES, f"id = {quoted(source)}", ["wall_zero_s"])
    zero_s = about["wall_zero_s"][0].as_py() if about is not None and about.num_rows else None
    if zero_s is not None:
        nodes += days(source, nodes, observations, zero_s, store.zone(settings.timezone), settings)
    new = node_table(source, nodes, store.text_dim)
    kept = {row["id"]: row for row in old.to_pylist()} if old is not None else {}
    fresh = {row["id"]: row for row in new.to_pylist()}
    stale = [key for key, row in kept.items() if fresh.get(key) != row]
    if stale:
        await store.delete(schema.NODES, f"id IN ({', '.join(map(quoted, stale))})")
    changed = [key not in kept or kept[key] != fresh[key] for key in new["id"].to_pylist()]
    await store.add(schema.NODES, new.filter(pa.array(changed, pa.bool_())))
    return len(nodes)


def node_table(source: str, nodes: Sequence[Node], dim: int) -> pa.Table:
    vectors = np.stack([n.vector for n in nodes]) if nodes else np.zeros((0, dim), np.float32)
    columns = {
        "id": [n.id for n in nodes],
        "level": [n.level for n in nodes],
        "source": [source] * len(nodes),
        "t_start_s": [n.t_start_s for n in nodes],
        "t_end_s": [n.t_end_s for n in nodes],
        "known_at_s": [n.known_at_s for n in nodes],
        "appearance": [n.appearance.astype(np.float16) for n in nodes],
        "synopsis": [n.synopsis for n in nodes],
        "children": [list(n.children) for n in nodes],
    }
    shape = schema.nodes_schema(dim)
    arrays = [fixed_list(vectors) if f.name == "vector" else pa.array(columns[f.name], f.type) for f in shape]
    return pa.table(arrays, schema=shape)


def _least_event_s(dim: int, units: Sequence[Unit], settings: MemorySettings) -> float:
    """How long an event must be at least, so that events and their episode keep to the budget."""
    clips = sum(len(u.id) for u in units[:1]) * settings.episode_s / settings.clip_min_s
    fixed = 2 * (dim + len(units[0].vector)) + 4 * settings.synopsis_chars + _NODE_OVERHEAD_BYTES
    # What is left of an episode's share after its own node and its clips' ids (each stands in one event).
    share = settings.event_bytes_per_hour * settings.episode_s / 3600.0 - fixed - clips
    count = max(1, int(share // (fixed + len(units[0].id) + 8)))
    return settings.episode_s / count


def _events(
    units: Sequence[Unit], episode_end_s: float, least_s: float, settings: MemorySettings
) -> list[tuple[list[Unit], float]]:
    """(units, known_at_s) of each event of an episode: known when the unit after it is, or when the episode
    ends.
    """
    events: list[tuple[list[Unit], float]] = []
    current: list[Unit] = []
    total = np.zeros(0, np.float32)
    for one in units:
        if current:
            length = one.t_start_s - current[0].t_start_s
            alike = float(np.dot(unit(total), one.vector)) >= settings.event_similarity
            if length >= least_s and (not alike or length >= settings.event_max_s):
                events.append((current, one.known_at_s))
                current = []
        total = one.vector.copy() if not current else total + one.vector
        current.append(one)
    if current:
        events.append((current, episode_end_s))
    return events


def _node(
    node_id: str,
    level: str,
    members: Sequence[Unit],
    known_at_s: float,
    keys: Sequence[TextKey],
    observations: Sequence[Observation],
    children: tuple[str, ...],
    dim: int,
    settings: MemorySettings,
) -> Node:
    start, end = members[0].t_start_s, max(u.t_end_s for u in members)
    inside = [k.vector for k in _within(keys, start, end) if k.known_at_s <= known_at_s]
    spoken = (o for o in _within(observations, start, end) if o.modality != "seen")
    texts = [o for o in spoken if o.known_at_s <= known_at_s]
    return Node(
        id=node_id,
        level=level,
        t_start_s=start,
        t_end_s=end,
        known_at_s=known_at_s,
        vector=unit(np.sum(inside, axis=0)) if inside else np.zeros(dim, np.float32),
        appearance=unit(np.sum([u.vector for u in members], axis=0)),
        synopsis=synopsis(texts, members, settings.synopsis_chars),
        children=children,
    )


def _start(one: _Timed) -> float:
    return one.t_start_s


def _within(ordered: Sequence[_T], start_s: float, end_s: float) -> Sequence[_T]:
    """Those that begin in [start_s, end_s), of a sequence in order of their begin."""
    return ordered[bisect_left(ordered, start_s, key=_start) : bisect_left(ordered, end_s, key=_start)]


_TELLING = 4
"""Words, stop words aside, that a sentence has at least which tells something by itself."""


def synopsis(observations: Sequence[Observation], members: Sequence[Unit], limit: int) -> str:
    """The sentences whose words the span says most often (Luhn, 1958), in order, then the commonest tags.

    First what tells something: no question, and `_TELLING` words or more ("One a year, they said" has fewer).
    """
    ordered = sorted(observations, key=lambda o: (o.t_start_s, o.known_at_s, o.id))
    lines = list(dict.fromkeys(s for o in ordered for s in sentences(o.text)))
    counts = Counter(token for line in lines for token in set(tokens(line)))
    tags = Counter(tag for u in members for tag in u.tags)
    seen = ", ".join(name for name, _ in sorted(tags.items(), key=lambda item: (-item[1], item[0]))[:4])
    room = limit - len(seen) - 8

    def salience(line: str) -> float:
        words = set(tokens(line))
        return sum(counts[word] for word in words) / (len(words) + 3.0)

    def tells(line: str) -> bool:
        return not line.endswith("?") and len(set(tokens(line))) >= _TELLING

    chosen: set[str] = set()
    for line in sorted(lines, key=lambda line: (not tells(line), -salience(line), line)):
        if len(line) + 1 <= room:
            chosen.add(line)
            room -= len(line) + 1
    parts = [line for line in lines if line in chosen]
    return " ".join(parts + ([f"[{seen}]"] if seen else []))[:limit]


def _text_keys(keys: pa.Table | None) -> list[TextKey]:
    if keys is None or not keys.num_rows:
        return []
    vectors = matrix(keys["vector"])
    rows = [
        TextKey(start, known, vectors[i])
        for i, (start, known, modality) in enumerate(
            zip(
                keys["t_start_s"].to_pylist(),
                keys["known_at_s"].to_pylist(),
                keys["modality"].to_pylist(),
                strict=True,
            )
        )
        if modality != "seen"
    ]
    # Rows come in the order of writing, which differs after a resume; float sums must not.
    return sorted(rows, key=lambda k: (k.t_start_s, k.known_at_s, k.vector.tobytes()))


def _speech_units(source: str, keys: Sequence[TextKey], settings: MemorySettings) -> list[Unit]:
    """Chapters of a source without video; each is known at its end."""
    chapters: dict[int, list[Vector]] = {}
    for key in keys:
        chapters.setdefault(floor(key.t_start_s / settings.chapter_s), []).append(key.vector)
    step = settings.chapter_s
    return [
        Unit(f"{source}/chapter/{n:05d}", n * step, (n + 1) * step, (n + 1) * step, unit(np.sum(v, axis=0)))
        for n, v in sorted(chapters.items())
    ]
