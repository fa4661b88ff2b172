"""Searching a memory. `as_of` is exact: a record is visible from its known_at_s on, and nothing that became
known later moves a score or breaks a tie."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from memory import schema
from memory.adding import Adding, When, unix_s
from memory.cast import Cast, Casts, Speaker
from memory.conversation import Added, Message
from memory.cues import asks_when, role_meant, subject
from memory.index import KeyIndex
from memory.keys import keys_of
from memory.levels import synopsis
from memory.naming import same_name
from memory.packing import Packed, pack, session_of
from memory.past import Past
from memory.priors import Priors
from memory.ranking import Ranked, rank
from memory.records import Keyframe, SourceInfo, StoredClip, clips_of, observations_of
from memory.segment import Question
from memory.settings import MemorySettings
from memory.stats import MemoryStats, memory_stats
from memory.store import Store, quoted
from memory.supersede import Statement, superseded
from memory.text import tokens
from memory.text_encoder import packaged_encoder
from memory.time_range import anchor, time_range
from runtime.clock import SystemClock
from runtime.compute import Compute
from runtime.errors import InputError
from runtime.malloc import give_back_memory
from runtime.messages import Modality, Observation, Vector
from runtime.models import TextEncoder

if TYPE_CHECKING:
    from memory.history import Version

_INDEXED = (
    "seq",
    "id",
    "record",
    "kind",
    "modality",
    "source",
    "t_start_s",
    "t_end_s",
    "known_at_s",
    "norm",
    "vector",
)
_NODE_COLUMNS = ("source", "level", "t_start_s", "t_end_s", "known_at_s", "vector")
_THREAD = "memory search"
_CLOCK = SystemClock()
_SPEAKER_POOL = 100
"""Hits of which those of a named speaker are put first."""
_FOUND = 0.32
"""From this lexical score on, what a question tells a time by is taken as found: all its words once have .3 to .6."""
_SOON_S = 300.0
_MANY = 50_000


@dataclass(frozen=True, slots=True, eq=False)
class SearchRequest:
    """vector: the question in the text encoder's space, made from text when None. Times in media seconds.

    as_of_s: only what was known by then exists; it is a time of one source, so with several in the memory
    `sources` must name one, unless all of them count in Unix time (conversations and notes do).
    t_min_s, t_max_s: only records that overlap this span. now_s: Unix time at which it is asked (as_of_s if that is
    given), for "yesterday". k: how many hits. speaker: a name; what that person said comes first.
    """

    text: str
    vector: Vector | None = None
    as_of_s: float | None = None
    sources: tuple[str, ...] | None = None
    t_min_s: float | None = None
    t_max_s: float | None = None
    modalities: tuple[Modality, ...] | None = None
    now_s: float | None = None
    k: int = 10
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Scores:
    """Of the best key: lexical and vector in [0, 1]; prior: factor of its event and episode, at least 1."""

    lexical: float
    vector: float
    prior: float
    total: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A found record, best first.

    t_start_s, t_end_s, text: the record's, clamped to as_of; partial says that something was cut off.
    scores: of the key that matched best. key, key_text: kind and text of the one that says where in the record
    (a screen's best line, with its heading).
    superseded_by: id of a later hit of the same search that says the same thing with another value.
    speaker: who said it, as it was known at as_of.
    """

    record: Observation
    t_start_s: float
    t_end_s: float
    text: str
    partial: bool
    scores: Scores
    key: str
    key_text: str
    superseded_by: str | None = None
    speaker: Speaker | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ClipHit:
    """A clip and its cosine with the nearest of the question's vectors."""

    clip: StoredClip
    score: float


