"""Disks that are full, closed or only for reading."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.commandline import (
    assert_same_records,
    committed_s,
    fails_with_one_line,
    hearsight,
    resume_point,
    started,
    stopped_at_commit,
)
from tests.app.conftest import Film
from tests.conftest import require

pytestmark = pytest.mark.slow


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 8 kB; `remount` changes it. Takes root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(command, capture_output=True).returncode == 0
    require(mounted, "a tmpfs cannot be mounted here: that takes root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def fill(folder: Path) -> None:
    with (folder / "ballast").open("wb", buffering=0) as file:
        try:
            while file.write(bytes(1 << 16)):
                pass
        except OSError:
            return


def test_a_full_disk_ends_the_run_and_more_room_lets_it_go_on(film: Film, disk: Path) -> None:
    memory = disk / "m"
    fails_with_one_line(hearsight(*film.ingest(memory)), "no space left", "run again")
    remount(disk, "size=16m")
    with started(*film.ingest(memory)) as process:
        assert stopped_at_commit(process, memory)
        fill(disk)
        process.send_signal(signal.SIGCONT)
        stdout, stderr = process.communicate(timeout=120)
    done = subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)
    fails_with_one_line(done, "no space left", "what was committed is kept")

    assert committed_s(memory) > 0
    assert not resume_point(memory).complete
    stats = hearsight("memory", "stats", "--memory", memory, "--json")
    assert stats.returncode == 0, stats.stderr
    assert json.loads(stats.stdout)["tables"]["observations"]["rows"] > 0
    asked = hearsight("ask", "What should you ask?", "--memory", memory, "--json")
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["evidence"]

    remount(disk, "size=64m")
    assert hearsight(*film.ingest(memory)).returncode == 0
    assert_same_records(memory, film.memory)


def test_a_disk_only_for_reading_is_read(film: Film, disk: Path) -> None:
    remount(disk, "size=16m")
    shutil.copytree(film.memory, disk / "m")
    remount(disk, "ro")
    fails_with_one_line(hearsight(*film.ingest(disk / "m")), "Read-only file system")
    fails_with_one_line(hearsight(*film.ingest(disk / "new")), "Read-only file system")
    asked = hearsight("ask", "When does bus 27 leave?", "--memory", disk / "m", "--json")
    assert asked.returncode == 0, asked.stderr
    assert "09:40" in json.loads(asked.stdout)["answer"]


def test_a_memory_under_a_file_and_answers_in_a_folder_are_one_line(film: Film, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    fails_with_one_line(hearsight(*film.ingest(tmp_path / "file")), "is a file, not a memory folder")
    fails_with_one_line(hearsight(*film.ingest(tmp_path / "file" / "m")), "Not a directory")
    (tmp_path / "q.jsonl").write_text('{"id": "a", "question": "Which room?"}\n')
    questions = ("--questions", tmp_path / "q.jsonl", "--out", tmp_path)
    done = hearsight("qa", film.path, *questions, "--memory", film.memory)
    fails_with_one_line(done, str(tmp_path), "Is a directory")


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    done = hearsight("models", "pull", "minilm", env={"HEARSIGHT_CACHE": str(tmp_path / "file" / "cache")})
    assert "Traceback" not in done.stderr
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("hearsight: model minilm cannot be had")
    assert "Not a directory" in done.stderr.splitlines()[-1]
