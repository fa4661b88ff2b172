"""The synchronous face of a memory, for programs that do not want an event loop of their own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, Self, TypeVar

from memory.adding import When
from memory.loop_thread import LoopThread
from memory.past import Past
from memory.retrieval import Memory
from memory.settings import MemorySettings
from runtime.models import TextEncoder

A = TypeVar("A")
P = ParamSpec("P")
T = TypeVar("T")


class _Blocking(Protocol[A]):
    """_asked: whose methods are called; _runner: where they run."""

    _asked: A
    _runner: LoopThread


def _blocking(
    method: Callable[Concatenate[A, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[_Blocking[A], P], T]:
    """The method of the same name and arguments that returns when it is done."""

    @wraps(method)
    def call(self: _Blocking[A], /, *args: P.args, **more: P.kwargs) -> T:
        return self._runner.run(method(self._asked, *args, **more))

    return call


class BlockingPast:
    """`Past`, each call of which returns when it is done. Made by `BlockingMemory.as_of`."""

    def __init__(self, runner: LoopThread, past: Past) -> None:
        self._runner = runner
        self._asked = past

    search = _blocking(Past.search)
    history = _blocking(Past.history)
    facts = _blocking(Past.facts)
    profile = _blocking(Past.profile)
    things = _blocking(Past.things)


class BlockingMemory:
    """`Memory`, each call of which returns when it is done. From any thread, and from within a running loop
    (a notebook), which then waits."""

    def __init__(self, runner: LoopThread, memory: Memory) -> None:
        self._runner = runner
        self._asked = memory

    @classmethod
    def open(
        cls,
        uri: str | Path,
        text_encoder: TextEncoder | None = None,
        *,
        settings: MemorySettings | None = None,
        read_only: bool = True,
    ) -> BlockingMemory:
        """As `Memory.open`."""
        runner = LoopThread()
        try:
            opening = Memory.open(uri, text_encoder, settings=settings, read_only=read_only)
            return cls(runner, runner.run(opening))
        except BaseException:
            runner.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """A second time it does nothing."""
        if self._runner.closed:
            return
        try:
            self._runner.run(self._asked.close())
        finally:
            self._runner.close()

    def as_of(self, when: When) -> BlockingPast:
        """As `Memory.as_of`."""
        return BlockingPast(self._runner, self._asked.as_of(when))

    def cited(self, ids: Collection[str]) -> None:
        """As `Memory.cited`."""
        self._asked.cited(ids)

    add = _blocking(Memory.add)
    search = _blocking(Memory.search)
    spelt = _blocking(Memory.spelt)
    search_clips = _blocking(Memory.search_clips)
    history = _blocking(Memory.history)
    pack = _blocking(Memory.pack)
    consolidate = _blocking(Memory.consolidate)
    ledger = _blocking(Memory.ledger)
    facts = _blocking(Memory.facts)
    profile = _blocking(Memory.profile)
    things = _blocking(Memory.things)
    notes = _blocking(Memory.notes)
    days = _blocking(Memory.days)
    cast = _blocking(Memory.cast)
    appearances = _blocking(Memory.appearances)
    sources = _blocking(Memory.sources)
    observations = _blocking(Memory.observations)
    neighbours = _blocking(Memory.neighbours)
    neighbours_of = _blocking(Memory.neighbours_of)
    visible_clips = _blocking(Memory.visible_clips)
    keyframe = _blocking(Memory.keyframe)
    keyframe_at = _blocking(Memory.keyframe_at)
    short_term = _blocking(Memory.short_term)
    stats = _blocking(Memory.stats)
    refresh = _blocking(Memory.refresh)
