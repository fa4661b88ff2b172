"""The time that a question names, answered by when something was said and not by its words.

"I planted tomatoes today", said on 17 March, answers "what did I plant in March": it need not say March.
"""

from __future__ import annotations

from dataclasses import replace

from memory.text import tokens
from memory.time_range import TimeRange
from reasoning.question import Question
from reasoning.times import is_date
from runtime.messages import Evidence

_SLACK_S = 2 * 86400.0
"""What happened is often told some days later."""


def without_time(question: Question, told: TimeRange | None, evidence: Evidence) -> Question:
    """The question as this evidence has to account for it: without the words of a time in which it was said.

    told: the time that the question names, as Unix time.
    """
    if told is None or not is_date(evidence.t_start_s):
        return question
    slack_s = 0.0 if told.near else _SLACK_S
    if not told.start_s - slack_s <= evidence.t_start_s <= told.end_s + slack_s:
        return question
    of_time = set(tokens(told.words))
    return replace(
        question,
        text=_without(question.text, told.words),
        subject=_without(question.subject, told.words),
        terms=tuple(term for term in question.terms if not of_time & set(term.stems)),
    )


def _without(text: str, words: str) -> str:
    at = text.lower().find(words.lower())
    return text if at < 0 else " ".join((text[:at] + text[at + len(words) :]).split()).replace(" ?", "?")
