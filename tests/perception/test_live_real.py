"""Live hearing with the real models."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from perception.audio.live import Heard, Partial, TurnEnd
from perception.audio.settings import TranscriberSettings
from perception.audio.transcriber import WhisperTranscriber
from perception.audio.turns import SmartTurn
from perception.audio.vad import SileroVad
from runtime.messages import SAMPLE_RATE_HZ, Samples, SpeechStart
from runtime.weights import Registry
from tests.conftest import Run
from tests.perception.live_ears import LONG_S, Ears, chunks
from tests.perception.scripted_ears import quiet
from tests.perception.test_transcriber import SILENCE

Listen = Callable[[Samples], Ears]


@pytest.fixture(scope="module")
def whisper(whisper_folder: Path) -> WhisperTranscriber:
    return WhisperTranscriber(whisper_folder, TranscriberSettings(language="en", threads=2))


@pytest.fixture
def listen(whisper: WhisperTranscriber, smart_turn_folder: Path, run_virtual: Run) -> Listen:
    def to(samples: Samples) -> Ears:
        ears = Ears(whisper, SmartTurn(smart_turn_folder), SileroVad())
        run_virtual(ears.hear(chunks(samples)))
        return ears

    return to


def words(text: str) -> str:
    return " ".join(re.findall(r"[a-z]+", text.lower()))


@pytest.mark.slow
def test_a_recorded_voice(listen: Listen, jfk: Samples) -> None:
    ears = listen(np.concatenate([quiet(1), jfk, quiet(LONG_S)]))
    turn = ears.of(TurnEnd)[-1]
    assert words(turn.utterance.text).endswith("what you can do for your country")
    assert "fellow americans" in words(turn.text) or "fellow americans" in words(ears.of(TurnEnd)[0].text)
    assert 11.3 < turn.t_end_s < 11.8  # JFK stops 10.6 s into the recording
    assert not turn.doubtful and turn.reason == "model"
    assert len(ears.of(Partial)) >= 8
    assert len(ears.of(TurnEnd)) <= 2


@pytest.mark.slow
def test_onset_and_words_of_a_spoken_sentence(listen: Listen, speak: Callable[..., Samples]) -> None:
    sentences = ["The library closes at six o'clock on Fridays.", "When does the last train leave?"]
    for sentence in sentences:
        sound = speak(sentence)
        loud = np.flatnonzero(np.abs(sound) > 0.01)
        spoken = sound[loud[0] : loud[-1]]
        ears = listen(np.concatenate([quiet(1), spoken, quiet(LONG_S)]))
        assert 0 < ears.when(SpeechStart) - 1.0 <= 0.2
        assert words(sentence).split()[-2] in words(ears.of(TurnEnd)[-1].text)
        assert ears.of(TurnEnd)[-1].t_end_s == pytest.approx(1 + len(spoken) / SAMPLE_RATE_HZ, abs=0.3)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SILENCE)
def test_no_text_from_what_is_no_speech(listen: Listen, kind: str) -> None:
    samples = SILENCE[kind](np.random.default_rng(8)).astype(np.float32)
    ears = listen(np.concatenate([samples, quiet(LONG_S)]))
    assert [turn.text for turn in ears.of(TurnEnd)] == [""] * len(ears.of(TurnEnd))
    assert ears.of(Partial) == [] and ears.of(Heard) == []


@pytest.mark.slow
def test_a_short_answer(listen: Listen, speak: Callable[..., Samples]) -> None:
    ears = listen(np.concatenate([quiet(1), speak("Yes, please."), quiet(LONG_S)]))
    assert words(ears.of(TurnEnd)[-1].text) == "yes please"


def test_the_weights_are_in_the_catalogue() -> None:
    spec = Registry.load().spec("smart-turn")
    assert spec.default and spec.kind == "turn_detector"
