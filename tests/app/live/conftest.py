"""What the tests of live mode share: sounds, one set of loaded models, and a browser."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import pytest

from tests.app.live.chromium import program
from tests.app.live.world import World, open_world
from tests.conftest import require, without_leaks
from tests.perception.conftest import jfk, speak

__all__ = ["jfk", "speak"]

T = TypeVar("T")

RunLive = Callable[[Coroutine[Any, Any, T]], T]


@pytest.fixture(scope="session")
def loop() -> Iterator[asyncio.Runner]:
    """One event loop for all tests that share the models; it stands still between them."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="session")
def world(loop: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    stack = AsyncExitStack()
    opening = open_world(tmp_path_factory.mktemp("live"))
    try:
        yield loop.run(stack.enter_async_context(opening))
    finally:
        loop.run(stack.aclose())


@pytest.fixture
def run_live(loop: asyncio.Runner) -> RunLive[Any]:
    """On the loop of `world`; fails when a task is left."""

    def run(main: Coroutine[Any, Any, T]) -> T:
        return loop.run(without_leaks(main))

    return run


@pytest.fixture(scope="session")
def browser() -> str:
    """Chromium's executable."""
    executable = program()
    require(executable, "Chromium is not installed")
    assert executable is not None
    return executable
