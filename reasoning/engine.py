"""The language model of a run: started when it is first needed, found again where it is after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, Self

from reasoning import engine_server
from reasoning.engine_client import EngineClient
from reasoning.engine_env import Report, env_python, gpu_memory_mb
from reasoning.engine_models import READER, SMALL, reader_here
from reasoning.engine_settings import EngineSettings
from reasoning.engine_state import EngineAddress
from runtime.clock import Clock, SystemClock
from runtime.errors import EngineError, ModelError
from runtime.weights import Registry

RETRY_S = 60.0

Start = Callable[[], Coroutine[Any, Any, EngineAddress]]


class Reasoner(Protocol):
    """A language model that may not be there yet."""

    async def weak(self) -> bool:
        """Whether it is too small to reason, known before it runs."""
        ...

    async def reads(self) -> bool:
        """Whether it is a small one that yet tells what answers a question (reasoning/reader.py), known before it runs."""
        ...

    async def client(self) -> EngineClient:
        """The model, ready to be asked. Raises EngineError: there is none."""
        ...


class Engine:
    """Use as `async with Engine(settings, say) as engine`. begin() starts the server beside other work."""

    def __init__(
        self,
        settings: EngineSettings,
        report: Report,
        clock: Clock | None = None,
        *,
        patience_s: float | None = None,
        start: Start | None = None,
    ) -> None:
        """patience_s: how long a question waits for a weak model to start, as its words are not worth more."""
        self._settings = settings
        self._patience_s = patience_s
        self._clock = clock or SystemClock()
        self._start = start or (lambda: engine_server.start(settings, report, clock=self._clock))
        self._starting: asyncio.Task[EngineAddress] | None = None
        self._client: EngineClient | None = None
        self._failed: tuple[float, str] | None = None
        self._weak: bool | None = None
        self._models: Registry | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """The server itself goes on for others, and ends when nobody asks for a while."""
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        if self._client is not None:
            await self._client.aclose()

    def begin(self) -> None:
        """Starts the server in the background."""
        if self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(self._begun(), name="engine start")
            self._starting.add_done_callback(_retrieve)

    async def _begun(self) -> EngineAddress:
        try:
            return await self._start()
        except (EngineError, ModelError, OSError) as error:
            why = f"the engine cannot be started: {error}" if isinstance(error, OSError) else str(error)
            self._failed = (self._clock.now(), why)
            raise EngineError(why) from error

    async def weak(self) -> bool:
        """From the settings and the hardware, without starting anything."""
        if self._weak is None:
            s = self._settings
            if s.weak is not None or s.mode == "remote":
                self._weak = bool(s.weak)
            elif s.model == "auto":
                self._weak = s.device == "cpu" or await gpu_memory_mb() is None
            else:
                no_gpu = s.model == READER and (s.device == "cpu" or await gpu_memory_mb() is None)
                self._weak = s.model == SMALL or no_gpu
        return self._weak

    async def reads(self) -> bool:
        """From the settings, the hardware and the weights that are here, without starting anything."""
        if not await self.weak():
            return False
        if self._client is not None:
            return self._client.address.model == READER
        if self._settings.mode == "remote" or self._settings.model != "auto":
            return self._settings.model == READER
        return self._settings.reader and await asyncio.to_thread(self._reader_here)

    def _reader_here(self) -> bool:
        # Models are read once; their weights may yet come.
        self._models = self._models or Registry.load()
        return reader_here(self._models)

    async def client(self) -> EngineClient:
        """Waits for a server that starts. Raises EngineError; a failed start is tried again after a minute."""
        address = engine_server.address_now(self._settings) if self._finished else None
        if address is None:
            if self._finished and self._failed is not None and self._clock.now() - self._failed[0] < RETRY_S:
                raise EngineError(self._failed[1])
            hurried = self._patience_s is not None and await self.weak()
            if hurried and self._settings.mode == "managed" and env_python(gpu=False) is None:
                raise EngineError("no language model is installed (hearsight models pull)")
            self.begin()
            assert self._starting is not None
            # Who asks may give up; the server goes on starting for the next question.
            try:
                async with asyncio.timeout(self._patience_s if hurried else None):
                    address = await asyncio.shield(self._starting)
            except TimeoutError:
                raise EngineError("the language model is still starting") from None
        old = self._client
        if old is None or old.address != address:
            self._client = EngineClient(address, self._settings, self._clock)
            self._weak = address.weak
            if old is not None:
                await old.aclose()
        assert self._client is not None
        return self._client

    @property
    def _finished(self) -> bool:
        return self._starting is None or self._starting.done()


def _retrieve(task: asyncio.Task[EngineAddress]) -> None:
    if not task.cancelled():
        task.exception()
