"""Whether what was perceived is what a watch waits for."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from memory.text import fold, sentences, tokens
from reasoning.watches.wishes import Watch

Encode = Callable[[Sequence[str]], Awaitable[NDArray[np.float32]]]
"""Texts to unit rows (n, d): a TextEncoder or the text side of a VisionEncoder, called in its own thread."""

TOPIC = 0.5
EVENT, EVENT_WORDS, EVENT_WORD = 0.6, 0.5, 0.58
"""Cosines of all-MiniLM-L6-v2, chosen on pairs of our own: tests/bench/bench_watch.py says what they give."""
SEEN = 0.2
"""Probability of the classes that name a thing. Of the packaged image model on nine short videos and 50 things: three of
24 things that were there, and five of 426 that were not (look-alikes: "hot dog" for peppers, "suit" for dark clothes)."""

_SAME_CLASS = 0.84  # as in reasoning.visual
_CLIP_SCALE = 100.0
_REMEMBERED = 512

_HEDGE = re.compile(
    r"\b(?:not|never|cannot|without|will|would|shall|if|unless|until|when|before|gonna|going to)\b|n't\b|'ll\b",
    re.I,
)
_PREPOSITION = re.compile(
    r"\s+(?:with|in|on|of|at|near|by|from|under|behind|wearing|holding|carrying|that|who)\s+.*$", re.I
)
_CLASS_PARTS = re.compile(r"\s*/\s*|\s+or\s+|\s*\(|\)")
# Compounds that are no kind of what they end with, although they end so.
_OTHER_THINGS = {"hot dog", "sea lion", "guinea pig", "prairie dog", "teddy bear", "sea cucumber", "ant lion"}
_PLAIN = frozenset(
    tokens(
        """red green blue yellow black white grey gray brown orange pink purple big small large little old new young
        tall short two three four five six seven eight nine ten many several few"""
    )
)


# "Done" is a word of no meaning elsewhere; here it is the whole point, and programs have other words for it.
_OVER = re.compile(r"\b(?:done|ready|complete[ds]?|finish(?:ed|es)?)\b", re.I)
_ENDED = re.compile(rf"{_OVER.pattern}|\b(?:succeed(?:ed|s)?|successful(?:ly)?|success|failed)\b", re.I)


@lru_cache(maxsize=4096)
def _tokens(text: str) -> tuple[str, ...]:
    return tuple(tokens(_OVER.sub("finished", text)))


def _told(part: str, what: str) -> str:
    """A sentence for one who waits for something to be over, however it ended."""
    return _ENDED.sub("finished", part) if _OVER.search(what) else part


def _until(part: str, wanted: set[str]) -> str:
    """A sentence as far as the last of the words that are wanted: what comes after it denies something else."""
    ends = [m.end() for m in re.finditer(r"[\w']+", part) if wanted & set(_tokens(m[0]))]
    return part[: max(ends)] if ends else part


class Matcher:
    """Compares by words, and by meaning where there are encoders. Vectors are kept, so that each text costs once."""

    def __init__(
        self,
        text: Encode | None = None,
        vision: Encode | None = None,
        class_vectors: Mapping[str, NDArray[np.float32]] | None = None,
    ) -> None:
        """class_vectors: text vector of every class name, for a vision encoder that only names classes."""
        self._text = text
        self._vision = vision
        self._class_vectors = class_vectors
        self._text_vectors: dict[str, NDArray[np.float32]] = {}
        self._vision_vectors: dict[str, NDArray[np.float32]] = {}
        self._classes: dict[str, frozenset[str]] = {}

    async def in_text(self, watch: Watch, text: str) -> str | None:
        """The sentence or line that the watch waits for, or None.

        By words: all of them in one sentence. By meaning: a word by the cosine of the sentence, from TOPIC on; several
        words from EVENT on, with EVENT_WORD for the one that has the least likely counterpart, as the sentence alone
        does not tell "Tom starts talking" from "Tom is quiet". An event must not be denied or only expected.
        """
        parts = sentences(text)
        if not watch.what:
            return parts[0] if parts else None
        for part in parts:
            for what in _alternatives(watch.what):
                if await self._means(watch, what, part):
                    return part
        return None

    async def _means(self, watch: Watch, what: str, part: str) -> bool:
        if watch.exact:
            return _in_order(tuple(tokens(what)), tuple(tokens(part)))
        wanted = _tokens(what)
        told = _told(part, what)
        said = set(_tokens(told))
        there = set(wanted) <= said
        event = watch.kind == "any" and len(wanted) > 1
        if event and _HEDGE.search(_until(told, set(wanted)) if there else part) and not _HEDGE.search(what):
            return False
        if self._text is None or not said or (there and not event):
            return there
        vectors = await self._kept(self._text, self._text_vectors, [what, told])
        likeness = float(vectors[0] @ vectors[1])
        if there:
            return likeness >= EVENT_WORDS
        if len(wanted) == 1:
            return likeness >= TOPIC
        if likeness < EVENT:
            return False
        missing = [word for word in what.split() if _tokens(word) and not set(_tokens(word)) <= said]
        others = [word for word in re.findall(r"[\w']+", part) if _tokens(word)]
        rows = await self._kept(self._text, self._text_vectors, [*missing, *others])
        counterparts = rows[: len(missing)] @ rows[len(missing) :].T
        return float(counterparts.max(axis=1).min()) >= EVENT_WORD

    async def in_picture(
        self, watch: Watch, tags: Sequence[tuple[str, float]], vector: NDArray[np.float32]
    ) -> str | None:
        """The class that the watch's thing was seen as (or the thing itself), or None.

        tags: the encoder's classes with probabilities; vector: (d,) unit, of the picture. A thing is seen where the
        classes that name it have SEEN of the probability together. An encoder that knows more than classes is also
        asked for the thing itself, as one more class beside them (zero-shot; Radford et al., 2021).
        """
        for what in _alternatives(watch.what):
            classes = await self._named(what, tags)
            mine = [(p, name) for name, p in tags if name in classes]
            if sum(p for p, _ in mine) >= SEEN:
                return max(mine)[1]
            if tags and await self._zero_shot(what, tags[0], vector) >= SEEN:
                return what
        return None

    async def _named(self, what: str, tags: Sequence[tuple[str, float]]) -> frozenset[str]:
        """The classes that are kinds of a thing: by their last words, or by nearly the same meaning."""
        if self._class_vectors is None:
            return _kinds_of(what, [name for name, _ in tags])
        if what not in self._classes:
            names = list(self._class_vectors)
            found = _kinds_of(what, names)
            if self._vision is not None:
                vector = (await self._kept(self._vision, self._vision_vectors, [what]))[0]
                likeness = np.stack([self._class_vectors[name] for name in names]) @ vector
                found |= {name for name, value in zip(names, likeness, strict=True) if value >= _SAME_CLASS}
            self._classes[what] = found
        return self._classes[what]

    async def _zero_shot(self, what: str, top: tuple[str, float], vector: NDArray[np.float32]) -> float:
        """Probability of the thing if it were one more class: its odds against the likeliest tell all others'.

        0 for an encoder that only names classes.
        """
        if self._vision is None or self._class_vectors is not None:
            return 0.0
        name, chance = top
        prompts = [f"a photo of a {what}", f"a photo of a {name}"]
        rows = await self._kept(self._vision, self._vision_vectors, prompts)
        ahead = float((rows[0] - rows[1]) @ vector)
        odds = float(np.exp(np.clip(_CLIP_SCALE * ahead, -50, 50))) * max(chance, 1e-6)
        return odds / (1 + odds)

    async def _kept(
        self, encode: Encode, kept: dict[str, NDArray[np.float32]], texts: Sequence[str]
    ) -> NDArray[np.float32]:
        rows = {text: kept[text] for text in texts if text in kept}
        fresh = [text for text in dict.fromkeys(texts) if text not in rows]
        if fresh:
            rows |= dict(zip(fresh, await encode(fresh), strict=True))
            if len(kept) > _REMEMBERED:
                kept.clear()
            kept.update(rows)
        return np.stack([rows[text] for text in texts])


def _alternatives(what: str) -> list[str]:
    return re.split(r"\s+or\s+(?:an?\s+|the\s+)?", what)


def _in_order(wanted: tuple[str, ...], said: tuple[str, ...]) -> bool:
    """One right after the other: "build succeeded" is not "the build ... has succeeded"."""
    size = len(wanted)
    return any(said[i : i + size] == wanted for i in range(len(said) - size + 1))


def _kinds_of(what: str, names: Sequence[str]) -> frozenset[str]:
    """Class names that end with the thing. Where none does with all its words, colours and numbers do not count."""
    wanted = _tokens(_PREPOSITION.sub("", what))
    found = frozenset(name for name in names if _is_kind(name, wanted))
    if found or len(wanted) < 2 or not set(wanted[:-1]) <= _PLAIN:
        return found
    return frozenset(name for name in names if _is_kind(name, wanted[-1:]))


def _is_kind(name: str, wanted: tuple[str, ...]) -> bool:
    if not wanted:
        return False
    return any(w == wanted or (kind and w[-len(wanted) :] == wanted) for w, kind in _names_of(name))


@lru_cache(maxsize=4096)
def _names_of(name: str) -> tuple[tuple[tuple[str, ...], bool], ...]:
    """The words of each name in a class name ("shoji screen / room divider"), and whether it is a kind of its last word."""
    return tuple((_tokens(part), fold(part) not in _OTHER_THINGS) for part in _CLASS_PARTS.split(name))
