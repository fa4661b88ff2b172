"""Smart Turn: the right sound in, a probability out; and texts that break off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from perception.audio.turns import HEARD_S, SmartTurn, unfinished
from runtime.errors import ModelError
from runtime.messages import SAMPLE_RATE_HZ, Samples
from runtime.models import TurnDetector

N = HEARD_S * SAMPLE_RATE_HZ


@pytest.fixture(scope="module")
def smart_turn(smart_turn_folder: Path) -> SmartTurn:
    return SmartTurn(smart_turn_folder)


def until(jfk: Samples, second: float) -> Samples:
    return jfk[: round(second * SAMPLE_RATE_HZ)]


@pytest.mark.slow
def test_pauses_of_a_recorded_voice(smart_turn: TurnDetector, jfk: Samples) -> None:
    """ "... ask not | what your country can do for you | ask what you can do for your country." """
    assert smart_turn.end_probability(until(jfk, 4.0)) < 0.2
    assert smart_turn.end_probability(until(jfk, 4.6)) < 0.2
    assert smart_turn.end_probability(until(jfk, 7.9)) < 0.2
    assert smart_turn.end_probability(until(jfk, 10.8)) > 0.8


@pytest.mark.slow
def test_only_the_last_seconds_are_heard(smart_turn: SmartTurn, jfk: Samples) -> None:
    assert smart_turn.end_probability(jfk) == smart_turn.end_probability(jfk[-N:])
    assert smart_turn.end_probability(jfk) == smart_turn.end_probability(jfk)
    assert smart_turn.end_probability(np.zeros(0, np.float32)) == 0.0
    assert 0 <= smart_turn.end_probability(np.zeros(100, np.float32)) <= 1


@pytest.mark.slow
def test_short_sound_stands_at_the_end_and_loudness_does_not_matter(
    smart_turn: SmartTurn, jfk: Samples
) -> None:
    short = jfk[:SAMPLE_RATE_HZ]
    padded = np.concatenate([np.zeros(N - len(short), np.float32), short])
    np.testing.assert_array_equal(smart_turn.features(short), smart_turn.features(padded))
    features = smart_turn.features(jfk)
    assert features.shape == (80, 800) and features.dtype == np.float32
    np.testing.assert_allclose(smart_turn.features(jfk * 0.1), features, atol=1e-3)
    # Whisper's scaling: (log10 + 4) / 4, with 8 decades below the loudest
    assert float(features.max() - features.min()) == pytest.approx(2.0, abs=1e-4)


def test_no_model_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="end-of-turn"):
        SmartTurn(tmp_path)
    (tmp_path / "smart-turn-v3.2-cpu.onnx").write_bytes(b"not a model")
    with pytest.raises(ModelError, match="end-of-turn"):
        SmartTurn(tmp_path)


def test_another_model_is_refused(tmp_path: Path) -> None:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, 20])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1, 20])
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, tmp_path / "smart-turn-v3.2-cpu.onnx")
    with pytest.raises(ModelError, match="no Smart Turn v3"):
        SmartTurn(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "I left the blue folder on top of the...",
        "We could take the early train or",
        "Please call my mother and...",
        "Give me a short summary of.",
        "Where is the?",
        "Well, it was the one with the red cap, and,",
        "He went to the –",
        "It is because.",
    ],
)
def test_texts_that_break_off(text: str) -> None:
    assert unfinished(text, "en")
    assert unfinished(text)


@pytest.mark.parametrize(
    "text",
    [
        "What is it for?",
        "Yes.",
        "She said “no.”",
        "Stop!",
        "Who did you talk to?",
        "Turn it on.",
        "I would.",
        "",
        "  ",
    ],
)
def test_texts_that_are_whole(text: str) -> None:
    assert not unfinished(text, "en")


def test_other_languages_are_judged_by_their_stops_alone() -> None:
    assert not unfinished("Ich nehme die.", "de")
    assert unfinished("Ich nehme die", "de")
    assert not unfinished("今天天气很好", "zh")
    assert unfinished("今天天气很好...", "zh")
