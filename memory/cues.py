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
    """what which who whom whose where when why how did does do is was are were has have had would could might much many long
    often kind kinds type types sort sorts of""".split()
)
_AUXILIARIES = frozenset("did does do has have is was are".split())
_LATE = 4
"""So many words on, "has" and "is" ask no longer."""
_TOLD = {"she": "I", "he": "I", "they": "I", "her": "my", "his": "my", "their": "my"} | {
    "herself": "myself",
    "himself": "myself",
}


def asks_when(text: str) -> bool:
    """The answer is a date or a time: a message with a word of time in it is likelier to have it."""
    return _WHEN.match(text) is not None


def role_meant(text: str) -> str | None:
    """Whom "I" and "you" mean in a chat with an assistant, where nobody else has a name; None for both or neither."""
    mine, yours = bool(_MINE.search(text)), bool(_YOURS.search(text))
    if mine == yours:
        return None
    return "user" if mine else "assistant"


def statement(text: str, names: Collection[str]) -> str:
    """The question as whoever it names would say the answer: "What instruments does Ana play?" is "I play instruments".

    A made-up answer is nearer to the real one than the question is (HyDE, Gao et al., 2022; here by rule). names: tokens of
    the speakers that it names. Who it is about has a weight of its own (DialogueWeights.speaker); in the vector the name
    would drown the rest.
    """
    words = _WORD.findall(text)
    begin = next((at for at, word in enumerate(words) if word.lower() not in _ASKING), len(words))
    said: list[str] = []
    for word in words[begin:]:
        if names and set(tokens(word)) & set(names):
            said.append("my" if word.endswith(("'s", "’s")) else "I")
        elif names and word.lower() in _TOLD:
            said.append(_TOLD[word.lower()])
        elif word.lower() not in _AUXILIARIES or len(said) >= _LATE or "I" in said:
            said.append(word)
    if "I" in said:
        at = said.index("I")
        said = ["I", *said[at + 1 :], *said[:at]]
    return " ".join(said) or text
