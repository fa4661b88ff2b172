"""A supervised stage: it restarts after a crash, and gives up visibly instead of taking the session along."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from runtime.channel import Channel, ChannelClosed
from runtime.clock import Clock
from runtime.errors import HearsightError
from runtime.metrics import StageRecord

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds before restart n (from 0): first_s * factor**n, at most longest_s.

    A run that lasted healthy_s before it crashed starts the count anew.
    """

    first_s: float = 0.5
    factor: float = 2.0
    longest_s: float = 30.0
    healthy_s: float = 60.0

    def delay_s(self, restart: int) -> float:
        return min(self.longest_s, self.first_s * self.factor**restart)


class Stage:
    """One job of the session, in a task of its own.

    run: the job; called again after a crash, so what must outlive a crash is not local to it.
    inboxes: channels that only this stage reads. They are watched for its record, and emptied when run is
        over, so that a stage that is gone never blocks those who write to it.
    outboxes: channels it writes to. The session closes each when the last stage that lists it is over.
    restarts: how many crashes in a row are forgiven. A HearsightError is not: it will not go away by itself,
        nor will a closed outbox.
    essential: giving up fails the session. Otherwise the stage is degraded, on_degraded is called (awaited,
        when it returns an awaitable), and the session goes on without it.
    source: brings media in from outside; a session that drains stops these and lets the others finish.
    """

    def __init__(
        self,
        name: str,
        run: Callable[[], Awaitable[None]],
        *,
        inboxes: Sequence[Channel[Any]] = (),
        outboxes: Sequence[Channel[Any]] = (),
        restarts: int = 3,
        backoff: Backoff | None = None,
        essential: bool = False,
        source: bool = False,
        on_degraded: Callable[[], Awaitable[None] | None] | None = None,
    ) -> None:
        self.name = name
        self.inboxes = tuple(inboxes)
        self.outboxes = tuple(outboxes)
        self.essential = essential
        self.source = source
        self._run = run
        self._restarts = restarts
        self._backoff = backoff or Backoff()
        self._on_degraded = on_degraded
        self._error: Exception | None = None

    @property
    def error(self) -> Exception | None:
        """What made it give up."""
        return self._error

    @property
    def degraded(self) -> str:
        """Why it has given up, in one line; "" while it has not."""
        return "" if self._error is None else describe(self._error)

    async def supervise(self, clock: Clock, record: StageRecord) -> None:
        """Runs the job to its end. Raises only what makes the session fail."""
        crashes = 0
        while True:
            began = clock.now()
            try:
                await self._run()
                return
            except (HearsightError, ChannelClosed) as error:
                return await self._give_up(error, record)
            except Exception as error:
                log.debug("stage %s crashed", self.name, exc_info=error)
                if clock.now() - began >= self._backoff.healthy_s:
                    crashes = 0
                if crashes >= self._restarts:
                    return await self._give_up(error, record)
                delay_s = self._backoff.delay_s(crashes)
                crashes += 1
                record.restarts += 1
                log.warning(
                    "stage %s crashed (%s): restart %d of %d in %.1f s",
                    *(self.name, describe(error), crashes, self._restarts, delay_s),
                )
            await clock.sleep(delay_s)

    async def _give_up(self, error: Exception, record: StageRecord) -> None:
        self._error = error
        record.degraded = self.degraded
        if self.essential:
            raise error
        log.warning("stage %s has given up: %s", self.name, self.degraded)
        if self._on_degraded is not None:
            done = self._on_degraded()
            if inspect.isawaitable(done):
                await done


def describe(error: BaseException) -> str:
    """One line: what a HearsightError says, else the error's kind and message."""
    text = " ".join(str(error).split())
    if isinstance(error, HearsightError) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
