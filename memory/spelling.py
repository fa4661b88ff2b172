"""Names in a question as the memory spells them: who was heard as "Anna" is asked for as "Ana"."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from itertools import groupby

import jellyfish

_NAME = re.compile(r"\b[^\W\d_]{2,}\b")
_VOWELS = frozenset("aeiouyæøåäöüéèêáàíìóòúù")


def names_in(text: str) -> list[str]:
    """Its words that begin with a capital."""
    return list(dict.fromkeys(word for word in _NAME.findall(text) if word[0].isupper()))


def sounds_same(a: str, b: str) -> bool:
    """One name in two spellings: the same consonants by Metaphone (Philips, 1990), and the same vowels in the same order.

    Metaphone alone takes Jane, Jean and John for one.
    """
    return _sound(a) == _sound(b)


def respelt(text: str, unknown: Collection[str], names: Collection[str]) -> str:
    """The text with its unknown words that sound like the first name of exactly one person replaced by that."""
    firsts = {name.split()[0] for name in names if name.split()}
    for word in unknown:
        alike = {one for one in firsts if one[:1].isupper() and sounds_same(one, word)}
        people = {name for name in names if name.split()[:1] and name.split()[0] in alike}
        if len(alike) == 1 and len(people) == 1:
            text = re.sub(rf"\b{re.escape(word)}\b", alike.pop(), text)
    return text


@lru_cache(maxsize=4096)
def _sound(name: str) -> tuple[str, str]:
    low = name.casefold()
    vowels = "".join(letter for letter, _ in groupby(low) if letter in _VOWELS)
    return jellyfish.metaphone(low), vowels
