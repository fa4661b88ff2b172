"""The real MiniLM: what means the same lies near."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from memory.text_encoder import MiniLMEncoder
from runtime.errors import ModelError
from runtime.weights import Registry
from tests.conftest import require


@pytest.fixture(scope="module")
def encoder() -> Iterator[MiniLMEncoder]:
    registry = Registry.load()
    present = {row.spec.name for row in registry.status() if row.present}
    require("minilm" in present, "minilm: run `hearsight models pull minilm`")
    yield MiniLMEncoder(registry.locate("minilm"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "near", "far"),
    [
        (
            "When does the ferry leave?",
            "The boat departs at 9:15 from pier four.",
            "Wash your hands before eating.",
        ),
        ("Who fixed the server?", "Maria repaired the machine last night.", "The soup needs more salt."),
        ("What colour is the car?", "a red vehicle stands in the street", "the meeting starts at noon"),
    ],
)
def test_an_answer_lies_nearer_than_something_else(
    encoder: MiniLMEncoder, question: str, near: str, far: str
) -> None:
    q, a, b = encoder.encode([question, near, far])
    assert q @ a > q @ b + 0.15


@pytest.mark.slow
def test_rows_are_unit_float32_in_the_order_asked(encoder: MiniLMEncoder) -> None:
    texts = [
        "a long sentence about the harbour " * 20,
        "tea",
        "",
        "tea",
        "gr\u00fc\u00df dich \U0001f44b 你好",
    ]
    rows = encoder.encode(texts)
    assert rows.shape == (5, encoder.dim) == (5, 384)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(rows[1], rows[3])
    assert encoder.encode([]).shape == (0, 384)


@pytest.mark.slow
def test_neighbours_in_a_batch_do_not_change_a_vector(encoder: MiniLMEncoder) -> None:
    registry = Registry.load()
    forgetful = MiniLMEncoder(registry.locate("minilm"), remembered=0)
    texts = ["tea", "the ferry leaves at noon from the old pier", "word " * 400]
    together = forgetful.encode(texts)
    alone = np.concatenate([forgetful.encode([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=2e-3)


@pytest.mark.slow
def test_only_the_first_256_tokens_count(encoder: MiniLMEncoder) -> None:
    start = "word " * 300
    a, b = encoder.encode([start + "ferry", start + "harbour"])
    np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.slow
def test_recent_texts_are_remembered_up_to_a_bound() -> None:
    registry = Registry.load()
    require(any(r.spec.name == "minilm" and r.present for r in registry.status()), "minilm is not here")
    encoder = MiniLMEncoder(registry.locate("minilm"), remembered=2)
    first = encoder.encode(["a", "b", "c"])
    assert list(encoder._known) == ["b", "c"]
    encoder.encode(["b"])
    encoder.encode(["d"])
    assert list(encoder._known) == ["b", "d"]
    np.testing.assert_allclose(encoder.encode(["a", "b", "c"]), first, atol=2e-3)


@pytest.mark.slow
def test_no_torch_is_loaded() -> None:
    code = "import sys, memory.text_encoder; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_folder_without_the_model_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not hold the text encoder"):
        MiniLMEncoder(tmp_path)
