"""An event loop in a thread of its own, for callers that have none, or whose own is running (a notebook)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from runtime.errors import MemoryStoreError

T = TypeVar("T")


class LoopThread:
    """`run` may be called from any thread, by several at once. Close it in the end."""

    def __init__(self) -> None:
        started: Future[asyncio.AbstractEventLoop] = Future()
        # A program that forgets to close may end all the same.
        self._thread = threading.Thread(target=self._main, args=(started,), name="memory", daemon=True)
        self._thread.start()
        self._loop = started.result()
        self.closed = False

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What the coroutine returns or raises; an interrupt cancels it. Raises MemoryStoreError: closed."""
        if self.closed:
            work.close()
            raise MemoryStoreError("this memory is closed")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except KeyboardInterrupt:
            future.cancel()
            raise

    def close(self) -> None:
        """Cancels what still runs, and waits for the thread."""
        if not self.closed:
            self.closed = True
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    @staticmethod
    def _main(started: Future[asyncio.AbstractEventLoop]) -> None:
        with asyncio.Runner() as runner:
            loop = runner.get_loop()
            started.set_result(loop)
            loop.run_forever()
