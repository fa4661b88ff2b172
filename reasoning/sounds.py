"""Words that sound alike: speech recognition writes "treasure" where "treasurer" was said, and "tent is" for "tenants"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import pairwise

import jellyfish

LEAST_LETTERS = 4
"""Shorter words sound like too many others."""
_ALIKE = 0.82
_WORD = re.compile(r"[^\W\d_]+")


def sounds_in(text: str) -> tuple[str, ...]:
    """The words of what was said, and each two neighbours as one word, lower case."""
    words = [w.lower() for w in _WORD.findall(text)]
    return (*words, *(a + b for a, b in pairwise(words)))


def sounds_like(word: str, sounds: Sequence[str]) -> bool:
    """Whether one of the sounds is, by sound and spelling together, nearly the word."""
    word = word.lower()
    if len(word) < LEAST_LETTERS or not word.isalpha():
        return False
    return any(_likeness(word, sound) >= _ALIKE for sound in sounds if len(sound) >= LEAST_LETTERS)


@lru_cache(maxsize=65536)
def _likeness(a: str, b: str) -> float:
    """Mean of the likeness of the letters and of the Metaphone codes (Philips, 1990), in [0, 1]."""
    if abs(len(a) - len(b)) > 3:
        return 0.0
    spelling = SequenceMatcher(None, a, b).ratio()
    return (spelling + SequenceMatcher(None, jellyfish.metaphone(a), jellyfish.metaphone(b)).ratio()) / 2
