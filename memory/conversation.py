"""Conversations, notes and documents as observations, written by the same writer as what is seen and heard.

Their times are Unix times: the source's zero is 1970 (SourceInfo.wall_zero_s = 0), so that `as_of` and spans mean the same
in all of them. A message that is told late (its time lies before what is committed) keeps the time of its event, and is
known only from now on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf
from urllib.parse import quote

from memory import schema
from memory.pictures import Picture, parts_of
from memory.records import SourceInfo
from memory.settings import MemorySettings
from memory.store import Store, quoted
from memory.writer import MemoryWriter
from runtime.clock import SystemClock
from runtime.compute import Compute
from runtime.messages import Clip, Observation, Watermark
from runtime.models import TextEncoder
from runtime.secrets import redact

_BATCH = 256
"""Messages between two commits: an import that is killed goes on from there."""
_LOOKED_UP = 64
"""Up to so many messages are looked for by their ids; of more, all ids of the source are read."""
_LATE_S = 0.001
_CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody said or wrote. time_s: Unix time. session: a part of a conversation that belongs together (a day,
    a call, a file). speaker: None for notes and documents. captions: of the pictures that came with it.
    ref: its name in the place it comes from; of what nobody said, that place ("report.pdf, page 3"). recalled: it repeats
    what a memory said: no fact is made of it. pictures: that came with it, or, without a text, alone.
    utc_offset_s: of the clock that its time was read off, where that is told.
    """

    text: str
    time_s: float
    session: str = ""
    speaker: str | None = None
    captions: tuple[str, ...] = ()
    ref: str | None = None
    recalled: bool = False
    pictures: tuple[Picture, ...] = ()
    utc_offset_s: float | None = None

    @property
    def content(self) -> str:
        """The text with its pictures' captions in brackets."""
        return " ".join([self.text.strip(), *(f"[{caption.strip()}]" for caption in self.captions)]).strip()


@dataclass(frozen=True, slots=True)
class Added:
    """How many messages and pictures are new, how many were there already, and how many of the new ones were told late."""

    new: int
    known: int
    late: int


def conversation_source(name: str, path: str, messages: Sequence[Message]) -> SourceInfo:
    """The same for a conversation however much it has grown: known by its name and its first message."""
    first = min(messages, key=lambda m: m.time_s)
    text = f"{first.time_s!r}\n{first.speaker}\n{redact(first.content)}"
    mark = hashlib.sha256(text.encode()).hexdigest()[:10]
    return text_source(f"{name}-{mark}", path)


def text_source(source_id: str, path: str = "") -> SourceInfo:
    """What a source of messages is to the store: no media, times from 1970 on."""
    return SourceInfo(
        id=source_id,
        path=path or source_id,
        fingerprint=source_id,
        has_audio=True,
        has_video=False,
        wall_zero_s=0.0,
    )


@dataclass(frozen=True, slots=True)
class Piece:
    """What is remembered or left out as one: a message, or a picture with what was seen and read in it.

    id: of its first part, by which it is known again. late_s: how much later than its time it is known.
    """

    parts: tuple[Observation | Clip, ...]
    late_s: float = 0.0

    @property
    def id(self) -> str:
        return self.parts[0].id

    @property
    def known_s(self) -> float:
        return self.parts[0].t_end_s + self.late_s

    def told(self) -> Iterable[Observation | Clip]:
        """Its parts, known from known_s on."""
        for part in self.parts:
            if not self.late_s:
                yield part
            elif isinstance(part, Clip):
                yield replace(part, told_at_s=self.known_s)
            else:
                yield replace(part, known_at_s=self.known_s)


def pieces(source: str, messages: Iterable[Message], settings: MemorySettings) -> list[Piece]:
    """In order of time, each message at least a moment after the one before in its session; the same message or picture has
    the same id whenever it comes again.
    """
    out: list[Piece] = []
    last: dict[str, float] = {}
    seen: dict[str, int] = {}
    for message in sorted(messages, key=lambda m: m.time_s):
        if not message.content and not message.pictures:
            continue
        at_s = max(message.time_s, last.get(message.session, -inf) + _LATE_S)
        pictures = [
            parts_of(picture, source, message.time_s, at_s + number * _LATE_S, settings)
            for number, picture in enumerate({p.digest: p for p in message.pictures}.values())
        ]
        last[message.session] = at_s + max(0, len(pictures) - 1) * _LATE_S
        if message.content:
            record = _record(source, message, at_s)
            count = seen[record.id] = seen.get(record.id, -1) + 1
            if pictures:
                shown = [parts[0].id for parts in pictures]
                record = replace(record, details={**record.details, "pictures": shown})
            out.append(Piece((replace(record, id=f"{record.id}.{count}") if count else record,)))
        out += map(Piece, pictures)
    return sorted(out, key=lambda p: (p.known_s, p.id))


