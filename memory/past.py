"""A memory as it was: nothing that became known later is found, counted or hinted at."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memory.consolidation.facts import Fact
    from memory.history import Version
    from memory.hits import Hit, SearchRequest
    from memory.retrieval import Memory
    from memory.things import Thing


class Past:
    """Made by `Memory.as_of`."""

    def __init__(self, memory: Memory, as_of_s: float) -> None:
        self._memory = memory
        self.as_of_s = as_of_s

    async def search(self, /, request: SearchRequest | str, **more: Any) -> list[Hit]:
        """As `Memory.search`."""
        if isinstance(request, str):
            return await self._memory.search(request, as_of_s=self.as_of_s, **more)
        return await self._memory.search(replace(request, as_of_s=self.as_of_s))

    async def history(self, what: str, source: str | None = None) -> tuple[Version, ...]:
        """As `Memory.history`."""
        from memory.history import history

        return await history(self._memory, what, source, self.as_of_s)

    async def facts(self, /, text: str | None = None, **more: Any) -> list[Fact]:
        """As `Memory.facts`."""
        return await self._memory.facts(text, as_of_s=self.as_of_s, **more)

    async def profile(self, person: str) -> list[Fact]:
        """As `Memory.profile`."""
        return await self._memory.profile(person, self.as_of_s)

    async def things(self) -> list[Thing]:
        """As `Memory.things`."""
        return await self._memory.things(self.as_of_s)
