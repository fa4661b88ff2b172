"""hearsight memory things, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.app.commandline import fails_with_one_line, hearsight

pytestmark = pytest.mark.slow


def test_things_are_listed_and_said_to_be_one(weights: None, tmp_path: Path) -> None:
    talk, memory = tmp_path / "talk.jsonl", tmp_path / "memory"
    lines = ("Our boat is called Selma.", "The yacht's name is Aurora.")
    told = [
        {"session": str(n), "time": f"2026-05-0{n}T10:00:00", "speaker": "Ana", "text": text}
        for n, text in enumerate(lines, 1)
    ]
    talk.write_text("\n".join(map(json.dumps, told)), "utf-8")
    for command in (("add", talk), ("consolidate",), ("things", "merge", "boat", "Aurora")):
        done = hearsight("memory", *command, "--memory", memory)
        assert done.returncode == 0, done.stderr
    listed = hearsight("memory", "things", "--json", "--memory", memory)
    (thing,) = map(json.loads, listed.stdout.splitlines())
    assert (thing["descriptions"], thing["names"]) == (["boat", "yacht"], {"Selma": 1, "Aurora": 1})
    failed = hearsight("memory", "things", "merge", "boat", "ship", "--memory", memory)
    fails_with_one_line(failed, "nothing is known that is called ship")


def test_where_there_is_no_memory_none_is_made(weights: None, tmp_path: Path) -> None:
    failed = hearsight("memory", "things", "merge", "boat", "ship", "--memory", tmp_path / "none")
    fails_with_one_line(failed, "there is no memory")
    assert not list((tmp_path / "none").glob("*.lance"))
