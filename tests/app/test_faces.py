"""People by face as a user has them: a film is read, they are listed, named, asked for, and forgotten."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from runtime.weights import Registry
from tests.app.commandline import fails_with_one_line, hearsight
from tests.conftest import require
from tests.perception.media import write_media
from tests.perception.test_faces import picture

SCENES = ("obama-2012", "collins", "obama-2009", "")
EACH_S = 8
IMAGENET = ("--set", "vision.encoder=imagenet")


@pytest.fixture(scope="module")
def film(weights: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds of each, and of nobody."""
    here = {s.spec.name for s in Registry.load().status() if s.present}
    require("faces" in here and find_spec("dlib"), "faces: hearsight models pull faces, and dlib")
    empty = np.full((360, 640, 3), 120, np.uint8)
    shown = [picture(name) if name else empty for name in SCENES]
    pictures = [(i / 2, shown[i // (2 * EACH_S)]) for i in range(2 * EACH_S * len(SCENES))]
    return write_media(tmp_path_factory.mktemp("faces") / "film.mp4", pictures)


def people(memory: Path) -> list[dict[str, object]]:
    done = hearsight("memory", "people", "--memory", memory, "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def answer(memory: Path, question: str, *more: str) -> str:
    done = hearsight("ask", question, "--memory", memory, "--no-engine", *more)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_two_people_are_known_by_face_named_asked_for_and_forgotten(film: Path, tmp_path: Path) -> None:
    memory = tmp_path / "memory"
    done = hearsight(*IMAGENET, "ingest", film, "--memory", memory)
    assert done.returncode == 0, done.stderr
    first, second = people(memory)
    assert (first["utterances"], second["utterances"]) == (0, 0)
    assert 15 <= float(str(first["seen_s"])) <= 17 and 7 <= float(str(second["seen_s"])) <= 9

    assert (
        hearsight("memory", "people", "name", second["id"], "Eileen Collins", "--memory", memory).returncode
        == 0
    )
    told = answer(memory, "When was Eileen Collins on the screen?")
    assert "Eileen Collins is to be seen from 0:08 to 0:16." in told
    told = answer(memory, "Who was there?")
    assert f"Person {str(first['id'])[1:]} (from 0:00 to 0:08 and from 0:16 to 0:24)" in told
    assert "Eileen Collins (from 0:08 to 0:16)" in told
    told = answer(memory, "Who was there?", "--as-of", "7")
    assert "Eileen" not in told and "0:16" not in told

    table = hearsight("memory", "people", "--memory", memory)
    assert "0:16" in table.stdout and "Eileen Collins" in table.stdout
    assert (
        hearsight("memory", "forget", "--person", "Eileen Collins", "--memory", memory, "--yes").returncode
        == 0
    )
    assert [p["id"] for p in people(memory)] == [first["id"]]


@pytest.mark.slow
def test_they_are_not_looked_at_where_that_is_not_wanted(film: Path, tmp_path: Path) -> None:
    done = hearsight(
        *IMAGENET, "--set", "vision.faces.known=off", "ingest", film, "--memory", tmp_path / "memory"
    )
    assert done.returncode == 0, done.stderr
    assert people(tmp_path / "memory") == []
    doctor = hearsight("--set", "vision.faces.known=off", "doctor", "--memory", tmp_path / "memory")
    assert "faces: not looked at, by vision.faces.known" in doctor.stdout
    fails_with_one_line(hearsight("--set", "vision.faces.known=perhaps", "doctor"), "vision.faces.known")
