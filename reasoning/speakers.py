"""Questions that ask for what somebody said, or for who said something."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from memory.naming import same_name

_SAY = (
    r"(?:say(?:s|ing)?|said|mention(?:s|ed)?|tells?|told|talk(?:s|ed)?|speaks?|spoke|think(?:s|ing)?|thought|"
    r"suggest(?:s|ed)?|announce[sd]?|explain(?:s|ed)?|promise[sd]?|asks?|asked|propose[sd]?|claim(?:s|ed)?|"
    r"recommend(?:s|ed)?|describe[sd]?|report(?:s|ed)?|answer(?:s|ed)?|reply|replied|argue[sd]?|state[sd]?)"
)
_ADVERB = r"(?:(?:also|just|first|last|\w+ly) )?"
_NAMELESS = r"speaker \d+"
_WHO = re.compile(rf"^\s*who (?:was it (?:that|who) )?(?:has |had )?{_ADVERB}{_SAY}\b", re.I)


@dataclass(frozen=True, slots=True)
class AskedSpeaker:
    """name: of somebody whose voice is known, None where it is asked who. said: their words are what is asked for.

    text: the question without them; the words of others must account for the rest of it alone.
    """

    name: str | None
    said: bool
    text: str


def asked_speaker(text: str, names: Iterable[str]) -> AskedSpeaker | None:
    """names: of the people whose voices are known."""
    text = " ".join(text.split())
    if who := _WHO.search(text):
        return AskedSpeaker(None, said=True, text=f"Did they say{text[who.end() :]}")
    patterns = [(re.escape(part), name) for name in names for part in {name, name.split()[0]}]
    # The longest first: "Ana Silva" is not "Ana" with something behind it.
    for pattern, name in [*sorted(patterns, key=lambda p: (-len(p[0]), p)), (_NAMELESS, "")]:
        called = re.search(rf"\b{pattern}\b", text, re.I)
        if called is None:
            continue
        name = name or called[0].lower()
        for asking, instead in (
            (rf"\b(did|does|has|had) {pattern} {_ADVERB}{_SAY}\b", r"\1 they say"),
            (rf"\b{pattern} {_ADVERB}(?:has |had )?{_SAY}\b", "they say"),
            (rf"\b(?:according to|in the (?:words|opinion) of) {pattern}\b,?\s*", ""),
            (rf"\b{pattern}['’]s? (opinion|view|suggestion|proposal|idea|answer|words?|advice)\b", r"the \1"),
        ):
            rest, count = re.subn(asking, instead, text, count=1, flags=re.I)
            if count:
                return AskedSpeaker(name, said=True, text=rest)
        return AskedSpeaker(name, said=False, text=text)
    return None


_FIRST_PERSON = re.compile(r"\b(?:I|me|my|mine|myself|we|us|our|ours)\b", re.I)


_I = re.compile(r"\b(?:I|we)\b", re.I)
_YOU = re.compile(r"\byour?s?\b", re.I)
_THIRD_PERSON = re.compile(r"(?:^|[.!?;,] |\band )(?:s?he)\b", re.I)


def speaks_of_self(text: str) -> bool:
    """Whether the speaker's own name accounts for what is said: "I play the cello" is about who says it."""
    return _FIRST_PERSON.search(text) is not None


def speaks_of_another(text: str, asked: str = "") -> bool:
    """Whether a third person does something, and the speaker is nowhere: "she bought red shoes" is not about who says it.

    asked: the question before it; what replies to "how is your mother" is about the speaker's.
    """
    return not (_THIRD_PERSON.search(text) is None or _I.search(text) or _YOU.search(asked))


def is_called(label: str | None, name: str) -> bool:
    return label is not None and same_name(label, name)
