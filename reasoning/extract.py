"""Cut the answering words out of a statement: a span whose type fits the question, near the words they share."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from memory.text import tokens
from reasoning.language import Language
from reasoning.question import Kind, Question
from runtime.messages import Modality

_COLOURS = set(
    [
        "red",
        "orange",
        "yellow",
        "green",
        "blue",
        "purple",
        "violet",
        "pink",
        "brown",
        "black",
        "white",
        "grey",
        "gray",
        "silver",
        "gold",
        "golden",
        "beige",
        "turquoise",
        "navy",
        "maroon",
        "crimson",
        "scarlet",
        "teal",
        "cream",
        "ivory",
        "olive",
        "indigo",
        "magenta",
        "cyan",
        "amber",
        "tan",
        "lilac",
        "khaki",
        "copper",
        "bronze",
    ]
)
_TIME_WORDS = set(
    [
        "today",
        "tomorrow",
        "tonight",
        "yesterday",
        "morning",
        "noon",
        "midday",
        "afternoon",
        "evening",
        "night",
        "midnight",
        "weekend",
        "week",
        "month",
        "year",
        "spring",
        "summer",
        "autumn",
        "fall",
        "winter",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "daily",
        "weekly",
        "oclock",
    ]
)
_UNITS = set(
    [
        "second",
        "minute",
        "hour",
        "day",
        "week",
        "month",
        "year",
        "decade",
        "century",
        "metre",
        "meter",
        "kilometre",
        "kilometer",
        "mile",
        "foot",
        "inch",
        "litre",
        "liter",
        "gram",
        "kilogram",
        "kilo",
        "tonne",
        "degree",
        "percent",
        "dollar",
        "euro",
        "pound",
        "cent",
        "ml",
        "kg",
        "km",
        "cm",
        "mm",
        "g",
        "l",
        "lap",
        "page",
        "spoon",
        "cup",
    ]
)
_PLACE_PREPOSITIONS = set(
    [
        "in",
        "on",
        "under",
        "at",
        "behind",
        "beside",
        "near",
        "inside",
        "above",
        "below",
        "between",
        "next",
        "into",
        "onto",
        "over",
        "beneath",
        "outside",
        "opposite",
        "to",
        "from",
        "along",
        "across",
        "by",
        "around",
        "within",
        "through",
        "underneath",
    ]
)
_STALE = re.compile(r"\b(?:no longer|not|instead of|rather than|used to be|isn't|wasn't|never|was)\b", re.I)
_FRESH = re.compile(
    r"\b(?:but|now|meant|instead|actually|correction|rather|moved to|changed to|new|make that|make it)\b",
    re.I,
)
_KEY_VALUE = re.compile(r"\s*(?:(?<!\d):|:(?!\d)|=|\t|\s[-–—|>]+\s|\.{3,}|\s{3,})\s*")


@dataclass(frozen=True, slots=True)
class Span:
    """text: words of the statement. fit: how well the type fits, 0 (any words) to 1."""

    text: str
    fit: float


def answer_span(question: Question, statement: str, modality: Modality, language: Language) -> Span | None:
    """The best answering words of one sentence or screen line, or None when nothing is left beside the question's words."""
    asked_stems = {s for term in question.terms for s in term.stems}
    if modality == "read":
        value = _value_of_line(question, statement, asked_stems)
        if value is not None:
            return value
    doc = language(statement)
    anchors = [t.i for t in doc if asked_stems & set(tokens(t.text))]
    best: tuple[float, Span] | None = None
    for start, end, fit in _candidates(question, doc):
        stems = [s for t in doc[start:end] for s in tokens(t.text)]
        fresh = [s for s in stems if s not in asked_stems]
        if not fresh:
            continue
        gap = min(
            (0 if start <= a < end else min(abs(a - start), abs(a - end + 1)) for a in anchors), default=6
        )
        score = fit - 0.03 * gap - 0.25 * (len(stems) - len(fresh)) / max(1, len(stems))
        score += _correction(doc, start)
        if best is None or score > best[0] + 1e-9:
            text = doc[start:end].text.strip(" ,.;:!?-")
            best = (score, Span(text, fit))
    return best[1] if best else None


