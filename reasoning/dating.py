"""The time that a question names, answered by when something was said and not by its words.

"I planted tomatoes today", said on 17 March, answers "what did I plant in March": it need not say March.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, tzinfo
from math import inf

from memory.text import sentences, tokens
from memory.time_range import TimeRange, time_range
from reasoning.language import Language
from reasoning.question import Question
from reasoning.times import is_date
from runtime.messages import Evidence

_SLACK_S = 2 * 86400.0
"""What happened is often told some days later."""
_A_DAY_S = 1.1 * 86400.0
_GOES_ON = re.compile(r"(?:it|this|that|they)\b", re.IGNORECASE)
_PAST = frozenset(("VBD", "VBN"))
"""Of the Penn Treebank's tags."""


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


def happened(unit: str, evidence: Evidence, language: Language, zone: tzinfo | None) -> str | None:
    """When that happened which a moment tells of, where it names a time: "July 2024" of "I broke my ankle in July", said in
    August. None where it names none, or what tells is no date.

    unit: the sentence that answers; one that goes on about the same ("It opens on the 15th of March") may name the time. A
    sentence in the past is about the last March, any other about the next.
    """
    if not is_date(evidence.t_start_s):
        return None
    others = (s for s in sentences(evidence.text) if s != unit and _GOES_ON.match(s))
    for sentence in (unit, *others):
        past = any(token.tag_ in _PAST for token in language(sentence))
        named = time_range(sentence, evidence.t_start_s, zone, ahead=not past)
        if named is not None and -inf < named.start_s:
            return _written(named, zone)
    return None


def _written(named: TimeRange, zone: tzinfo | None) -> str | None:
    begin = datetime.fromtimestamp(named.start_s, zone)
    if named.end_s == inf:
        return f"since {begin:%Y-%m-%d}" if begin.day > 1 else f"since {begin:%B %Y}"
    last = datetime.fromtimestamp(named.end_s - 1.0, zone)
    after = datetime.fromtimestamp(named.end_s, zone)
    if named.end_s - named.start_s <= _A_DAY_S:
        return f"{begin:%Y-%m-%d}"
    if begin.day == after.day == 1 and (last.year, last.month) == (begin.year, begin.month):
        return f"{begin:%B %Y}"
    if (begin.month, begin.day) == (after.month, after.day) == (1, 1) and last.year == begin.year:
        return f"{begin:%Y}"
    return f"{begin:%Y-%m-%d} to {last:%Y-%m-%d}"


def _without(text: str, words: str) -> str:
    at = text.lower().find(words.lower())
    return text if at < 0 else " ".join((text[:at] + text[at + len(words) :]).split()).replace(" ?", "?")
