"""Forget means forget: what is chosen goes with all that was made of it, off the disk, and out of every snapshot.

What goes with a record: its keys, and those of its neighbours that quote it; of something that was read or seen also the
clips that show it, with their key frames, patch tokens, tags and faces; of a message the pictures that came with it; the nodes
above, which are made anew from what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from math import inf
from typing import Any

from memory import schema
from memory.cast import THING, Cast, Casts, Speaker, claim_id, claims_of
from memory.consolidation.consolidate import mark_id
from memory.erasing import erase
from memory.keys import readings_of
from memory.naming import same_name
from memory.records import observations_of
from memory.retention import forget_marks
from memory.settings import MemorySettings
from memory.snapshots import snapshot_folders
from memory.spelling import sounds_same
from memory.store import Store, quoted
from memory.text import tokens
from memory.things import CALLED
from runtime.errors import InputError
from runtime.messages import Observation

BY_RECORD = {
    schema.OBSERVATIONS: "id",
    schema.KEYS: "record",
    schema.VAULT: "record",
    schema.VOICES: "id",
    schema.PEOPLE: "record",
    schema.SPANS: "record",
    schema.FACTS: "record",
}
"""Tables with rows of one record each, and the column that names it."""
BY_CLIP = {schema.CLIPS: "id", schema.KEYFRAMES: "clip", schema.SHORT_TERM: "clip", schema.FACES: "clip"}
BY_SOURCE = {schema.SOURCES: "id", schema.PROGRESS: "source", schema.CONSOLIDATED: "source"}
"""These go with the whole of a source."""
REBUILT = (schema.NODES, schema.NOTES)
KEPT = (schema.META,)
"""Says nothing of what was perceived."""

_NEAR_S = 600.0


@dataclass(frozen=True, slots=True)
class Selection:
    """What to forget: all to which every given field applies. At least one must be given.

    ids: of records, clips, events, episodes or sources. sources: their ids; alone, all of them goes, and they may be
    ingested again. t_min_s, t_max_s: what overlaps this span, in media seconds. speaker: who said it, by name or id; with
    no other choice than a span and sources, also the clips that show their face.
    app: the program on whose window it was read or seen. words: every one of them stands in the text, or in another
    reading of it.
    """

    ids: tuple[str, ...] = ()
    sources: tuple[str, ...] | None = None
    t_min_s: float = -inf
    t_max_s: float = inf
    speaker: str | None = None
    app: str | None = None
    words: str | None = None

    @property
    def spans(self) -> bool:
        """Chooses by time and source alone: pictures go whatever was read in them."""
        return not self.ids and self.speaker is None and self.app is None and self.words is None

    @property
    def whole_sources(self) -> bool:
        return self.spans and self.t_min_s == -inf and self.t_max_s == inf

    def check(self) -> None:
        """Raises InputError."""
        if self.sources is None and self.whole_sources:
            raise InputError("say what to forget: ids, a source, a span, a person, an app or words")
        if self.words is not None and not tokens(self.words):
            raise InputError(f"nothing can be found by {self.words!r}: it has only stop words")
        if self.t_min_s > self.t_max_s:
            raise InputError(f"the span ends at {self.t_max_s:g} s, before it begins at {self.t_min_s:g} s")


@dataclass(frozen=True, slots=True)
class Forgetting:
    """What a selection comes to. records: in order of time. clips: ids. sources: those that go as a whole.
    touched: sources whose levels are made anew. quoting: keys of other records that quote a forgotten one. claims: ids of
    what is known of people of whom no voice is left.
    """

    records: tuple[Observation, ...]
    clips: tuple[str, ...]
    sources: tuple[str, ...]
    touched: tuple[str, ...]
    quoting: tuple[str, ...] = field(default=(), repr=False)
    claims: tuple[str, ...] = field(default=(), repr=False)
    facts: tuple[str, ...] = field(default=(), repr=False)
    marks: tuple[str, ...] = field(default=(), repr=False)

    def __bool__(self) -> bool:
        return bool(self.records or self.clips or self.sources)


async def plan(store: Store, selection: Selection) -> Forgetting:
    """Finds what would be forgotten, and changes nothing. Raises InputError, MemoryStoreError."""
    selection.check()
    known = {source.id for source in await store.sources()}
    chosen = selection.sources if selection.sources is not None else tuple(known)
    whole = tuple(s for s in chosen if s in known) if selection.whole_sources else ()
    whole += tuple(i for i in selection.ids if i in known)
    spans: list[tuple[str | None, float, float]] = [(None, selection.t_min_s, selection.t_max_s)]
    if selection.ids:
        spans = [*await _spans_of_nodes(store, selection.ids)]
    cast = await Casts(store).now()
    records: dict[str, Observation] = {}
    clips: dict[str, dict[str, Any]] = {}
    for source, t_min_s, t_max_s in spans:
        where = _where(selection.sources if source is None else (source,), t_min_s, t_max_s)
        if not (selection.spans or selection.ids):
            found = [o for o in await _observations(store, where) if _applies(selection, o, cast)]
            records |= {o.id: o for o in found}
            clips |= await _with_face(store, selection, where, cast)
            continue
        records |= {o.id: o for o in await _observations(store, where)}
        clips |= {row["id"]: row for row in await _clips(store, where)}
    if selection.ids:
        named = _in("id", selection.ids)
        records |= {o.id: o for o in await _observations(store, named)}
        clips |= {row["id"]: row for row in await _clips(store, named, pictures=False)}
    for source in whole:
        mine = f"source = {quoted(source)}"
        records |= {o.id: o for o in await _observations(store, mine)}
        clips |= {row["id"]: row for row in await _clips(store, mine)}
    clips |= await _showing(store, [o for o in records.values() if o.modality != "said"])
    came_with = [clip for o in records.values() for clip in o.details.get("pictures", ())]
    clips |= {row["id"]: row for row in await _clips(store, _in("id", came_with), pictures=False)}
    records |= await _seen_in(store, clips)
    ordered = sorted(records.values(), key=lambda o: (o.source, o.t_start_s, o.known_at_s, o.id))
    touched = {o.source for o in ordered} | {row["source"] for row in clips.values()} | set(whole)
    facts, marks = await _made_of(store, set(records))
    return Forgetting(
        records=tuple(ordered),
        clips=tuple(sorted(clips)),
        sources=tuple(dict.fromkeys(whole)),
        touched=tuple(sorted(touched)),
        quoting=tuple(sorted(await _quoting(store, ordered))),
        claims=(
            *await _of_nobody(store, cast, set(records), set(clips)),
            *await _of_things(store, set(records), whole),
            *await _by_faces(store, set(records), set(clips)),
        ),
        facts=tuple(facts),
        marks=tuple(marks),
    )


async def forget(store: Store, selection: Selection, settings: MemorySettings) -> Forgetting:
    """Takes what is chosen off the disk, out of every snapshot first, so that a killed one can be asked for again.

    Raises InputError, MemoryStoreError; what was begun in a memory is finished by its next writer.
    """
    for folder in snapshot_folders(store.uri):
        async with await Store.open(folder) as snapshot:
            await forget(snapshot, selection, settings)
    async with store.deriving:
        found = await plan(store, selection)
        if found:
            if store.folder is not None:
                forget_marks(store.folder, [*(o.id for o in found.records), *found.clips, *found.sources])
            await erase(store, _doomed(found), found.touched, settings)
    return found


async def nobody_called(store: Store, person: str) -> str | None:
    """A line that says so, with the names that are close to it; None where somebody is called that."""
    rows = await store.rows(schema.OBSERVATIONS, "speaker IS NOT NULL", ["speaker"])
    heard = rows.column("speaker").unique().to_pylist() if rows is not None else []
    cast = await Casts(store).now()
    known = {*filter(None, heard), *cast.names().values(), *(row["person"] for row in await _faces(store))}
    if _folded(person) in map(_folded, known):
        return None
    like = get_close_matches(_folded(person), list(map(_folded, known)))
    near = sorted(n for n in known if _folded(n) in like or same_name(n, person) or sounds_same(n, person))
    return f"nobody in memory is called {person}" + (f"; close to it: {', '.join(near)}" if near else "")


def _doomed(found: Forgetting) -> dict[str, dict[str, Sequence[str]]]:
    ids = [o.id for o in found.records]
    doomed: dict[str, dict[str, Sequence[str]]] = {name: {column: ids} for name, column in BY_RECORD.items()}
    doomed[schema.KEYS]["id"] = found.quoting
    doomed[schema.PEOPLE]["id"] = found.claims
    doomed[schema.FACTS]["id"] = found.facts
    doomed |= {name: {column: found.clips} for name, column in BY_CLIP.items()}
    doomed |= {name: {column: found.sources} for name, column in BY_SOURCE.items()}
    doomed[schema.CONSOLIDATED]["id"] = found.marks
    return doomed


async def _of_nobody(store: Store, cast: Cast, gone: set[str], clips: set[str]) -> list[str]:
    """Claims about people who were heard in forgotten records and seen in forgotten clips only."""
    rows = await store.rows(schema.VOICES, columns=["id", "person"])
    voices = rows.to_pylist() if rows is not None else []
    people = [(row["id"] in gone, cast.person(row["id"], row["person"])) for row in voices]
    people += [(row["clip"] in clips, cast.person(row["id"], row["person"])) for row in await _faces(store)]
    lost = {person for _, person in people} - {person for lost, person in people if not lost}
    return [claim_id(c) for c in cast.claims if c.kind != "call" and cast.about(c) in lost]


async def _by_faces(store: Store, gone: set[str], clips: set[str]) -> list[str]:
    """What was concluded from forgotten records and clips of whose voice is whose face's (undone or not)."""
    gone = gone | {row["id"] for row in await _faces(store) if row["clip"] in clips}
    return [claim_id(c) for c in await claims_of(store) if c.made_by == "face" and gone & set(c.records)]