def _correction(doc: Any, start: int) -> float:
    """Words after "no longer" are stale, words after "but", "now", "I meant" are the news."""
    before = doc[max(0, start - 6) : start].text
    stale = [m.end() for m in _STALE.finditer(before)]
    fresh = [m.end() for m in _FRESH.finditer(before)]
    if fresh and (not stale or fresh[-1] > stale[-1]):
        return 0.3
    if stale and not (len(stale) == 1 and before[: stale[-1]].lower().endswith("was")):
        return -0.3
    return 0.0


def _value_of_line(question: Question, line: str, asked: set[str]) -> Span | None:
    parts = [p.strip() for p in _KEY_VALUE.split(line) if p and p.strip()]
    if len(parts) < 2:
        return None
    overlaps = [len(asked & set(tokens(p))) for p in parts]
    if max(overlaps) == 0:
        return Span(parts[-1], 0.6)
    key = overlaps.index(max(overlaps))
    rest = [p for i, p in enumerate(parts) if i != key and set(tokens(p)) - asked]
    if not rest:
        return None
    rest.sort(key=lambda p: -_value_fit(question.kind, p))
    return Span(rest[0], 0.8)


def _value_fit(kind: Kind, text: str) -> float:
    has_digit = any(c.isdigit() for c in text)
    if kind in {Kind.COUNT, Kind.AMOUNT, Kind.TIME, Kind.DURATION}:
        return 1.0 if has_digit else 0.0
    if kind in {Kind.WHO, Kind.NAME, Kind.WHERE}:
        return 0.3 if has_digit else 1.0
    return 0.5


def _candidates(question: Question, doc: Any) -> Iterable[tuple[int, int, float]]:
    kind = question.kind
    entities = {(e.start, e.end): e.label_ for e in doc.ents}
    for (start, end), label in entities.items():
        yield start, end, _entity_fit(kind, label)
    for token in doc:
        low = token.lower_
        if token.like_num or any(c.isdigit() for c in token.text):
            start, end = _number_phrase(doc, token.i)
            yield start, end, _number_fit(question, doc, start, end)
        if low in _COLOURS:
            yield token.i, token.i + 1, 1.2 if kind is Kind.COLOUR else 0.1
        if low.strip(".'") in _TIME_WORDS and token.pos_ != "AUX":
            start, end = _time_phrase(doc, token.i)
            yield start, end, 1.0 if kind is Kind.TIME else 0.15
        if token.pos_ == "ADP" and low in _PLACE_PREPOSITIONS and kind is Kind.WHERE:
            yield token.i, _phrase_end(doc, token), 0.95
        if low in {"because", "since", "due", "so"} and kind is Kind.REASON:
            yield token.i, _clause_end(doc, token.i), 1.2
        if low == "to" and kind is Kind.REASON and token.i + 1 < len(doc) and doc[token.i + 1].pos_ == "VERB":
            yield token.i, _clause_end(doc, token.i), 0.8
    for chunk in doc.noun_chunks:
        root = chunk.root
        if root.pos_ == "PRON":
            continue
        fit = 0.45
        if kind in {Kind.WHO, Kind.NAME} and root.pos_ == "PROPN":
            fit = 0.9
        elif kind is Kind.WHO and root.dep_ in {"nsubj", "nsubjpass", "agent", "pobj"}:
            fit = 0.5
        elif kind in {Kind.WHAT, Kind.NAME} and root.dep_ in {"dobj", "attr", "obj", "oprd"}:
            fit = 0.65
        elif kind in {Kind.COUNT, Kind.AMOUNT, Kind.DURATION, Kind.TIME, Kind.COLOUR, Kind.REASON}:
            fit = 0.1
        yield chunk.start, chunk.end, fit
    if kind is Kind.WHAT:
        for token in doc:
            if token.pos_ == "VERB" and token.dep_ in {"xcomp", "ccomp", "advcl"}:
                yield token.left_edge.i, token.right_edge.i + 1, 0.4


