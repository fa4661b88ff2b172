"""The value that a line of a screen gives for what is asked: a cell under its head, or what stands beside a label."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from memory.text import tokens
from memory.time_words import TIME_WORDS
from reasoning.kinds import Kind
from reasoning.question import Question

_SPECIFIC = re.compile(r"[\dA-Z]|\w[._/-]\w")
_KEY_VALUE = re.compile(r"\s*(?:(?<!\d):|:(?!\d)|=|\t|\s[-–—|>]+\s|\.{3,}|\s{3,})\s*")


@dataclass(frozen=True, slots=True)
class Span:
    """text: words of the statement. fit: how well the type fits, 0 (any words) to 1."""

    text: str
    fit: float


def value_of(question: Question, line: str, lines: Sequence[str], asked: set[str]) -> Span | None:
    """None where the line is neither a row under heads nor a label with a value. lines: the whole of what was on the screen.
    asked: the stems of the question's terms.
    """
    return _cell(line, lines, asked) or _value_of_line(question, line, asked)


def _cell(row: str, lines: Sequence[str], asked: set[str]) -> Span | None:
    """The cell of a table whose column's head is asked for: "362" of "South 380 362" under "Region May June"."""
    cells = row.split()
    for line in lines:
        heads = line.split()
        if line == row or len(heads) != len(cells) or len(cells) < 3:
            continue
        for head, cell in list(zip(heads, cells, strict=True))[1:]:
            if asked & set(tokens(head)) and not asked & set(tokens(cell)) and any(c.isdigit() for c in cell):
                return Span(cell, 0.9)
    return None


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
    best = max(rest, key=lambda p: _value_fit(question.kind, p))
    if best == parts[0] and _is_label(best, question) and _says_more(parts[-1], asked):
        # "name: Heron-Guest" for the guest network: the value names it over again, and what is new in it.
        return Span(parts[-1], 0.6)
    return Span(best, 0.8 if _value_fit(question.kind, best) >= 0.5 else 0.4)


def _is_label(text: str, question: Question) -> bool:
    """Says what stands beside it rather than naming something: "error", or just what is asked for."""
    return text.islower() or (question.asked is not None and set(tokens(text)) == set(tokens(question.asked)))


def _says_more(text: str, asked: set[str]) -> bool:
    """A number, a name or an identifier that is not in the question."""
    return any(_SPECIFIC.search(word) and set(tokens(word)) - asked for word in text.split())


def _value_fit(kind: Kind, text: str) -> float:
    has_digit = any(c.isdigit() for c in text)
    if kind in {Kind.COUNT, Kind.AMOUNT, Kind.TIME, Kind.DURATION}:
        return 1.0 if has_digit else 0.0
    if kind is Kind.WHO:
        words = re.findall(r"[^\W_]+", text.lower())
        return 1.0 if any(w.isalpha() and w not in TIME_WORDS for w in words) and not has_digit else 0.0
    if kind is Kind.WHERE:
        # "Room 12" is a place, "copper-88" is not.
        return 1.0 if any(w.isalpha() for w in text.split()) else 0.3
    return 1.0 if kind is Kind.NAME and not has_digit else 0.5
