"""Notes: one for each episode, with keywords, tags and links that grow as later notes come (A-MEM, arXiv 2502.12110).

A note is stored as it was first made. Its links, and what they changed, are counted up from the notes that may be seen, in
the order in which they became known: so there is a history, and none of it knows the future.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

import numpy as np
import pyarrow as pa

from memory import schema
from memory.cast import Cast
from memory.consolidation.extractor import worth_reading
from memory.records import fixed_list, matrix, observations_of
from memory.store import Store, quoted
from memory.text import STOP_WORDS, fold, is_number, tokens
from runtime.messages import Observation, Vector

LINKS = 5
_LIKE = 0.5
_KEYWORDS = 8
_WORD = re.compile(r"[^\W\d_][\w'-]{2,}")
_CAPITAL = re.compile(r"(?<![.!?:\"“]\s)(?<!^)\b[A-Z][\w-]{2,}\b", re.MULTILINE)
_VAGUE = frozenset(
    """really thing things lot great good nice well yeah thanks thank like love know think going got get one day time much
    sure hey hello wow been make made let see want need today still way even now back many made feel been hear glad sound
    sounds amazing awesome that's it's i'm i've don't can't what's you're we're let's always never week year people come
    take look looks some any right something all again old more new every call called ask asked say said tell told other another
    both""".split()
)


@dataclass(frozen=True, slots=True)
class Change:
    """One version of a note, and the note by which it came ("" for the first)."""

    known_at_s: float
    because: str
    tags: tuple[str, ...]
    links: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """text: its episode in short. node: the episode. tags: what it shares with the notes it is linked to. history: oldest
    first, the last one holds.
    """

    id: str
    node: str
    source: str
    t_start_s: float
    t_end_s: float
    known_at_s: float
    wall_s: float
    text: str
    keywords: tuple[str, ...]
    history: tuple[Change, ...]

    @property
    def tags(self) -> tuple[str, ...]:
        return self.history[-1].tags

    @property
    def links(self) -> tuple[str, ...]:
        return self.history[-1].links

    @property
    def version(self) -> int:
        return len(self.history)


def keywords_of(records: Sequence[Observation]) -> tuple[str, ...]:
    """The words that most of the records share, names first, each as it was written most often."""
    forms: dict[str, Counter[str]] = {}
    counts: Counter[str] = Counter()
    names: set[str] = set()
    for record in records:
        names.update(token for name in _CAPITAL.findall(record.text) for token in tokens(name))
        seen = set()
        for word in _WORD.findall(record.text):
            plain = fold(word)
            if plain in STOP_WORDS or plain in _VAGUE:
                continue
            for token in tokens(word)[:1]:
                forms.setdefault(token, Counter())[word] += 1
                seen.add(token)
        counts.update(seen)
    weight = {t: n * (2 if t in names else 1) for t, n in counts.items() if not is_number(t)}
    ranked = sorted(weight, key=lambda t: (-weight[t], t))[:_KEYWORDS]
    return tuple(min(forms[t], key=lambda w, t=t: (-forms[t][w], w)) for t in ranked)  # type: ignore[misc]


async def take_notes(store: Store) -> int:
    """Makes the notes that are missing or no longer right. Returns how many. Raises MemoryStoreError."""
    count = 0
    for source in await store.sources():
        zero_s = source.added_at_s if source.wall_zero_s is None else source.wall_zero_s
        async with store.deriving:
            count += await _take_notes(store, source.id, zero_s)
    return count


async def _take_notes(store: Store, source: str, zero_s: float) -> int:
    mine = f"source = {quoted(source)}"
    nodes = await store.rows(schema.NODES, f"{mine} AND level = 'episode'")
    if nodes is None:
        return 0
    old = await store.rows(schema.NOTES, mine, ["id", "basis"])
    known = {row["id"]: row["basis"] for row in old.to_pylist()} if old is not None else {}
    rows = nodes.drop_columns(["vector"]).to_pylist()
    basis = {_id(row["id"]): _basis(row) for row in rows}
    stale = [key for key, value in known.items() if basis.get(key) != value]
    at = [n for n, row in enumerate(rows) if known.get(_id(row["id"])) != basis[_id(row["id"])]]
    if stale:
        await store.delete(schema.NOTES, f"id IN ({', '.join(map(quoted, stale))})")
    if not at:
        return 0
    found = await store.rows(schema.OBSERVATIONS, f"{mine} AND modality = 'said'")
    records = [o for o in observations_of(found) if worth_reading(o)] if found is not None else []
    made = [_row(rows[n], records, zero_s, basis) for n in at]
    vectors = matrix(nodes["vector"])[at]
    shape = schema.notes_schema(vectors.shape[1])
    columns = [
        fixed_list(vectors) if f.name == "vector" else pa.array([row[f.name] for row in made], f.type)
        for f in shape
    ]
    await store.add(schema.NOTES, pa.table(columns, schema=shape))
    return len(made)


def _row(
    node: dict[str, Any], records: Sequence[Observation], zero_s: float, basis: dict[str, str]
) -> dict[str, Any]:
    inside = [o for o in records if node["t_start_s"] <= o.t_start_s <= node["t_end_s"]]
    who = sorted({o.speaker for o in inside if o.speaker})
    return {
        "id": _id(node["id"]),
        "node": node["id"],
        "source": node["source"],
        "t_start_s": node["t_start_s"],
        "t_end_s": node["t_end_s"],
        "known_at_s": node["known_at_s"],
        "wall_s": zero_s + node["known_at_s"],
        "text": node["synopsis"],
        "keywords": keywords_of(inside),
        "tags": who,
        "basis": basis[_id(node["id"])],
    }


def _id(node: str) -> str:
    return f"{node}/note"


def _basis(node: dict[str, Any]) -> str:
    parts = (node["synopsis"], repr(node["known_at_s"]), repr(node["t_end_s"]), *node["children"])
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@dataclass(slots=True)
class _Draft:
    row: dict[str, Any]
    vector: Vector
    keywords: dict[str, str]
    changes: list[Change] = field(default_factory=list)


async def read_notes(
    store: Store, cast: Cast, as_of_s: float = inf, sources: frozenset[str] | None = None
) -> list[Note]:
    """All that were known by then, in the order in which they became known."""
    rows = await store.rows(schema.NOTES, None if as_of_s == inf else f"known_at_s <= {as_of_s!r}")
    if rows is None or not rows.num_rows:
        return []
    vectors = matrix(rows["vector"])
    found = rows.drop_columns(["vector"]).to_pylist()
    drafts = [
        _Draft(row, vectors[n], {t: w for w in row["keywords"] for t in tokens(w)[:1]})
        for n, row in enumerate(found)
        if sources is None or row["source"] in sources
    ]
    drafts.sort(key=lambda d: (d.row["wall_s"], d.row["id"]))
    _link(drafts, cast)
    return [
        Note(
            **{
                k: d.row[k]
                for k in ("id", "node", "source", "t_start_s", "t_end_s", "known_at_s", "wall_s", "text")
            },
            keywords=tuple(d.row["keywords"]),
            history=tuple(d.changes),
        )
        for d in drafts
    ]


def _link(drafts: Sequence[_Draft], cast: Cast) -> None:
    """Each note is linked to the five before it that are most like it; what two linked notes share becomes a tag of both."""
    vectors = np.stack([d.vector for d in drafts]) if drafts else np.zeros((0, 0), np.float32)
    for number, draft in enumerate(drafts):
        at_s, name = draft.row["known_at_s"], draft.row["id"]
        people = [cast.speaker("", who) for who in draft.row["tags"]]
        tags = tuple(sorted({one.label for one in people if one is not None}))
        likeness = vectors[:number] @ draft.vector
        order = np.lexsort((-np.arange(number), -likeness))
        linked: list[str] = []
        for at in order.tolist():
            other = drafts[at]
            shared = [draft.keywords[t] for t in draft.keywords if t in other.keywords]
            if likeness[at] < _LIKE or len(linked) == LINKS:
                break
            if not shared:
                continue
            linked.append(other.row["id"])
            tags = _with(tags, shared)
            last = other.changes[-1]
            other.changes.append(Change(at_s, name, _with(last.tags, shared), (*last.links, name)))
        draft.changes.append(Change(at_s, "", tags, tuple(linked)))


def _with(tags: tuple[str, ...], more: Sequence[str]) -> tuple[str, ...]:
    return (*tags, *(word for word in more if word not in tags))


def notes_about(notes: Sequence[Note], text: str, k: int) -> list[Note]:
    """The k that have most of a text's words, in their keywords, tags and text."""
    asked = set(tokens(text))
    scored = []
    for number, note in enumerate(notes):
        shared = asked & set(tokens(" ".join((note.text, *note.keywords, *note.tags))))
        if shared:
            scored.append((-len(shared), -number, note))
    return [note for *_, note in sorted(scored, key=lambda s: s[:2])[:k]]