def _entity_fit(kind: Kind, label: str) -> float:
    wanted = {
        Kind.WHO: {"PERSON": 1.2, "ORG": 0.8, "NORP": 0.7, "GPE": 0.5},
        Kind.NAME: {
            "PERSON": 1.0,
            "ORG": 1.0,
            "PRODUCT": 1.0,
            "WORK_OF_ART": 1.0,
            "GPE": 0.9,
            "FAC": 0.9,
            "EVENT": 0.9,
        },
        Kind.WHERE: {"GPE": 1.0, "LOC": 1.0, "FAC": 1.0, "ORG": 0.5},
        Kind.TIME: {"TIME": 1.2, "DATE": 1.1},
        Kind.COUNT: {"CARDINAL": 0.8, "QUANTITY": 0.8},
        Kind.AMOUNT: {"MONEY": 1.2, "QUANTITY": 1.1, "PERCENT": 1.1, "CARDINAL": 0.7},
        Kind.DURATION: {"TIME": 1.1, "DATE": 1.1},
    }.get(kind)
    if wanted is None:
        return 0.5 if label in {"PERSON", "GPE", "ORG", "FAC", "LOC", "PRODUCT"} else 0.35
    return wanted.get(label, 0.05)


def _number_fit(question: Question, doc: Any, start: int, end: int) -> float:
    following = [t.lemma_.lower() for t in doc[start : end + 2]]
    if question.kind is Kind.COUNT:
        return 1.2 if question.asked and question.asked in following else 0.7
    if question.kind in {Kind.AMOUNT, Kind.DURATION}:
        return 1.0 if _UNITS & set(following) else 0.7
    if question.kind is Kind.TIME:
        return 0.8
    if question.asked in {
        "number",
        "room",
        "gate",
        "platform",
        "port",
        "version",
        "code",
        "page",
        "chapter",
        "line",
        "floor",
        "seat",
    }:
        return 1.0
    return 0.2


def _number_phrase(doc: Any, i: int) -> tuple[int, int]:
    start, end = i, i + 1
    while (
        start > 0
        and (doc[start - 1].like_num or doc[start - 1].lower_ in {"and", "$", "€", "£"})
        and doc[start - 1].pos_ in {"NUM", "SYM", "CCONJ"}
    ):
        start -= 1
    while end < len(doc) and (
        doc[end].like_num
        or doc[end].lemma_.lower() in _UNITS
        or doc[end].lower_ in {"%", "am", "pm", "a.m.", "p.m."}
    ):
        end += 1
    while start < i and doc[start].pos_ == "CCONJ":
        start += 1
    return start, end


def _time_phrase(doc: Any, i: int) -> tuple[int, int]:
    token = doc[i]
    head = token
    while (
        head.head is not head
        and head.dep_ in {"pobj", "compound", "nmod", "amod", "npadvmod", "prep"}
        and head.head.pos_ in {"ADP", "NOUN", "PROPN", "NUM"}
    ):
        head = head.head
    start, end = head.left_edge.i, head.right_edge.i + 1
    return (start, end) if start <= i < end and end - start <= 9 else (i, i + 1)


def _phrase_end(doc: Any, token: Any) -> int:
    end = token.right_edge.i + 1
    for other in doc[token.i + 1 : end]:
        if other.dep_ in {"conj", "relcl", "advcl"} and other.pos_ in {"VERB", "AUX"}:
            return int(other.left_edge.i)
    return int(end)


def _clause_end(doc: Any, i: int) -> int:
    for token in doc[i + 1 :]:
        if token.is_sent_start or token.text in {".", ";", "!", "?"}:
            return int(token.i)
    return len(doc)
