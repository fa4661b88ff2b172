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
from memory.records import SourceInfo
from memory.settings import MemorySettings
from memory.store import Store, quoted
from memory.writer import MemoryWriter
from runtime.clock import SystemClock
from runtime.compute import Compute
from runtime.messages import Observation, Watermark
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
    ref: its name in the place it comes from. recalled: it repeats what a memory said: no fact is made of it.
    """

    text: str
    time_s: float
    session: str = ""
    speaker: str | None = None
    captions: tuple[str, ...] = ()
    ref: str | None = None
    recalled: bool = False

    @property
    def content(self) -> str:
        """The text with its pictures' captions in brackets."""
        return " ".join([self.text.strip(), *(f"[{caption.strip()}]" for caption in self.captions)]).strip()


@dataclass(frozen=True, slots=True)
class Added:
    """How many messages are new, how many were there already, and how many of the new ones were told late."""

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


def observations(source: str, messages: Iterable[Message]) -> list[Observation]:
    """In order of time, each at least a moment after the one before in its session; the same message has the same id
    whenever it comes again.
    """
    out: list[Observation] = []
    last: dict[str, float] = {}
    seen: dict[str, int] = {}
    for message in sorted(messages, key=lambda m: m.time_s):
        if not message.content:
            continue
        # Of a secret not even a hash: a PIN could be tried out against it.
        parts = (repr(message.time_s), message.speaker or "", redact(message.content))
        digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
        record = f"{source}/{quote(message.session, safe='')}/{digest}"
        count = seen[record] = seen.get(record, -1) + 1
        at_s = max(message.time_s, last.get(message.session, -inf) + _LATE_S)
        last[message.session] = at_s
        details: dict[str, object] = {"session": message.session}
        if message.captions:
            details["captions"] = list(message.captions)
        if message.ref is not None:
            details["ref"] = message.ref
        if message.recalled:
            details["recalled"] = True
        out.append(
            Observation(
                id=record if not count else f"{record}.{count}",
                source=source,
                modality="said",
                text=message.content,
                t_start_s=at_s,
                t_end_s=at_s,
                known_at_s=at_s,
                speaker=message.speaker,
                details=details,
            )
        )
    return sorted(out, key=lambda o: (o.known_at_s, o.id))


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
        self._writer = MemoryWriter(store, encoder, compute, settings, source, wall=wall)

    async def begin(self) -> None:
        """Raises MemoryStoreError."""
        await self._writer.begin()

    async def add(self, messages: Iterable[Message]) -> Added:
        """Commits what is not there yet, some hundred at a time: what was committed is kept, whatever happens."""
        told = observations(self._source.id, messages)
        fresh, late = await self._unknown(told)
        for start in range(0, len(fresh), _BATCH):
            batch = fresh[start : start + _BATCH]
            await self._writer.write([*batch, Watermark("said", batch[-1].known_at_s)])
        return Added(len(fresh), len(told) - len(fresh), late)

    async def finish(self) -> None:
        await self._writer.finish()

    async def _unknown(self, told: Sequence[Observation]) -> tuple[list[Observation], int]:
        """Those that are not stored, in the order in which they become known, and how many of them come late."""
        where = f"source = {quoted(self._source.id)}"
        if len(told) <= _LOOKED_UP:
            where += f" AND id IN ({', '.join(quoted(o.id) for o in told)})" if told else " AND false"
        rows = await self._store.rows(schema.OBSERVATIONS, where, ["id"])
        known = set(rows["id"].to_pylist()) if rows is not None else set()
        done_s = self._writer.done.said_done_s
        fresh: list[Observation] = []
        late = 0
        for one in told:
            if one.id in known:
                continue
            if one.known_at_s <= done_s:
                late += 1
                one = replace(one, known_at_s=done_s + late * _LATE_S)
            fresh.append(one)
        return sorted(fresh, key=lambda o: (o.known_at_s, o.id)), late


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
