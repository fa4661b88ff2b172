"""Blocking compute, off the event loop: one thread per model, so that VAD never waits behind OCR."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import partial
from typing import Any, ParamSpec, TypeVar

from runtime.clock import perf
from runtime.metrics import Metrics, StageRecord

T = TypeVar("T")
P = ParamSpec("P")


class ComputeClosed(Exception):
    """The call came after close, or was still queued when close was called."""


@dataclass(slots=True)
class ComputeStats:
    """What was spent under one name. Only calls that began are counted, failed and abandoned ones too.

    wall_s: seconds between a call's begin and end in its thread.
    """

    calls: int = 0
    errors: int = 0
    wall_s: float = 0.0


class Compute:
    """Threads by name, made on demand. With metrics, `metrics.stage(name)` gets the calls and seconds too."""

    def __init__(self, metrics: Metrics | None = None) -> None:
        self._metrics = metrics
        self._workers: dict[str, _Worker] = {}
        self._stats: dict[str, ComputeStats] = {}
        self._closed = False

    async def run(self, name: str, fn: Callable[..., T], *args: Any) -> T:
        """fn(*args) in the thread of that name; calls of one name run one at a time, in order.

        A caller that is cancelled stops waiting: a queued call is dropped, a running one finishes unheard.
        Raises what fn raises, and ComputeClosed.
        """
        if self._closed:
            raise ComputeClosed(f"compute is closed: {name}")
        worker = self._workers.get(name)
        if worker is None:
            worker = self._workers[name] = _Worker(name)
            self._stats[name] = ComputeStats()
        record = self._metrics.stage(name) if self._metrics is not None else None
        call = partial(_counted, self._stats[name], record, fn, args)
        return await asyncio.get_running_loop().run_in_executor(worker, call)

    def stats(self) -> dict[str, ComputeStats]:
        """By name; the values go on counting."""
        return dict(self._stats)

    async def close(self, deadline_s: float) -> tuple[str, ...]:
        """Refuses new calls, fails queued ones, and waits at most deadline_s for running ones.

        Returns the names that were still busy then. Their threads are left behind, and end with the process.
        """
        self._closed = True
        if not self._workers:
            return ()
        loop = asyncio.get_running_loop()
        ends: dict[asyncio.Future[None], str] = {}
        for name, worker in self._workers.items():
            worker.fail_queued(ComputeClosed(f"compute is closed: {name}"))
            ends[loop.run_in_executor(worker, _nothing)] = name
            worker.shutdown(wait=False)
        self._workers.clear()
        _, busy = await asyncio.wait(ends, timeout=deadline_s)
        for end in busy:
            end.cancel()
        return tuple(sorted(ends[end] for end in busy))


def _nothing() -> None:
    pass


def _counted(
    stats: ComputeStats, record: StageRecord | None, fn: Callable[..., T], args: tuple[Any, ...]
) -> T:
    """Runs in the worker's thread, the only one that writes these numbers."""
    began = perf()
    try:
        return fn(*args)
    except BaseException:
        stats.errors += 1
        raise
    finally:
        wall = perf() - began
        stats.calls += 1
        stats.wall_s += wall
        if record is not None:
            record.calls += 1
            record.compute_s += wall


class _Worker(Executor):
    """One daemon thread. ThreadPoolExecutor's are joined when Python exits: a hung model would hang that."""

    def __init__(self, name: str) -> None:
        self._calls: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._changed = threading.Condition()
        self._closing = False
        threading.Thread(target=self._work, name=f"compute-{name}", daemon=True).start()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        with self._changed:
            if self._closing:
                raise ComputeClosed("the thread is closing")
            self._calls.append((future, partial(fn, *args, **kwargs)))
            self._changed.notify()
        return future

    def fail_queued(self, error: Exception) -> None:
        with self._changed:
            queued = list(self._calls)
            self._calls.clear()
        for future, _ in queued:
            if future.set_running_or_notify_cancel():
                future.set_exception(error)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends the thread once its queue is empty. Never waits."""
        with self._changed:
            self._closing = True
            self._changed.notify()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._calls:
                    if self._closing:
                        return
                    self._changed.wait()
                future, call = self._calls.popleft()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = call()
            except BaseException as error:  # the caller's to handle, in the caller's task
                future.set_exception(error)
            else:
                future.set_result(result)
                del result
            # Not kept until the next call comes: frames may hang on them.
            del future, call
