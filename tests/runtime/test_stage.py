from __future__ import annotations

import pytest

from runtime.channel import Channel, Policy
from runtime.clock import VirtualClock
from runtime.errors import MediaError, MemoryStoreError
from runtime.metrics import Metrics, StageRecord
from runtime.stage import Backoff, Stage, describe
from tests.conftest import Run


class Job:
    """Crashes with the given errors, one a run, then finishes. Notes when it was started."""

    def __init__(self, *errors: Exception, lasts_s: float = 0.0) -> None:
        self.errors = list(errors)
        self.lasts_s = lasts_s
        self.clock = VirtualClock()
        self.begun: list[float] = []

    async def run(self) -> None:
        self.begun.append(self.clock.now())
        await self.clock.sleep(self.lasts_s)
        if self.errors:
            raise self.errors.pop(0)


def supervise(run_virtual: Run, stage: Stage) -> StageRecord:
    record = Metrics().stage(stage.name)
    run_virtual(stage.supervise(VirtualClock(), record))
    return record


def test_a_stage_that_finishes_is_not_run_again(run_virtual: Run) -> None:
    job = Job()
    record = supervise(run_virtual, Stage("ocr", job.run))
    assert (job.begun, record.restarts, record.degraded) == ([0.0], 0, "")


def test_a_crashed_stage_restarts_with_growing_pauses(run_virtual: Run) -> None:
    job = Job(RuntimeError("a"), RuntimeError("b"), RuntimeError("c"))
    record = supervise(run_virtual, Stage("ocr", job.run, restarts=3, backoff=Backoff(1, 2)))
    assert job.begun == [0, 1, 3, 7]
    assert (record.restarts, record.degraded) == (3, "")


def test_the_pause_has_an_upper_end() -> None:
    backoff = Backoff(first_s=1, factor=10, longest_s=30)
    assert [backoff.delay_s(restart) for restart in range(4)] == [1, 10, 30, 30]


def test_a_stage_that_keeps_crashing_is_degraded_and_says_why(run_virtual: Run) -> None:
    outbox = Channel[int]("texts", 1, Policy.BLOCK)
    job = Job(*(RuntimeError(f"crash {number}") for number in range(9)))
    stage = Stage("ocr", job.run, restarts=2, on_degraded=outbox.close)
    record = supervise(run_virtual, stage)
    assert len(job.begun) == 3
    assert stage.degraded == record.degraded == "RuntimeError: crash 2"
    assert outbox.closed


def test_on_degraded_may_be_async(run_virtual: Run) -> None:
    last_words: list[float] = []

    async def say() -> None:
        await VirtualClock().sleep(5)
        last_words.append(VirtualClock().now())

    supervise(run_virtual, Stage("ocr", Job(MediaError("no picture")).run, on_degraded=say))
    assert last_words == [5]


def test_errors_a_user_must_mend_are_not_retried(run_virtual: Run) -> None:
    job = Job(MemoryStoreError("the disk is full"))
    record = supervise(run_virtual, Stage("writer", job.run))
    assert (job.begun, record.restarts, record.degraded) == ([0.0], 0, "the disk is full")


def test_a_closed_outbox_is_not_retried(run_virtual: Run) -> None:
    outbox = Channel[int]("texts", 1, Policy.BLOCK)
    outbox.close()
    stage = Stage("ocr", lambda: outbox.put(1))
    record = supervise(run_virtual, stage)
    assert (record.restarts, record.degraded) == (0, "ChannelClosed: texts")


def test_an_essential_stage_raises_when_it_gives_up(run_virtual: Run) -> None:
    stage = Stage("writer", Job(MemoryStoreError("the disk is full")).run, essential=True)
    with pytest.raises(MemoryStoreError, match="the disk is full"):
        supervise(run_virtual, stage)
    assert isinstance(stage.error, MemoryStoreError)


def test_an_essential_stage_is_restarted_too(run_virtual: Run) -> None:
    job = Job(RuntimeError("once"))
    record = supervise(run_virtual, Stage("writer", job.run, essential=True))
    assert (len(job.begun), record.restarts) == (2, 1)


def test_a_crash_once_a_day_is_always_forgiven(run_virtual: Run) -> None:
    job = Job(*(RuntimeError(str(day)) for day in range(10)), lasts_s=86_400)
    record = supervise(run_virtual, Stage("ocr", job.run, restarts=1))
    assert (record.restarts, record.degraded) == (10, "")


def test_errors_are_described_in_one_line() -> None:
    assert describe(MediaError("a\n  b")) == "a b"
    assert describe(ValueError("x")) == "ValueError: x"
    assert describe(ValueError()) == "ValueError"
    assert describe(MediaError()) == "MediaError"
