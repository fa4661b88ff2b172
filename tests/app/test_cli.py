"""The command as a user types it: real models, the shipped fixture, and mistakes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from inspect import iscoroutinefunction
from pathlib import Path
from pkgutil import resolve_name

import pytest

from runtime.app.cli import _parser as command_line
from tests.app.commandline import TALK, fails_with_one_line, hearsight


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


@pytest.mark.parametrize("date", ["2024-13-45", "yesterday"])
def test_what_is_no_day_is_one_line(date: str) -> None:
    fails_with_one_line(hearsight("memory", "day", date), f"'{date}' is not a day like 2024-05-07")


def test_every_command_has_what_runs_it() -> None:
    """They are imported by name, when they run."""

    def leaves(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
        below = [a.choices for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
        yield from (leaf for choices in below for one in choices.values() for leaf in leaves(one))
        if parser.get_default("handler"):
            yield parser

    handlers = [leaf.get_default("handler") for leaf in leaves(command_line())]
    assert len(handlers) > 40
    for handler in handlers:
        assert iscoroutinefunction(resolve_name(handler))


def test_no_command_is_an_error() -> None:
    assert hearsight().returncode == 2


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
