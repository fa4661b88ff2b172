"""What the tests of the command share: the weights, and one small film that is read in many small commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from runtime.weights import Registry
from tests.app.commandline import hearsight
from tests.conftest import require
from tests.perception.conftest import FIXTURES, decode
from tests.perception.media import slide, write_media

NEEDED = ("whisper-base", "minilm", "efficientnet-lite2", "en-core-web-sm", "wordnet")
SLIDES = (
    ("ROOM 4", "Bus 27 at 09:40"),
    ("Boat leaves 11:15", "Pier 6"),
    ("Dr. Anna Weber", "Office 12"),
    ("Closed on Monday", "Soup 3 euro"),
)


@pytest.fixture(scope="session")
def weights() -> None:
    here = {s.spec.name for s in Registry.load().status() if s.present}
    require(here.issuperset(NEEDED), "the default weights are not here: hearsight models pull")


@dataclass(frozen=True, slots=True)
class Film:
    """path: four slides of 4 s, with 11 s of speech. settings: what makes a commit of every few seconds of it.
    memory: what an undisturbed run makes of it.
    """

    path: Path
    settings: tuple[str, ...]
    memory: Path

    def ingest(self, memory: Path) -> Sequence[str | Path]:
        """The arguments that read it into a memory."""
        return (*self.settings, "ingest", self.path, "--memory", memory, "--quiet")


@pytest.fixture(scope="session")
def film(weights: None, tmp_path_factory: pytest.TempPathFactory) -> Film:
    folder = tmp_path_factory.mktemp("film")
    pictures = [(i / 2, slide(SLIDES[i // 8])) for i in range(32)]
    path = write_media(folder / "film.mp4", pictures, [(1.0, decode(FIXTURES / "jfk.flac"))])
    values = {
        "vision.encoder": "imagenet",
        "video.chapter_s": "4",
        "memory.chapter_s": "4",
        "memory.said_commit_s": "2",
        "memory.optimize_every": "3",
        "audio.group.span_s": "0",
    }
    settings = tuple(part for key, value in values.items() for part in ("--set", f"{key}={value}"))
    made = Film(path, settings, folder / "memory")
    done = hearsight(*made.ingest(made.memory))
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return made
