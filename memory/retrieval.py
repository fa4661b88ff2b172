"""Searching a memory. `as_of` is exact: a record is visible from its known_at_s on, and nothing that became
known later moves a score or breaks a tie."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from memory.adding import Adding, When, unix_s
from memory.appearances import Appearance, appearances
from memory.cast import Cast
from memory.citations import Learner
from memory.consolidation.assertion import Kind
from memory.consolidation.consolidate import Consolidated, Consolidator, drop
from memory.consolidation.extractor import Extractor, RuleExtractor
from memory.consolidation.facts import Fact
from memory.consolidation.ledger import Ledger
from memory.consolidation.notes import Note, notes_about, read_notes, take_notes
from memory.consolidation.view import Facts, chosen, matching, profile
from memory.conversation import Added, Message
from memory.days import Day, read_days
from memory.hits import ClipHit, Hit, SearchRequest
from memory.levels import synopsis
from memory.packing import Packed, pack, session_of
from memory.past import Past
from memory.reading import Reader
from memory.records import Keyframe, SourceInfo, StoredClip
from memory.searching import Searcher
from memory.settings import MemorySettings
from memory.stats import MemoryStats, memory_stats
from memory.store import Store, quoted
from memory.text_encoder import packaged_encoder
from memory.things import Thing
from runtime.clock import SystemClock
from runtime.compute import Compute
from runtime.messages import Modality, Observation
from runtime.models import TextEncoder

if TYPE_CHECKING:
    from memory.history import Version

_CLOCK = SystemClock()


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
        self._reader = Reader(store)
        self._adding = Adding(store, text_encoder, compute, settings)
        self._learner = Learner(store.folder if settings.search.learn else None)
        self._facts = Facts(store, compute, settings.user)
        self._searcher = Searcher(
            store, text_encoder, compute, settings, self._reader, self._facts, self._learner
        )

    @property
    def settings(self) -> MemorySettings:
        """Those that it was opened with."""
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
        """Makes the levels above what was added, notes the checksums, and closes. Raises MemoryStoreError."""
        await self._adding.close()
        if self._own_compute:
            await self._compute.close(deadline_s=5.0)
        if self._own_store:
            await self.store.aclose()

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
        return Past(self, unix_s(when, self.store.zone(self._settings.timezone)))

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
        made_by = extractor or RuleExtractor(
            self._compute, self._settings.consolidation.batch, self.store.zone(self._settings.timezone)
        )
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
        asked = self._searcher.asked(SearchRequest("", as_of_s=as_of_s, sources=sources))
        cast = await self._searcher.cast_of(as_of_s, asked)
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
        about = None if about is None else await self.spelt(about, as_of_s, sources)
        found = chosen(ledger, about, kind, relation, history, valid_at_s)
        if text is None:
            return found
        vector = (await self._compute.run("text encoder", self._encoder.encode, [text]))[0]
        return matching(found, text, vector, self._facts.vectors(), k)

    async def profile(self, person: str, as_of_s: float | None = None) -> list[Fact]:
        """What holds of a person (core memory), as it was known then."""
        return profile(await self.ledger(as_of_s), await self.spelt(person, as_of_s))

    async def things(
        self, as_of_s: float | None = None, sources: tuple[str, ...] | None = None
    ) -> list[Thing]:
        """Things that have a name, with the evidence for it, as it was known then."""
        await self.refresh()
        asked = self._searcher.asked(SearchRequest("", as_of_s=as_of_s, sources=sources))
        cast = await self._searcher.cast_of(as_of_s, asked)
        return list(await self._facts.things(cast, inf if as_of_s is None else as_of_s, asked))

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
        asked = self._searcher.asked(SearchRequest("", as_of_s=as_of_s, sources=sources))
        cast = await self._searcher.cast_of(as_of_s, asked)
        found = await read_notes(self.store, cast, inf if as_of_s is None else as_of_s, asked)
        return found if text is None else notes_about(found, text, k)

    async def days(
        self, date: str | None = None, as_of_s: float | None = None, sources: tuple[str, ...] | None = None
    ) -> list[Day]:
        """The days of which something is known, or one of them ("2024-05-07"), each source by itself, in order of time."""
        await self.refresh()
        asked = self._searcher.asked(SearchRequest("", as_of_s=as_of_s, sources=sources))
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
        return await self._searcher.search(request)

    async def spelt(
        self, text: str, as_of_s: float | None = None, sources: tuple[str, ...] | None = None
    ) -> str:
        """A question with its names as the memory spells them: a name that stands nowhere in it, and sounds like that of exactly
        one person ("Ana" for Anna). `search`, `facts` and `profile` do so themselves. Raises InputError as it does.
        """
        return await self._searcher.spelt(text, as_of_s, sources)

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
        return await self._searcher.search_clips(
            vectors, as_of_s=as_of_s, sources=sources, k=k, threshold=threshold
        )

    def cited(self, ids: Collection[str]) -> None:
        """An answer cited these records: the ranking learns of it, where the settings say so (SearchSettings.learn)."""
        self._learner.cited(ids)

    async def appearances(
        self, as_of_s: float | None = None, sources: tuple[str, ...] | None = None
    ) -> list[Appearance]:
        """Who is to be seen when, by face, as it was known then. Raises InputError as `search` does."""
        cast = await self.cast(as_of_s, sources)
        asked = self._searcher.asked(SearchRequest("", as_of_s=as_of_s, sources=sources))
        return await appearances(self.store, cast, as_of_s, asked)

    async def cast(self, as_of_s: float | None = None, sources: tuple[str, ...] | None = None) -> Cast:
        """Who is who, as it was known at as_of_s. Raises InputError as `search` does."""
        await self.refresh()
        return await self._searcher.cast_of(
            as_of_s, self._searcher.asked(SearchRequest("", as_of_s=as_of_s, sources=sources))
        )

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
        """The picture of a clip, None where none was kept."""
        return await self._reader.keyframe(clip_id)

    async def keyframe_at(self, source: str, t_s: float, as_of_s: float | None = None) -> Keyframe | None:
        """As `Reader.keyframe_at`."""
        return await self._reader.keyframe_at(source, t_s, as_of_s)

    async def short_term(self, clip_id: str) -> NDArray[np.float16] | None:
        """As `Reader.short_term`."""
        return await self._reader.short_term(clip_id)

    async def sources(self) -> list[SourceInfo]:
        """What it was made of, in the order in which it was added."""
        return await self.store.sources()

    async def stats(self) -> MemoryStats:
        """Rows, versions, fragments and bytes by table and by level, and the hours that are covered."""
        return await memory_stats(self.store)

    async def refresh(self) -> None:
        """Takes in what was committed since; `search` does so itself. Cheap when there is nothing new."""
        await self._searcher.resident.refresh()
