"""What the wording of a question says about the message that answers it."""

from __future__ import annotations

import re
from collections.abc import Collection

from memory.text import tokens

_WHEN = re.compile(
    r"\s*(?:(?:since|until|by) )?(?:when|how long|(?:what|which) (?:date|day|month|year|time|week))\b", re.I
)
_MINE = re.compile(r"\b(i|me|my|mine|myself|we|us|our|ours)\b", re.I)
_YOURS = re.compile(r"\b(you|your|yours|yourself)\b", re.I)
_WORD = re.compile(r"[\w'’-]+")
_ASKING = frozenset(
    """what which who whom whose where when why how did does do is was are were has have had the a an""".split()
)


def asks_when(text: str) -> bool:
    """The answer is a date or a time: a message with a word of time in it is likelier to have it."""
    return _WHEN.match(text) is not None


def role_meant(text: str) -> str | None:
    """Whom "I" and "you" mean in a chat with an assistant, where nobody else has a name; None for both or neither."""
    mine, yours = bool(_MINE.search(text)), bool(_YOURS.search(text))
    if mine == yours:
        return None
    return "user" if mine else "assistant"


def subject(text: str, names: Collection[str]) -> str:
    """The question without its asking words and the names of speakers (their tokens): what it is about.

    Who it is about has a weight of its own (DialogueWeights.speaker); in the vector the name would drown the rest.
    """
    kept = [
        word
        for word in _WORD.findall(text)
        if word.lower() not in _ASKING and not (names and set(tokens(word)) & set(names))
    ]
    return " ".join(kept) or text
