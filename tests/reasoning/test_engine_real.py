"""The whole way, with a real vLLM that serves SmolLM2 on the CPU. One server for all tests of this file."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import aiohttp
import psutil
import pytest

from reasoning import engine_server
from reasoning.engine_client import AnswerError, ChatDelta, EngineClient
from reasoning.engine_models import SMALL
from reasoning.engine_settings import EngineSettings
from reasoning.engine_state import EngineAddress, read_state
from reasoning.engine_supervisor import read_activity
from runtime.clock import SystemClock
from tests.conftest import Run
from tests.reasoning.engine_for_tests import real_server

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(600)]

SETTINGS = EngineSettings(model=SMALL, device="cpu", threads=2)
STORY = [{"role": "user", "content": "Tell me a long story about a lighthouse keeper."}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("engine")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[EngineAddress]:
    with real_server(SETTINGS, folder) as address:
        yield address


@asynccontextmanager
async def asking(address: EngineAddress) -> AsyncIterator[EngineClient]:
    async with EngineClient(address, SETTINGS) as client:
        yield client


async def answer(client: EngineClient, question: str, **options: object) -> list[ChatDelta]:
    messages = [{"role": "user", "content": question}]
    return [delta async for delta in client.chat(messages, **options)]  # type: ignore[arg-type]


async def running_requests(address: EngineAddress) -> float:
    async with (
        aiohttp.ClientSession() as session,
        session.get(address.url.removesuffix("/v1") + "/metrics") as response,
    ):
        return read_activity(await response.text())[0]


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await SystemClock().sleep(0.05)


def test_an_answer_streams(address: EngineAddress, run_real: Run) -> None:
    async def main() -> None:
        async with asking(address) as client:
            deltas = await answer(client, "What is the capital of France?", max_tokens=25)
            *pieces, last = deltas
            assert len(pieces) > 3
            assert "Paris" in "".join(delta.text for delta in pieces)
            assert last.usage is not None and last.usage.prompt_tokens > 20

    run_real(main())
    assert address.weak and not address.vision


def test_an_answer_keeps_to_a_schema(address: EngineAddress, run_real: Run) -> None:
    async def main() -> None:
        async with asking(address) as client:
            schema = {
                "type": "object",
                "properties": {"cold": {"type": "boolean"}},
                "required": ["cold"],
                "additionalProperties": False,
            }
            deltas = await answer(client, "Is ice cold? Answer yes or no.", max_tokens=20, schema=schema)
            assert json.loads("".join(delta.text for delta in deltas)).keys() == {"cold"}

    run_real(main())


def test_leaving_early_aborts_the_request(address: EngineAddress, run_real: Run) -> None:
    async def main() -> None:
        async with asking(address) as client:
            async with aclosing(client.chat(STORY, max_tokens=1000)) as deltas:
                async for _ in deltas:
                    break
                assert await running_requests(address) == 1
            await until(lambda: none_runs(address))

    async def none_runs(address: EngineAddress) -> bool:
        return await running_requests(address) == 0

    run_real(main())


def test_two_processes_share_it(address: EngineAddress, folder: Path, run_real: Run) -> None:
    assert engine_server.address_now(SETTINGS, folder=folder) == address
    assert run_real(engine_server.start(SETTINGS, print, folder=folder)) == address
    assert engine_server.address_now(SETTINGS.model_copy(update={"model": "other"}), folder=folder) is None


def test_killed_in_the_middle_of_an_answer(address: EngineAddress, folder: Path, run_real: Run) -> None:
    """The one who asked learns it at once, nothing is left over, and the next question is answered."""
    state = read_state(folder)
    assert state is not None and state.server is not None
    server = psutil.Process(state.server.pid)
    workers = server.children(recursive=True)
    assert workers

    async def main() -> None:
        async with asking(address) as client:
            partial = ""
            with pytest.raises(AnswerError, match="broke off in the middle") as caught:
                async with asyncio.timeout(30), aclosing(client.chat(STORY, max_tokens=1000)) as deltas:
                    async for delta in deltas:
                        partial += delta.text
                        if len(partial) > 10 and server.is_running():
                            os.kill(server.pid, signal.SIGKILL)
            assert caught.value.partial.startswith(partial) and partial
            # Its connections end before it does; until then it counts as there.
            await asyncio.to_thread(server.wait, 30)

            again = await engine_server.start(SETTINGS, print, folder=folder)
            assert again == address
            assert not any(worker.is_running() for worker in workers)
            deltas = await answer(client, "What is the capital of France?", max_tokens=25)
            assert "Paris" in "".join(delta.text for delta in deltas)
            assert (await engine_server.status(folder=folder)).restarts == 1

    run_real(main())


def test_stop_leaves_nothing(address: EngineAddress, folder: Path, run_real: Run) -> None:
    pids = run_real(engine_server.status(folder=folder)).pids
    family = [p for pid in pids for p in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True))]
    assert len(family) >= 3
    assert run_real(engine_server.stop(folder=folder))
    assert not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in family)
    assert run_real(engine_server.status(folder=folder)).phase == "stopped"
