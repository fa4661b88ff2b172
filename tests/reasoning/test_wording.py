"""What a small model may say: only words that stand in the sentence it was given."""

from __future__ import annotations

import pytest

from reasoning.wording import grounded, tidy

RENT = "The rent of the boat house is 40 euros a day."


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("40 euros", "40 euros"),
        ("  “40 euros”\n", "40 euros"),
        ("'40 euros a day.'", "40 euros a day."),
        ("The answer is: 40 euros", "40 euros"),
        ('Answer: "40 euros"', "40 euros"),
        ("The answer to the question is 40 euros", "40 euros"),
        ("Answering machine", "Answering machine"),
        ("Answer sheet number four", "Answer sheet number four"),
        ("", ""),
    ],
)
def test_quotation_marks_and_preambles_go(raw: str, text: str) -> None:
    assert tidy(raw) == text


@pytest.mark.parametrize("text", ["40 euros", "40 Euros a day", "forty euros", "The rent is 40 euros a day"])
def test_words_of_the_sentence_hold(text: str) -> None:
    assert grounded(text, "What is the rent of the boat house?", RENT)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "nothing"),
        ("of the", "only words without meaning"),
        ("The rent of the boat house", "only the question again"),
        ("50 euros", "another number"),
        ("40 euros, says Helena", "a name that is not there"),
        (RENT, "the whole sentence again"),
        ("not 40 euros", "the opposite"),
        ("It isn’t 40 euros", "the opposite"),
    ],
)
def test_what_is_not_in_the_sentence_does_not(text: str, why: str) -> None:
    assert not grounded(text, "What is the rent of the boat house?", RENT), why


def test_a_negation_of_the_sentence_may_be_repeated() -> None:
    unit = "The pool is never open on Mondays."
    assert grounded("never on Mondays", "When is the pool open?", unit)
