"""A desktop of real programs on an X server of its own, and a recorder that watches it."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

from runtime.clock import perf
from tests.app.commandline import COMMAND


class Desktop:
    """An X server with a few windows and no window manager."""

    def __init__(self, stack: ExitStack, folder: Path, size: str = "1024x640") -> None:
        self._stack = stack
        reading, writing = os.pipe()
        self.server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{size}x24", "-nolisten", "tcp"],
            pass_fds=[writing], stderr=subprocess.DEVNULL,
        )  # fmt: skip
        stack.callback(end, self.server)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            number = pipe.readline().strip()
        assert number, "Xvfb did not start"
        self.env = {**os.environ, "DISPLAY": f":{number}", "HOME": str(folder), "PS1": "$ "}
        self.env.pop("WAYLAND_DISPLAY", None)
        self.env.pop("XDG_SESSION_TYPE", None)
        for name in ("HF_HOME", "XDG_CACHE_HOME", "HEARSIGHT_CACHE"):
            self.env.setdefault(name, os.environ.get(name, ""))
            if not self.env[name]:
                del self.env[name]

    def run(self, *command: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            command, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._stack.callback(end, process)
        return process

    def terminal(self, title: str, place: str, *command: str) -> None:
        """place: as xterm's -geometry."""
        self.run(
            "xterm", "-T", title, "-geometry", place, "-fa", "DejaVu Sans Mono", "-fs", "11", "-e", *command
        )
        until(lambda: bool(self.window(title)), f"the window {title}")

    def window(self, title: str) -> str:
        found = subprocess.run(
            ["xdotool", "search", "--onlyvisible", "--name", f"^{title}$"],
            env=self.env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return found.stdout.split()[0] if found.stdout.split() else ""

    def type(self, title: str, text: str, delay_ms: int = 30) -> None:
        self._do("windowraise", self.window(title))
        self._do("windowfocus", "--sync", self.window(title))
        self._do("type", "--delay", str(delay_ms), text)
        self._do("key", "Return")

    def key(self, keys: str) -> None:
        self._do("key", keys)

    def _do(self, *words: str) -> None:
        subprocess.run(["xdotool", *words], env=self.env, check=True, timeout=60)


def end(process: subprocess.Popen[Any]) -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def until(true: Callable[[], bool], what: str, patience_s: float = 120.0) -> float:
    """Seconds until it was so."""
    began, never = perf(), threading.Event()
    while not true():
        assert perf() - began < patience_s, f"waited for {what}"
        never.wait(0.2)
    return perf() - began


def record(
    stack: ExitStack, desktop: Desktop, place: Path, *settings: str
) -> tuple[subprocess.Popen[str], str]:
    """A recorder, and the address of its page. settings: as --set takes them."""
    usual = ("screen.min_free_mb=0", "screen.exclude_titles=['*private browsing*']")
    chosen = [word for one in (*usual, *settings) for word in ("--set", one)]
    command = [*COMMAND, *chosen, "screen", "--memory", str(place)]
    process = subprocess.Popen(
        command, env=desktop.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    stack.callback(end, process)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("screen   http://127.0.0.1:")
    return process, line.split()[1]


class Recordings:
    """What the tests of a module look at: one recording for all of them. A test that failed and is run again gets a new one,
    since what was recorded does not change by looking again.
    """

    def __init__(self, made: Callable[[], AbstractContextManager[Path]]) -> None:
        self._made = made
        self._held = ExitStack()
        self._latest: Path | None = None

    def of(self, test: object) -> Path:
        if self._latest is None or getattr(test, "execution_count", 1) > 1:  # set by pytest-rerunfailures
            self.close()
            self._latest = self._held.enter_context(self._made())
        return self._latest

    def close(self) -> None:
        self._latest = None
        self._held.close()
