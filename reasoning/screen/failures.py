"""What an error said: programs tell of one in many words, and seldom in the word "error"."""

from __future__ import annotations

import re
from dataclasses import replace

from memory.text import tokens
from reasoning.screen.find import Finder, Moment, around
from reasoning.screen.steps import COMMAND
from reasoning.screen.when import When
from reasoning.screen.words import KIND_WORDS, content, covered, kind_words, spaced, with_english

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

_ABOVE = 8
"""Lines: a command and a short trace."""


async def failures(finder: Finder, question: str, when: When) -> list[Moment]:
    """The lines that tell of a failure, the last first; of the place, and about the rest, that the question names.

    [] where it does not ask for one.
    """
    if not _ASKED.search(question):
        return []
    asked = set(tokens(" ".join(_ASKED.findall(question)))) | set(
        tokens("say wrong went tell show appear mean report give come happen")
    )
    kinds = set(tokens(question)) & KIND_WORDS
    about = [w for w in content(question) if w not in asked and w not in kinds]
    out = []
    for moment in await finder.read(f"{question} {_SEARCHED}", when, 48, windows=0):
        place = kind_words(moment.program, moment.site) | set(tokens(spaced(moment.document)))
        if not kinds <= place:
            continue
        lines = moment.evidence.text.splitlines()
        for i, line in enumerate(lines):
            if not _FAILURE.search(line) or COMMAND.match(line):
                continue
            # What failed stands right above: the command, the file, the frames of a trace.
            said = set(tokens(spaced(" ".join(lines[max(0, i - _ABOVE) : i + 1]))))
            if covered(about, with_english(said) | place) == (1.0 if about else 0.0):
                out.append(replace(around(moment, i), line=line.strip(), coverage=1.0))
    return sorted(out, key=lambda m: -m.wall_s)
