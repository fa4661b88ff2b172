#!/usr/bin/env python3
"""The main job on the clip that ships with the project: ingest, three questions, answers with proof in demo/out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from runtime.clock import perf

HERE = Path(__file__).resolve().parent
CLIP, QUESTIONS, OUT = HERE / "harbour_day.mp4", HERE / "questions.jsonl", HERE / "out"


def hearsight(*args: object) -> None:
    command = [sys.executable, "-m", "runtime.app.cli", *map(str, args)]
    status = subprocess.run(command, cwd=HERE.parent, check=False).returncode
    if status:
        raise SystemExit(status)


def main() -> None:
    began = perf()
    OUT.mkdir(exist_ok=True)
    answers = OUT / "answers.jsonl"
    answers.unlink(missing_ok=True)
    hearsight("models", "pull")
    hearsight(
        "qa", CLIP, "--questions", QUESTIONS, "--out", answers, "--memory", OUT / "memory", "--strips", OUT
    )
    questions = {q["id"]: q["question"] for q in map(json.loads, QUESTIONS.read_text().splitlines())}
    for answer in map(json.loads, answers.read_text().splitlines()):
        print(f"\n? {questions[answer['id']]}\n> {answer['answer']}")
        path = OUT / f"{answer['id']}.jpg"
        if path.exists():
            print(f"  proof: {path.relative_to(HERE.parent)}")
    print(f"\nanswers: {answers.relative_to(HERE.parent)}; all of it took {perf() - began:.0f} s")


if __name__ == "__main__":
    main()
