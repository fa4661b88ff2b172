"""What a question asks for."""

from __future__ import annotations

import pytest

from reasoning.kinds import Kind
from reasoning.language import Language
from reasoning.question import parse_question
from reasoning.times import clock_text
from runtime.weights import Registry
from tests.conftest import require


@pytest.fixture(scope="module")
def language() -> Language:
    here = {s.spec.name: s.where for s in Registry.load().status() if s.present}
    require(
        "en-core-web-sm" in here, "the language pipeline is not here: hearsight models pull en-core-web-sm"
    )
    where = here["en-core-web-sm"]
    assert where is not None
    return Language(where)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("When was the harbour map shown?", Kind.MOMENT),
        ("At what point in the video does the bicycle come up?", Kind.MOMENT),
        ("When did two dogs run across the street?", Kind.MOMENT),
        ("What time does the library close?", Kind.TIME),
        ("Until when is the road blocked?", Kind.TIME),
        ("On which day is the rehearsal?", Kind.TIME),
        ("Who repairs the lift?", Kind.WHO),
        ("Where are the spare batteries?", Kind.WHERE),
        ("How many chairs are needed?", Kind.COUNT),
        ("How much does the lamp cost?", Kind.AMOUNT),
        ("What does the lamp cost?", Kind.AMOUNT),
        ("How long does the tour take?", Kind.DURATION),
        ("What colour is the gate?", Kind.COLOUR),
        ("Why was the match stopped?", Kind.REASON),
        ("How come the match was stopped?", Kind.REASON),
        ("What caused the delay?", Kind.REASON),
        ("Could you tell me who repairs the lift?", Kind.WHO),
        ("I was wondering how many chairs are needed.", Kind.COUNT),
        ("During which part are bottles in view?", Kind.MOMENT),
        ("Which bus goes to the airport?", Kind.WHAT),
    ],
)
def test_the_kind_of_answer(language: Language, text: str, kind: Kind) -> None:
    assert parse_question(text, language).kind is kind


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Any idea where the accordion is?", {"accordion"}),
        ("Which of the two sisters sings?", {"sisters", "sings"}),
        ("Was the gate painted green, blue or white?", {"gate", "painted"}),
        ("Who won the race?", {"won", "race"}),
    ],
)
def test_words_that_say_nothing_of_the_answer_are_not_demanded(
    language: Language, text: str, words: set[str]
) -> None:
    assert {t.text for t in parse_question(text, language).terms} == words


@pytest.mark.parametrize(
    ("text", "preposition"),
    [
        ("Which hotel are they staying at?", "at"),
        ("By whom was the boat found?", "by"),
        ("What was she told to give up?", ""),
        ("Who rang?", ""),
    ],
)
def test_what_the_asking_word_hangs_on(language: Language, text: str, preposition: str) -> None:
    assert parse_question(text, language).preposition == preposition


def test_the_words_that_have_to_be_accounted_for(language: Language) -> None:
    terms = {t.text: t for t in parse_question("Which doctor is in room 14?", language).terms}
    assert set(terms) == {"doctor", "room", "14"}
    assert terms["doctor"].asked


def test_a_word_that_names_a_thing_counts_though_it_is_also_one_of_perceiving(language: Language) -> None:
    assert "reading" in {t.text for t in parse_question("At what time is the reading hour?", language).terms}


def test_a_change_may_be_asked_back_behind(language: Language) -> None:
    assert parse_question("What was the price originally?", language).wants_first
    assert not parse_question("What is the price now?", language).wants_first


def test_a_span_of_the_video_is_understood(language: Language) -> None:
    early = parse_question("What was said in the first five minutes?", language)
    assert (early.t_min_s, early.t_max_s) == (0.0, 300.0)


def test_times_are_written_as_people_do() -> None:
    assert [clock_text(t) for t in (0, 67.9, 3599, 3661)] == ["0:00", "1:07", "59:59", "1:01:01"]
