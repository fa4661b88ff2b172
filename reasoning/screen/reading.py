"""What stood there: the line that answers, weighed against the question, and the words in it that do."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from memory.text import tokens
from reasoning.judge import Candidate, weigh
from reasoning.kinds import Kind
from reasoning.question import Question, parse_question
from reasoning.read_values import Span
from reasoning.recall import THREAD
from reasoning.screen.dates import dated
from reasoning.screen.facts import FOUND, labelled, may_answer
from reasoning.screen.failures import failures
from reasoning.screen.find import Finder, Moment
from reasoning.screen.phrasing import inside, once, told, with_next
from reasoning.screen.when import When
from reasoning.screen.words import (
    KIND_WORDS,
    LANGUAGES,
    SPEAKER,
    content,
    covered,
    kind_words,
    named_in,
    other_colour,
    says_all,
    spaced,
    with_english,
)
from reasoning.settings import AnswerSettings
from reasoning.support import Verifier
from runtime.compute import Compute

_WINDOWS = 3
_REDACTED = re.compile(r"\W*\[[a-z ]+\]\W*$")
_SPAN, _SURE_SPAN = 0.5, 0.9
_ACCOUNTED = 0.45
_DEGREES = set(tokens("more most less least very quite really even still ever about around"))
_SIGNS = {"@": "email mail address", "://": "address link url"}
"""What is there without its name."""
_TYPED = {Kind.WHO, Kind.WHERE, Kind.TIME, Kind.COUNT, Kind.AMOUNT, Kind.DURATION, Kind.COLOUR}


@dataclass(frozen=True, slots=True)
class Read:
    """words: those that answer, "" where none stand out. proof: the line, its window and its time; "" for no answer.

    moments: best first. candidate: the statement, where words of it may still be put together to an answer. passages: what
    was weighed, with where it stood, best first; none where a label or a failure has told it. records: all that the search
    found, whole, whether or not it names what the question names.
    """

    words: str
    proof: str
    moments: Sequence[Moment]
    question: Question
    candidate: Candidate | None = None
    passages: Sequence[tuple[Candidate, Moment]] = ()
    records: Sequence[Moment] = ()

    @property
    def text(self) -> str:
        return f"{self.words}. {self.proof}" if self.words else self.proof


class FactReader:
    def __init__(
        self, verifier: Verifier, compute: Compute, settings: AnswerSettings, at: Callable[[float], str]
    ) -> None:
        """at: a Unix time in words."""
        self._verifier = verifier
        self._compute = compute
        self._settings = settings
        self._at = at

    async def find(self, finder: Finder, question: str, when: When) -> Read:
        asked = when.rest or question
        records = await finder.read(asked, when, windows=0, heard=True)
        return replace(await self._read(finder, asked, when, records), records=records)

    async def _read(self, finder: Finder, asked: str, when: When, records: Sequence[Moment]) -> Read:
        parsed = await self._compute.run(THREAD, parse_question, asked, self._verifier.language)
        # A line about another Ana is no answer, nor one about another row, nor one without what is counted.
        names, numbers = needed(asked)
        if parsed.kind is Kind.COUNT and parsed.asked not in FOUND:
            names += [t for t in tokens(parsed.asked or "") if t not in names]
        whole = [m for m in records if has_all(m, names)]
        about = {m.evidence.id for m in whole}
        moments = [
            m
            for m in await finder.read(asked, when, windows=_WINDOWS, heard=True)
            if m.evidence.id in about and has_all(m, numbers)
        ]
        failed = await failures(finder, asked, when)
        if failed and parsed.kind is Kind.REASON:
            return Read("", self._proof(failed[0].line, failed[0]), once([*failed, *moments]), parsed)
        seen = [m for m in whole if not m.ear]
        fact = labelled(parsed, seen) or (dated(asked, seen) if parsed.kind is Kind.TIME else None)
        if fact is not None and not other_colour(asked, fact.line):
            proof = self._proof(fact.line, fact.moment)
            if _REDACTED.match(fact.value):
                return Read(
                    "", f"It was a secret, which is not kept: {proof}", once([fact.moment, *moments]), parsed
                )
            return Read(fact.value.rstrip(" ."), proof, once([fact.moment, *moments]), parsed)
        if parsed.kind in _TYPED:
            moments = [m for m in moments if not _asks(m.line, asked)]
        numbered = [replace(m.evidence, id=str(i)) for i, m in enumerate(moments)]
        weighed: list[Candidate] = await self._compute.run(THREAD, weigh, parsed, numbered, self._verifier)
        if parsed.kind in _TYPED:
            weighed = [c for c in weighed if not _asks(c.support.unit, asked)]
        stood = [moments[int(c.evidence.id)] for c in weighed]
        pairs = list(zip(weighed, stood, strict=True))
        passages = [p for p in pairs if not other_colour(asked, p[0].support.unit)]
        ordered = once(stood)
        # What the rules do not believe, a model that reads may still judge.
        able = [(c, m) for c, m in pairs if may_answer(parsed, c.support.unit) and _accounts(asked, m)]
        if not able or able[0][0].support.probability < self._settings.support_threshold:
            # A line that has every word of the question is not passed over for what stands around it.
            lines_of = (m for m in moments if may_answer(parsed, with_next(m.line, m.evidence, True)))
            line_of = next(
                (m for m in lines_of if says_all(asked, with_next(m.line, m.evidence, True))), None
            )
            if line_of is None:
                if failed:
                    return Read("", self._proof(failed[0].line, failed[0]), once([*failed, *ordered]), parsed)
                return Read("", "", ordered, parsed, passages=passages)
            line = with_next(line_of.line, line_of.evidence, not says_all(asked, line_of.line))
            return Read("", self._proof(line, line_of), once([line_of, *ordered]), parsed, passages=passages)
        best, moment = able[0]
        if other_colour(asked, best.support.unit):
            return Read("", "", ordered, parsed, passages=passages)
        span: Span | None = best.support.span
        least = _SPAN if parsed.kind in _TYPED else _SURE_SPAN
        # Words of two cells are no answer.
        if span is not None and (span.fit < least or "  " in span.text.strip()):
            span = None
        heading = best.evidence.text.splitlines()[0]
        unit = best.support.unit if best.support.unit != heading else moment.line
        proof = self._proof(with_next(unit, best.evidence), moment)
        words = span.text.rstrip(" .") if span is not None else ""
        return Read(words, proof, once([moment, *stood]), parsed, None if words else best, passages)

    def _proof(self, line: str, moment: Moment) -> str:
        return proof_of(line, moment, self._at)


def proof_of(line: str, moment: Moment, at: Callable[[float], str]) -> str:
    """A line, where it stood and when. at: a Unix time in words."""
    if moment.ear:
        return f"{told(replace(moment, line=line), at)}."
    return f"“{line}”{inside(moment)} at {at(moment.wall_s)}."


def _asks(line: str, question: str) -> bool:
    """Whether somebody asked the same there: a question is not its own answer."""
    said = SPEAKER.sub("", line).split()
    return bool(said) and said[0].casefold() == question.split()[0].casefold()


def _accounts(question: str, moment: Moment) -> bool:
    """Whether what stands there, with its window, has almost half of the question's words: likeness of meaning alone takes
    the birthday of one for the appointment of another.
    """
    if moment.ear:
        return True
    text = moment.evidence.text
    there = with_english(set(tokens(spaced(f"{text} {moment.document}"))))
    there |= kind_words(moment.program, moment.site)
    there |= {w for sign, words in _SIGNS.items() if sign in text for w in tokens(words)}
    matter = content(question)
    # A mail server is another thing than a server, and mail is no place here.
    kinds = [a for a, b in pairwise(tokens(question)) if a in KIND_WORDS and a not in matter and b in matter]
    return covered([w for w in (*matter, *kinds) if w not in _DEGREES], there) >= _ACCOUNTED


def needed(question: str) -> tuple[list[str], list[str]]:
    """Names, and numbers, without which nothing is an answer."""
    wanted = content(question)
    opening = set(tokens(question.split(maxsplit=1)[0])) if question else set()
    names = [t for t in named_in(question, wanted) if t not in opening]
    names += [
        t for t in wanted if t in LANGUAGES and t not in names and (t != "polish" or "Polish" in question)
    ]
    return names, [w for w in wanted if w.isdigit()]


def has_all(moment: Moment, wanted: Sequence[str]) -> bool:
    """Whether all of these words stand in its text, or in the title of its window."""
    text = f"{moment.evidence.speaker or ''} {moment.evidence.text} {moment.document}"
    there = with_english({*tokens(spaced(text)), *kind_words(moment.program, moment.site)})
    return not wanted or covered(wanted, there) == 1.0