async def _with_face(store: Store, selection: Selection, where: str, cast: Cast) -> dict[str, dict[str, Any]]:
    """Clips that show the face of the person whom it chooses, and nothing more."""
    if selection.speaker is None or selection.app is not None or selection.words is not None:
        return {}
    shown = [
        row["clip"]
        for row in await _faces(store, where)
        if (person := cast.person(row["id"], row["person"] or None))
        and _is_called(selection.speaker, cast.speaker_of(person))
    ]
    return {row["id"]: row for row in await _clips(store, _in("id", shown), pictures=False)}


async def _faces(store: Store, where: str | None = None) -> list[dict[str, Any]]:
    rows = await store.rows(schema.FACES, where, ["id", "clip", "person"])
    found: list[dict[str, Any]] = rows.to_pylist() if rows is not None else []
    return found


def _is_called(name: str, speaker: Speaker) -> bool:
    return _folded(name) in {_folded(speaker.id), _folded(speaker.label)}


async def _of_things(store: Store, gone: set[str], sources: Sequence[str]) -> list[str]:
    """What the user said of things (undone too) in words that come from forgotten records or sources."""
    claims = [c for c in await claims_of(store) if c.person.startswith(THING)]
    if not claims:
        return []
    rows = await store.rows(schema.FACTS, f"relation = {quoted(CALLED)}", ["record", "subject", "object"])
    lost = [r for r in rows.to_pylist() if r["record"] in gone] if rows is not None else []
    words = {w.removeprefix("my ").casefold() for r in lost for w in (r["subject"], r["object"])}
    words |= {f"{THING}{source}:".casefold() for source in sources}
    told = {claim_id(c): "\n".join((c.person, c.other, c.name)).casefold() for c in claims}
    return [number for number, text in told.items() if any(word in text for word in words)]