def observations(source: str, messages: Iterable[Message]) -> list[Observation]:
    """Of the messages alone, without their pictures: see `pieces`."""
    told = (part for piece in pieces(source, messages, MemorySettings()) for part in piece.parts)
    return [part for part in told if isinstance(part, Observation) and part.modality == "said"]


def _record(source: str, message: Message, at_s: float) -> Observation:
    # Of a secret not even a hash: a PIN could be tried out against it.
    parts = (repr(message.time_s), message.speaker or "", redact(message.content))
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
    details: dict[str, object] = {"session": message.session}
    if message.captions:
        details["captions"] = list(message.captions)
    if message.ref is not None:
        details["ref"] = message.ref
    if message.recalled:
        details["recalled"] = True
    if message.utc_offset_s is not None:
        details["utc_offset_s"] = message.utc_offset_s
    return Observation(
        id=f"{source}/{quote(message.session, safe='')}/{digest}",
        source=source,
        modality="said",
        text=message.content,
        t_start_s=at_s,
        t_end_s=at_s,
        known_at_s=at_s,
        speaker=message.speaker,
        details=details,
    )


class ConversationWriter:
    """Adds messages to one source, in as many calls as one likes. `begin` first; `finish` rebuilds the levels above."""

    def __init__(
        self,
        store: Store,
        encoder: TextEncoder,
        compute: Compute,
        settings: MemorySettings,
        source: SourceInfo,
        wall: Callable[[], float] = _CLOCK.wall,
    ) -> None:
        """wall: Unix time, for when messages are taken in."""
        self._store = store
        self._source = source
        self._settings = settings
        self._writer = MemoryWriter(store, encoder, compute, settings, source, wall=wall)

    async def begin(self) -> None:
        """Raises MemoryStoreError."""
        await self._writer.begin()

    async def add(self, messages: Iterable[Message]) -> Added:
        """Commits what is not there yet, some hundred at a time: what was committed is kept, whatever happens.

        Raises MemoryStoreError: a picture was looked at by another encoder than those before it, too.
        """
        told = list(messages)
        for model in dict.fromkeys(picture.model for one in told for picture in one.pictures):
            await self._store.claim_model("vision", model)
        named = pieces(self._source.id, told, self._settings)
        fresh, late = await self._unknown(named)
        start = 0
        while start < len(fresh):
            end = min(start + _BATCH, len(fresh))
            # What is known from the same moment on is committed together: a watermark tells no two such apart.
            while end < len(fresh) and fresh[end].known_s == fresh[end - 1].known_s:
                end += 1
            parts = [part for piece in fresh[start:end] for part in piece.told()]
            await self._writer.write([*parts, Watermark("said", fresh[end - 1].known_s)])
            start = end
        return Added(len(fresh), len(named) - len(fresh), late)

    async def finish(self) -> None:
        await self._writer.finish()

    async def _unknown(self, told: Sequence[Piece]) -> tuple[list[Piece], int]:
        """Those that are not stored, in the order in which they become known, and how many of them come late."""
        known = await stored_ids(self._store, self._source.id, [piece.id for piece in told])
        done_s = self._writer.done.said_done_s
        fresh: list[Piece] = []
        late = 0
        for one in told:
            if one.id in known:
                continue
            if one.known_s <= done_s:
                late += 1
                one = replace(one, late_s=done_s + late * _LATE_S - one.known_s)
            fresh.append(one)
        return sorted(fresh, key=lambda p: (p.known_s, p.id)), late


async def stored_ids(store: Store, source: str, ids: Sequence[str]) -> set[str]:
    """Which of these records and clips of a source are stored; of many, perhaps others of it too."""
    where = f"source = {quoted(source)}"
    if not ids:
        return set()
    if len(ids) <= _LOOKED_UP:
        where += f" AND id IN ({', '.join(map(quoted, ids))})"
    found: set[str] = set()
    for name in (schema.OBSERVATIONS, schema.CLIPS):
        rows = await store.rows(name, where, ["id"])
        found |= set(rows["id"].to_pylist()) if rows is not None else set()
    return found


async def add_messages(
    store: Store,
    encoder: TextEncoder,
    compute: Compute,
    settings: MemorySettings,
    source: SourceInfo,
    messages: Iterable[Message],
    wall: Callable[[], float] = _CLOCK.wall,
) -> Added:
    """Remembers what is not there yet and rebuilds the levels above. Raises MemoryStoreError."""
    writer = ConversationWriter(store, encoder, compute, settings, source, wall)
    await writer.begin()
    added = await writer.add(messages)
    if added.new:
        await writer.finish()
    return added
