"""One TaskGroup of supervised stages, with an orderly end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from typing import Any

from runtime.clock import Clock
from runtime.errors import HearsightError
from runtime.metrics import Metrics
from runtime.stage import Stage, describe

log = logging.getLogger(__name__)


class Session:
    """Stages that run at the same time, from the first source to the last writer.

    Three ways to end: by itself, when all stages are over; `drain`, which stops the sources and lets what is
    under way arrive; `stop`, which cancels.
    """

    def __init__(self, clock: Clock, metrics: Metrics) -> None:
        self.clock = clock
        self.metrics = metrics
        self._stages: list[Stage] = []
        self._tasks: dict[asyncio.Task[None], Stage] = {}
        self._writers: set[Stage] = set()
        self._group: asyncio.TaskGroup | None = None
        self._ending = False

    @property
    def degraded(self) -> dict[str, str]:
        """Stages that have given up, and why."""
        return {stage.name: stage.degraded for stage in self._stages if stage.degraded}

    def add(self, stage: Stage) -> None:
        """Before run, or while it runs: then the stage starts at once. Names are unique."""
        if any(stage.name == other.name for other in self._stages):
            raise ValueError(f"two stages are called {stage.name}")
        self._stages.append(stage)
        record = self.metrics.stage(stage.name)
        for inbox in stage.inboxes:
            record.watch(inbox)
        self._writers.add(stage)
        if self._group is not None:
            self._start(stage)

    async def run(self) -> None:
        """Until every stage is over. Once only.

        Raises the error of the essential stage that failed (a HearsightError, where several did); the others
        are cancelled then. Cancelling run cancels all stages, and waits for them.
        """
        try:
            async with asyncio.TaskGroup() as self._group:
                for stage in () if self._ending else tuple(self._stages):
                    self._start(stage)
        except BaseExceptionGroup as group:
            errors = list(_leaves(group))
            raise next((error for error in errors if isinstance(error, HearsightError)), errors[0]) from None
        finally:
            self._group = None
            self._ending = True
            for stage in tuple(self._writers):
                self._release(stage)

    async def drain(self, deadline_s: float, *, cancel_s: float = 1.0) -> bool:
        """Cancels the sources and waits for the rest to finish; after deadline_s cancels that too.

        Returns whether everything that was under way has arrived.
        """
        self._ending = True
        for task, stage in self._tasks.items():
            if stage.source:
                task.cancel()
        if await _wait(set(self._tasks), deadline_s):
            log.warning("not everything was finished after %.1f s", deadline_s)
            await self.stop(cancel_s)
            return False
        return True

    async def stop(self, deadline_s: float) -> tuple[str, ...]:
        """Cancels all stages and waits for them. Returns the names of those that outlast deadline_s."""
        self._ending = True
        for task in self._tasks:
            task.cancel()
        stuck = await _wait(set(self._tasks), deadline_s)
        names = tuple(sorted(self._tasks[task].name for task in stuck))
        if names:
            log.error("does not end after %.1f s: %s", deadline_s, ", ".join(names))
        return names

    def _start(self, stage: Stage) -> None:
        assert self._group is not None
        task = self._group.create_task(self._live(stage), name=stage.name)
        self._tasks[task] = stage
        # Also for a task that is cancelled before its first step, in which no finally runs.
        task.add_done_callback(self._over)

    async def _live(self, stage: Stage) -> None:
        await stage.supervise(self.clock, self.metrics.stage(stage.name))
        self._release(stage)
        for inbox in stage.inboxes:
            async for _ in inbox:
                pass

    def _over(self, task: asyncio.Task[None]) -> None:
        self._release(self._tasks.pop(task))

    def _release(self, stage: Stage) -> None:
        """Its outboxes have one writer less, and close with the last one."""
        if stage not in self._writers:
            return
        self._writers.remove(stage)
        for outbox in stage.outboxes:
            if not any(outbox in other.outboxes for other in self._writers):
                outbox.close()


async def cancel_and_wait(task: asyncio.Future[Any], deadline_s: float) -> bool:
    """Cancels a task and waits until it has ended, at most deadline_s. Returns whether it has.

    What the task returned or raised no longer matters to anybody; an error is logged.
    """
    task.cancel()
    if await _wait({task}, deadline_s):
        log.error("a task does not end %.1f s after its cancellation: %r", deadline_s, task)
        return False
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("a cancelled task failed: %s", describe(error))
    return True


async def first_of(*work: Coroutine[Any, Any, object], cancel_s: float = 1.0) -> None:
    """Until one of them has ended; the others are cancelled. What they return or raise matters to nobody."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            await cancel_and_wait(task, cancel_s)


async def _wait(tasks: set[Any], deadline_s: float) -> set[Any]:
    """Those that are not done after deadline_s."""
    if not tasks:
        return set()
    _, pending = await asyncio.wait(tasks, timeout=deadline_s)
    return pending


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
