"""Which words of a line or a sentence answer a question."""

from __future__ import annotations

import pytest

from reasoning.question import parse_question
from reasoning.support import Verifier

NETWORK = "Guest network\nname: Heron-Guest\nkey: copper-lantern-88"
BOARD = "Shipping board\nOrder 58213 : Rotterdam\nOrder 58214 : Gdansk"
CHAT = "Team chat\nPriya: the demo went well\nTom: I will bring the cables"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "screen", "answer"),
    [
        ("What is the name of the guest network?", NETWORK, "Heron-Guest"),
        ("What is the key of the guest network?", NETWORK, "copper-lantern-88"),
        ("Which header was missing?", "Build failed\nerror: missing header zlib.h", "missing header zlib.h"),
        ("Which city is order 58213 going to?", BOARD, "Rotterdam"),
        ("Which order goes to Gdansk?", BOARD, "58214"),
        ("Who offered to bring the cables?", CHAT, "Tom"),
    ],
)
def test_the_value_of_a_line(verifier: Verifier, question: str, screen: str, answer: str) -> None:
    span = verifier.judge(parse_question(question, verifier.language), screen, "read").span
    assert span is not None and span.text == answer


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "sentence", "answer"),
    [
        ("In which room does the team meet?", "The team now meets in room 300 and 17.", "317"),
        ("How many horses are there?", "There are eleven goats and seven horses on the farm.", "seven"),
        ("Who teaches pottery?", "The workshop on pottery is taught by Beatrice.", "Beatrice"),
        (
            "Why did the safe stay shut?",
            "The safe stayed shut because the key was lost.",
            "because the key was lost",
        ),
    ],
)
def test_the_words_of_a_sentence(verifier: Verifier, question: str, sentence: str, answer: str) -> None:
    span = verifier.judge(parse_question(question, verifier.language), sentence, "said").span
    assert span is not None and span.text == answer
