"""Searching a memory. `as_of` is exact: a record is visible from its known_at_s on, and nothing that became
known later moves a score or breaks a tie."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from memory import schema
from memory.adding import Adding, When, unix_s
from memory.cast import Cast, Casts
from memory.citations import Learner
from memory.consolidation.assertion import Kind
from memory.consolidation.consolidate import Consolidated, Consolidator, drop
from memory.consolidation.extractor import Extractor, RuleExtractor
from memory.consolidation.facts import Fact
from memory.consolidation.ledger import Ledger
from memory.consolidation.notes import Note, notes_about, read_notes, take_notes
from memory.consolidation.view import Facts, chosen, matching, profile
from memory.conversation import Added, Message
from memory.cues import asks_when, role_meant, subject
from memory.days import Day, read_days
from memory.hits import ClipHit, Hit, SearchRequest, hit_of, marked, said_first
from memory.levels import synopsis
from memory.packing import Packed, pack, session_of
from memory.past import Past
from memory.ranking import Ranked, best_of, rank
from memory.reading import Reader, visible
from memory.records import Keyframe, SourceInfo, StoredClip, clips_of
from memory.resident import THREAD, Resident
from memory.segment import Question
from memory.settings import MemorySettings
from memory.stats import MemoryStats, memory_stats
from memory.store import Store, quoted
from memory.text import tokens
from memory.text_encoder import packaged_encoder
from memory.things import Thing, other_wordings, things_of
from memory.time_range import anchor, time_range
from runtime.clock import SystemClock
from runtime.compute import Compute
from runtime.errors import InputError
from runtime.messages import Modality, Observation
from runtime.models import TextEncoder

if TYPE_CHECKING:
    from memory.history import Version

_CLOCK = SystemClock()
_POOL = 100
"""Hits of which those of a named speaker, or what was learned, put others first."""
_FOUND = 0.32
"""From this lexical score on, what a question tells a time by is taken as found: all its words once have .3 to .6."""
_SOON_S = 300.0


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
        self._resident = Resident(store, compute, settings.search)
        self._reader = Reader(store)
        self._adding = Adding(store, text_encoder, compute, settings)
        self._casts = Casts(store)
        self._learner = Learner(store.folder if settings.search.learn else None)
        self._facts = Facts(store, compute, settings.user)

    @property
    def settings(self) -> MemorySettings:
        return self._settings

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

    async def consolidate(
        self,
        extractor: Extractor | None = None,
        *,
        rebuild: bool = False,
        stop: Callable[[], bool] = lambda: False,
    ) -> Consolidated:
        """Makes facts of the records that came since the last time; by rules, where no extractor is given. What is
        committed stays if it is cut short. rebuild: drops all that was made before. stop: asked now and then.

        Raises MemoryStoreError: opened for reading only, or it cannot be written.
        """
        made_by = extractor or RuleExtractor(self._compute, self._settings.consolidation.batch)
        if rebuild:
            await drop(self.store)
        worker = Consolidator(self.store, self._encoder, self._compute, self._settings, made_by, _CLOCK.wall)
        done = await worker.run(stop)
        if done.done and not stop():
            await take_notes(self.store)
        return done

    async def ledger(self, as_of_s: float | None = None, sources: tuple[str, ...] | None = None) -> Ledger:
        """All facts there were by then, with what became of each. Raises InputError as `search` does."""
        await self.refresh()
        asked = self._asked_sources(SearchRequest("", as_of_s=as_of_s, sources=sources))
        cast = await self._cast_of(as_of_s, asked)
        return await self._facts.ledger(cast, inf if as_of_s is None else as_of_s, asked)

    async def facts(
        self,
        text: str | None = None,
        *,
        about: str | None = None,
        kind: Kind | None = None,
        relation: str | None = None,
        history: bool = False,
        valid_at_s: float | None = None,
        as_of_s: float | None = None,
        sources: tuple[str, ...] | None = None,
        k: int = 10,
    ) -> list[Fact]:
        """What is known, as of a time: all of it in the order in which it became known, or the k that a text is about.

        about: a person or a thing; history: what no longer holds too; valid_at_s: what held then (Unix time).
        """
        ledger = await self.ledger(as_of_s, sources)
        found = chosen(ledger, about, kind, relation, history, valid_at_s)
        if text is None:
            return found
        vector = (await self._compute.run("text encoder", self._encoder.encode, [text]))[0]
        return matching(found, text, vector, self._facts.vectors(), k)

    async def profile(self, person: str, as_of_s: float | None = None) -> list[Fact]:
        """What holds of a person (core memory), as it was known then."""
        return profile(await self.ledger(as_of_s), person)

    async def things(
        self, as_of_s: float | None = None, sources: tuple[str, ...] | None = None
    ) -> list[Thing]:
        """Things that have a name, with the evidence for it, as it was known then."""
        await self.refresh()
        asked = self._asked_sources(SearchRequest("", as_of_s=as_of_s, sources=sources))
        cast = await self._cast_of(as_of_s, asked)
        return things_of(await self._facts.ledger(cast, inf if as_of_s is None else as_of_s, asked), cast)

    async def notes(
        self,
        text: str | None = None,
        *,
        as_of_s: float | None = None,
        sources: tuple[str, ...] | None = None,
        k: int = 10,
    ) -> list[Note]:
        """A note for each episode, with its links, as of a time: all of them, or the k that share most words with a text."""
        await self.refresh()
        asked = self._asked_sources(SearchRequest("", as_of_s=as_of_s, sources=sources))
        cast = await self._cast_of(as_of_s, asked)
        found = await read_notes(self.store, cast, inf if as_of_s is None else as_of_s, asked)
        return found if text is None else notes_about(found, text, k)

    async def days(
        self, date: str | None = None, as_of_s: float | None = None, sources: tuple[str, ...] | None = None
    ) -> list[Day]:
        """The days of which something is known, or one of them ("2024-05-07"), each source by itself, in order of time."""
        await self.refresh()
        asked = self._asked_sources(SearchRequest("", as_of_s=as_of_s, sources=sources))
        return await read_days(self.store, date, inf if as_of_s is None else as_of_s, asked)

    async def pack(self, hits: Sequence[Hit], tokens: int) -> list[Packed]:
        """What of the found goes into a prompt of so many tokens: in full, as its session's synopsis, or not."""
        known_s = max((hit.record.known_at_s for hit in hits), default=inf)
        synopses: dict[str, str] = {}
        for name in dict.fromkeys(filter(None, map(session_of, hits))):
            session = name.removesuffix("/session")
            like = f"id LIKE {quoted(f'{session}/%')} AND known_at_s <= {known_s!r}"
            members = [o for o in await self._reader.records(like) if o.id.rpartition("/")[0] == session]
            synopses[name] = synopsis(members, (), self._settings.synopsis_chars)
        return pack(hits, synopses, tokens)

    async def search(self, /, request: SearchRequest | str, **more: Any) -> list[Hit]:
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
        widely = request.speaker is not None or self._settings.search.learn
        k = max(_POOL, request.k) if widely else request.k
        cast = await self._cast_of(request.as_of_s, sources)
        ranked = await self._ranked(question, k)
        for text in await self._other_wordings(request, cast, sources):
            worded = replace(request, text=text, vector=None)
            other = await self._with_vectors(replace(question, tokens=tokens(text), vector=None), worded)
            ranked = best_of(ranked, await self._ranked(other, k), k)
        return await self._hits(ranked, question.as_of_s, cast, request)

    async def _ranked(self, question: Question, k: int) -> list[Ranked]:
        index, priors = self._resident.index, self._resident.priors
        return await self._compute.run(THREAD, rank, index, priors, question, self._settings.search, k)

    async def _other_wordings(
        self, request: SearchRequest, cast: Cast, sources: frozenset[str] | None
    ) -> list[str]:
        if not self._settings.search.things:
            return []
        as_of_s = inf if request.as_of_s is None else request.as_of_s
        return other_wordings(request.text, things_of(await self._facts.ledger(cast, as_of_s, sources), cast))

    def cited(self, ids: Collection[str]) -> None:
        """An answer cited these records: the ranking learns of it, where the settings say so (SearchSettings.learn)."""
        self._learner.cited(ids)

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
        if self._resident.index.has_messages:
            names = await self._compute.run(THREAD, self._resident.index.speakers_in, question)
            texts.append(subject(request.text, names))
        if not texts:
            return question
        encoded = await self._compute.run("text encoder", self._encoder.encode, texts)
        return replace(
            question,
            vector=encoded[0] if question.vector is None else question.vector,
            subject=encoded[-1] if self._resident.index.has_messages else None,
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
        where = visible(as_of_s, wanted)
        best: dict[str, float] = {}
        for vector in np.atleast_2d(vectors):
            for clip, score in (await self._reader.nearest_clips(vector, where, k)).items():
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
        """As `Reader.clips`."""
        return await self._reader.clips(source, as_of_s, span)

    async def neighbours(self, record_id: str, n: int = 2, as_of_s: float | None = None) -> list[Observation]:
        """Up to n records of its modality and source before and after a record, with it, in order of time."""
        return (await self.neighbours_of([record_id], n, as_of_s)).get(record_id, [])

    async def neighbours_of(
        self, record_ids: Sequence[str], n: int = 2, as_of_s: float | None = None
    ) -> dict[str, list[Observation]]:
        """As `Reader.neighbours_of`."""
        return await self._reader.neighbours_of(record_ids, n, as_of_s)

    async def observations(
        self,
        source: str,
        as_of_s: float | None = None,
        modality: Modality | None = None,
        span: tuple[float, float] | None = None,
    ) -> list[Observation]:
        """As `Reader.observations`."""
        return await self._reader.observations(source, as_of_s, modality, span)

    async def keyframe(self, clip_id: str) -> Keyframe | None:
        return await self._reader.keyframe(clip_id)

    async def keyframe_at(self, source: str, t_s: float, as_of_s: float | None = None) -> Keyframe | None:
        """As `Reader.keyframe_at`."""
        return await self._reader.keyframe_at(source, t_s, as_of_s)

    async def short_term(self, clip_id: str) -> NDArray[np.float16] | None:
        """As `Reader.short_term`."""
        return await self._reader.short_term(clip_id)

    async def sources(self) -> list[SourceInfo]:
        return await self.store.sources()

    async def stats(self) -> MemoryStats:
        return await memory_stats(self.store)

    async def refresh(self) -> None:
        """Takes in what was committed since; `search` does so itself. Cheap when there is nothing new."""
        await self._resident.refresh()

    async def _cast_of(self, as_of_s: float | None, sources: frozenset[str] | None) -> Cast:
        asked = sorted(sources if sources is not None else (s.id for s in self._resident.sources))
        if as_of_s is None or not asked:
            return await self._casts.now()
        return await self._casts.as_of(asked, as_of_s)

    def _asked_sources(self, request: SearchRequest) -> frozenset[str] | None:
        known = {s.id for s in self._resident.sources}
        if request.k < 1:
            raise InputError(f"k must be at least 1, not {request.k}")
        if request.sources is not None:
            unknown = sorted(set(request.sources) - known)
            if unknown:
                raise InputError(f"there is no source {unknown[0]} in memory {self.store.uri}")
        wanted = known if request.sources is None else set(request.sources)
        dated = {s.id for s in self._resident.sources if s.wall_zero_s == 0.0}
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
        records = {o.id: o for o in await self._reader.records(f"id IN ({ids})")}
        hits = [hit_of(records[one.record], one, as_of_s, cast) for one in ranked if one.record in records]
        if request.speaker is not None:
            hits = said_first(hits, request.speaker, self._settings.search.speaker_prior)
        now = request.as_of_s is None
        return marked(self._learner.ranked(hits, request.k) if now else hits[: request.k])
