#!/usr/bin/env python3
"""The main job on the clip that ships with the project: ingest, three questions, answers with proof in demo/out."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from pathlib import Path

import av
from PIL import Image, ImageDraw

HERE = Path(__file__).resolve().parent
CLIP, QUESTIONS, OUT = HERE / "harbour_day.mp4", HERE / "questions.jsonl", HERE / "out"
THUMBNAIL = (320, 180)


def hearsight(*args: object) -> None:
    command = [sys.executable, "-m", "runtime.app.cli", *map(str, args)]
    status = subprocess.run(command, cwd=HERE.parent, check=False).returncode
    if status:
        raise SystemExit(status)


def picture_at(t_s: float) -> Image.Image:
    with av.open(str(CLIP)) as container:
        for frame in container.decode(video=0):
            if frame.time is not None and frame.time >= t_s:
                return frame.to_image().resize(THUMBNAIL)
    raise SystemExit(f"{CLIP}: no picture at {t_s:.1f} s")


def strip(evidence: list[dict[str, object]]) -> bytes:
    """The evidence's moments side by side, each with its time."""
    shown = evidence[:3]
    image = Image.new("RGB", (THUMBNAIL[0] * len(shown), THUMBNAIL[1] + 24), "white")
    draw = ImageDraw.Draw(image)
    for i, item in enumerate(shown):
        t_s = float(str(item["t_start"]))
        image.paste(picture_at(t_s), (i * THUMBNAIL[0], 24))
        draw.text(
            (i * THUMBNAIL[0] + 6, 6), f"{int(t_s) // 60}:{int(t_s) % 60:02} {item['modality']}", fill="black"
        )
    data = io.BytesIO()
    image.save(data, "JPEG", quality=85)
    return data.getvalue()


def main() -> None:
    began = time.perf_counter()
    OUT.mkdir(exist_ok=True)
    answers = OUT / "answers.jsonl"
    answers.unlink(missing_ok=True)
    hearsight("models", "pull")
    hearsight("qa", CLIP, "--questions", QUESTIONS, "--out", answers, "--memory", OUT / "memory")
    questions = {q["id"]: q["question"] for q in map(json.loads, QUESTIONS.read_text().splitlines())}
    for answer in map(json.loads, answers.read_text().splitlines()):
        print(f"\n? {questions[answer['id']]}\n> {answer['answer']}")
        if answer["evidence"]:
            path = OUT / f"{answer['id']}.jpg"
            path.write_bytes(strip(answer["evidence"]))
            print(f"  proof: {path.relative_to(HERE.parent)}")
    print(
        f"\nanswers: {answers.relative_to(HERE.parent)}; all of it took {time.perf_counter() - began:.0f} s"
    )


if __name__ == "__main__":
    main()
