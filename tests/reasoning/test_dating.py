"""When something was said answers the time that a question names."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from memory.time_range import time_range
from reasoning.dating import without_time
from reasoning.kinds import Kind
from reasoning.question import Question, Term, TermKind
from runtime.messages import Evidence

ASKED = "What did I plant in March 2024?"
TERMS = (
    Term("plant", "plant", TermKind.VERB, ("plant",)),
    Term("March", "march", TermKind.NAME, ("march",)),
    Term("2024", "2024", TermKind.NUMBER, ("2024",)),
)
QUESTION = Question(ASKED, Kind.WHAT, TERMS, None, subject="I plant in March 2024")


def said(t_s: float) -> Evidence:
    return Evidence("r", "chat", "said", "I planted tomatoes today.", t_s, t_s)


def on(month: int, day: int) -> float:
    return datetime(2024, month, day, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("t_s", "words"),
    [
        (on(3, 17), ["plant"]),
        (on(4, 2), ["plant"]),
        (on(6, 8), ["plant", "March", "2024"]),
        (300.0, ["plant", "March", "2024"]),
    ],
    ids=["within", "told a little later", "at another time", "in a recording"],
)
def test_what_was_said_then_need_not_say_when(t_s: float, words: list[str]) -> None:
    asked = without_time(QUESTION, time_range(ASKED, on(7, 10)), said(t_s))
    assert [term.text for term in asked.terms] == words
    assert ("March" in asked.text + asked.subject) == ("March" in words)


def test_a_question_without_a_time_stays_as_it_is() -> None:
    assert without_time(QUESTION, None, said(on(3, 17))) is QUESTION