async def _made_of(store: Store, gone: set[str]) -> tuple[list[str], list[str]]:
    """Facts that rest on several records, one of which is forgotten; and the marks of those who are to read the rest again."""
    columns = ["id", "records", "source", "extractor"]
    rows = await store.rows(schema.FACTS, "array_length(records) > 1", columns)
    lost = [row for row in rows.to_pylist() if gone & set(row["records"])] if rows is not None else []
    return [row["id"] for row in lost], sorted({mark_id(row["source"], row["extractor"]) for row in lost})


def _applies(selection: Selection, record: Observation, cast: Cast) -> bool:
    if selection.speaker is not None:
        speaker = cast.speaker(record.id, record.speaker)
        unknown = Speaker(record.speaker or "", "", named=False)
        if not _is_called(selection.speaker, speaker or unknown):
            return False
    if selection.app is not None and _folded(record.details.get("app")) != _folded(selection.app):
        return False
    texts = (record.text, *readings_of(record))
    return selection.words is None or any(set(tokens(selection.words)) <= set(tokens(t)) for t in texts)


def _folded(text: object) -> str:
    return str(text or "").strip().casefold()


async def _spans_of_nodes(store: Store, ids: Sequence[str]) -> list[tuple[str, float, float]]:
    rows = await store.rows(schema.NODES, _in("id", ids), ["source", "t_start_s", "t_end_s"])
    return [(r["source"], r["t_start_s"], r["t_end_s"]) for r in rows.to_pylist()] if rows is not None else []


