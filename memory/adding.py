"""Adding to an open memory: one writer for each source, begun when it is first needed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, tzinfo

from memory.conversation import Added, ConversationWriter, Message, text_source
from memory.settings import MemorySettings
from memory.store import Store
from memory.zone import offset_of, unix_of
from runtime.clock import SystemClock
from runtime.compute import Compute
from runtime.models import TextEncoder

When = datetime | float
"""A time: a datetime (without a zone: of the memory's, `Store.zone`), or Unix seconds."""
_CLOCK = SystemClock()


def unix_s(when: When, zone: tzinfo | None) -> float:
    return unix_of(when, zone) if isinstance(when, datetime) else float(when)


class Adding:
    """What is added is committed when `add` returns; the levels above are made by `close`."""

    def __init__(
        self, store: Store, encoder: TextEncoder, compute: Compute, settings: MemorySettings
    ) -> None:
        self._store = store
        self._encoder = encoder
        self._compute = compute
        self._settings = settings
        self._writers: dict[str, ConversationWriter] = {}
        self._one_at_a_time = asyncio.Lock()

    async def add(
        self,
        what: str | Message | Iterable[Message],
        speaker: str | None,
        session: str | None,
        time: When | None,
        source: str,
    ) -> Added:
        if isinstance(what, str):
            zone = self._store.zone(self._settings.timezone)
            time_s = _CLOCK.wall() if time is None else unix_s(time, zone)
            day = f"{datetime.fromtimestamp(time_s, zone):%Y-%m-%d}"
            offset_s = offset_of(time) if isinstance(time, datetime) else None
            what = Message(what, time_s, day if session is None else session, speaker, utc_offset_s=offset_s)
        messages = [what] if isinstance(what, Message) else list(what)
        async with self._one_at_a_time:
            writer = self._writers.get(source)
            if writer is None:
                about = text_source(source)
                writer = ConversationWriter(
                    self._store, self._encoder, self._compute, self._settings, about, _CLOCK.wall
                )
                await writer.begin()
                self._writers[source] = writer
            return await writer.add(messages)

    async def close(self) -> None:
        async with self._one_at_a_time:
            for writer in self._writers.values():
                await writer.finish()
            self._writers.clear()