class Memory:
    """Open with `Memory.open`; close with `close`, or use as an async context manager.

    Sees what a writer, of this process or another, has committed when a search begins.
    """

    def __init__(
        self,
        store: Store,
        text_encoder: TextEncoder,
        compute: Compute,
        settings: MemorySettings,
        own: tuple[bool, bool],
    ) -> None:
        self.store = store
        self._encoder = text_encoder
        self._compute = compute
        self._settings = settings
        self._own_store, self._own_compute = own
        self._refreshing = asyncio.Lock()
        self._index = KeyIndex(settings.search)
        self._last_seq = -1
        self._versions: dict[str, int] = {}
        self._priors = Priors(None, settings.search)
        self._sources: list[SourceInfo] = []
        self._adding = Adding(store, text_encoder, compute, settings)
        self._casts = Casts(store)

    @classmethod
    async def open(
        cls,
        uri: str | Path | Store,
        text_encoder: TextEncoder | None = None,
        *,
        compute: Compute | None = None,
        settings: MemorySettings | None = None,
        read_only: bool = True,
    ) -> Memory:
        """uri: where the memory lies, or a store that is open already (and stays the caller's to close).
        text_encoder: the one that comes with Hearsight (all-MiniLM-L6-v2) if None is given.
        read_only=False: makes the memory if there is none, and lets `add` write; one process at a time.

        Raises MemoryStoreError as `Store.open` does.
        """
        if text_encoder is None:
            text_encoder = await packaged_encoder()
        own_store = not isinstance(uri, Store)
        store = uri if isinstance(uri, Store) else await Store.open(uri, text_encoder, read_only)
        own = (own_store, compute is None)
        return cls(store, text_encoder, compute or Compute(), settings or MemorySettings(), own)

    async def __aenter__(self) -> Memory:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._adding.close()
        if self._own_compute:
            await self._compute.close(deadline_s=5.0)
        if self._own_store:
            self.store.close()

    async def add(
        self,
        what: str | Message | Iterable[Message],
        *,
        speaker: str | None = None,
        session: str | None = None,
        time: When | None = None,
        source: str = "notes",
    ) -> Added:
        """Remembers what somebody said or wrote; committed when this returns. What is there already is left alone.

        speaker, session (what belongs together; a day if None), time (now if None): of a text; a Message has its own.
        Raises MemoryStoreError: opened for reading only, or it cannot be written.
        """
        return await self._adding.add(what, speaker, session, time, source)

    def as_of(self, when: When) -> Past:
        """The memory as it was then: nothing that became known later is used. when: of conversations and notes;
        of a video, seconds from its begin (and then `sources` must name it)."""
        return Past(self, unix_s(when))

    async def history(self, what: str, source: str | None = None) -> tuple[Version, ...]:
        """Every version of the statement that a record (its id) makes or a question finds, oldest first."""
        from memory.history import history

        return await history(self, what, source)

    async def pack(self, hits: Sequence[Hit], tokens: int) -> list[Packed]:
        """What of the found goes into a prompt of so many tokens: in full, as its session's synopsis, or not."""
        known_s = max((hit.record.known_at_s for hit in hits), default=inf)
        synopses: dict[str, str] = {}
        for name in dict.fromkeys(filter(None, map(session_of, hits))):
            session = name.removesuffix("/session")
            like = f"id LIKE {quoted(f'{session}/%')} AND known_at_s <= {known_s!r}"
            members = [o for o in await self._observations(like) if o.id.rpartition("/")[0] == session]
            synopses[name] = synopsis(members, (), self._settings.synopsis_chars)
        return pack(hits, synopses, tokens)

    async def search(self, request: SearchRequest | str, **more: Any) -> list[Hit]:
        """The best records for a question, best first; [] when nothing shares a word or a meaning with it.

        more: the other fields of a SearchRequest, when only a text is given; it is then asked now.
        Raises InputError: as_of_s without a single source, an unknown source, k < 1.
        """
        if isinstance(request, str):
            request = SearchRequest(
                request, **({"now_s": None if "as_of_s" in more else _CLOCK.wall()} | more)
            )
        await self.refresh()
        sources = self._asked_sources(request)
        question = Question(
            tokens=tokens(request.text),
            vector=request.vector,
            near_s=await self._near(request),
            asks_when=asks_when(request.text),
            role=role_meant(request.text),
            as_of_s=inf if request.as_of_s is None else request.as_of_s,
            sources=sources,
            t_min_s=-inf if request.t_min_s is None else request.t_min_s,
            t_max_s=inf if request.t_max_s is None else request.t_max_s,
            modalities=None if request.modalities is None else frozenset(request.modalities),
        )
        question = await self._with_vectors(question, request)
        k = request.k if request.speaker is None else max(_SPEAKER_POOL, request.k)
        ranked = await self._compute.run(
            _THREAD, rank, self._index, self._priors, question, self._settings.search, k
        )
        cast = await self._cast_of(request.as_of_s, sources)
        return await self._hits(ranked, question.as_of_s, cast, request)

    async def cast(self, as_of_s: float | None = None, sources: tuple[str, ...] | None = None) -> Cast:
        """Who is who, as it was known at as_of_s. Raises InputError as `search` does."""
        await self.refresh()
        return await self._cast_of(
            as_of_s, self._asked_sources(SearchRequest("", as_of_s=as_of_s, sources=sources))
        )

    async def _with_vectors(self, question: Question, request: SearchRequest) -> Question:
        if not request.text.strip():
            return question
        texts = [request.text] if question.vector is None else []
        if self._index.has_messages:
            names = await self._compute.run(_THREAD, self._index.speakers_in, question)
            texts.append(subject(request.text, names))
        if not texts:
            return question
        encoded = await self._compute.run("text encoder", self._encoder.encode, texts)
        return replace(
            question,
            vector=encoded[0] if question.vector is None else question.vector,
            subject=encoded[-1] if self._index.has_messages else None,
        )

    async def _near(self, request: SearchRequest) -> tuple[float, float] | None:
        """The time a question names, with some days around it (what happened then is often told later); or the time
        after or before something that it names, if that is found.
        """
        now_s = request.as_of_s if request.now_s is None else request.now_s
        found = time_range(request.text, now_s)
        if found is not None:
            before_s, after_s = (86400.0 * days for days in self._settings.search.date_slack_days)
            return found.start_s - before_s, found.end_s + after_s
        told = anchor(request.text, now_s)
        if told is None:
            return None
        there = await self.search(replace(request, text=told.text, vector=None, modalities=None, k=1))
        if not there or there[0].scores.lexical < _FOUND:
            return None
        if not told.after:
            return -inf, there[0].t_start_s
        return there[0].t_end_s, there[0].t_end_s + _SOON_S if told.soon else inf

    async def search_clips(
        self,
        vectors: NDArray[np.float32],
        *,
        as_of_s: float | None = None,
        sources: tuple[str, ...] | None = None,
        k: int = 4,
        threshold: float = -1.0,
    ) -> list[ClipHit]:
        """Clips by cosine with the nearest of vectors ((n, d) or (d,), unit, of the vision encoder's text
        space).
        """
        await self.refresh()
        wanted = self._asked_sources(SearchRequest("", as_of_s=as_of_s, sources=sources))
        where = _visible(as_of_s, wanted)
        best: dict[str, float] = {}
        for vector in np.atleast_2d(vectors):
            for clip, score in (await self._nearest_clips(vector, where, k)).items():
                best[clip] = max(score, best.get(clip, -1.0))
        if not best:
            return []
        rows = await self.store.rows(schema.CLIPS, f"id IN ({', '.join(map(quoted, best))})")
        hits = [ClipHit(c, best[c.id]) for c in clips_of(rows, as_of_s)] if rows is not None else []
        hits.sort(key=lambda h: (-h.score, h.clip.known_at_s, h.clip.id))
        return [hit for hit in hits if hit.score >= threshold][:k]

    async def visible_clips(
        self, source: str, as_of_s: float | None = None, span: tuple[float, float] | None = None
    ) -> list[StoredClip]:
        """All clips of a source that were known by as_of_s, and touch a span, in order of time."""
        where = _visible(as_of_s, frozenset((source,))) + _touching(span)
        rows = await self.store.rows(schema.CLIPS, where)
        clips = clips_of(rows, as_of_s) if rows is not None else []
        return sorted(clips, key=lambda c: (c.t_start_s, c.id))

    async def neighbours(self, record_id: str, n: int = 2, as_of_s: float | None = None) -> list[Observation]:
        """Up to n records of the same modality and source before and after a record, with it, in order of
        time.
        """
        found = await self._observations(f"id = {quoted(record_id)}")
        if not found:
            return []
        one = found[0]
        where = f"{_visible(as_of_s, frozenset((one.source,)))} AND modality = {quoted(one.modality)}"
        span = 60.0 * (n + 1)
        while True:
            near = f"t_start_s >= {one.t_start_s - span!r} AND t_start_s <= {one.t_start_s + span!r}"
            records = await self._observations(f"{where} AND {near}")
            records.sort(key=lambda o: (o.t_start_s, o.known_at_s, o.id))
            at = next((i for i, o in enumerate(records) if o.id == record_id), None)
            if at is None:
                return []
            if (at >= n and len(records) - at > n) or span > 1e7:
                return records[max(0, at - n) : at + n + 1]
            span *= 8

    async def observations(
        self,
        source: str,
        as_of_s: float | None = None,
        modality: Modality | None = None,
        span: tuple[float, float] | None = None,
    ) -> list[Observation]:
        """All records of a source that were known by as_of_s, and touch a span, in order of time."""
        where = _visible(as_of_s, frozenset((source,))) + _touching(span)
        if modality is not None:
            where += f" AND modality = {quoted(modality)}"
        records = await self._observations(where)
        return sorted(records, key=lambda o: (o.t_start_s, o.known_at_s, o.id))

    async def keyframe(self, clip_id: str) -> Keyframe | None:
        rows = await self.store.rows(schema.KEYFRAMES, f"clip = {quoted(clip_id)}")
        return _keyframes(rows)[0] if rows is not None and rows.num_rows else None

    async def keyframe_at(self, source: str, t_s: float, as_of_s: float | None = None) -> Keyframe | None:
        """The key frame taken nearest to t_s, of the clips known by as_of_s."""
        limit = "" if as_of_s is None else f" AND t_end_s <= {as_of_s!r}"
        where = f"source = {quoted(source)}{limit}"
        rows = await self.store.rows(schema.KEYFRAMES, where, ["clip", "t_s"])
        if rows is None or not rows.num_rows:
            return None
        nearest = min(rows.to_pylist(), key=lambda row: (abs(row["t_s"] - t_s), row["clip"]))
        return await self.keyframe(nearest["clip"])

    async def short_term(self, clip_id: str) -> NDArray[np.float16] | None:
        """(steps, cells, d) patch tokens of a clip; None once dropped, or when the encoder has none."""
        rows = await self.store.rows(schema.SHORT_TERM, f"clip = {quoted(clip_id)}")
        if rows is None or not rows.num_rows:
            return None
        row = rows.to_pylist()[0]
        return np.frombuffer(row["data"], np.float16).reshape(row["shape"])

    async def sources(self) -> list[SourceInfo]:
        return await self.store.sources()

    async def stats(self) -> MemoryStats:
        return await memory_stats(self.store)

    async def refresh(self) -> None:
        """Takes in what was committed since; `search` does so itself. Cheap when there is nothing new."""
        # A version counts as taken in once it was: who asks may be interrupted at any await.
        async with self._refreshing:
            if (version := await self._newer(schema.SOURCES)) is not None:
                self._sources = await self.store.sources()
                self._versions[schema.SOURCES] = version
            if (version := await self._newer(schema.NODES)) is not None:
                rows = await self.store.rows(schema.NODES, columns=_NODE_COLUMNS)
                self._priors = await self._compute.run(_THREAD, Priors, rows, self._settings.search)
                self._versions[schema.NODES] = version
            if (version := await self._newer(schema.KEYS)) is not None:
                await self._refresh_index()
                self._versions[schema.KEYS] = version

    async def _cast_of(self, as_of_s: float | None, sources: frozenset[str] | None) -> Cast:
        asked = sorted(sources if sources is not None else (s.id for s in self._sources))
        if as_of_s is None or not asked:
            return await self._casts.now()
        return await self._casts.as_of(asked, as_of_s)

    async def _refresh_index(self) -> None:
        where = f"seq > {self._last_seq}" if self._last_seq >= 0 else None
        rows = await self.store.rows(schema.KEYS, where, _INDEXED)
        if rows is None:
            return
        if self._last_seq >= 0 and len(self._index) + rows.num_rows != await self.store.count(schema.KEYS):
            # Rows that this index holds are gone (an interrupted ingest was taken back): begin anew.
            self._index = KeyIndex(self._settings.search)
            self._last_seq = -1
            rows = await self.store.rows(schema.KEYS, None, _INDEXED)
            if rows is None:
                return
        if rows.num_rows:
            many = rows.num_rows >= _MANY
            await self._compute.run(_THREAD, self._take, rows)
            del rows
            if many:
                await self._compute.run(_THREAD, _give_back)

    def _take(self, rows: pa.Table) -> None:
        """In the order of writing, in which a record's keys follow each other."""
        numbers = np.asarray(rows["seq"])
        if np.any(np.diff(numbers) < 0):
            rows = rows.sort_by("seq")
        self._index.add(rows)
        self._last_seq = max(self._last_seq, int(numbers.max()))

    async def _newer(self, name: str) -> int | None:
        """The table's version, where it is another than that which was taken in."""
        version = await self.store.version(name)
        return None if self._versions.get(name) == version else version

    def _asked_sources(self, request: SearchRequest) -> frozenset[str] | None:
        known = {s.id for s in self._sources}
        if request.k < 1:
            raise InputError(f"k must be at least 1, not {request.k}")
        if request.sources is not None:
            unknown = sorted(set(request.sources) - known)
            if unknown:
                raise InputError(f"there is no source {unknown[0]} in memory {self.store.uri}")
        wanted = known if request.sources is None else set(request.sources)
        dated = {s.id for s in self._sources if s.wall_zero_s == 0.0}
        if request.as_of_s is not None and len(wanted) > 1 and not wanted <= dated:
            raise InputError(
                "as-of is a time of one source, and the question looks at several: name one of "
                + ", ".join(sorted(wanted)[:4])
            )
        return None if request.sources is None else frozenset(wanted)

    async def _hits(
        self, ranked: list[Ranked], as_of_s: float, cast: Cast, request: SearchRequest
    ) -> list[Hit]:
        if not ranked:
            return []
        ids = ", ".join(quoted(one.record) for one in ranked)
        records = {o.id: o for o in await self._observations(f"id IN ({ids})")}
        hits = [_hit(records[one.record], one, as_of_s, cast) for one in ranked if one.record in records]
        if request.speaker is not None:
            hits = _said_first(hits, request.speaker, self._settings.search.speaker_prior)
        hits = hits[: request.k]
        later = superseded([_statement(hit) for hit in hits if hit.record.modality != "seen"])
        return [replace(hit, superseded_by=later.get(hit.record.id)) for hit in hits]

    async def _observations(self, where: str) -> list[Observation]:
        rows = await self.store.rows(schema.OBSERVATIONS, where)
        return observations_of(rows) if rows is not None else []

    async def _nearest_clips(self, vector: NDArray[np.float32], where: str, k: int) -> dict[str, float]:
        """id -> cosine of the k nearest, with all that tie with the last: which of them stay, time
        decides.
        """
        limit = 2 * k
        while True:
            found = await self.store.nearest(schema.CLIPS, vector, where, limit, ["id", "_distance"])
            scores = {row["id"]: 1.0 - row["_distance"] for row in found}
            ordered = sorted(scores.values(), reverse=True)
            if len(ordered) < limit or ordered[-1] < ordered[k - 1]:
                return scores
            limit *= 4


