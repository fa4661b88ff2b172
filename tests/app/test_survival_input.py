"""Bad input: what is wrong is said in one line, and what is good beside it is done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import pytest

from runtime.clock import perf
from tests.app.commandline import TALK, fails_with_one_line, hearsight, rows_of

QUESTION = '{"id": "a", "question": "Which room?"}\n'


def remux(target: Path, kinds: tuple[str, ...] = ("video", "audio")) -> Path:
    """The talk again, its index in front, with only these kinds of streams."""
    with av.open(str(TALK)) as source, av.open(str(target), "w", options={"movflags": "faststart"}) as out:
        streams: list[Any] = [s for s in source.streams if s.type in kinds]
        made = {s.index: out.add_stream_from_template(s) for s in streams}
        for packet in source.demux(streams):
            if packet.dts is not None:
                packet.stream = made[packet.stream.index]
                out.mux(packet)
    return target


@pytest.mark.slow
def test_bad_files_among_good_ones_are_a_line_each_and_the_good_ones_are_remembered(
    weights: None, tmp_path: Path
) -> None:
    whole = remux(tmp_path / "whole.mp4").read_bytes()
    media = whole.index(b"mdat") + 4
    bad = {
        "empty.mp4": b"",
        "text.mp4": b"just some text\n" * 50,
        "stub.mp4": whole[: media - 2000],
        "hollow.mp4": whole[:media] + bytes(len(whole) - media),
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) * 55 // 100])
    remux(tmp_path / "silent.mp4", ("video",))
    remux(tmp_path / "blind.mp4", ("audio",))
    good = ("cut.mp4", "silent.mp4", "blind.mp4")
    names = ("empty.mp4", "text.mp4", *good, "stub.mp4", "hollow.mp4")
    memory = tmp_path / "m"
    ingest = ("--set", "vision.encoder=imagenet", "ingest", "--memory", memory, "--quiet")
    done = hearsight(*ingest, *(tmp_path / name for name in names))

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    lines = done.stderr.splitlines()
    assert all(line.startswith("hearsight: ") for line in lines)
    for name in bad:
        assert sum(name in line for line in lines) == 1, done.stderr
    assert any("cut.mp4: ends after" in line for line in lines)
    assert all(any(name in line for name in (*bad, "cut.mp4")) for line in lines)

    found = rows_of(memory, "sources", "observations", "progress")
    by_id = {row["id"]: Path(row["path"]).name for row in found["sources"]}
    assert sorted(by_id.values()) == sorted(good)
    assert {row["source"] for row in found["progress"] if row["complete"]} == by_id.keys()
    kinds = {
        name: {r["modality"] for r in found["observations"] if by_id[r["source"]] == name} for name in good
    }
    assert "read" in kinds["silent.mp4"]
    assert "said" not in kinds["silent.mp4"]
    assert kinds["blind.mp4"] == {"said"}
    assert kinds["cut.mp4"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "says"),
    [("cut.mp4", "cannot be read as media"), ("", "is not a file"), ("gone.mp4", "no such file")],
)
def test_one_bad_file_alone_is_one_line(weights: None, tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "cut.mp4").write_bytes(TALK.read_bytes()[:5000])
    fails_with_one_line(hearsight("ingest", tmp_path / name, "--memory", tmp_path / "m"), says)
    assert not (tmp_path / "m").exists()


@pytest.mark.slow
def test_a_manifest_with_a_bad_video_answers_for_the_others(weights: None, tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"")
    remux(tmp_path / "blind.mp4", ("audio",))
    (tmp_path / "q.jsonl").write_text('{"id": "a", "question": "What should you ask?"}\n')
    lines = [
        {"video": f"{name}.mp4", "questions": "q.jsonl", "out": f"{name}.jsonl"} for name in ("bad", "blind")
    ]
    (tmp_path / "jobs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = hearsight("qa", "--manifest", tmp_path / "jobs.jsonl", "--memory", tmp_path / "m", "--quiet")
    fails_with_one_line(done, "bad.mp4: is empty")
    assert not (tmp_path / "bad.jsonl").read_text()
    (answer,) = map(json.loads, (tmp_path / "blind.jsonl").read_text().splitlines())
    assert answer["evidence"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"what is it?\n", "line 1: not JSON"),
        (QUESTION.encode() + b'{"id": "b", "question": 5}\n', "line 2: question"),
        (QUESTION.encode() * 2, "line 2: the id 'a' is used twice"),
        (QUESTION.replace("room", "café").encode("latin-1"), "not a text file"),
    ],
    ids=["no JSON", "wrong type", "twice", "no UTF-8"],
)
def test_bad_questions_are_one_line_before_anything_is_read(
    tmp_path: Path, content: bytes, says: str
) -> None:
    questions, out = tmp_path / "q.jsonl", tmp_path / "a.jsonl"
    questions.write_bytes(content)
    done = hearsight("qa", TALK, "--questions", questions, "--out", out, "--memory", tmp_path / "m")
    fails_with_one_line(done, "q.jsonl", says)
    assert not out.exists()
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("ask", "Which room?", "--colour"),
        ("fly",),
        ("ask",),
        ("ask", "Which room?", "--as-of", "soon"),
        ("ingest", "a.mp4", "--jobs", "0"),
    ],
    ids=["option", "command", "missing", "time", "number"],
)
def test_a_mistyped_command_is_one_line(arguments: tuple[str, ...]) -> None:
    done = hearsight(*arguments)
    fails_with_one_line(done, "--help")
    assert done.returncode == 2


@pytest.mark.slow
def test_unknown_settings_are_one_line_wherever_they_stand(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text("[video]\nchaptr_s = 3\n")
    (tmp_path / "broken.toml").write_text("[video\n")
    ingest = ("ingest", TALK, "--memory", tmp_path / "m")
    own = hearsight("--config", tmp_path / "own.toml", *ingest)
    fails_with_one_line(own, "own.toml", "chaptr_s", "did you mean video.chapter_s?")
    fails_with_one_line(hearsight("--config", tmp_path / "broken.toml", *ingest), "not valid TOML")
    fails_with_one_line(hearsight("--config", tmp_path / "none.toml", *ingest), "no such file")
    variable = hearsight(*ingest, env={"HEARSIGHT__VIDEO__CHAPTR_S": "3"})
    fails_with_one_line(variable, "HEARSIGHT__VIDEO__CHAPTR_S", "chapter_s")
    fails_with_one_line(hearsight("--set", "video.chapter_s=long", *ingest), "video.chapter_s", "number")
    fails_with_one_line(hearsight("--set", "video.chapter_s=7", *ingest), "(7) and memory.chapter_s (60)")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "model"),
    [
        (("ask", "Which room?"), "minilm"),
        (("models", "pull", "whisper-base"), "whisper-base"),
        (("models", "pull", "open-clip-vit-b-32"), "open-clip-vit-b-32"),
    ],
    ids=["index", "index and hub", "hub"],
)
def test_a_missing_model_without_network_is_named_with_what_to_do(
    tmp_path: Path, arguments: tuple[str, ...], model: str
) -> None:
    nowhere = "http://127.0.0.1:9/"
    env = {
        "HEARSIGHT_CACHE": str(tmp_path / "cache"),
        "HEARSIGHT_MEMORY": str(tmp_path / "m"),
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_INDEX_URL": nowhere,
        "PIP_RETRIES": "0",
        "HF_HOME": str(tmp_path / "hub"),
        "HF_ENDPOINT": nowhere,
        "HF_HUB_OFFLINE": "0",
    }
    began = perf()
    done = hearsight(*arguments, env=env)
    assert perf() - began < 60
    *before, last = done.stderr.splitlines()
    assert done.returncode == 1
    assert last.startswith(f"hearsight: model {model} cannot be had: ")
    assert "cannot be reached" in last or "does not give" in last
    assert f"`hearsight models pull {model}`" in last
    assert all("MB" in line for line in before), "the sizes of the downloads, and nothing else"
