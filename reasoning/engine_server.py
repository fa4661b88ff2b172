"""The engine as the other processes see it: start, stop, status; a remote one behind the same door."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from reasoning.engine_env import Report
from reasoning.engine_models import GPU_CONTEXT, make_plan, wanted
from reasoning.engine_settings import EngineSettings
from reasoning.engine_state import (
    EngineAddress,
    EngineState,
    LaunchPlan,
    Phase,
    drop_state,
    end_group,
    end_process,
    engine_folder,
    last_line,
    log_file,
    read_state,
)
from runtime.clock import Clock, SystemClock
from runtime.errors import EngineError
from runtime.model_cache import locked

POLL_S = 0.2
TELL_EVERY_S = 10.0
STOP_S = 30.0


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """phase: "stopped" when there is none. pids: supervisor and server. line: why it failed or restarted."""

    phase: Phase | Literal["stopped"]
    model: str = ""
    url: str = ""
    pids: tuple[int, ...] = ()
    started_s: float = 0.0
    restarts: int = 0
    line: str = ""


async def start(
    settings: EngineSettings, report: Report, *, clock: Clock | None = None, folder: Path | None = None
) -> EngineAddress:
    """Address of an engine that answers: the running one, or a new one (installed first if need be).

    Waits as long as that takes; cancelled, a server that is already starting goes on.
    Raises EngineError, ModelError.
    """
    if settings.mode == "off":
        raise EngineError("the engine is off (engine.mode)")
    if settings.mode == "remote":
        return remote_address(settings)
    clock = clock or SystemClock()
    running = address_now(settings, folder=folder)
    if running is not None:
        return running

    async with _starting(folder, report, clock):
        state = _living(folder)
        if state is None or state.wanted != wanted(settings):
            plan = await make_plan(settings, report, clock)
            await _launch(plan, report, clock, folder)
        return await _wait_ready(settings.start_timeout_s, report, clock, folder)


async def start_plan(
    plan: LaunchPlan, report: Report, *, clock: Clock | None = None, folder: Path | None = None
) -> EngineAddress:
    """Like start, for a server that is not chosen by settings."""
    clock = clock or SystemClock()
    async with _starting(folder, report, clock):
        state = _living(folder)
        if state is None or state.wanted != plan.wanted:
            await _launch(plan, report, clock, folder)
        return await _wait_ready(plan.start_timeout_s, report, clock, folder)


async def stop(*, clock: Clock | None = None, folder: Path | None = None) -> bool:
    """Ends the engine, its supervisor and whatever a killed one left. False: there was nothing."""
    clock = clock or SystemClock()
    state = read_state(folder or engine_folder())
    if state is None:
        return False
    was_there = state.supervisor.alive
    await end_process(state.supervisor, clock, grace_s=STOP_S)
    if state.server is not None:
        await end_group(state.server, clock)
    drop_state(folder or engine_folder())
    return was_there


async def status(*, folder: Path | None = None) -> EngineStatus:
    """What is known without asking the server."""
    state = read_state(folder or engine_folder())
    if state is None or (state.phase != "failed" and not state.supervisor.alive):
        return EngineStatus("stopped")
    pids = (state.supervisor.pid, *((state.server.pid,) if state.server else ()))
    return EngineStatus(
        phase=state.phase,
        model=state.model,
        url=state.address.url if state.phase == "ready" else "",
        pids=pids if state.supervisor.alive else (),
        started_s=state.started_s,
        restarts=state.restarts,
        line=state.line,
    )


def address_now(settings: EngineSettings, *, folder: Path | None = None) -> EngineAddress | None:
    """Address of an engine that can be asked without waiting, or None. Raises EngineError."""
    if settings.mode == "remote":
        return remote_address(settings)
    state = _living(folder)
    return state.address if state is not None and state.wanted == wanted(settings) and _ready(state) else None


def remote_address(settings: EngineSettings) -> EngineAddress:
    """EngineError: the file that should hold the key cannot be read."""
    key = os.environ.get(settings.api_key_env, "")
    if settings.api_key_file is not None:
        try:
            key = settings.api_key_file.expanduser().read_text().strip()
        except OSError as error:
            raise EngineError(f"engine.api_key_file {settings.api_key_file}: {error.strerror}") from error
    return EngineAddress(
        url=settings.url.rstrip("/"),
        model=settings.model,
        key=key,
        vision=bool(settings.vision),
        weak=bool(settings.weak),
        context_tokens=settings.context_tokens or GPU_CONTEXT,
    )


def _starting(folder: Path | None, report: Report, clock: Clock) -> AbstractAsyncContextManager[None]:
    def waiting() -> None:
        report("engine: waiting for another process that is starting it")

    return locked(folder or engine_folder(), "start", clock, waiting)


def _living(folder: Path | None) -> EngineState | None:
    state = read_state(folder or engine_folder())
    return state if state is not None and state.phase != "failed" and state.supervisor.alive else None


def _ready(state: EngineState) -> bool:
    # A server may have died a moment ago, before its supervisor has said so.
    return state.phase == "ready" and state.server is not None and state.server.alive


async def _launch(plan: LaunchPlan, report: Report, clock: Clock, folder: Path | None) -> None:
    if _living(folder) is not None:
        report("engine: another model is wanted, stopping the one that runs")
    await stop(clock=clock, folder=folder)
    report(f"engine: starting {plan.model}")
    where = folder or engine_folder()
    supervisor = await asyncio.to_thread(_spawn_supervisor, plan, where)
    while read_state(where) is None:
        if supervisor.poll() is not None:
            raise EngineError(f"the engine cannot be started: {last_line(log_file(where))}")
        await clock.sleep(POLL_S)


def _spawn_supervisor(plan: LaunchPlan, folder: Path) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    log = log_file(folder)
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    command = [sys.executable, "-m", "reasoning.engine_supervisor", str(folder)]
    with os.fdopen(os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), "w") as out:
        # Not asyncio's subprocess: that would kill it when this process's loop ends.
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=out, stderr=out, start_new_session=True
        )
    assert process.stdin is not None
    with process.stdin as pipe:
        pipe.write(json.dumps(asdict(plan)).encode())
    return process


async def _wait_ready(timeout_s: float, report: Report, clock: Clock, folder: Path | None) -> EngineAddress:
    where = folder or engine_folder()
    start_s = told_s = clock.now()
    while True:
        state = read_state(where)
        now_s = clock.now()
        if state is not None and state.supervisor.alive and _ready(state):
            if now_s - start_s > 1:
                report(f"engine: {state.model} is ready after {now_s - start_s:.0f} s")
            return state.address
        if state is not None and state.phase == "failed":
            raise EngineError(f"the engine cannot be started: {state.line} (log: {log_file(where)})")
        if state is None or not state.supervisor.alive:
            raise EngineError(f"the engine was stopped while it started (log: {log_file(where)})")
        if now_s - start_s > timeout_s:
            raise EngineError(f"the engine is not ready after {timeout_s:.0f} s (log: {log_file(where)})")
        if now_s - told_s >= TELL_EVERY_S:
            told_s = now_s
            report(f"engine: loading {state.model} ({now_s - start_s:.0f} s)")
        await clock.sleep(POLL_S)