async def _showing(store: Store, records: Iterable[Observation]) -> dict[str, dict[str, Any]]:
    """Clips that overlap what was read or seen: their pictures show it."""
    by_source: dict[str, list[Observation]] = {}
    for record in records:
        by_source.setdefault(record.source, []).append(record)
    out = {}
    for source, shown in by_source.items():
        for row in await _clips(store, f"source = {quoted(source)}"):
            if any(row["t_start_s"] <= o.t_end_s and row["t_end_s"] >= o.t_start_s for o in shown):
                out[row["id"]] = row
    return out


async def _seen_in(store: Store, clips: Iterable[str]) -> dict[str, Observation]:
    """The records that say what was seen in these clips, or read in a picture that is one."""
    wanted = set(clips)
    if not wanted:
        return {}
    found = await _observations(
        store, f"modality = 'seen' OR {_in('id', [f'{clip}/read' for clip in clips])}"
    )
    return {o.id: o for o in found if o.details.get("clip") in wanted}


async def _quoting(store: Store, records: Sequence[Observation]) -> set[str]:
    """Ids of other records' keys that hold more than their own record's text, and of it a forgotten one's."""
    gone = {o.id for o in records}
    out: set[str] = set()
    by_source: dict[str, list[Observation]] = {}
    for record in records:
        if record.text.strip():
            by_source.setdefault(record.source, []).append(record)
    for source, forgotten in by_source.items():
        start = min(o.t_start_s for o in forgotten) - _NEAR_S
        end = max(o.t_end_s for o in forgotten) + _NEAR_S
        where = _where((source,), start, end)
        own = {o.id: o.text for o in await _observations(store, where)}
        keys = await store.rows(schema.KEYS, where, ["id", "record", "text", "t_start_s", "modality"])
        for row in keys.to_pylist() if keys is not None else []:
            text = own.get(row["record"], "")
            if row["modality"] != "said" or row["record"] in gone or row["text"] in text:
                continue
            near = (o for o in forgotten if abs(o.t_start_s - row["t_start_s"]) <= _NEAR_S)
            if any(o.text in row["text"] for o in near):
                out.add(row["id"])
    return out


async def _observations(store: Store, where: str) -> list[Observation]:
    rows = await store.rows(schema.OBSERVATIONS, where)
    return observations_of(rows) if rows is not None else []


async def _clips(store: Store, where: str, pictures: bool = True) -> list[dict[str, Any]]:
    """pictures: those of a screen too."""
    rows = await store.rows(schema.CLIPS, where, ["id", "source", "t_start_s", "t_end_s"])
    found: list[dict[str, Any]] = rows.to_pylist() if rows is not None else []
    return [*found, *await _pictures(store, where)] if pictures else found


async def _pictures(store: Store, where: str) -> list[dict[str, Any]]:
    """Pictures of a screen, which belong to no clip, as if each were one."""
    columns = ["clip", "source", "t_start_s", "t_end_s"]
    rows = await store.rows(schema.KEYFRAMES, f"({where}) AND source LIKE 'screen-%'", columns)
    return [{**row, "id": row["clip"]} for row in rows.to_pylist()] if rows is not None else []


def _where(sources: Sequence[str] | None, t_min_s: float, t_max_s: float) -> str:
    parts = [] if sources is None else [_in("source", sources)]
    parts += [] if t_min_s == -inf else [f"t_end_s >= {t_min_s!r}"]
    parts += [] if t_max_s == inf else [f"t_start_s <= {t_max_s!r}"]
    return " AND ".join(parts) or "true"


def _in(column: str, values: Sequence[str]) -> str:
    return f"{column} IN ({', '.join(map(quoted, values))})" if values else "false"
