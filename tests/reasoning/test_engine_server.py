"""The supervisor and the functions around it, over a server that starts at once."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import psutil
import pytest

from reasoning import engine_server as engine
from reasoning.engine_client import EngineClient
from reasoning.engine_settings import EngineSettings
from reasoning.engine_state import (
    EngineState,
    LaunchPlan,
    ProcessId,
    end_group,
    last_line,
    log_file,
    read_state,
    state_file,
    write_state,
)
from reasoning.engine_supervisor import read_activity
from runtime.clock import SystemClock
from runtime.errors import EngineError

FAKE = Path(__file__).with_name("fake_vllm.py")
CLOCK = SystemClock()


def plan(behave: str = "", **changes: object) -> LaunchPlan:
    usual = LaunchPlan(
        command=(sys.executable, str(FAKE), "--behave", behave),
        env={},
        wanted="a",
        model="fake",
        vision=False,
        weak=True,
        context_tokens=2048,
        idle_s=600.0,
        start_timeout_s=30.0,
        max_restarts=2,
        stop_grace_s=0.5,
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    asyncio.run(engine.stop(folder=tmp_path))


async def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await CLOCK.sleep(0.05)


def state_of(folder: Path) -> EngineState:
    state = read_state(folder)
    assert state is not None
    return state


async def ask(address: engine.EngineAddress) -> str:
    async with EngineClient(address, EngineSettings()) as client:
        return "".join([d.text async for d in client.chat([{"role": "user", "content": "?"}], max_tokens=5)])


async def crash(address: engine.EngineAddress) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            await session.get(address.url.removesuffix("/v1") + "/die")


def test_a_second_start_finds_the_same_server(folder: Path) -> None:
    async def main() -> None:
        said: list[str] = []
        first, second = await asyncio.gather(
            engine.start_plan(plan(), said.append, folder=folder),
            engine.start_plan(plan(), said.append, folder=folder),
        )
        assert first == second
        assert await ask(second) == "Yes."
        status = await engine.status(folder=folder)
        assert (status.phase, status.model, len(status.pids)) == ("ready", "fake", 2)
        assert "engine: waiting for another process that is starting it" in said

    asyncio.run(main())


def test_the_key_is_for_the_user_alone(folder: Path) -> None:
    async def main() -> None:
        address = await engine.start_plan(plan(), print, folder=folder)
        assert stat.S_IMODE(state_file(folder).stat().st_mode) == 0o600
        assert stat.S_IMODE(log_file(folder).stat().st_mode) == 0o600
        assert address.key not in repr(address)
        for pid in (await engine.status(folder=folder)).pids:
            assert address.key not in " ".join(psutil.Process(pid).cmdline())
        with pytest.raises(EngineError, match="refuses the key"):
            await ask(replace(address, key="another"))

    asyncio.run(main())


def test_a_crashed_server_is_started_again_at_the_same_address(folder: Path) -> None:
    async def main() -> None:
        address = await engine.start_plan(plan(), print, folder=folder)
        await crash(address)
        await until(lambda: state_of(folder).restarts == 1)
        assert await engine.start_plan(plan(), print, folder=folder) == address
        assert await ask(address) == "Yes."
        assert "status 3" in (await engine.status(folder=folder)).line

    asyncio.run(main())


def test_restarts_are_bounded(folder: Path) -> None:
    async def main() -> None:
        address = await engine.start_plan(plan(max_restarts=1), print, folder=folder)
        await crash(address)
        await until(lambda: state_of(folder).restarts == 1 and state_of(folder).phase == "ready")
        await crash(address)
        await until(lambda: state_of(folder).phase == "failed")
        assert "status 3" in (await engine.status(folder=folder)).line

    asyncio.run(main())


def test_a_server_that_cannot_start_says_why(folder: Path) -> None:
    with pytest.raises(EngineError, match="ValueError: the weights are damaged"):
        asyncio.run(engine.start_plan(plan("die"), print, folder=folder))
    assert asyncio.run(engine.status(folder=folder)).phase == "failed"


def test_a_server_that_is_never_ready_is_given_up(folder: Path) -> None:
    with pytest.raises(EngineError, match=r"not ready (within|after) 1 s"):
        asyncio.run(engine.start_plan(plan("deaf", start_timeout_s=1.0), print, folder=folder))


def test_a_program_that_is_not_there(folder: Path) -> None:
    with pytest.raises(EngineError, match="No such file"):
        asyncio.run(engine.start_plan(plan(command=("/no/such/python",)), print, folder=folder))


def test_an_idle_server_stops(folder: Path) -> None:
    async def main() -> None:
        await engine.start_plan(plan(idle_s=1.0), print, folder=folder)
        pids = (await engine.status(folder=folder)).pids
        await until(lambda: not state_file(folder).exists())
        await until(lambda: not any(psutil.pid_exists(pid) and not _zombie(pid) for pid in pids))
        assert (await engine.status(folder=folder)).phase == "stopped"

    asyncio.run(main())


def test_another_wanted_server_replaces_the_running_one(folder: Path) -> None:
    async def main() -> None:
        first = await engine.start_plan(plan(), print, folder=folder)
        second = await engine.start_plan(plan(wanted="b", model="other"), print, folder=folder)
        assert first.key != second.key
        assert (await engine.status(folder=folder)).model == "other"

    asyncio.run(main())


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel for it")
def test_nothing_outlives_a_killed_supervisor(folder: Path) -> None:
    async def main() -> None:
        await engine.start_plan(plan(), print, folder=folder)
        state = state_of(folder)
        server = state.server
        assert server is not None
        os.kill(state.supervisor.pid, signal.SIGKILL)
        await until(lambda: not server.alive)
        assert (await engine.status(folder=folder)).phase == "stopped"
        assert await ask(await engine.start_plan(plan(), print, folder=folder)) == "Yes."

    asyncio.run(main())


@pytest.mark.slow
def test_what_a_killed_server_left_behind_is_ended_too(folder: Path) -> None:
    async def main() -> None:
        await engine.start_plan(plan("child"), print, folder=folder)
        server = state_of(folder).server
        assert server is not None
        (child,) = psutil.Process(server.pid).children()
        os.kill(server.pid, signal.SIGKILL)
        await until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
        await until(lambda: state_of(folder).phase == "ready" and state_of(folder).server != server)

    asyncio.run(main())


def test_a_stale_state_is_no_engine(folder: Path) -> None:
    """Left by a machine that went down: one number is free, the other belongs to somebody else now."""

    async def main() -> None:
        stranger = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "import signal; signal.pause()", start_new_session=True
        )
        try:
            await engine.start_plan(plan(), print, folder=folder)
            state = state_of(folder)
            await engine.stop(folder=folder)
            mine = psutil.Process(stranger.pid).create_time()
            reused = ProcessId(stranger.pid, mine - 1000.0)
            write_state(folder, replace(state, supervisor=reused, server=reused))

            assert (await engine.status(folder=folder)).phase == "stopped"
            assert not await engine.stop(folder=folder)
            await end_group(reused, CLOCK, grace_s=0.1)
            assert stranger.returncode is None and psutil.pid_exists(stranger.pid)

            write_state(folder, replace(state, supervisor=reused, server=reused))
            assert await ask(await engine.start_plan(plan(), print, folder=folder)) == "Yes."
            assert stranger.returncode is None
        finally:
            stranger.kill()
            await stranger.wait()

    asyncio.run(main())


@pytest.mark.parametrize("content", ["", "{", "[]", '{"phase": "ready"}', '{"supervisor": 1}'])
def test_a_damaged_state_file_is_no_engine(folder: Path, content: str) -> None:
    state_file(folder).write_text(content)
    assert asyncio.run(engine.status(folder=folder)).phase == "stopped"


def test_activity_is_read_from_the_metrics() -> None:
    text = """# HELP vllm:num_requests_running Number of requests in model execution batches.
