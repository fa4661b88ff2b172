"""One search: what is asked for, what of it the index finds, and what is made of that."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np
from numpy.typing import NDArray

from memory import schema
from memory.cast import PERSON, Cast, Casts
from memory.citations import Learner
from memory.consolidation.view import Facts
from memory.cues import asks_when, role_meant, statement
from memory.hits import ClipHit, Hit, SearchRequest, hit_of, marked, said_first, without_echoes
from memory.ranking import Ranked, best_of, rank
from memory.reading import Reader, visible
from memory.records import clips_of
from memory.resident import THREAD, Resident
from memory.segment import Question
from memory.settings import MemorySettings
from memory.spelling import names_in, respelt
from memory.store import Store, quoted
from memory.text import tokens
from memory.time_range import anchor, time_range
from memory.zone import zone_of
from runtime.compute import Compute
from runtime.errors import InputError
from runtime.models import TextEncoder

_POOL = 100
"""Hits of which those of a named speaker, or what was learned, put others first."""
_WIDER = 4
"""How many times as many hits are looked for where echoes took the place of some."""
_FOUND = 0.32
"""From this lexical score on, what a question tells a time by is taken as found: all its words once have .3 to .6."""
_SOON_S = 300.0


class Searcher:
    """Searches a store that stays the caller's to close, as `Memory` does it."""

    def __init__(
        self,
        store: Store,
        text_encoder: TextEncoder,
        compute: Compute,
        settings: MemorySettings,
        reader: Reader,
        facts: Facts,
        learner: Learner,
    ) -> None:
        self._store = store
        self._encoder = text_encoder
        self._compute = compute
        self._settings = settings.search
        self._zone = zone_of(settings.timezone)
        self._told: tuple[int, str] = (-1, "")  # what _speakers was read of
        self._speakers: set[str] = set()
        self._reader = reader
        self._facts = facts
        self._learner = learner
        self._casts = Casts(store)
        self.resident = Resident(store, compute, settings.search)

    async def search(self, request: SearchRequest) -> list[Hit]:
        """As `Memory.search`. Echoes are left out: a hundred of them would leave no room for what they repeat."""
        k = request.k
        while True:
            hits = await self._search(replace(request, k=k))
            kept = without_echoes(hits)
            if len(kept) >= request.k or len(hits) < k:
                return marked(kept[: request.k])
            k *= _WIDER

    async def _search(self, request: SearchRequest) -> list[Hit]:
        await self.resident.refresh()
        sources = self.asked(request)
        cast = await self.cast_of(request.as_of_s, sources)
        request = replace(request, text=await self._spelt(request.text, request.as_of_s, sources, cast))
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
        widely = request.speaker is not None or self._settings.learn
        k = max(_POOL, request.k) if widely else request.k
        ranked = await self._ranked(question, k)
        for text in await self._other_wordings(request, cast, sources):
            worded = replace(request, text=text, vector=None)
            other = await self._with_vectors(replace(question, tokens=tokens(text), vector=None), worded)
            ranked = best_of(ranked, await self._ranked(other, k), k)
        return await self._hits(ranked, question.as_of_s, cast, request)

    async def spelt(self, text: str, as_of_s: float | None, sources: tuple[str, ...] | None) -> str:
        """As `Memory.spelt`."""
        await self.resident.refresh()
        asked = self.asked(SearchRequest("", as_of_s=as_of_s, sources=sources))
        return await self._spelt(text, as_of_s, asked, await self.cast_of(as_of_s, asked))

    async def _spelt(
        self, text: str, as_of_s: float | None, sources: frozenset[str] | None, cast: Cast
    ) -> str:
        seen = Question((), None, as_of_s=inf if as_of_s is None else as_of_s, sources=sources)
        index = self.resident.index
        unknown = [w for w in names_in(text) if (t := tokens(w)) and not any(index.has(p, seen) for p in t)]
        if not unknown:
            return text
        where = f"{visible(as_of_s, sources)} AND speaker IS NOT NULL"
        told = (await self._store.version(schema.OBSERVATIONS), where)
        if told != self._told:
            rows = await self._store.rows(schema.OBSERVATIONS, where, ["speaker"])
            speakers = set(rows["speaker"].unique().to_pylist()) if rows is not None else set()
            self._told, self._speakers = told, {name for name in speakers if not PERSON.match(name)}
        return respelt(text, unknown, self._speakers | set(cast.names().values()))

    async def _ranked(self, question: Question, k: int) -> list[Ranked]:
        index, priors = self.resident.index, self.resident.priors
        return await self._compute.run(THREAD, rank, index, priors, question, self._settings, k)

    async def _other_wordings(
        self, request: SearchRequest, cast: Cast, sources: frozenset[str] | None
    ) -> list[str]:
        if not self._settings.things:
            return []
        as_of_s = inf if request.as_of_s is None else request.as_of_s
        return await self._facts.other_wordings(request.text, cast, as_of_s, sources)

    async def _with_vectors(self, question: Question, request: SearchRequest) -> Question:
        if not request.text.strip():
            return question
        texts = [request.text] if question.vector is None else []
        if self.resident.index.has_messages:
            names = await self._compute.run(THREAD, self.resident.index.speakers_in, question)
            texts.append(statement(request.text, names))
        if not texts:
            return question
        encoded = await self._compute.run("text encoder", self._encoder.encode, texts)
        return replace(
            question,
            vector=encoded[0] if question.vector is None else question.vector,
            subject=encoded[-1] if self.resident.index.has_messages else None,
        )

    async def _near(self, request: SearchRequest) -> tuple[float, float] | None:
        """The time a question names, with some days around it (what happened then is often told later); or the time
        after or before something that it names, if that is found.
        """
        now_s = request.as_of_s if request.now_s is None else request.now_s
        found = time_range(request.text, now_s, self._zone)
        if found is not None:
            if found.near:
                return found.start_s, found.end_s
            before_s, after_s = (86400.0 * days for days in self._settings.date_slack_days)
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

    async def cast_of(self, as_of_s: float | None, sources: frozenset[str] | None) -> Cast:
        """Who is who, as it was known at as_of_s in these sources; None for all of them."""
        asked = sorted(sources if sources is not None else (s.id for s in self.resident.sources))
        if as_of_s is None or not asked:
            return await self._casts.now()
        return await self._casts.as_of(asked, as_of_s)

    def asked(self, request: SearchRequest) -> frozenset[str] | None:
        """The sources asked for, None for all. Raises InputError: as_of_s without a single source, an unknown source, k < 1."""
        known = {s.id for s in self.resident.sources}
        if request.k < 1:
            raise InputError(f"k must be at least 1, not {request.k}")
        if request.sources is not None:
            unknown = sorted(set(request.sources) - known)
            if unknown:
                raise InputError(f"there is no source {unknown[0]} in memory {self._store.uri}")
        wanted = known if request.sources is None else set(request.sources)
        dated = {s.id for s in self.resident.sources if s.wall_zero_s == 0.0}
        if request.as_of_s is not None and len(wanted) > 1 and not wanted <= dated:
            raise InputError(
                "as-of is a time of one source, and the question looks at several: name one of "
                + ", ".join(sorted(wanted)[:4])
            )
        return None if request.sources is None else frozenset(wanted)

    async def search_clips(
        self,
        vectors: NDArray[np.float32],
        *,
        as_of_s: float | None = None,
        sources: tuple[str, ...] | None = None,
        k: int = 4,
        threshold: float = -1.0,
    ) -> list[ClipHit]:
        """As `Memory.search_clips`."""
        await self.resident.refresh()
        wanted = self.asked(SearchRequest("", as_of_s=as_of_s, sources=sources))
        where = visible(as_of_s, wanted)
        best: dict[str, float] = {}
        for vector in np.atleast_2d(vectors):
            for clip, score in (await self._reader.nearest_clips(vector, where, k)).items():
                best[clip] = max(score, best.get(clip, -1.0))
        if not best:
            return []
        rows = await self._store.rows(schema.CLIPS, f"id IN ({', '.join(map(quoted, best))})")
        hits = [ClipHit(c, best[c.id]) for c in clips_of(rows, as_of_s)] if rows is not None else []
        hits.sort(key=lambda h: (-h.score, h.clip.known_at_s, h.clip.id))
        return [hit for hit in hits if hit.score >= threshold][:k]

    async def _hits(
        self, ranked: list[Ranked], as_of_s: float, cast: Cast, request: SearchRequest
    ) -> list[Hit]:
        if not ranked:
            return []
        ids = ", ".join(quoted(one.record) for one in ranked)
        records = {o.id: o for o in await self._reader.records(f"id IN ({ids})")}
        hits = [hit_of(records[one.record], one, as_of_s, cast) for one in ranked if one.record in records]
        if request.speaker is not None:
            hits = said_first(hits, request.speaker, self._settings.speaker_prior)
        now = request.as_of_s is None
        return self._learner.ranked(hits, request.k) if now else hits[: request.k]
