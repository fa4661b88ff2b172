"""The lock that a change of a table holds, within one process (memory/lock.py: across processes)."""

from __future__ import annotations

import asyncio
from typing import Any


class Writing:
    """Holds the store's write lock; what Lance raises inside comes out as MemoryStoreError."""

    def __init__(self, lock: asyncio.Lock, checked: Any) -> None:
        self._lock = lock
        self._checked = checked

    async def __aenter__(self) -> None:
        await self._lock.acquire()
        try:
            self._checked.__enter__()
        except BaseException:
            self._lock.release()
            raise

    async def __aexit__(self, *exc: object) -> None:
        try:
            self._checked.__exit__(*exc)
        finally:
            self._lock.release()
