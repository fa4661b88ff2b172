"""What an error said: programs tell of one in many words, and seldom in the word "error"."""

from __future__ import annotations

import re

from memory.text import tokens
from reasoning.screen.find import Finder, Moment
from reasoning.screen.when import When
from reasoning.screen.words import KIND_WORDS, content, covered, kind_words, spaced

_ASKED = re.compile(r"\b(?:errors?|exceptions?|failures?|fail(?:ed|s)?|went wrong|crash(?:ed|es)?)\b", re.I)
_FAILURE = re.compile(
    r"\b(?:error|exception|traceback|fatal|failed|failure|panic|segmentation fault|core dumped|no such|not found|"
    r"cannot|can't|could not|couldn't|unable to|denied|refused|rejected|invalid|undefined|unexpected|timed? ?out|"
    r"out of memory|abort(?:ed)?|crashed|missing)\b|\w(?:Error|Exception)\b",
    re.I,
)
_SEARCHED = (
    "error failed failure exception traceback fatal panic fault cannot could unable no such file not found denied refused "
    "rejected invalid undefined unexpected timed out memory aborted crashed missing"
)


async def failures(finder: Finder, question: str, when: When) -> list[Moment]:
    """The lines that tell of a failure, the last first; of the place, and about the rest, that the question names.

    [] where it does not ask for one.
    """
    if not _ASKED.search(question):
        return []
    asked = set(tokens(" ".join(_ASKED.findall(question)))) | set(
        tokens("say wrong went tell show appear mean report give")
    )
    kinds = set(tokens(question)) & KIND_WORDS
    about = [w for w in content(question) if w not in asked and w not in kinds]
    out = []
    for moment in await finder.read(f"{question} {_SEARCHED}", when, 48, windows=0):
        place = kind_words(moment.program, moment.site) | set(tokens(spaced(moment.document)))
        if not kinds <= place:
            continue
        for line in moment.evidence.text.splitlines():
            there = set(tokens(spaced(line))) | place
            if _FAILURE.search(line) and covered(about, there) == (1.0 if about else 0.0):
                out.append(finder.with_line(moment, line.strip(), 1.0))
    return sorted(out, key=lambda m: -m.wall_s)
