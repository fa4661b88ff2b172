"""A conversation of two voices of a synthesiser, heard, remembered, asked about: the command as a user types it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from runtime.messages import SAMPLE_RATE_HZ
from tests.app.commandline import fails_with_one_line, hearsight
from tests.conftest import require
from tests.perception.conftest import decode

MARTIN, OTHER = "en-us", "en-us+f2"
FIRST = (
    (MARTIN, "Hello everybody, my name is Martin, and I look after the money of this club."),
    (OTHER, "Good evening. I have drawn the plans for the new garden behind the house."),
    (MARTIN, "The budget for the garden is four thousand dollars, and not a dollar more."),
    (OTHER, "I think that the budget is too small. The stones alone cost three thousand."),
)
SECOND = (
    (OTHER, "The stones for the garden will arrive on Thursday, at nine in the morning."),
    (MARTIN, "Then I will pay for them on Friday, as soon as the bank is open again."),
)

pytestmark = pytest.mark.slow


def record(lines: tuple[tuple[str, str], ...], file: Path) -> Path:
    """A wave file: the lines, a second of silence after each."""
    sound = []
    for voice, text in lines:
        spoken = file.with_suffix(".line.wav")
        subprocess.run(["espeak-ng", "-v", voice, "-s", "148", "-w", str(spoken), text], check=True)
        sound += [decode(spoken), np.zeros(SAMPLE_RATE_HZ, np.float32)]
    samples = (np.concatenate(sound) * 32767).astype(np.int16)
    with av.open(str(file), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=SAMPLE_RATE_HZ, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="s16", layout="mono")
        frame.rate = SAMPLE_RATE_HZ
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file


@pytest.fixture(scope="module")
def memory(weights: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    require(shutil.which("espeak-ng"), "espeak-ng is not installed")
    folder = tmp_path_factory.mktemp("people")
    for name, lines in (("first.wav", FIRST), ("second.wav", SECOND)):
        done = hearsight("ingest", record(lines, folder / name), "--memory", folder / "memory", "--quiet")
        assert done.returncode == 0, done.stderr
    return folder / "memory"


def people(memory: Path) -> list[dict[str, Any]]:
    done = hearsight("memory", "people", "--json", "--memory", memory)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def ask(memory: Path, question: str, *options: str) -> dict[str, Any]:
    done = hearsight("ask", question, "--json", "--memory", memory, *options)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_two_voices_are_two_people_in_both_recordings(memory: Path) -> None:
    martin, other = sorted(people(memory), key=lambda p: not p["named"])
    assert (martin["label"], other["named"]) == ("Martin", False)
    assert len(martin["sources"]) == len(other["sources"]) == 2, "they are known again"


def test_what_somebody_said_is_answered_from_their_words(memory: Path) -> None:
    answer = ask(memory, "What did Martin say about the budget?")
    assert not answer["abstained"] and "said by Martin" in answer["answer"]
    assert {e["speaker"] for e in answer["evidence"]} == {"Martin"}


def test_a_name_given_later_is_not_known_to_the_past(memory: Path) -> None:
    (other,) = [p["id"] for p in people(memory) if not p["named"]]
    assert hearsight("memory", "people", "--memory", memory, "name", other, "Clara").returncode == 0
    try:
        question = ("What did Clara say about the budget?", "--source", "first.wav")
        now = ask(memory, *question)
        assert {e["speaker"] for e in now["evidence"]} == {"Clara"}
        then = ask(memory, *question, "--as-of", "1:00")
        assert "Clara" not in {e.get("speaker") for e in then["evidence"]}
    finally:
        assert hearsight("memory", "people", "undo", "--memory", memory).returncode == 0


def test_mistakes_are_one_line(memory: Path) -> None:
    fails_with_one_line(
        hearsight("memory", "people", "name", "p99", "X", "--memory", memory), "no person p99"
    )
    fails_with_one_line(hearsight("memory", "people", "--memory", memory / "none"), "there is no memory")
