"""Names that people say: their own, and those of whom they speak to. Plain patterns over transcripts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Whose = Literal["own", "before", "next"]
"""Whose name it is: the speaker's, that of who spoke before, or of who will speak next."""

OWN = 1.0
"""Weight of evidence from which on a name is believed: that is said by its owner."""


@dataclass(frozen=True, slots=True)
class NameSaid:
    """weight: positive for, negative against the name being theirs."""

    name: str
    whose: Whose
    weight: float


_NAME = r"(?P<name>[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)?)"
_ENDS = r"(?=\s*(?:[.,!?;:]|$|and\b|from\b|in\b|at\b|here\b|speaking\b|calling\b|with\b|again\b|for\b|the\b|your\b|by\b))"
_SAYINGS: tuple[tuple[str, Whose, float], ...] = (
    (r"\b[Mm]y name(?: is|'s|’s) NAME", "own", 3.0),
    (r"\b(?:[Yy]ou can|[Pp]eople|[Tt]hey|[Ee]veryone|[Pp]lease)(?: just)? calls? me NAME", "own", 2.0),
    (r"\b(?:I am|I'm|I’m)(?: called)? NAMEENDS", "own", 2.0),
    (r"(?:^|[.!?,;] |\b[Aa]nd |\b[Hh]ello |\b[Hh]i )[Tt]his is NAMEENDS", "own", 1.2),
    (r"\bNAME (?:speaking|here)[.,!]", "own", 1.5),
    (r"\b[Mm]y name(?: is not| isn't| isn’t|'s not|’s not) NAME", "own", -3.0),
    (r"\b(?:I am not|I'm not|I’m not) NAMEENDS", "own", -2.0),
    (r"\b(?:[Tt]hanks|[Tt]hank you)(?: (?:very|so) much)?,? NAMEENDS", "before", 0.5),
    (
        r"\b(?:[Oo]ver to you|[Gg]o ahead|[Yy]our turn|[Ww]hat do you think|[Ww]hat about you),? NAMEENDS",
        "next",
        0.5,
    ),
    (
        r"^(?:[Hh]ey |[Ss]o )?NAME, (?:what|how|why|where|when|who|can|could|do|did|would|are|will|have)\b",
        "next",
        0.4,
    ),
)
_PATTERNS = tuple(
    (re.compile(saying.replace("NAME", _NAME).replace("ENDS", _ENDS)), whose, weight)
    for saying, whose, weight in _SAYINGS
)
# Capitalised words that stand where a name could.
_NO_NAMES = frozenset(
    """Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April June July August September
    October November December God Sir Madam Mr Mrs Ms Dr Mum Mom Dad Everybody Everyone Guys All You Sorry Okay Ok Yes No
    Not And But Or Now Here There Just Also Very Well So The This That It My Your Our A An In On At I Speaker Today Tomorrow
    American British English German French Spanish Italian Dutch Greek Polish Russian Chinese Japanese Korean Indian
    Canadian Mexican Irish Scottish Welsh Swiss Austrian Belgian Danish Swedish Norwegian Finnish Turkish Portuguese
    Brazilian Australian African Asian European Jewish Muslim Christian Catholic Buddhist Hindu Republican Democrat""".split()
)


def names_said(text: str) -> list[NameSaid]:
    """What an utterance says of who is called what, in the order of the patterns. Each name once for each owner."""
    found: dict[tuple[str, Whose], NameSaid] = {}
    for pattern, whose, weight in _PATTERNS:
        for match in pattern.finditer(text):
            name = _tidy(match["name"])
            if name and (name.casefold(), whose) not in found:
                found[name.casefold(), whose] = NameSaid(name, whose, weight)
                if whose == "before":
                    # Nobody thanks themselves by name.
                    found.setdefault((name.casefold(), "own"), NameSaid(name, "own", -1.0))
    return list(found.values())


def spoken_of(text: str, name: str) -> bool:
    """Whether a name stands in an utterance other than as the speaker's own: nobody speaks of themselves like that."""
    own = any(n.whose == "own" and n.weight > 0 and same_name(n.name, name) for n in names_said(text))
    return not own and re.search(rf"\b{re.escape(name)}\b", text) is not None


def _tidy(name: str) -> str:
    words = [w.removesuffix("'s").removesuffix("’s") for w in name.split()]
    if words and words[0] in _NO_NAMES:
        return ""
    return " ".join(w for w in words if w not in _NO_NAMES)


def same_name(a: str, b: str) -> bool:
    """The same words, or the first name of the other."""
    left, right = a.casefold().split(), b.casefold().split()
    shorter = min(len(left), len(right))
    return bool(shorter) and left[:shorter] == right[:shorter]
