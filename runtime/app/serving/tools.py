"""What other programs can do with a memory: search, ask, add, history, forget. The same over MCP and plain HTTP.

The memory and the models are opened when the first tool is called, so that a client's greeting is answered at once. Reading
keeps to reading: a tool that writes holds the writer's lock no longer than it takes, and says who holds it if another does.
"""

from __future__ import annotations

import asyncio
from argparse import ArgumentTypeError
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from math import inf
from typing import Annotated, Any

from pydantic import Field

from memory import (
    Hit,
    Memory,
    Message,
    SearchRequest,
    SourceInfo,
    Speaker,
    Store,
    add_messages,
    schema,
    text_source,
)
from memory.forgetting import Selection, forget, nobody_called, plan
from memory.history import history
from memory.place import is_to_be_made, local_folder
from memory.store import quoted
from memory.text_files import told_time
from reasoning.answer import Answerer
from reasoning.engine import Engine
from runtime.app.arguments import media_time
from runtime.app.commands import source_named
from runtime.app.context import App, note_cited, open_answerer, open_engine
from runtime.app.formats import answer_line
from runtime.app.screen.asking import choose_answerer
from runtime.errors import InputError
from runtime.messages import Observation, Query

_PATIENCE_S = 5.0
_SHOWN = 20

SourceName = Annotated[
    str | None,
    Field(description="only this source: its file name, or the id that a result names", max_length=500),
]
AsOf = Annotated[
    float | str | None,
    Field(
        description="use only what was known then: ISO 8601 (of conversations and notes), or seconds of the source, "
        "which must then be named"
    ),
]
_SPAN = "ISO 8601 (of conversations and notes), or seconds of the source; needs source"


@dataclass(frozen=True, slots=True)
class _Open:
    store: Store
    memory: Memory
    answerer: Answerer
    engine: Engine | None


