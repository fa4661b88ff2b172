"""What words mean the same, by WordNet's own files, and what that does to questions in other words than the answer's."""

from __future__ import annotations

import pytest

from reasoning.lexicon import Lexicon
from reasoning.question import parse_question
from reasoning.support import Verifier
from runtime.weights import Registry
from tests.conftest import require

THRESHOLD = 0.28


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    folder = next((s.where for s in Registry.load().status() if s.spec.name == "wordnet" and s.present), None)
    require(folder, "the lexicon is not here: hearsight models pull wordnet")
    assert folder is not None
    return Lexicon(folder)


@pytest.mark.parametrize(
    ("asked", "said", "least"),
    [
        ("spectacles", "glasses", 1.0),
        ("physician", "doctors", 1.0),
        ("rehearse", "practised", 0.9),
        ("bird", "owl", 0.9),
        ("country", "Norway", 0.9),
        ("vegetable", "carrots", 0.5),
        ("weight", "kilos", 0.8),
        ("profession", "dentist", 0.8),
        ("theme", "about", 0.8),
        ("weigh", "kilo", 0.8),
    ],
)
def test_a_word_accounts_for_another(lexicon: Lexicon, asked: str, said: str, least: float) -> None:
    assert (lexicon.accounts(asked, said) or 0.0) >= least


def test_what_is_no_kind_of_it_accounts_for_nothing(lexicon: Lexicon) -> None:
    assert lexicon.accounts("sister", "brother") == 0.0
    assert lexicon.accounts("thing", "owl") is None and lexicon.accounts("object", "table") is None
    assert lexicon.accounts("tablet", "laptop") is None
    assert lexicon.accounts("no such word at all", "owl") is None
    assert (lexicon.accounts("owl", "bird") or 0.0) < (lexicon.accounts("bird", "owl") or 0.0)


def test_a_name_is_of_its_kind_and_of_no_other(lexicon: Lexicon) -> None:
    assert lexicon.is_kind("Bergen", "city") and not lexicon.is_kind("Norway", "city")
    assert lexicon.is_other_name("Norway", "city")
    assert not lexicon.is_other_name("Norway", "country")
    assert not lexicon.is_other_name("Northlake", "city"), "a name that no lexicon has may be a city's"
    assert not lexicon.is_other_name("villages", "city")


@pytest.mark.parametrize(
    ("question", "statement", "answer"),
    [
        ("Which insect stung the physician?", "A wasp stung the doctor in the garden.", "A wasp"),
        ("Which vegetable did the boy refuse?", "The lad would not eat the spinach.", "the spinach"),
        (
            "What is the profession of the new neighbour?",
            "Our new neighbour is a carpenter from Porto.",
            "a carpenter",
        ),
        ("Which country does the carpenter come from?", "He is a carpenter from Portugal.", "Portugal"),
        ("What is the topic of the lecture?", "The lecture on Monday is about glaciers.", "glaciers"),
        (
            "At which spot do they pick up the kids?",
            "They pick up the children behind the library.",
            "behind the library",
        ),
        (
            "How did the mouse get in?",
            "The mouse got in through the cellar window.",
            "through the cellar window",
        ),
        (
            "On what day was the fair meant to be before the rain came?",
            "The fair is on Tuesday morning.",
            "Tuesday",
        ),
    ],
)
def test_other_words_for_the_thing_asked(
    verifier: Verifier, question: str, statement: str, answer: str
) -> None:
    support = verifier.judge(parse_question(question, verifier.language), statement, "said")
    assert support.probability >= THRESHOLD
    assert support.span is not None and support.span.text == answer


@pytest.mark.parametrize(
    ("question", "statement"),
    [
        ("Which city is the carpenter from?", "He is a carpenter from Portugal."),
        ("Which instrument does Nora's cousin play?", "Nora plays the cello in the town orchestra."),
        ("Who owns the red van?", "Our new van is silver and belongs to the bakery."),
        ("When does the museum close on Monday?", "On Sunday the cinema closes at six."),
        ("What is the name of the carpenter's son?", "The carpenter came with his son."),
    ],
)
def test_near_misses_are_refused(verifier: Verifier, question: str, statement: str) -> None:
    support = verifier.judge(parse_question(question, verifier.language), statement, "said")
    assert support.probability < THRESHOLD


def test_the_day_and_the_hour_are_numbers_however_they_are_said(verifier: Verifier) -> None:
    shown = "Cinema 3\n18:00 Blue Snow\n21:45 The Ferry"
    support = verifier.judge(
        parse_question("Which film starts at a quarter to ten in the evening?", verifier.language),
        shown,
        "read",
    )
    assert support.probability >= THRESHOLD and support.unit == "21:45 The Ferry"
    said = "On the 7th of June the road is closed from 9 until half past 4."
    question = parse_question("Until what time is the road closed on June 7?", verifier.language)
    assert not verifier.judge(question, said, "said").missing
