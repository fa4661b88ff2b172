"""Time: the only module that reads `time.*` or calls `asyncio.sleep`.

Everything else takes a `Clock`. `SystemClock` is real; `VirtualClock` belongs to `run_virtual`, whose event
loop jumps to its next timer as soon as nothing else is left to do, so that an hour of waiting takes no time.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Protocol, TypeVar, TypeVarTuple

from runtime.errors import StuckError

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_A_THREAD = "a thread"


class Clock(Protocol):
    """Seconds that only ever grow. Their zero means nothing: compare, subtract, never store."""

    def now(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


class WallClock(Clock, Protocol):
    """A clock that also knows the time of day."""

    def wall(self) -> float:
        """Unix time in seconds: for what a person will read, never for measuring."""
        ...


class SystemClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def wall(self) -> float:
        return time.time()


class VirtualClock:
    """The time of the `run_virtual` loop it is used in; 0 before that loop runs.

    wall_zero_s: Unix time at virtual second 0.
    """

    def __init__(self, wall_zero_s: float = 0.0) -> None:
        self._wall_zero_s = wall_zero_s
        self._loop: _VirtualLoop | None = None

    def now(self) -> float:
        if self._loop is None or self._loop.is_closed():
            try:
                self._loop = self._running()
            except RuntimeError:
                return 0.0
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        self._loop = self._running()
        await asyncio.sleep(seconds)

    def wall(self) -> float:
        return self._wall_zero_s + self.now()

    @contextmanager
    def held(self, what: str = "other work") -> Iterator[None]:
        """Time stands still inside: for work in threads or processes that the loop does not know of. Nothing inside may
        wait for time, nor for somebody who does. what: as it is called where it does not end.
        """
        loop = self._running()
        with loop.held(what):
            yield

    @staticmethod
    def _running() -> _VirtualLoop:
        loop = asyncio.get_running_loop()
        if not isinstance(loop, _VirtualLoop):
            raise TypeError("VirtualClock is used outside run_virtual()")
        return loop


def run_virtual(
    main: Coroutine[Any, Any, T],
    *,
    grace_s: float = 0.0,
    thread_patience_s: float = 60.0,
    fail_when_stuck: bool = False,
    debug: bool | None = None,
) -> T:
    """Runs a coroutine like `asyncio.run`, on virtual time that starts at 0.

    `asyncio.timeout`, `call_later` and `VirtualClock.sleep` all follow the virtual time. It stands still
    while a call is pending in an executor (`run_in_executor`, `to_thread`, `Compute`), however long it takes;
    after thread_patience_s real seconds in which nothing happens the thread is taken for hung, and the next timer fires;
    with fail_when_stuck, StuckError is raised instead, which says what was waited for.

    grace_s: real seconds to wait for threads or processes the loop does not know of (LanceDB's own, a server)
    before a jump.
    """

    def make_loop() -> _VirtualLoop:
        return _VirtualLoop(grace_s, thread_patience_s, fail_when_stuck)

    with asyncio.Runner(debug=debug, loop_factory=make_loop) as runner:
        return runner.run(main)


def hurry(loop: asyncio.AbstractEventLoop) -> None:
    """For a program that was asked to end: the time of a run_virtual loop stands still for nothing any more, so that every
    deadline comes at once. Does nothing to another loop.
    """
    if isinstance(loop, _VirtualLoop):
        loop.hurry()


class _VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose `time()` stands still while it works and jumps while it would wait."""

    def __init__(self, grace_s: float, thread_patience_s: float, fail_when_stuck: bool) -> None:
        self._now_s = 0.0
        self._grace_s = grace_s
        self._thread_patience_s = thread_patience_s
        self._fail_when_stuck = fail_when_stuck
        self._waiting_for: Counter[str] = Counter()
        self._hurried = False
        self._threads: ThreadPoolExecutor | None = None
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self._now_s

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        if executor is None:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(thread_name_prefix="virtual")
                self.set_default_executor(self._threads)
            executor = self._threads
        call = executor.submit(func, *args)
        self._waiting_for[_A_THREAD] += 1
        result = asyncio.wrap_future(call, loop=self)
        # Added after wrap_future's own callback, so the result is on the loop before time may move again.
        call.add_done_callback(self._call_left_thread)
        return result

    def _call_left_thread(self, call: Future[Any]) -> None:
        try:
            self.call_soon_threadsafe(self._count_down, _A_THREAD)
        except RuntimeError:  # the loop is closed: nobody's time is waiting any more
            return

    def _count_down(self, what: str) -> None:
        self._waiting_for[what] -= 1
        if not self._waiting_for[what]:
            del self._waiting_for[what]

    @contextmanager
    def held(self, what: str) -> Iterator[None]:
        self._waiting_for[what] += 1
        try:
            yield
        finally:
            self._count_down(what)

    def hurry(self) -> None:
        self._hurried = True

    async def shutdown_default_executor(self, *args: Any) -> None:
        if self._hurried and self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
        else:
            await super().shutdown_default_executor(*args)

    def real_wait_s(self, virtual_s: float | None) -> float | None:
        """How long, in real seconds, something may still arrive before the time jumps by virtual_s. Without a next timer
        (None) there is nothing to jump to.
        """
        if virtual_s is None:
            return self._thread_patience_s if self._fails_when_stuck else None
        if self._hurried:
            return 0.0
        return self._thread_patience_s if self._waiting_for else self._grace_s

    def nothing_came(self, virtual_s: float | None) -> None:
        """In all that time. Raises StuckError where that is an error."""
        if self._fails_when_stuck and (self._waiting_for or virtual_s is None):
            self._hurried = True
            what = ", ".join(sorted(self._waiting_for)) or "what will never come"
            raise StuckError(f"nothing has happened for {self._thread_patience_s:g} s; waited for: {what}")

    @property
    def _fails_when_stuck(self) -> bool:
        return self._fail_when_stuck and not self._hurried

    def jump(self, seconds: float) -> None:
        # The timer's own instant, not now + seconds, whose rounding could fall short of it for ever.
        timers: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        self._now_s = timers[0].when() if timers else self._now_s + seconds


class _JumpingSelector(selectors.BaseSelector):
    """Polls real file descriptors; where the loop would sleep until a timer, moves its time instead."""

    def __init__(self, loop: _VirtualLoop) -> None:
        self._loop = loop
        self._real = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return self._real.select(timeout)
        events = self._real.select(self._loop.real_wait_s(timeout))
        if not events:
            self._loop.nothing_came(timeout)
            if timeout is not None:
                self._loop.jump(timeout)
        return events

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


def perf() -> float:
    """Real seconds for measuring compute, whatever clock the session runs on."""
    return time.perf_counter()


class Stopwatch:
    """Measures real seconds: `with Stopwatch() as watch: ...`, then `watch.seconds` (inside: so far)."""

    def __init__(self) -> None:
        self._start = perf()
        self._end: float | None = None

    @property
    def seconds(self) -> float:
        return (perf() if self._end is None else self._end) - self._start

    def __enter__(self) -> Stopwatch:
        self._start, self._end = perf(), None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end = perf()
