"""What all tests share: `require`, and fixtures that run a coroutine and fail when it leaks a task."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Protocol, TypeVar

import pytest
from hypothesis import HealthCheck, settings

from runtime import clock

T = TypeVar("T")

# What a test finds must not hang on whether the model hub can be reached. Read when huggingface_hub is imported.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
# Nor on where the machine stands: tests of other zones name theirs.
os.environ["TZ"] = "UTC"
time.tzset()

# Nor on chance, nor on how fast the machine is. Other examples: pytest --hypothesis-profile=random.
for profile, derandomize in (("same", True), ("random", False)):
    settings.register_profile(
        profile,
        derandomize=derandomize,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("same")


def require(condition: object, reason: str) -> None:
    """A test that lacks what it needs is skipped here and fails where nothing may be missing (CI=true)."""
    if condition:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"missing in CI: {reason}", pytrace=False)
    pytest.skip(reason)


class Run(Protocol):
    """Runs a coroutine to its end and gives back its result. Options go to `runtime.clock.run_virtual`."""

    def __call__(self, main: Coroutine[Any, Any, T], **options: Any) -> T: ...


async def without_leaks(main: Coroutine[Any, Any, T]) -> T:
    """Awaits main; fails if tasks that it started are still there when it ends."""
    before = asyncio.all_tasks()
    result = await main
    leaked = asyncio.all_tasks() - before
    if leaked:
        pytest.fail("leaked tasks: " + ", ".join(sorted(task.get_name() for task in leaked)), pytrace=False)
    return result


def _run(runner: Callable[..., Any], main: Coroutine[Any, Any, T], **options: Any) -> T:
    result: T = runner(without_leaks(main), **options)
    return result


@pytest.fixture
def run_virtual() -> Run:
    """On virtual time (see runtime.clock.run_virtual)."""
    return partial(_run, clock.run_virtual)


@pytest.fixture
def run_real() -> Run:
    """On real time: for sockets, subprocesses and threads that time must not outrun."""
    return partial(_run, asyncio.run)