class MemoryTools:
    """Use as an async context manager. Every tool raises HearsightError with one line that says what is wrong."""

    def __init__(self, app: App, uri: str, engine: bool = True) -> None:
        self._app = app
        self._uri = uri
        self._engine = engine
        self._stack = AsyncExitStack()
        self._opened: _Open | None = None
        self._opening = asyncio.Lock()
        self._writing = asyncio.Lock()

    async def __aenter__(self) -> MemoryTools:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def search(
        self,
        query: Annotated[str, Field(description="words, or a question", min_length=1, max_length=2000)],
        k: Annotated[int, Field(description="how many results", ge=1, le=50)] = 8,
        source: SourceName = None,
        as_of: AsOf = None,
    ) -> dict[str, Any]:
        """Finds what was said, read or seen about something in the user's memory: recordings, the screen, conversations
        and notes. Best first, each with its time and the id that history and forget take.
        """
        opened = await self._open()
        named, now_s, as_of_s = await self._named(opened, source), self._now(as_of), _as_of_s(as_of)
        request = SearchRequest(query, sources=named, as_of_s=as_of_s, now_s=now_s, k=k)
        hits = await opened.memory.search(request)
        known = {s.id: s for s in await opened.memory.sources()}
        return {"results": [_result(hit, known.get(hit.record.source)) for hit in hits]}

    async def ask(
        self,
        question: Annotated[str, Field(description="one question", min_length=1, max_length=2000)],
        source: SourceName = None,
        as_of: AsOf = None,
        options: Annotated[
            list[str] | None, Field(description="for a multiple choice", max_length=20)
        ] = None,
    ) -> dict[str, Any]:
        """Answers a question from the user's memory, with the moments that prove it; abstains when the memory does not
        say. For an answer in the assistant's own words, search instead and read.
        """
        opened = await self._open()
        named = await self._named(opened, source)
        query = Query("ask", question, _as_of_s(as_of), tuple(options or ()), named, self._now(as_of))
        asked = named or tuple(source.id for source in await opened.memory.sources())
        verifier = await self._app.models.verifier()
        answerer = choose_answerer(self._app, opened.memory, opened.answerer, verifier, asked, opened.engine)
        answer = await answerer.answer(query)
        note_cited(opened.memory, answer, self._app.clock)
        line = answer_line("ask", answer)
        return {key: value for key, value in line.items() if key != "id"}

    async def add(
        self,
        text: Annotated[
            str, Field(description="what to remember, as it was said", min_length=1, max_length=20_000)
        ],
        speaker: Annotated[str | None, Field(description="who said it", max_length=200)] = None,
        time: Annotated[
            str | None, Field(description="when it happened: ISO 8601; now, if left out", max_length=40)
        ] = None,
        source: Annotated[
            str, Field(description="the collection to add to", min_length=1, max_length=200)
        ] = "notes",
    ) -> dict[str, Any]:
        """Remembers a note or an utterance. What the memory says already word for word is not added again; with a
        time of its own it is, but nothing new is concluded from it.
        """
        if time is not None:
            told_time(time, "time")  # raises, before a memory is made for it
        opened = await self._open()
        zone = opened.store.zone(self._app.settings.memory.timezone)
        now_s = self._app.clock.wall()
        when, offset_s = (now_s, None) if time is None else told_time(time, "time", zone)
        about = {s.id: s for s in await opened.memory.sources()}.get(source)
        if about is not None and (about.has_video or about.wall_zero_s != 0.0):
            raise InputError(f"{source} is a recording: add to another source")
        known = await _known(opened.store, text.strip())
        if time is None and known is not None:
            return {"added": False, "known": known}
        encoder = await self._app.models.text_encoder()
        message = Message(text, when, speaker=speaker, recalled=known is not None, utc_offset_s=offset_s)
        async with self._writing, await Store.open(self._uri, encoder) as store:
            settings = self._app.settings.memory
            done = await add_messages(
                store,
                encoder,
                self._app.compute,
                settings,
                text_source(source),
                [message],
                self._app.clock.wall,
            )
        return {"added": done.new > 0, "source": source, "time": _iso(when)}

    async def history(
        self,
        what: Annotated[
            str,
            Field(
                description="the id of a record, or words that find a statement",
                min_length=1,
                max_length=2000,
            ),
        ],
        source: SourceName = None,
        as_of: AsOf = None,
    ) -> dict[str, Any]:
        """Every version of a statement, oldest first: what held from when until when, and what took its place."""
        opened = await self._open()
        named = await self._named(opened, source)
        only = None if named is None else named[0]
        versions = await history(opened.memory, what, only, _as_of_s(as_of))
        known = {s.id: s for s in await opened.memory.sources()}
        cast = await opened.memory.cast()
        return {
            "versions": [
                asdict(v)
                | {
                    "speaker": _label(cast.speaker(v.id, v.speaker)),
                    "when": _when(known.get(v.source), v.valid_from_s),
                    "until": _when(known.get(v.source), v.valid_to_s),
                }
                for v in versions
            ]
        }

    async def forget(
        self,
        ids: Annotated[
            list[str] | None, Field(description="of records, clips or sources", max_length=1000)
        ] = None,
        words: Annotated[
            str | None, Field(description="all that has every one of these words", max_length=500)
        ] = None,
        person: Annotated[str | None, Field(description="all that this person said", max_length=200)] = None,
        app: Annotated[
            str | None, Field(description="all that was seen of this program", max_length=200)
        ] = None,
        source: SourceName = None,
        t_from: Annotated[float | str | None, Field(description=_SPAN)] = None,
        t_to: Annotated[float | str | None, Field(description=_SPAN)] = None,
        confirm: Annotated[bool, Field(description="false only shows what would be forgotten")] = False,
    ) -> dict[str, Any]:
        """Takes what all the given arguments apply to out of the memory and off the disk, for good, with everything made
        of it. Call it without confirm first and show the user what it would forget.
        """
        opened = await self._open()
        named = await self._named(opened, source)
        if named is None and (t_from is not None or t_to is not None):
            raise InputError("t_from and t_to are times of one source: name it")
        selection = Selection(
            ids=tuple(ids or ()),
            sources=named,
            t_min_s=-inf if t_from is None else _seconds(t_from, "t_from"),
            t_max_s=inf if t_to is None else _seconds(t_to, "t_to"),
            speaker=person,
            app=app,
            words=words,
        )
        selection.check()
        cast = await opened.memory.cast()
        if confirm:
            async with self._writing, await Store.open(self._uri) as store:
                found = await forget(store, selection, self._app.settings.memory)
        else:
            found = await plan(opened.store, selection)
        if person and not found and (nobody := await nobody_called(opened.store, person)):
            raise InputError(nobody)
        return {
            "forgotten": confirm and bool(found),
            "records": len(found.records),
            "clips": len(found.clips),
            "sources": list(found.sources),
            "shown": [_shown(r, cast.speaker(r.id, r.speaker)) for r in found.records[:_SHOWN]],
        }

    async def _open(self) -> _Open:
        async with self._opening:
            if self._opened is None:
                encoder = await self._app.models.text_encoder()
                folder = local_folder(self._uri)
                if folder is not None and is_to_be_made(folder, read_only=False):
                    async with await Store.open(self._uri, encoder):
                        pass
                enter = self._stack.enter_async_context
                store = await enter(await Store.open(self._uri, encoder, read_only=True))
                engine = await enter(open_engine(self._app, self._engine, _PATIENCE_S))
                answerer, memory = await enter(open_answerer(self._app, store, engine))
                self._opened = _Open(store, memory, answerer, engine)
            return self._opened

    def _now(self, as_of: float | str | None) -> float | None:
        """For "yesterday", where the question is one of now."""
        return self._app.clock.wall() if as_of is None else None

    async def _named(self, opened: _Open, source: str | None) -> tuple[str, ...] | None:
        return None if source is None else (source_named(await opened.memory.sources(), source).id,)


