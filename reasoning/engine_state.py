"""What the processes that share one engine know of it: a lock, and a file that only the user can read."""

from __future__ import annotations

import json
import os
import re
import signal
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import psutil

from runtime.clock import Clock
from runtime.model_cache import cache_root

STOP_GRACE_S = 15.0

_ERROR = re.compile(r"\b\w*(Error|Exception): \S")

_HARMLESS = re.compile(r"\b(INFO|WARNING)\b|[Ss]ee root cause above")
_PREFIX = re.compile(r"^\(\w+ pid=\d+\)\s*(ERROR \S+ \S+ \[[^\]]*\]\s*)?")
"""Which of vLLM's processes wrote a line, when, and where in its code."""

Phase = Literal["starting", "ready", "failed"]


@dataclass(frozen=True, slots=True)
class EngineAddress:
    """Where a model can be asked, and what it can do.

    url: without a trailing slash, ends in /v1.  vision: takes images.  weak: below a billion parameters.
    """

    url: str
    model: str
    key: str = field(repr=False)
    vision: bool
    weak: bool
    context_tokens: int


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """Everything the supervisor needs. command gets `--port N` added, env the API key (VLLM_API_KEY).

    wanted: tells whether a running server is the one that the settings ask for.
    """

    command: tuple[str, ...]
    env: dict[str, str]
    wanted: str
    model: str
    vision: bool
    weak: bool
    context_tokens: int
    idle_s: float
    start_timeout_s: float
    max_restarts: int
    stop_grace_s: float = STOP_GRACE_S


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process that cannot be mistaken for a later one of its number. born_s: its creation, Unix time."""

    pid: int
    born_s: float

    @classmethod
    def of(cls, pid: int) -> ProcessId | None:
        """None: there is no such process."""
        try:
            return cls(pid, psutil.Process(pid).create_time())
        except psutil.Error:
            return None

    @property
    def alive(self) -> bool:
        try:
            process = psutil.Process(self.pid)
            return abs(process.create_time() - self.born_s) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False


@dataclass(frozen=True, slots=True)
class EngineState:
    """supervisor: owner of this file.  server: leader of vLLM's process group, None between two starts.

    line: what a user should know: why it failed, or how often it was restarted.  started_s: Unix time.
    """

    phase: Phase
    supervisor: ProcessId
    server: ProcessId | None
    port: int
    key: str = field(repr=False)
    model: str
    vision: bool
    weak: bool
    context_tokens: int
    wanted: str
    started_s: float
    restarts: int = 0
    line: str = ""

    @property
    def address(self) -> EngineAddress:
        return EngineAddress(
            url=f"http://127.0.0.1:{self.port}/v1",
            model=self.model,
            key=self.key,
            vision=self.vision,
            weak=self.weak,
            context_tokens=self.context_tokens,
        )


def engine_folder() -> Path:
    return cache_root() / "engine"


def state_file(folder: Path) -> Path:
    return folder / "state.json"


def log_file(folder: Path) -> Path:
    return folder / "engine.log"


def write_state(folder: Path, state: EngineState) -> None:
    """In one step, and readable by the user alone: it holds the key."""
    target = state_file(folder)
    fresh = target.with_suffix(f".{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        json.dump(asdict(state), file)
    fresh.replace(target)


def read_state(folder: Path) -> EngineState | None:
    """What was written last, whether or not it still holds. None: nothing, or nothing readable."""
    try:
        raw = json.loads(state_file(folder).read_text())
        raw["supervisor"] = ProcessId(**raw["supervisor"])
        raw["server"] = ProcessId(**raw["server"]) if raw["server"] else None
        return EngineState(**raw)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def drop_state(folder: Path) -> None:
    state_file(folder).unlink(missing_ok=True)


def last_line(log: Path) -> str:
    """The line of a log that says most about why a program ended: its last error, else its last line."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 65_536))
            lines = [
                line.strip() for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()
            ]
    except OSError:
        return "it left no log"
    errors = [line for line in lines if _ERROR.search(line) and not _HARMLESS.search(line)]
    return _PREFIX.sub("", (errors or lines)[-1] if lines else "it said nothing")[-300:]


async def end_group(server: ProcessId, clock: Clock, *, grace_s: float = STOP_GRACE_S) -> None:
    """SIGTERM to a process group, SIGKILL to what is left of it after grace_s. Nothing of it survives."""
    if not _group_lives(server):
        return
    _signal_group(server.pid, signal.SIGTERM)
    deadline = clock.now() + grace_s
    while _group_lives(server):
        if clock.now() >= deadline:
            _signal_group(server.pid, signal.SIGKILL)
        await clock.sleep(0.1)


async def end_process(process: ProcessId, clock: Clock, *, grace_s: float) -> bool:
    """SIGTERM, then SIGKILL after grace_s. True: it ended by itself."""
    deadline = clock.now() + grace_s
    with suppress(ProcessLookupError):
        if process.alive:
            os.kill(process.pid, signal.SIGTERM)
    while process.alive:
        if clock.now() >= deadline:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            return False
        await clock.sleep(0.1)
    return True


def _group_lives(server: ProcessId) -> bool:
    """Whether a member is left, also when the leader is dead: vLLM's workers may outlive it."""
    if server.born_s < psutil.boot_time() or _number_given_anew(server):
        return False
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            same = os.getpgid(process.pid) == server.pid
            if same and process.status() != psutil.STATUS_ZOMBIE:
                return True
    return False


def _number_given_anew(server: ProcessId) -> bool:
    now = ProcessId.of(server.pid)
    return now is not None and abs(now.born_s - server.born_s) >= 1.0


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)
