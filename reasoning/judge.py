"""Order what was found by how well it answers, and decide which of several versions holds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from memory.text import tokens
from memory.time_range import TimeRange
from reasoning.dating import without_time
from reasoning.kinds import Kind
from reasoning.question import Question, TermKind
from reasoning.support import Support, Verifier
from runtime.messages import Evidence, Modality

_CHANGE = re.compile(
    r"\b(now|change[ds]?|correction|corrected|no longer|instead|moved|from (?:this|next|now|today|tomorrow)\b.*\bon|"
    r"as of|update[ds]?|sorry|scratch that|rather|actually|new|gone (?:up|down)|has (?:been|taken|become)|have been|"
    r"replace[sd]?|taken over|takes over|postponed|brought forward|rescheduled|switched|meant)\b",
    re.I,
)


_OTHER_READING = 0.9
_HALF = 0.5
"""Coverage from which on a statement speaks of half of what a question names."""
_NEAR, _APART = 0.4, 2.5
_AS_MUCH = 0.1


@dataclass(frozen=True, slots=True)
class Candidate:
    """A retrieved moment, weighed. retrieval: the score it was found with, in [0, 1]. doubtful: by another reading."""

    evidence: Evidence
    support: Support
    retrieval: float
    doubtful: bool = False

    @property
    def rank(self) -> float:
        return 0.85 * self.support.probability + 0.15 * self.retrieval


def weigh(
    question: Question, found: Sequence[Evidence], verifier: Verifier, told: TimeRange | None = None
) -> list[Candidate]:
    """Best first; equal ones in order of time, then id. told: the time that the question names. Blocking compute."""
    out = [_best_reading(without_time(question, told, e), e, verifier) for e in found]
    out.sort(key=lambda c: (-round(c.rank, 6), c.evidence.t_start_s, c.evidence.id))
    return out


def _best_reading(question: Question, evidence: Evidence, verifier: Verifier) -> Candidate:
    """What was heard, by the reading that answers best: the likeliest one unless another is clearly better."""
    speaker = evidence.speaker if evidence.named else None
    support = verifier.judge(question, evidence.text, evidence.modality, speaker, evidence.asked)
    best = Candidate(evidence, support, evidence.score)
    for reading in evidence.readings:
        support = verifier.judge(question, reading, evidence.modality, speaker)
        if support.probability * _OTHER_READING > best.support.probability:
            best = Candidate(replace(evidence, text=reading), support, evidence.score, doubtful=True)
    return best


def current(question: Question, candidates: Sequence[Candidate], threshold: float) -> list[Candidate]:
    """The version that holds comes first: the latest, or the earliest when the question asks how it was at first.

    A later statement replaces an earlier one when it answers the question about as well, or when it announces a
    change and speaks of the same names and things. Nothing is dropped.
    """
    if not candidates or question.kind is Kind.MOMENT:
        return list(candidates)
    best = candidates[0]
    rivals = [c for c in candidates if c is best or _rivals(question, best, c, threshold)]
    if len(rivals) < 2:
        return list(candidates)
    ordered = sorted(rivals, key=lambda c: c.evidence.t_start_s, reverse=not question.wants_first)
    return [*ordered, *(c for c in candidates if c not in rivals)]


def only_one_near(
    candidates: Sequence[Candidate], wanted: Sequence[Modality], threshold: float
) -> list[Candidate]:
    """The best one, where it has half of what is asked for and the next one is far behind; else none.

    "When was the green umbrella mentioned" asks for no attribute that could be made up, and speech recognition
    may have lost one word.
    """
    heard = [c for c in candidates if c.evidence.modality in wanted]
    if not heard:
        return []
    best, rest = heard[0], [c.support.probability for c in heard[1:]]
    near = best.support.probability >= _NEAR * threshold
    apart = best.support.probability >= _APART * max(rest, default=0.0)
    return [best] if near and apart and best.support.coverage >= _HALF else []


def first_or_last(said: Sequence[Candidate], last: bool) -> Evidence:
    """Of those that speak of as much of what is asked as the best does. said: best first, at least one."""
    alike = [c.evidence for c in said if c.support.coverage >= said[0].support.coverage - _AS_MUCH]
    return max(alike, key=lambda e: e.t_start_s if last else -e.t_start_s)


def _rivals(question: Question, best: Candidate, other: Candidate, threshold: float) -> bool:
    if _same_text(best, other):
        return other.support.probability >= threshold
    if not _of_the_same(question, other):
        return False
    p, q = best.support, other.support
    near = q.probability >= max(threshold, p.probability - 0.15) and q.coverage >= p.coverage - 0.1
    later = other if other.evidence.t_start_s > best.evidence.t_start_s else best
    # What was likely not said at all announces nothing.
    announced = bool(_CHANGE.search(later.evidence.text) and not other.doubtful) and (
        q.probability >= 0.5 * threshold
        and _shares_subject(question, other)
        and q.coverage >= p.coverage - 0.35
    )
    return near or announced


def _of_the_same(question: Question, other: Candidate) -> bool:
    """Whether a message has a word of the question. That the one who is asked about says it makes it no newer version of all
    that they said.
    """
    evidence = other.evidence
    label = f"{evidence.speaker}: "
    if not evidence.named or not evidence.text.startswith(label):
        return True
    said_by = set(tokens(label))
    wanted = [t for t in question.terms if not said_by & set(t.stems)]
    said = set(tokens(f"{evidence.text.removeprefix(label)} {evidence.asked}"))
    return not wanted or any(said & set(t.stems) for t in wanted)


def _same_text(a: Candidate, b: Candidate) -> bool:
    return a.evidence.text.casefold().split() == b.evidence.text.casefold().split()


def _shares_subject(question: Question, candidate: Candidate) -> bool:
    missing = set(candidate.support.missing)
    subjects = (
        [t for t in question.terms if t.kind in {TermKind.NAME, TermKind.NUMBER}]
        or [t for t in question.terms if t.kind is TermKind.NOUN and not t.asked]
        or [t for t in question.terms if not t.asked]
    )  # "where do they get married"
    return bool(subjects) and any(t.text not in missing for t in subjects)
