"""The words of a statement as a question may ask for them."""

from __future__ import annotations

import re

from memory.text import ordinal, tokens
from memory.time_words import MONTH
from reasoning.clock_words import hours_told

_NUMBERED = re.compile(r"^\s*(\d{1,3})[.)]\s", re.MULTILINE)
_DAY_OF_MONTH = re.compile(
    rf"\b(\d{{1,2}})(?:st|nd|rd|th)(?: of)? {MONTH}|\b{MONTH} (\d{{1,2}})(?:st|nd|rd|th)\b", re.IGNORECASE
)
_WORD = re.compile(r"[^\W_]+(?:[.'’:,/-][^\W_]+)*")


def words_of(text: str) -> set[str]:
    """With the place of a numbered line ("2. Hugo" is the second), hours as digits, and the day in "the 11th of March"."""
    words = {w.lower() for w in _WORD.findall(text)} | set(tokens(text)) | hours_told(text)
    words |= {found[1] or found[2] for found in _DAY_OF_MONTH.finditer(text)}
    return words | {ordinal(int(n)) for n in _NUMBERED.findall(text)}


_STEMS: dict[str, tuple[str, ...]] = {}


def stems_of(word: str) -> tuple[str, ...]:
    if word not in _STEMS:
        if len(_STEMS) > 50_000:
            _STEMS.clear()
        _STEMS[word] = tuple(tokens(word))
    return _STEMS[word]
