"""Which words mean the same or a kind of it: Princeton's WordNet 3.0 (Miller, WordNet: A Lexical Database for English, 1995).

An owl is a bird, spectacles are glasses, to rehearse is to practise, and a sister is no brother, though both are said in like
sentences, which is all that vectors of words know.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

SAME, KIND, DERIVED, WIDER, RARE = 1.0, 0.95, 0.85, 0.6, 0.55
"""What a word counts for another: a synonym, a kind of it, of its stem, what it is a kind of; RARE: by a rare sense of either."""
_SENSES = 7
"""Of a word, the most frequent come first."""
_COMMON, _VAGUE = 2, 8
"""Senses that are no rare ones; a word with more than _VAGUE of them ("part", "order") may be anything."""
_UP, _WIDER_UP, _VERB_UP = 10, 2, 2
"""Steps, fewer than these, from a thing to its kind: "dog, canine, carnivore, placental, mammal, vertebrate, chordate, animal".
Of verbs only one: nearly all of them are kinds of "change" or "move"."""
_GENERAL = 3
"""Steps below the top of the nouns from which on a kind says something: "animal" does, "object" does not."""
_ANSWERED_BY = {
    **dict.fromkeys(("profession", "job", "occupation", "trade"), "person"),
    **dict.fromkeys(("weight", "weigh", "heavy"), "mass unit"),
    **dict.fromkeys(
        ("length", "distance", "height", "width", "depth", "tall", "deep", "wide", "far"), "linear unit"
    ),
    **dict.fromkeys(("price", "cost"), "monetary unit"),
    **dict.fromkeys(("duration", "last"), "time unit"),
    "volume": "volume unit",
    "temperature": "temperature unit",
}
"""What is no kind of a thing and yet says what it is: a weight is told in kilos."""
_TOLD_BY = {
    **dict.fromkeys(("theme", "topic", "subject"), ("about", "on")),
    **dict.fromkeys(("owner", "own"), ("belongs", "belong", "belonged")),
    "reason": ("because", "since"),
    "cause": ("because", "caused"),
    "author": ("by", "wrote", "written"),
}
"""Words that tell it without naming it: "the lecture is about rivers" tells its theme."""
_PARTS = ("noun", "verb", "adj")
_LETTER = {"n": "noun", "v": "verb", "a": "adj", "s": "adj"}
_IS_A = frozenset(("@", "@i"))
_ENDINGS = (
    ("ies", "y"), ("ves", "f"), ("ses", "s"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"), ("s", ""),
    ("ied", "y"), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", ""),
)  # fmt: skip
"""Of an inflected word, and what stands for it in the list (morphy, of WordNet's own library)."""

Sense = tuple[str, int]
"""A part of speech, and the place of a synset in its file."""


@dataclass(frozen=True, slots=True)
class _Synset:
    """named: it is one single thing with a name, as Norway."""

    above: tuple[Sense, ...]
    derived: frozenset[Sense]
    against: frozenset[Sense]
    like: frozenset[Sense]
    named: bool


class Lexicon:
    """Reads WordNet's own files where they lie. One instance serves one thread."""

    def __init__(self, folder: Path) -> None:
        """folder: index.* and data.* of nouns, verbs and adjectives. Raises OSError when one is missing."""
        self._index = {part: _mapped(folder / f"index.{part}") for part in _PARTS}
        self._data = {part: _mapped(folder / f"data.{part}") for part in _PARTS}
        self._senses = lru_cache(50_000)(self._senses_of)
        self._synset = lru_cache(50_000)(self._read)
        self._kinds = lru_cache(50_000)(self._kinds_of)
        self.accounts = lru_cache(200_000)(self._accounts)

    def is_kind(self, word: str, kind: str) -> bool:
        """Whether a word names one of that kind, by any sense of either: "Norway" is a country and no city."""
        kind = kind.lower()
        wanted = {
            sense
            for said in {kind, _ANSWERED_BY.get(kind, kind)}
            for _, sense in self._senses(said)
            if sense[0] == "noun" and not (said == kind and self._general(sense))
        }
        return any(
            wanted & {sense, *self._kinds(sense)}
            for _, sense in self._senses(word.lower())
            if sense[0] == "noun"
        )

    def is_other_name(self, name: str, kind: str) -> bool:
        """Whether it is the name of something, and of nothing of that kind: "Norway" for "city"."""
        senses = [sense for _, sense in self._senses(name.lower())]
        named = bool(senses) and name[:1].isupper() and all(self._synset(sense).named for sense in senses)
        return named and bool(self._senses(kind.lower())) and not self.is_kind(name, kind)

    def _accounts(self, asked: str, said: str, part: str = "") -> float | None:
        """How well a word that was said accounts for one that was asked for, 0 to 1.

        part: of speech, of the one that was asked for ("noun", "verb", "adj").
        0 where they are opposites ("brother", "sister"), None where the lexicon does not say.
        """
        asked, said = asked.lower(), said.lower()
        if said in _TOLD_BY.get(asked, ()):
            return DERIVED
        wanted, given = self._senses(asked), self._senses(said)
        wanted = tuple(one for one in wanted if one[1][0] == part) or wanted
        best: float | None = None
        vague = max(self._vagueness(asked), self._vagueness(said)) > _VAGUE
        for at, one in wanted:
            for place, other in given:
                value = self._between(one, other)
                if value is not None and value < SAME and vague:
                    value = None
                elif value is not None and max(at, place) >= _COMMON:
                    value = min(value, RARE) if value else None
                if value is not None and (best is None or value > best):
                    best = value
        unit = _ANSWERED_BY.get(asked)
        if unit is not None and (best or 0.0) < DERIVED and (self.accounts(unit, said) or 0.0) >= KIND:
            return DERIVED
        return best

    def _between(self, one: Sense, other: Sense) -> float | None:
        if one == other:
            return SAME
        wanted, given = self._synset(one), self._synset(other)
        if other in wanted.like or one in given.like:
            return KIND
        if other in wanted.derived or one in given.derived:
            return DERIVED
        kinds = self._kinds(other)
        if kinds.get(one, _UP) < (_UP if one[0] == "noun" else _VERB_UP) and not self._general(one):
            return KIND
        if self._kinds(one).get(other, _UP) <= (_WIDER_UP if one[0] == "noun" else 1) and not self._general(
            other
        ):
            return WIDER
        return 0.0 if other in wanted.against else None

    def _general(self, sense: Sense) -> bool:
        return sense[0] == "noun" and max(self._kinds(sense).values(), default=0) < _GENERAL

    def _kinds_of(self, sense: Sense) -> dict[Sense, int]:
        """What a thing is a kind of, with the steps up to there."""
        found: dict[Sense, int] = {}
        rim = [sense]
        for step in range(1, _UP):
            rim = [above for one in rim for above in self._synset(one).above if above not in found]
            found.update((above, step) for above in rim)
        return found

    def _vagueness(self, word: str) -> int:
        lines = (_line(self._index["noun"], form) for form in _forms(word))
        return next((int(line.split()[2]) for line in lines if line), 0)

    def _senses_of(self, word: str) -> tuple[tuple[int, Sense], ...]:
        found: list[tuple[int, Sense]] = []
        for part in _PARTS:
            for form in _forms(word):
                if line := _line(self._index[part], form.replace(" ", "_")):
                    fields = line.split()
                    offsets = fields[-int(fields[2]) :]
                    found += [(at, (part, int(offset))) for at, offset in enumerate(offsets[:_SENSES])]
                    break
        return tuple(found)

    def _read(self, sense: Sense) -> _Synset:
        part, offset = sense
        data = self._data[part]
        fields = data[offset : data.find(b"\n", offset)].decode("utf-8").partition(" | ")[0].split()
        at = 4 + 2 * int(fields[3], 16)
        pointers = [fields[at + 1 + 4 * i : at + 5 + 4 * i] for i in range(int(fields[at]))]

        def to(*symbols: str) -> list[Sense]:
            return [(_LETTER[p], int(o)) for s, o, p, _ in pointers if s in symbols and p in _LETTER]

        return _Synset(
            tuple(to(*_IS_A)),
            frozenset(to("+", "\\")),
            frozenset(to("!")),
            frozenset(to("&", "$")),
            named=any(symbol == "@i" for symbol, *_ in pointers),
        )


def _mapped(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _forms(word: str) -> list[str]:
    return [
        word,
        *(
            word[: -len(end)] + base
            for end, base in _ENDINGS
            if word.endswith(end) and len(word) > len(end) + 1
        ),
    ]


def _line(index: mmap.mmap, word: str) -> str | None:
    """The line of a sorted file that begins with a word, found by bisection."""
    wanted, low, high = f"{word} ".encode(), 0, len(index)
    while low < high:
        middle = (low + high) // 2
        begin = index.rfind(b"\n", 0, middle) + 1
        end = index.find(b"\n", begin)
        line = index[begin:end]
        if line.startswith(wanted):
            return line.decode("utf-8")
        if line.startswith(b"  ") or line.partition(b" ")[0] < wanted[:-1]:
            low = end + 1
        else:
            high = begin
    return None