def _said_first(hits: list[Hit], name: str, prior: float) -> list[Hit]:
    """What that person said gains, and is ranked anew; else the order stays."""
    weighed = []
    for hit in hits:
        theirs = hit.speaker is not None and same_name(hit.speaker.label, name)
        factor = 1.0 + prior if theirs else 1.0
        scores = replace(hit.scores, prior=hit.scores.prior * factor, total=hit.scores.total * factor)
        weighed.append(replace(hit, scores=scores))
    return sorted(weighed, key=lambda hit: -hit.scores.total)


def _hit(record: Observation, ranked: Ranked, as_of_s: float, cast: Cast) -> Hit:
    shown = ranked.shown
    texts = {key.id: key.text for key in keys_of(record, None)}
    return Hit(
        record=record,
        t_start_s=min(record.t_start_s, as_of_s),
        t_end_s=min(record.t_end_s, as_of_s),
        text=record.text,
        partial=record.t_end_s > as_of_s,
        scores=Scores(ranked.best.lexical, ranked.best.vector, ranked.prior, ranked.total),
        key=shown.kind,
        key_text=texts.get(f"{record.id}#{shown.kind}{shown.number}", record.text),
        speaker=cast.speaker(record.id, record.speaker) if record.modality == "said" else None,
    )


def _statement(hit: Hit) -> Statement:
    """What a record says: an utterance whole, a screen by the line that was found."""
    text = hit.key_text if hit.record.modality == "read" and hit.key == "line" else hit.text
    return Statement(hit.record.id, hit.record.source, hit.record.known_at_s, (text,))


def _give_back() -> None:
    pa.default_memory_pool().release_unused()
    give_back_memory()


def _visible(as_of_s: float | None, sources: frozenset[str] | None) -> str:
    parts = [] if as_of_s is None else [f"known_at_s <= {as_of_s!r}"]
    if sources is not None:
        parts.append(f"source IN ({', '.join(map(quoted, sorted(sources)))})" if sources else "false")
    return " AND ".join(parts) or "true"


def _touching(span: tuple[float, float] | None) -> str:
    return "" if span is None else f" AND t_end_s >= {span[0]!r} AND t_start_s <= {span[1]!r}"


def _keyframes(rows: pa.Table) -> list[Keyframe]:
    found: list[dict[str, Any]] = rows.to_pylist()
    return [Keyframe(row["clip"], row["source"], row["t_s"], row["jpeg"]) for row in found]
