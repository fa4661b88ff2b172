"""Does a statement answer a question?

A small, transparent verifier. Every content word of the question has to be accounted for by the statement: by the same
word, the same number, a name that sounds alike, or a word of near meaning (cosine of word embeddings). What stays
unaccounted for, and the likeness of both sentences, go into a logistic model whose weights were fitted on
tests/bench/support_items.jsonl by tests/bench/fit_support.py. It is the gate that lets a weak language model abstain.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

import numpy as np

from memory.text import tokens
from memory.time_words import MONTHS, WEEKDAYS
from reasoning.extract import COLOURS, answer_span, in_place
from reasoning.kinds import Kind
from reasoning.language import Language
from reasoning.lexicon import WIDER, Lexicon
from reasoning.pronouns import did_it, meant_by, told_before
from reasoning.question import Question, Term, TermKind, negated_stems
from reasoning.read_values import Span
from reasoning.sounds import sounds_in, sounds_like
from reasoning.speakers import speaks_of_another, speaks_of_self
from reasoning.turns import asks, only_asks
from reasoning.words import stems_of, words_of
from runtime.messages import Modality
from runtime.models import TextEncoder

FEATURES = (
    "coverage",
    "missing_noun",
    "missing_name",
    "missing_number",
    "likeness",
    "unit_likeness",
    "span_fit",
    "asked",
    "read",
    "missing_owned",
    "contradicted",
)
# missing_number and missing_owned are set by hand: the items hold few wrong numbers (fitted -1.3) and people (-1.0), and what is
# told of another number, or of Ana for "Ana's brother", is never the answer.
WEIGHTS: tuple[float, ...] = (0.54, -0.79, -1.56, -2.5, 2.65, 1.86, 0.45, 0.54, 0.71, -1.6, -1.5)
BIAS = -3.45

_TERM_WEIGHT = {
    TermKind.NAME: 1.5,
    TermKind.NUMBER: 1.6,
    TermKind.NOUN: 1.0,
    TermKind.MODIFIER: 0.7,
    TermKind.VERB: 0.7,
}
_EACH_OTHER = (COLOURS, frozenset(WEEKDAYS), frozenset(MONTHS))
_PART = {TermKind.NOUN: "noun", TermKind.VERB: "verb"}
_SAME_NAME = 0.78
_SAME_SOUND = 0.75
"""What a word counts for that sounds like the one of the question: heard wrongly, or another word."""
_NO_SUCH_THING, _NO_NAME = 1.0, 1.25
_NOTHING_TOLD = 2.0
_KEPT = 20_000
"""Vectors that are kept: 30 MB."""
"""What is taken from the log odds of a statement that lacks what is asked for, and of one that is a question itself."""
_UNNAMED, _OTHER_KIND, _OTHER_PART = 0.5, 0.38, 0.25
_THEIRS = 0.5
_OF_KIND = 0.8
_HALF = 0.5
_FITS = 0.3
_FARTHER = 0.1
"""What words of a better type may lie behind, for each sentence or line that shares more with the question."""
_SELF = 0.95
"""How well who says "I did" answers who did."""
_NEAR_WORD, _SAME_WORD = 0.35, 0.75


@dataclass(frozen=True, slots=True)
class Support:
    """probability: that the statement answers the question. unit: the sentence or line that does. span: its answer."""

    probability: float
    coverage: float
    unit: str
    span: Span | None
    missing: tuple[str, ...]
    features: tuple[float, ...]


class Verifier:
    def __init__(self, language: Language, encoder: TextEncoder, lexicon: Lexicon | None = None) -> None:
        """lexicon: None where it cannot be had; then vectors of words alone say what means the same."""
        self.language = language
        self._lexicon = lexicon
        self._encoder = encoder
        self._vectors: dict[str, np.ndarray[tuple[int], np.dtype[np.float32]]] = {}

    def judge(
        self,
        question: Question,
        statement: str,
        modality: Modality,
        speaker: str | None = None,
        asked_before: str = "",
    ) -> Support:
        """Weigh one statement. Pure in its arguments: the rest of the memory has no influence.

        speaker: the name of who says it, which counts as said where they speak of themselves. asked_before: the question that
        it replies to, whose words need not be said again.
        """
        said = _unlabelled(statement, speaker)
        label = statement[: len(statement) - len(said)]
        units = self._units(said, modality)
        another = bool(label) and speaks_of_another(said, asked_before)
        words = words_of(said if another else statement) | words_of(asked_before.partition(": ")[2])
        if speaker is not None and not another and speaks_of_self(statement):
            words |= words_of(speaker)
        if modality == "said":
            words |= {t.lemma_.lower() for t in self.language(said) if t.pos_ == "VERB"}
        sounds = sounds_in(statement) if modality == "said" else ()
        matches = {term: self._match(term, words, sounds, question) for term in question.terms}
        if another and speaker is not None and speaks_of_self(said):
            # "My dog is here. She is a lurcher": of somebody else, who is the speaker's.
            own = set(tokens(speaker))
            matches |= {t: max(m, _THEIRS) for t, m in matches.items() if own & set(t.stems)}
        # A heading speaks for every line below it.
        heading = units[0] if modality == "read" and len(units) > 1 else ""
        # Who says it says every sentence of it, though the name stands before the first.
        throughout = words_of(heading) | (words_of(speaker) if speaker is not None and not another else set())
        ranked = sorted(
            units,
            key=lambda unit: (
                modality == "said" and asks(unit),
                -self._unit_score(question, unit, heading, throughout, matches),
            ),
        )
        best = ranked[0]
        in_unit = words_of(best) | words_of(heading)
        retold = self._retold(question, words)
        weights = {term: self._weight(term) for term in question.terms}
        total = sum(weights.values()) or 1.0
        # A number or a name has to stand in the answering line itself: the next row of a table is about something else.
        for term in question.terms:
            if term.kind in {TermKind.NUMBER, TermKind.NAME} and modality == "read":
                matches[term] = self._match(term, in_unit, (), question)
            if term.kind is TermKind.NUMBER and _of_another(question.text, term.text, statement):
                matches[term] = 0.0
        coverage = sum(weights[t] * matches[t] for t in question.terms) / total

        def missing(*kinds: TermKind) -> float:
            return sum(1.0 - matches[t] for t in question.terms if t.kind in kinds and not t.asked)

        # A heading may hold all the question's words, and the line below it the answer.
        typed = question.kind not in {Kind.WHAT, Kind.YES_NO}
        spans = [
            (span.fit - _FARTHER * place if typed else -place, unit, span)
            for place, unit in enumerate(ranked[:4])
            if (span := self._span(question, unit, modality, units)) is not None and span.fit >= _FITS
        ]
        span, told = None, best
        if spans:
            _, told, span = max(spans, key=lambda one: one[0])
        earlier = told_before(best, said, asked_before)
        if question.kind is Kind.WHO and speaker is not None and did_it(question, best, self.language):
            span = Span(speaker, _SELF)
        elif question.kind is Kind.WHO and (
            name := meant_by(question, best, told_before(best, said, asked_before), self.language)
        ):
            span, told = Span(name, _SELF), best
        elif question.kind is Kind.WHERE and (place := self._there(question, best, earlier)):
            span, told = place, best
        likeness = self._likest((question.text, retold.text), statement)
        if asked_before:
            likeness = max(likeness, self._cosine(question.text, f"{asked_before} {statement}"))
        asked = self._asked_match(question, best, statement, modality, span)
        features = (
            coverage,
            min(2.0, missing(TermKind.NOUN, TermKind.MODIFIER)),
            min(2.0, missing(TermKind.NAME)),
            min(2.0, missing(TermKind.NUMBER)),
            likeness,
            self._likest((question.subject, retold.subject), label + _below(heading, best))
            if len(units) > 1
            else likeness,
            min(1.0, span.fit) if span else -0.5,
            asked,
            1.0 if modality == "read" else 0.0,
            max((1.0 - matches[t] for t in question.terms if t.owned and matches[t] < _HALF), default=0.0),
            self._contradicted(question, best),
        )
        # A question for a number, a colour or a name is not answered by a statement without one.
        lacking = _NO_NAME if question.kind is Kind.NAME else _NO_SUCH_THING
        veto = lacking if asked <= -1.0 else 0.0
        if modality == "said" and question.kind is not Kind.MOMENT and only_asks(said):
            veto += _NOTHING_TOLD
        logit = BIAS - veto + sum(w * f for w, f in zip(WEIGHTS, features, strict=True))
        return Support(
            probability=1.0 / (1.0 + math.exp(-logit)),
            coverage=coverage,
            unit=told if typed else best,
            span=span,
            missing=tuple(t.text for t in question.terms if matches[t] < 0.5),
            features=features,
        )

    def likeness_of(self, options: Sequence[str], text: str) -> list[float]:
        """How much each option shares with a text: its words found there, and likeness of meaning."""
        words = {s for w in words_of(text) for s in stems_of(w)}
        out = []
        for option in options:
            own = tokens(option)
            found = sum(t in words for t in own) / len(own) if own else 0.0
            out.append(found + 0.5 * self._cosine(option, text))
        return out

    def _units(self, statement: str, modality: Modality) -> list[str]:
        if modality == "read":
            return [line for line in statement.splitlines() if line.strip()] or [statement]
        return [s.text.strip() for s in self.language(statement).sents if s.text.strip()] or [statement]

    def _unit_score(
        self, question: Question, unit: str, heading: str, throughout: set[str], matches: dict[Term, float]
    ) -> float:
        """throughout: words that stand for every unit."""
        words = words_of(unit) | throughout
        own = sum(self._weight(t) * self._match(t, words) for t in question.terms if matches[t] > 0)
        return own + 0.5 * self._cosine(question.subject, _below(heading, unit))

    def _weight(self, term: Term) -> float:
        return _TERM_WEIGHT[term.kind] * (0.4 if term.asked else 1.0)

    def _match(
        self, term: Term, words: set[str], sounds: Sequence[str] = (), question: Question | None = None
    ) -> float:
        """How well the statement's words account for one word of the question, 0 to 1.

        sounds: what they sound like, where they were heard rather than read. question: a word that accounts for another
        word of it says nothing more ("election" of "turnout").
        """
        stems = {s for w in words for s in stems_of(w)}
        if set(term.stems) & stems:
            return 1.0
        if term.kind is TermKind.NUMBER:
            return 0.0
        # A silver car is no red one, and Sunday is not Monday, however alike they are written or used.
        words = words - next((names for names in _EACH_OTHER if term.lemma in names), frozenset())
        if term.kind is TermKind.NAME:
            low = term.text.lower()
            alike = max((SequenceMatcher(None, low, w).ratio() for w in words if len(w) > 2), default=0.0)
            return 0.9 if alike >= _SAME_NAME else 0.0
        others = (
            {s for t in question.terms if t is not term for s in t.stems} if question is not None else set()
        )
        candidates = [w for w in words if len(w) > 2 and not w[0].isdigit() and not others & set(stems_of(w))]
        known = {w: self._accounts(term, w) for w in candidates}
        meant = max((value for value in known.values() if value is not None), default=0.0)
        # Opposites are said in like sentences.
        candidates = [w for w in candidates if known.get(w) != 0.0]
        if candidates:
            near = max(self.nearness(term.lemma, candidates))
            meant = max(meant, 0.95 * min(1.0, max(0.0, (near - _NEAR_WORD) / (_SAME_WORD - _NEAR_WORD))))
        return max(meant, _SAME_SOUND) if sounds_like(term.text, sounds) else meant

    def _span(self, question: Question, unit: str, modality: Modality, units: Sequence[str]) -> Span | None:
        return answer_span(question, unit, modality, self.language, self.nearness, units, self._is_kind)

    def _accounts(self, term: Term, word: str) -> float | None:
        return self._lexicon.accounts(term.lemma, word, _PART.get(term.kind, "")) if self._lexicon else None

    def _is_kind(self, word: str, kind: str) -> bool:
        return self._lexicon is not None and self._lexicon.is_kind(word, kind)

    def _retold(self, question: Question, words: set[str]) -> Question:
        """The question in a statement's own words, where the lexicon knows that they say the same or a kind of it."""
        if self._lexicon is None:
            return question
        stems = {s for w in words for s in stems_of(w)}
        text, subject = question.text, question.subject
        for term in question.terms:
            if set(term.stems) & stems or term.kind in {TermKind.NAME, TermKind.NUMBER}:
                continue
            value, word = max(((self._accounts(term, w) or 0.0, w) for w in words), default=(0.0, ""))
            if value > WIDER:
                whole = re.compile(rf"\b{re.escape(term.text)}\b")
                text, subject = whole.sub(word, text), whole.sub(word, subject)
        return replace(question, text=text, subject=subject)

    def _likest(self, asked: Sequence[str], told: str) -> float:
        return max(self._cosine(one, told) for one in dict.fromkeys(asked))

    def _asked_match(
        self, question: Question, unit: str, statement: str, modality: Modality, span: Span | None
    ) -> float:
        """Whether what is asked for is there: the noun itself, or a span of the right type."""
        typed = question.kind in {
            Kind.WHO,
            Kind.WHERE,
            Kind.TIME,
            Kind.COUNT,
            Kind.AMOUNT,
            Kind.DURATION,
            Kind.COLOUR,
        }
        if typed:
            return min(1.0, span.fit) if span is not None and span.fit >= 0.5 else -1.0
        if question.kind is Kind.REASON:
            return 0.5 if span is not None and span.fit >= 0.8 else 0.0
        if question.kind is Kind.NAME:
            named = {"name", "call"} & words_of(statement) or (span is not None and span.fit >= 0.9)
            return 0.5 if named else -0.2 if self._has_name(question, statement) else -1.0
        asked = next((t for t in question.terms if t.asked), None)
        if asked is None:
            return 0.0
        if span is not None and self._is_kind(span.text.split()[-1], asked.lemma):
            return _OF_KIND
        there = self._match(asked, words_of(statement))
        if (
            modality == "said"
            and there < _UNNAMED
            and span is not None
            and self._another_thing(question, asked, span)
        ):
            return -1.0
        return there - 0.5

    def _there(self, question: Question, unit: str, earlier: str) -> Span | None:
        """The place that was told before a "there": "We saw the mill in Vik. She lives there." """
        if not any(t.lower_ == "there" and t.dep_ == "advmod" for t in self.language(unit)):
            return None
        span = self._span(question, earlier, "said", ()) if earlier else None
        return span if span is not None and span.fit >= _FITS + 0.5 else None

    def _another_thing(self, question: Question, asked: Term, span: Span) -> bool:
        """The answering words are a thing of another kind: "his left knee" is no team, though "Rovers" may be one."""
        doc = self.language(span.text)
        if (
            self._lexicon is not None
            and len(doc) == 1
            and self._lexicon.is_other_name(span.text, asked.lemma)
        ):
            return True
        named = any(t.text[:1].isupper() or t.pos_ == "NUM" or any(c.isdigit() for c in t.text) for t in doc)
        least = _OTHER_KIND if question.of_kind else _OTHER_PART
        return not named and self.nearness(asked.lemma, [span.text])[0] < least

    def _has_name(self, question: Question, statement: str) -> bool:
        own = {s for t in question.terms for s in t.stems}
        return any(
            (t.pos_ == "PROPN" or any(c.isdigit() for c in t.text))
            and not set(tokens(t.text)) <= own
            and not in_place(t)
            and t.ent_type_ not in {"DATE", "TIME"}
            for t in self.language(statement)
        )

    def _contradicted(self, question: Question, unit: str) -> float:
        """1 where the question has a verb under a "not", and the unit has it without."""
        plain = {s for w in words_of(unit) for s in stems_of(w)} - negated_stems(self.language(unit))
        return 1.0 if question.negated & plain else 0.0

    def _word_vectors(self, words: Sequence[str]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        if len(self._vectors) > _KEPT:
            self._vectors.clear()
        new = [w for w in dict.fromkeys(words) if w not in self._vectors]
        if new:
            self._vectors.update(zip(new, self._encoder.encode(new), strict=True))
        return np.stack([self._vectors[w] for w in words])

    def nearness(self, text: str, others: Sequence[str]) -> list[float]:
        """Cosine of a text with each of others: how alike in meaning they are."""
        vectors = self._word_vectors([text, *others])
        return [float(v) for v in vectors[1:] @ vectors[0]]

    def _cosine(self, a: str, b: str) -> float:
        left, right = self._word_vectors([a, b])
        return float(left @ right)


def _of_another(question: str, number: str, statement: str) -> bool:
    """Whether the word before a number of the question has another one here: "station 8" where "station 7 of line 8" is told."""
    found = re.search(rf"\b([^\W\d]\w+) {re.escape(number)}\b", question, re.IGNORECASE)
    if found is None or not tokens(found[1]):
        return False
    told = re.findall(rf"\b{re.escape(found[1])} (\d[\w.]*\w|\d)", statement, re.IGNORECASE)
    return bool(told) and number not in told


def _unlabelled(statement: str, speaker: str | None) -> str:
    """Without the name of who says it, which is no part of what is said."""
    return statement if speaker is None else statement.removeprefix(f"{speaker}: ")


def _below(heading: str, unit: str) -> str:
    return unit if not heading or unit == heading else f"{heading}: {unit}"