vllm:num_requests_running{engine="0",model_name="m"} 2.0
vllm:num_requests_waiting{engine="0",model_name="m"} 1.0
vllm:num_requests_waiting_by_reason{engine="0",reason="capacity"} 1.0
vllm:request_success_total{finished_reason="stop"} 4.0
vllm:request_success_total{finished_reason="abort"} 1.0
"""
    assert read_activity(text) == (3.0, 5.0)


def test_off_and_remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineError, match="engine is off"):
        asyncio.run(engine.start(EngineSettings(mode="off"), print, folder=tmp_path))
    monkeypatch.setenv("OTHER_KEY", "k1")
    remote = EngineSettings(
        mode="remote", url="http://10.0.0.5:8000/v1/", model="m", api_key_env="OTHER_KEY", vision=True
    )
    address = asyncio.run(engine.start(remote, print, folder=tmp_path))
    assert (address.url, address.key, address.vision) == ("http://10.0.0.5:8000/v1", "k1", True)
    (tmp_path / "key").write_text("k2\n")
    filed = remote.model_copy(update={"api_key_file": tmp_path / "key"})
    assert engine.remote_address(filed).key == "k2"
    with pytest.raises(EngineError, match="api_key_file"):
        engine.remote_address(remote.model_copy(update={"api_key_file": tmp_path / "none"}))


def _zombie(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True


def test_the_root_cause_is_what_is_told(tmp_path: Path) -> None:
    """vLLM's last line only points at it."""
    log = tmp_path / "engine.log"
    log.write_text(
        "(EngineCore pid=7) ERROR 11-26 09:56:58 [core.py:1330] ValueError: Free memory (10.86/79.18 GiB) is too little.\r\n"
        "(EngineCore pid=7) INFO 11-26 09:56:59 [core.py:1331] stopping\r\n"
        "(APIServer pid=5) RuntimeError: Engine core initialization failed. See root cause above.\r\n"
    )
    assert last_line(log) == "ValueError: Free memory (10.86/79.18 GiB) is too little."
