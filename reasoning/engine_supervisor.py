"""The process that owns vLLM: starts it, starts it again when it dies or hangs, and ends it when nobody asks.

    python -m reasoning.engine_supervisor FOLDER < plan.json

It outlives the command that started it, and serves every process of the user. They see
only FOLDER/state.json.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import aiohttp

from reasoning.engine_state import (
    EngineState,
    LaunchPlan,
    ProcessId,
    drop_state,
    end_group,
    last_line,
    log_file,
    write_state,
)
from runtime.clock import Clock, SystemClock

HEALTH_POLL_S = 0.5
ACTIVITY_POLL_S = 10.0
HUNG_AFTER_S = 60.0
STABLE_AFTER_S = 120.0
MAX_BACKOFF_S = 30.0
DEAD_GRACE_S = 3.0
PR_SET_PDEATHSIG = 1


class _NeverReady(Exception):
    """The server did not answer its health check in time."""


class _Hung(Exception):
    """The server runs, but has not answered for HUNG_AFTER_S."""


class Supervisor:
    """Owns one server. run() returns when it was told to stop, when the server idled, or when it gave up."""

    def __init__(self, plan: LaunchPlan, folder: Path, clock: Clock, wall: Callable[[], float]) -> None:
        own = ProcessId.of(os.getpid())
        assert own is not None
        self._plan, self._folder, self._clock = plan, folder, clock
        self._stop = asyncio.Event()
        self._ready_at_s: float | None = None
        self._state = EngineState(
            phase="starting",
            supervisor=own,
            server=None,
            port=_free_port(),
            key=secrets.token_urlsafe(24),
            model=plan.model,
            vision=plan.vision,
            weak=plan.weak,
            context_tokens=plan.context_tokens,
            wanted=plan.wanted,
            started_s=wall(),
        )

    def stop(self) -> None:
        self._stop.set()

    async def run(self) -> None:
        failures = 0
        while True:
            self._ready_at_s = None
            why = await self._one_life()
            if why is None:
                drop_state(self._folder)
                return
            if self._ready_at_s is not None and self._clock.now() - self._ready_at_s > STABLE_AFTER_S:
                failures = 0
            failures += 1
            never_ready = self._ready_at_s is None and self._state.restarts == 0
            if never_ready or failures > self._plan.max_restarts:
                self._publish(replace(self._state, phase="failed", server=None, line=why))
                return
            print(f"hearsight: {why}; starting the server again", flush=True)
            self._publish(
                replace(
                    self._state, phase="starting", server=None, line=why, restarts=self._state.restarts + 1
                )
            )
            with suppress(TimeoutError):
                async with asyncio.timeout(min(MAX_BACKOFF_S, 2.0 ** (failures - 1))):
                    await self._stop.wait()

    async def _one_life(self) -> str | None:
        """Starts the server and stays with it to its end. None: the end was wanted; else why it came."""
        if self._stop.is_set():
            return None
        process = await self._spawn()
        server = ProcessId.of(process.pid) or ProcessId(process.pid, 0.0)
        self._publish(replace(self._state, phase="starting", server=server))
        exited = asyncio.create_task(process.wait())
        told = asyncio.create_task(self._stop.wait())
        serving = asyncio.create_task(self._serve())
        try:
            await asyncio.wait({exited, told, serving}, return_when=asyncio.FIRST_COMPLETED)
            if told.done():
                return None
            # Before the remains are cleared away, so that nobody is sent to a dead address.
            self._publish(replace(self._state, phase="starting"))
            if serving.done():
                try:
                    serving.result()
                    return None
                except (_NeverReady, _Hung) as error:
                    return str(error)
            return self._why_it_ended(process.returncode or 0)
        finally:
            for task in (told, serving):
                task.cancel()
            await asyncio.gather(told, serving, return_exceptions=True)
            await end_group(
                server, self._clock, grace_s=DEAD_GRACE_S if exited.done() else self._plan.stop_grace_s
            )
            await exited

    async def _spawn(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self._plan.command,
            *("--port", str(self._state.port)),
            env={**os.environ, **self._plan.env, "VLLM_API_KEY": self._state.key},
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )

    async def _serve(self) -> None:
        """Returns when nobody has asked anything for the plan's idle time."""
        root = f"http://127.0.0.1:{self._state.port}"
        timeout = aiohttp.ClientTimeout(total=ACTIVITY_POLL_S)
        connector = aiohttp.TCPConnector(force_close=True)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            await self._wait_healthy(session, f"{root}/health")
            self._ready_at_s = self._clock.now()
            self._publish(replace(self._state, phase="ready"))
            await self._wait_idle(session, f"{root}/metrics")

    async def _wait_healthy(self, session: aiohttp.ClientSession, url: str) -> None:
        deadline_s = self._clock.now() + self._plan.start_timeout_s
        while self._clock.now() < deadline_s:
            if await _get(session, url) is not None:
                return
            await self._clock.sleep(HEALTH_POLL_S)
        raise _NeverReady(f"the engine was not ready within {self._plan.start_timeout_s:.0f} s")

    async def _wait_idle(self, session: aiohttp.ClientSession, url: str) -> None:
        answered_s = active_s = self._clock.now()
        before: float | None = None
        while self._clock.now() - active_s < self._plan.idle_s:
            await self._clock.sleep(min(ACTIVITY_POLL_S, self._plan.idle_s / 2))
            text = await _get(session, url)
            now_s = self._clock.now()
            if text is None:
                if now_s - answered_s > HUNG_AFTER_S:
                    raise _Hung(f"the engine has not answered for {HUNG_AFTER_S:.0f} s")
                continue
            answered_s = now_s
            running, done = read_activity(text)
            if running or done != before:
                active_s = now_s
            before = done

    def _why_it_ended(self, status: int) -> str:
        if status < 0:
            return f"the engine was killed by signal {-status}"
        return f"the engine ended with status {status}: {last_line(log_file(self._folder))}"

    def _publish(self, state: EngineState) -> None:
        self._state = state
        write_state(self._folder, state)


def read_activity(metrics: str) -> tuple[float, float]:
    """(requests running or waiting, a number that grows with every request) from vLLM's /metrics."""
    running = done = 0.0
    for line in metrics.splitlines():
        name = line.partition("{")[0]
        with suppress(ValueError):
            if name in ("vllm:num_requests_running", "vllm:num_requests_waiting"):
                running += float(line.rsplit(" ", 1)[1])
            elif name in ("vllm:request_success_total", "vllm:prompt_tokens_total"):
                done += float(line.rsplit(" ", 1)[1])
    return running, done


async def _get(session: aiohttp.ClientSession, url: str) -> str | None:
    try:
        async with session.get(url) as response:
            return await response.text() if response.status == 200 else None
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _end_with_parent() -> None:
    """In the child, before it becomes the server: should the supervisor be killed, the kernel ends it too."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


async def _main(folder: Path) -> None:
    clock = SystemClock()
    plan = json.load(sys.stdin)
    plan["command"] = tuple(plan["command"])
    supervisor = Supervisor(LaunchPlan(**plan), folder, clock, clock.wall)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, supervisor.stop)
    await supervisor.run()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
