"""The command as a user types it: real models, the shipped fixture, and mistakes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runtime.weights import Registry
from tests.conftest import require

TALK = Path(__file__).parent.parent / "fixtures" / "talk.mp4"
NEEDED = ("whisper-base", "minilm", "efficientnet-lite0", "en-core-web-sm")


def hearsight(*args: str | Path, **extra: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "runtime.app.cli", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, **extra)


def fails_with_one_line(done: subprocess.CompletedProcess[str], *says: str) -> None:
    lines = done.stderr.strip().splitlines()
    assert done.returncode not in (0, -signal.SIGSEGV)
    assert "Traceback" not in done.stderr
    assert len(lines) == 1, done.stderr
    for part in says:
        assert part in lines[0]


@pytest.fixture(scope="module")
def weights() -> None:
    here = {s.spec.name for s in Registry.load().status() if s.present}
    require(here.issuperset(NEEDED), "the default weights are not here: hearsight models pull")


@pytest.fixture(scope="module")
def memory(weights: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("talk") / "memory"
    done = hearsight("ingest", TALK, "--memory", folder)
    assert done.returncode == 0, done.stderr
    assert "real-time factor" in done.stderr
    yield folder


def test_help_names_every_command() -> None:
    done = hearsight("--help")
    assert done.returncode == 0
    for command in ("ingest", "ask", "qa", "models", "doctor", "memory"):
        assert command in done.stdout


def test_an_unknown_option_and_no_command_fail() -> None:
    assert hearsight("ask", "x", "--colour").returncode == 2
    assert hearsight().returncode == 2


def test_an_unknown_setting_is_one_line() -> None:
    done = hearsight("--set", "video.chaptr_s=3", "ingest", TALK)
    fails_with_one_line(done, "chaptr_s", "chapter_s")


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"", b"just some text\n" * 50], ids=["empty", "text"])
def test_what_is_no_media_is_one_line(weights: None, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(content)
    fails_with_one_line(hearsight("ingest", path, "--memory", tmp_path / "m", "--quiet"), "x.mp4")


@pytest.mark.slow
def test_asking_where_there_is_no_memory_is_one_line(weights: None, tmp_path: Path) -> None:
    fails_with_one_line(hearsight("ask", "Where?", "--memory", tmp_path / "none"), "there is no memory")


@pytest.mark.slow
def test_what_was_said_and_read_is_answered_with_its_moment(memory: Path) -> None:
    said = json.loads(hearsight("ask", "What should you ask?", "--memory", memory, "--json").stdout)
    assert any("country" in e["text"].lower() for e in said["evidence"])
    bus = json.loads(hearsight("ask", "When does bus 27 leave?", "--memory", memory, "--json").stdout)
    assert not bus["abstained"]
    assert "09:40" in bus["answer"]
    assert bus["evidence"][0]["modality"] == "read"
    assert 5.0 <= bus["evidence"][0]["t_start"] <= 8.0


@pytest.mark.slow
def test_what_was_never_there_is_not_made_up(memory: Path) -> None:
    answer = json.loads(
        hearsight("ask", "What is the landlord's phone number?", "--memory", memory, "--json").stdout
    )
    assert answer["abstained"]


@pytest.mark.slow
def test_qa_is_causal_and_a_second_run_adds_nothing(memory: Path, tmp_path: Path) -> None:
    questions, out = tmp_path / "q.jsonl", tmp_path / "a.jsonl"
    lines = [
        {"id": "late", "question": "When does bus 27 leave?"},
        {"id": "early", "question": "When does bus 27 leave?", "ask_at": 4.0},
        {"id": "choice", "question": "When does bus 27 leave?", "options": ["08:15", "09:40", "11:00"]},
    ]
    questions.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = hearsight("qa", TALK, "--questions", questions, "--out", out, "--memory", memory)
    assert done.returncode == 0, done.stderr
    answers = {a["id"]: a for a in map(json.loads, out.read_text().splitlines())}
    assert "09:40" in answers["late"]["answer"]
    assert answers["early"]["abstained"]
    assert all(e["t_end"] <= 4.0 for e in answers["early"]["evidence"])
    assert answers["choice"]["choice"] == 1
    before = out.read_text()
    assert hearsight("qa", TALK, "--questions", questions, "--out", out, "--memory", memory).returncode == 0
    assert out.read_text() == before


@pytest.mark.slow
def test_an_unwritable_memory_is_one_line(weights: None, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    fails_with_one_line(hearsight("ingest", TALK, "--memory", file, "--quiet"), "not a memory folder")


@pytest.mark.slow
def test_a_second_writer_is_refused_and_a_reader_is_not(memory: Path) -> None:
    from memory.lock import WriterLock

    lock = WriterLock(memory)
    lock.acquire()
    try:
        fails_with_one_line(hearsight("ingest", TALK, "--memory", memory, "--quiet"), str(os.getpid()))
        assert hearsight("ask", "Which room?", "--memory", memory).returncode == 0
    finally:
        lock.release()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_an_ingest_cleanly_and_a_second_run_finishes_it(
    weights: None, tmp_path: Path, number: signal.Signals
) -> None:
    command = [
        sys.executable,
        "-m",
        "runtime.app.cli",
        "ingest",
        str(TALK),
        "--memory",
        str(tmp_path / "m"),
        "--quiet",
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        watched = tmp_path / "m" / "sources.lance" / "data"
        while process.poll() is None and not (watched.is_dir() and any(watched.iterdir())):
            os.sched_yield()
        process.send_signal(number)
        _, stderr = process.communicate(timeout=10)
    assert process.returncode == 130
    assert stderr.strip().splitlines() == [
        "hearsight: interrupted; what was committed is kept, run again to go on"
    ]
    assert hearsight("ingest", TALK, "--memory", tmp_path / "m", "--quiet").returncode == 0
    answer = json.loads(
        hearsight("ask", "When does bus 27 leave?", "--memory", tmp_path / "m", "--json").stdout
    )
    assert "09:40" in answer["answer"]
