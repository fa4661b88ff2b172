"""Killed, interrupted, not alone: what was committed stays, and the end is that of an undisturbed run."""

from __future__ import annotations

import json
import random
import signal
from pathlib import Path

import pytest

from runtime.clock import perf
from tests.app.commandline import (
    assert_same_records,
    committed_s,
    fails_with_one_line,
    hearsight,
    rows_of,
    started,
    stopped_at_commit,
    wait_for_files,
)
from tests.app.conftest import Film

pytestmark = pytest.mark.slow


def test_kill_9_at_any_moment_loses_nothing_and_doubles_nothing(film: Film, tmp_path: Path) -> None:
    memory, rng = tmp_path / "m", random.Random(1)
    kills = 0
    # The first writes make the tables; a commit takes some twenty files.
    for files in (rng.randint(1, 12), *(rng.randint(10, 60) for _ in range(3))):
        with started(*film.ingest(memory)) as process:
            kills += wait_for_files(process, memory, files)
            process.kill()
    assert kills >= 2
    done = hearsight(*film.ingest(memory))
    assert (done.returncode, done.stderr) == (0, "")
    assert_same_records(memory, film.memory)


def test_a_signal_ends_cleanly_and_what_was_committed_is_kept(film: Film, tmp_path: Path) -> None:
    memory, done_s, kept = tmp_path / "m", 0.0, set[str]()
    for number in (signal.SIGINT, signal.SIGTERM):
        with started(*film.ingest(memory)) as process:
            assert stopped_at_commit(process, memory)
            process.send_signal(number)
            process.send_signal(signal.SIGCONT)
            began = perf()
            _, stderr = process.communicate(timeout=60)
            took_s = perf() - began
        assert process.returncode == 130
        assert stderr == "hearsight: interrupted; what was committed is kept, run again to go on\n"
        assert took_s < 5.0
        assert committed_s(memory) > done_s
        done_s = committed_s(memory)
        ids = {row["id"] for row in rows_of(memory, "observations")["observations"]}
        assert kept <= ids
        kept = ids
    assert hearsight(*film.ingest(memory)).returncode == 0
    assert_same_records(memory, film.memory)


def test_two_processes_on_one_memory(film: Film, tmp_path: Path) -> None:
    memory = tmp_path / "m"
    with started(*film.ingest(memory)) as writer:
        assert stopped_at_commit(writer, memory)
        fails_with_one_line(hearsight(*film.ingest(memory)), f"being written by process {writer.pid}")
        asked = hearsight("ask", "When does bus 27 leave?", "--memory", memory, "--json")
        assert asked.returncode == 0, asked.stderr
        assert "evidence" in json.loads(asked.stdout)
        writer.send_signal(signal.SIGCONT)
        while writer.poll() is None:
            assert hearsight("memory", "stats", "--memory", memory).returncode == 0
        assert writer.returncode == 0
    assert_same_records(memory, film.memory)
