"""The synchronous face of a memory, for programs without an event loop of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

from memory.adding import When
from memory.conversation import Added, Message
from memory.history import Version
from memory.hits import Hit
from memory.packing import Packed
from memory.retrieval import Memory
from memory.settings import MemorySettings
from runtime.models import TextEncoder


class BlockingMemory:
    """`Memory`, each call of which returns when it is done. Not for two threads at once, nor inside a running loop."""

    def __init__(self, runner: asyncio.Runner, memory: Memory) -> None:
        self._runner = runner
        self._memory = memory

    @classmethod
    def open(
        cls,
        uri: str | Path,
        text_encoder: TextEncoder | None = None,
        *,
        settings: MemorySettings | None = None,
        read_only: bool = True,
    ) -> BlockingMemory:
        """As `Memory.open`."""
        runner = asyncio.Runner()
        try:
            opening = Memory.open(uri, text_encoder, settings=settings, read_only=read_only)
            return cls(runner, runner.run(opening))
        except BaseException:
            runner.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        try:
            self._runner.run(self._memory.close())
        finally:
            self._runner.close()

    def add(self, what: str | Message | Iterable[Message], **about: Any) -> Added:
        """As `Memory.add`."""
        return self._runner.run(self._memory.add(what, **about))

    def search(self, text: str, *, as_of: When | None = None, **more: Any) -> list[Hit]:
        """As `Memory.search`, or as it was at as_of."""
        where = self._memory if as_of is None else self._memory.as_of(as_of)
        return self._runner.run(where.search(text, **more))

    def history(
        self, what: str, source: str | None = None, *, as_of: When | None = None
    ) -> tuple[Version, ...]:
        """As `Memory.history`, or as it was at as_of."""
        where = self._memory if as_of is None else self._memory.as_of(as_of)
        return self._runner.run(where.history(what, source))

    def pack(self, hits: Sequence[Hit], tokens: int) -> list[Packed]:
        """As `Memory.pack`."""
        return self._runner.run(self._memory.pack(hits, tokens))
