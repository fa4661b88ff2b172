"""When something was said answers the time that a question names."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from memory.time_range import time_range
from reasoning.dating import happened, without_time
from reasoning.kinds import Kind
from reasoning.question import Question, Term, TermKind
from reasoning.support import Verifier
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


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("I broke my arm in July.", "July 2024"),
        ("I broke my arm yesterday.", "2024-08-16"),
        ("The paper was accepted on Friday.", "2024-08-16"),
        ("We sail on Friday.", "2024-08-23"),
        ("My show is called Dusk. It opens on the 15th of March.", "2025-03-15"),
        ("I broke my arm. The doctor comes on Friday.", None),
        ("I have lived here since March.", "since March 2024"),
        ("They met last weekend.", "2024-08-10 to 2024-08-11"),
        ("We married in 2019.", "2019"),
        ("I like boats.", None),
    ],
)
def test_what_happened_is_told_by_when_it_did(verifier: Verifier, text: str, when: str | None) -> None:
    moment = Evidence("r", "chat", "said", text, on(8, 17), on(8, 17))
    assert happened(text.split(". ")[0].rstrip(".") + ".", moment, verifier.language, UTC) == when


def test_a_recording_has_no_dates(verifier: Verifier) -> None:
    moment = Evidence("r", "film", "said", "It broke in July.", 60.0, 62.0)
    assert happened(moment.text, moment, verifier.language, UTC) is None
