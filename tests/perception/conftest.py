"""Sounds for the tests of hearing."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from runtime.errors import HearsightError
from runtime.messages import SAMPLE_RATE_HZ, Samples
from runtime.weights import Registry
from tests.conftest import require
from tests.perception.scripted_ears import Language

FIXTURES = Path(__file__).parents[1] / "fixtures"

Speak = Callable[..., Samples]


def decode(path: Path) -> Samples:
    """A whole file as float32 mono at 16 kHz."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
    with av.open(str(path)) as container:
        frames = [*container.decode(audio=0), None]
        return np.concatenate([out.to_ndarray()[0] for frame in frames for out in resampler.resample(frame)])


@pytest.fixture
def language() -> Language:
    """Words as sounds, which a scripted transcriber knows."""
    return Language()


@pytest.fixture(scope="session")
def jfk() -> Samples:
    """11 s of a recorded voice."""
    return decode(FIXTURES / "jfk.flac")


@pytest.fixture(scope="session")
def speak(tmp_path_factory: pytest.TempPathFactory) -> Speak:
    """Text to sound, by espeak-ng."""
    require(shutil.which("espeak-ng"), "espeak-ng is not installed")
    folder = tmp_path_factory.mktemp("speech")

    def say(text: str, voice: str = "en-us") -> Samples:
        file = folder / "said.wav"
        subprocess.run(["espeak-ng", "-v", voice, "-s", "148", "-w", str(file), text], check=True)
        return decode(file)

    return say


@pytest.fixture(scope="session")
def whisper_folder() -> Path:
    """The default transcriber's weights."""
    try:
        return Registry.load().locate("whisper-base")
    except HearsightError as error:
        require(False, str(error))
        raise


@pytest.fixture(scope="session")
def smart_turn_folder() -> Path:
    """The default end-of-turn model's weights."""
    try:
        return Registry.load().locate("smart-turn")
    except HearsightError as error:
        require(False, str(error))
        raise


@pytest.fixture(scope="session")
def voice_folder() -> Path:
    """The default voice encoder's weights."""
    try:
        return Registry.load().locate("resemblyzer")
    except HearsightError as error:
        require(False, str(error))
        raise