async def _known(store: Store, text: str) -> str | None:
    """The id of a record that says so already, word for word, with its speaker's name before it or not."""
    speaker, colon, said = text.partition(": ")
    where = f"text = {quoted(text)}"
    if colon:
        where += f" OR (text = {quoted(said)} AND speaker = {quoted(speaker)})"
    rows = await store.rows(schema.OBSERVATIONS, where, ["id"])
    return rows["id"][0].as_py() if rows is not None and rows.num_rows else None


def _as_of_s(when: float | str | None) -> float | None:
    return None if when is None else _seconds(when, "as_of")


def _seconds(when: float | str, name: str) -> float:
    """As the source counts: Unix time where an ISO time is told. Raises InputError."""
    try:
        return media_time(str(when))
    except ArgumentTypeError as error:
        raise InputError(f"{name}: {error}") from None


def _result(hit: Hit, source: SourceInfo | None) -> dict[str, Any]:
    found = _shown(hit.record, hit.speaker) | {
        "score": round(hit.scores.total, 4),
        "when": _when(source, hit.t_start_s),
    }
    found |= {"text": hit.text, "t_start_s": hit.t_start_s, "t_end_s": hit.t_end_s}
    if hit.superseded_by is not None:
        found["superseded_by"] = hit.superseded_by
    return found


def _label(who: Speaker | None) -> str | None:
    """By name, where one is known."""
    return who.label if who is not None else None


def _shown(record: Observation, speaker: Speaker | None) -> dict[str, Any]:
    return {
        "id": record.id,
        "source": record.source,
        "modality": record.modality,
        "speaker": _label(speaker),
        "text": record.text,
        "t_start_s": record.t_start_s,
        "t_end_s": record.t_end_s,
    }


def _when(source: SourceInfo | None, t_s: float | None) -> str | None:
    """The wall clock's time, where it is known."""
    if source is None or source.wall_zero_s is None or t_s is None:
        return None
    return _iso(source.wall_zero_s + t_s)


def _iso(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="seconds")
