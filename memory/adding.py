"""Adding to an open memory: one writer for each source, begun when it is first needed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

from memory.conversation import Added, ConversationWriter, Message, text_source
from memory.settings import MemorySettings
from memory.store import Store
from runtime.clock import SystemClock
from runtime.compute import Compute
from runtime.models import TextEncoder

When = datetime | float
"""A time: a datetime (without a zone: UTC), or Unix seconds."""
_CLOCK = SystemClock()


def unix_s(when: When) -> float:
    if isinstance(when, datetime):
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    return float(when)


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
            time_s = _CLOCK.wall() if time is None else unix_s(time)
            day = f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%d}"
            what = Message(what, time_s, day if session is None else session, speaker)
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
