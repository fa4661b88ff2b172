"""The real server in this process, with what it is made of to look at."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reasoning.proactive import Watches
from runtime.app.context import open_app
from runtime.app.live.command import open_parts
from runtime.app.live.parts import Parts
from runtime.app.live.server import LiveServer
from runtime.app.live.session import LiveSession
from runtime.weights import Registry
from tests.conftest import require

NEEDED = ("whisper-base", "minilm", "efficientnet-lite2", "en-core-web-sm", "wordnet", "smart-turn")
OVERRIDES = ("vision.encoder=imagenet", "live.port=0")


@dataclass(frozen=True, slots=True)
class World:
    """Models that are loaded once, for one server after another."""

    parts: Parts
    new_watches: Callable[[bool], Watches]

    @asynccontextmanager
    async def serving(self, live: dict[str, Any] | None = None, **parts: Any) -> AsyncIterator[Served]:
        """live: settings of that section. parts: other parts in the place of the loaded ones."""
        settings = self.parts.live.model_copy(update=live or {})
        server = LiveServer(replace(self.parts, live=settings, **parts), self.new_watches)
        async with server.serving() as address:
            yield Served(server, address)


@dataclass(frozen=True, slots=True)
class Served:
    server: LiveServer
    address: str

    def session(self, session_id: str) -> LiveSession:
        return self.server._sessions[session_id].session

    def cut(self, session_id: str) -> None:
        """No packet of the session's connection arrives any more, in either direction, and nobody is told."""
        peer = self.server._sessions[session_id]._peer
        assert peer is not None and peer.sctp is not None
        for protocol in peer.sctp.transport.transport._connection._protocols:
            protocol.datagram_received = lambda *_: None
            protocol.transport.sendto = lambda *_: None

    async def empty(self) -> None:
        """Waits until no session is left, and all that they were is freed."""
        clock = self.server._parts.clock
        while self.server._sessions or self.server._endings:
            await clock.sleep(0.01)


def without_requests(tasks: Iterable[asyncio.Task[Any]]) -> set[asyncio.Task[Any]]:
    """Without those that wait for the next request of an open connection, which are the browser's to close."""
    return {task for task in tasks if "RequestHandler.start" not in str(task.get_coro())}


@asynccontextmanager
async def open_world(folder: Path, *overrides: str, engine: bool = False) -> AsyncIterator[World]:
    here = {s.spec.name for s in Registry.load().status() if s.present}
    require(here.issuperset(NEEDED), "the default weights are not here: hearsight models pull")
    args = argparse.Namespace(config=None, overrides=[*OVERRIDES, *overrides], quiet=True)
    async with open_app(args) as app, open_parts(app, str(folder / "memory"), engine) as (parts, new_watches):
        yield World(parts, new_watches)
