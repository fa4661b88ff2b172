"""The clip that ships with the project answers the questions that the README shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.app.commandline import hearsight

DEMO = Path(__file__).parents[2] / "demo"


@pytest.mark.slow
def test_the_demo_answers_its_questions(weights: None, tmp_path: Path) -> None:
    out = tmp_path / "answers.jsonl"
    done = hearsight(
        *("--set", "vision.encoder=imagenet", "qa", DEMO / "harbour_day.mp4"),
        *("--questions", DEMO / "questions.jsonl", "--out", out),
        *("--memory", tmp_path / "memory", "--strips", tmp_path),
    )
    assert done.returncode == 0, done.stderr
    answers = {a["id"]: a["answer"] for a in map(json.loads, out.read_text().splitlines())}
    assert "what you can do for your country" in answers["said"].lower()
    assert answers["read"].startswith("11:30")
    assert answers["seen"].startswith("Most likely at 0:05")
    assert {p.name for p in tmp_path.glob("*.jpg")} == {"said.jpg", "read.jpg", "seen.jpg"}
