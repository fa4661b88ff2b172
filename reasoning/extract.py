"""Cut the answering words out of a statement: a span whose type fits the question, near the words they share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from memory.text import joined_numbers, tokens
from memory.time_words import PARTS_OF_DAY, TIME_WORDS
from reasoning.clock_words import hours_told
from reasoning.kinds import Kind
from reasoning.language import Language
from reasoning.phrases import UNITS, capitals_end, clause_end, number_phrase, phrase_end, time_phrase
from reasoning.question import Question
from reasoning.read_values import Span, value_of
from reasoning.sounds import sounds_like
from runtime.messages import Modality

_NAMING = frozenset("called named nicknamed titled christened".split())
COLOURS = frozenset(
    """red orange yellow green blue purple violet pink brown black white grey gray silver gold golden beige
    turquoise navy maroon crimson scarlet teal cream ivory olive indigo magenta cyan amber tan lilac
    khaki copper bronze""".split()
)
_TIME_UNITS = frozenset("second minute hour day week month year decade century".split())
_PRICE = frozenset("cost price pay fee fare rent fine worth charge salary bill spend".split())
_PLACE_PREPOSITIONS = frozenset(
    """in on under at behind beside near inside above below between next into onto over beneath outside
    opposite to from along across by around within through underneath""".split()
)
_MEANS = frozenset("by through via with".split())
_STALE = re.compile(r"\b(?:no longer|not|instead of|rather than|used to be|isn't|wasn't|never|was)\b", re.I)
_FRESH = re.compile(
    r"\b(?:but|now(?!,)|meant|instead|actually|correction|rather|moved to|changed to|new|make that|make it)\b",
    re.I,
)
_BEFORE_TIME = frozenset("at by until till around about before after from to past since on".split())
_AMOUNTS = frozenset("a an half quarter couple few several all whole".split())
_CLOCK = re.compile(r"\d(?:[:.]\d\d|st|nd|rd|th)\b|\b[ap]\.?m\b|\b(?:1[0-9]|20)\d\d\b", re.I)
_DAYS = frozenset("day weekday month date".split())
_HOURS = frozenset("time hour".split())
_DATE = re.compile(r"\d(?:st|nd|rd|th)\b|\d[./-]\d\d?[./-]\d", re.IGNORECASE)
_RANK = re.compile(r"\d+(?:st|nd|rd|th)", re.IGNORECASE)
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
_ORDINALS = frozenset("first second third fourth fifth sixth seventh eighth ninth tenth".split())
_IDENTIFIER = re.compile(r"(?=.*\d)[\w./-]+|[A-Z]")
_KIND_WEIGHT, _UNLIKE = 0.8, 0.3
_OF_KIND = 1.1
_UNLIKE_COUNT = 0.35
_ANY_COUNT = frozenset(("number", "amount", "total", "sum"))
_DAYLIGHT = frozenset("dawn daybreak sunrise sunset dusk nightfall".split())
_GONE = frozenset("leave resign retire quit step depart die".split())
_OWN_VERB = 0.2
_OWN_PREPOSITION = 0.2


_REDACTED = re.compile(r"\[(?:card|iban|key|token|password|private key)\]")
"""What stands for a secret (runtime/secrets.py) is no answer."""
Alike = Callable[[str, Sequence[str]], Sequence[float]]
"""Likeness of meaning of one word to each of several phrases, -1 to 1."""
IsKind = Callable[[str, str], bool]
"""Whether a word (first) names one of a kind: "owl" of "bird"."""


def _no_kind(word: str, kind: str) -> bool:
    return False


def answer_span(
    question: Question,
    unit: str,
    modality: Modality,
    language: Language,
    alike: Alike,
    lines: Sequence[str] = (),
    is_kind: IsKind = _no_kind,
) -> Span | None:
    """The best answering words of one sentence or screen line, or None when nothing is left beside the question's words.

    lines: the whole of what was on the screen, where the line's columns may have heads. is_kind: what the lexicon knows.
    """
    asked_stems = {s for term in question.terms for s in term.stems}
    unit = _REDACTED.sub("", unit)
    if modality == "read":
        value = value_of(question, unit, lines, asked_stems)
        if value is not None:
            return value
    doc = language(joined_numbers(unit) if modality == "said" else unit)
    anchors = [t.i for t in doc if asked_stems & set(tokens(t.text))]
    if modality == "said":
        anchors += [t.i for t in doc if any(sounds_like(term.text, (t.lower_,)) for term in question.terms)]
    best: tuple[float, Span] | None = None
    candidates = [
        (start, end, max(fit, _OF_KIND) if _is_asked(question, doc[start:end], is_kind) else fit)
        for start, end, fit in _candidates(question, doc)
        if not _counts_another(question, doc[start:end], alike, is_kind)
    ]
    kinds = _kind_likeness(question, [doc[start:end].text for start, end, _ in candidates], alike)
    for (start, end, fit), kind in zip(candidates, kinds, strict=True):
        stems = [s for t in doc[start:end] for s in tokens(t.text)]
        fresh = [s for s in stems if s not in asked_stems]
        if not fresh:
            continue
        gap = min(
            (0 if start <= a < end else min(abs(a - start), abs(a - end + 1)) for a in anchors), default=6
        )
        score = fit - 0.03 * gap - 0.25 * (len(stems) - len(fresh)) / max(1, len(stems))
        root = doc[start:end].root
        score += _correction(doc, start) + _role(root, asked_stems) + kind
        if _hangs_on(root, question.preposition):
            score += _OWN_PREPOSITION
        if best is None or score > best[0] + 1e-9:
            text = doc[start:end].text.strip(" ,.;:!?-")
            best = (score, Span(text, fit))
    return best[1] if best else None


def _is_asked(question: Question, words: Any, is_kind: IsKind) -> bool:
    """Whether they name one of what is asked for: "an owl" for "which bird"."""
    if question.asked is None or question.kind not in {Kind.WHAT, Kind.NAME}:
        return False
    return is_kind(words.root.lemma_, question.asked) or is_kind(words.root.text, question.asked)


def _counts_another(question: Question, words: Any, alike: Alike, is_kind: IsKind) -> bool:
    """Whether a number is one of other things: "three records" for "how many books"."""
    counted = words.root.head if words.root.dep_ == "nummod" else words.root
    if (
        question.kind is not Kind.COUNT
        or question.asked is None
        or question.asked in _ANY_COUNT
        or not any(t.dep_ == "nummod" for t in words)
    ):
        return False
    person = is_kind(counted.lemma_, "person") or counted.lemma_ == "people"
    if (
        counted.pos_ != "NOUN"
        or is_kind(counted.lemma_, question.asked)
        or (person and is_kind(question.asked, "person"))
    ):
        return False
    return alike(question.asked, [counted.lemma_])[0] < _UNLIKE_COUNT


def _kind_likeness(question: Question, phrases: Sequence[str], alike: Alike) -> Sequence[float]:
    """What is like the thing that is asked for: "Finland" rather than "a small company" for "which country"."""
    if question.asked is None or question.kind not in {Kind.WHAT, Kind.NAME} or not phrases:
        return [0.0] * len(phrases)
    return [_KIND_WEIGHT * max(0.0, a - _UNLIKE) for a in alike(question.asked, phrases)]


def _correction(doc: Any, start: int) -> float:
    """Words after "no longer" are stale, words after "but", "now", "I meant" are the news."""
    before = doc[max(0, start - 6) : start].text
    stale = [m.end() for m in _STALE.finditer(before)]
    fresh = [m.end() for m in _FRESH.finditer(before)]
    if fresh and (not stale or fresh[-1] > stale[-1]):
        return 0.3
    if stale and not (len(stale) == 1 and before[: stale[-1]].lower().endswith("was")):
        return -0.3
    return 0.0


def _role(word: Any, asked: set[str]) -> float:
    """What belongs to the question's own verb answers rather than who has gone: "so the team is now coached by Dennis"."""
    verb = word.head.head if word.head.pos_ == "ADP" else word.head
    if verb.pos_ != "VERB":
        return 0.0
    if asked & set(tokens(verb.text)):
        return _OWN_VERB
    return -_OWN_VERB if word.dep_ == "nsubj" and verb.lemma_.lower() in _GONE else 0.0


def _candidates(question: Question, doc: Any) -> Iterable[tuple[int, int, float]]:
    kind = question.kind
    entities = {(e.start, e.end): e.label_ for e in doc.ents}
    for (start, end), label in entities.items():
        fit = _entity_fit(kind, label, doc[start:end])
        if kind is Kind.TIME and question.asked in _DAYS and not _names_day(doc[start:end]):
            fit = min(fit, 0.3)
        if kind is Kind.TIME and question.asked in _HOURS and not hours_told(doc[start:end].text):
            fit = min(fit, 0.7)
        yield start, end, min(fit, _number_fit(question, doc, start, end)) if kind is Kind.COUNT else fit
    for token in doc:
        low = token.lower_
        if token.like_num or any(c.isdigit() for c in token.text):
            start, end = number_phrase(doc, token.i)
            yield start, end, _number_fit(question, doc, start, end)
        if question.choices & set(tokens(token.text)):
            yield token.i, token.i + 1, 1.2
        if low in COLOURS:
            yield token.i, token.i + 1, 1.2 if kind is Kind.COLOUR else 0.1
        if _timely(low) and token.pos_ != "AUX":
            start, end = time_phrase(doc, token.i)
            day = question.asked not in _DAYS or _names_day(doc[start:end])
            yield start, end, (1.0 if day else 0.3) if kind is Kind.TIME else 0.15
        if token.pos_ == "ADP" and low in _PLACE_PREPOSITIONS and kind is Kind.WHERE:
            yield token.i, phrase_end(doc, token), 0.95
        if token.pos_ == "ADP" and low in _MEANS and question.means and token.head.pos_ in {"VERB", "AUX"}:
            yield token.i, phrase_end(doc, token), 0.9
        if kind is Kind.REASON and _gives_reason(token):
            yield token.i, clause_end(doc, token.i), 1.2
        if kind is Kind.REASON and low == "so" and token.i > token.sent.start + 2:
            yield token.sent.start, token.i, 1.2
        if low == "to" and kind is Kind.REASON and token.i + 1 < len(doc) and doc[token.i + 1].pos_ == "VERB":
            yield token.i, clause_end(doc, token.i), 0.8
        if kind is Kind.NAME and low in _NAMING and doc[token.i + 1 : token.i + 2].text[:1].isupper():
            yield token.i + 1, capitals_end(doc, token.i + 1), 1.1
        if low == question.asked and token.i + 1 < len(doc) and _IDENTIFIER.fullmatch(doc[token.i + 1].text):
            yield token.i + 1, token.i + 2, 1.1
    for chunk in doc.noun_chunks:
        root = chunk.root
        if root.pos_ == "PRON":
            continue
        fit = 0.45
        if kind in {Kind.WHO, Kind.NAME} and root.pos_ == "PROPN" and root.text[:1].isupper():
            fit = 0.3 if in_place(root) or _timely(root.lower_) else 0.9
        elif kind is Kind.WHO:
            fit = 0.5 if _may_be_somebody(chunk, question.of_object) else 0.1
        elif kind in {Kind.WHAT, Kind.NAME} and (
            root.dep_ in {"dobj", "attr", "obj", "oprd"} or _hangs_on(root, question.preposition)
        ):
            fit = 0.65
        elif kind in {Kind.COUNT, Kind.AMOUNT, Kind.DURATION, Kind.TIME, Kind.COLOUR, Kind.REASON}:
            fit = 0.1
        yield chunk.start, chunk.end, fit


def _timely(low: str) -> bool:
    """Also "Mondays"."""
    word = low.strip(".'")
    return word in TIME_WORDS or word in _DAYLIGHT or (word.endswith("days") and word[:-1] in TIME_WORDS)


def _names_day(span: Any) -> bool:
    return (
        any(_timely(t.lower_) and t.lower_ not in PARTS_OF_DAY for t in span)
        or _DATE.search(span.text) is not None
    )


def _hangs_on(root: Any, preposition: str) -> bool:
    return bool(root.dep_ == "pobj" and root.head.lower_ == preposition)


def _may_be_somebody(chunk: Any, of_object: bool) -> bool:
    """By its place in the sentence: one "arrived by taxi" is no person, one rescued "by a fireman" is."""
    root = chunk.root
    if any(t.like_num for t in chunk):
        return False
    if root.dep_ == "dobj":
        return of_object
    if root.dep_ == "pobj":
        return root.head.dep_ == "agent" or root.head.lower_ in {"with", "to", "for"}
    return root.dep_ in {"nsubj", "nsubjpass", "attr", "conj"}


def _gives_reason(token: Any) -> bool:
    low, head = token.lower_, token.head.lemma_.lower()
    return (
        low in {"because", "since", "due", "thanks", "owing"}
        or (low == "on" and head == "blame")
        or (low == "by" and head == "cause")
    )


def _entity_fit(kind: Kind, label: str, entity: Any) -> float:
    """How well a named entity answers a kind of question. The tagger's label is checked against its words."""
    words = {t.lower_.strip(".'") for t in entity}
    lemmas = {t.lemma_.lower() for t in entity}
    digits = any(c.isdigit() for c in entity.text)
    if kind is Kind.DURATION and not (lemmas & UNITS and (digits or words & _AMOUNTS or _numeric(entity))):
        return 0.05
    if kind is Kind.TIME and not (words & TIME_WORDS or _CLOCK.search(entity.text) or _numeric(entity)):
        return 0.05
    if kind in {Kind.WHO, Kind.NAME} and label == "PERSON" and digits:
        return 0.3
    if kind is Kind.NAME and in_place(entity.root):
        return 0.3
    wanted = {
        Kind.WHO: {"PERSON": 1.2, "ORG": 0.8, "NORP": 0.7, "GPE": 0.5},
        Kind.NAME: {
            "PERSON": 1.0,
            "ORG": 1.0,
            "PRODUCT": 1.0,
            "WORK_OF_ART": 1.0,
            "GPE": 0.9,
            "FAC": 0.9,
            "EVENT": 0.9,
        },
        Kind.WHERE: {"GPE": 1.0, "LOC": 1.0, "FAC": 1.0},
        Kind.COLOUR: {},
        Kind.TIME: {"TIME": 1.2, "DATE": 1.1},
        Kind.COUNT: {"CARDINAL": 0.8, "QUANTITY": 0.8},
        Kind.AMOUNT: {"MONEY": 1.2, "QUANTITY": 1.1, "PERCENT": 1.1, "CARDINAL": 0.7},
        Kind.DURATION: {"TIME": 1.1, "DATE": 1.1},
    }.get(kind)
    if wanted is None:
        return 0.5 if label in {"PERSON", "GPE", "ORG", "FAC", "LOC", "PRODUCT"} else 0.35
    return wanted.get(label, 0.05)


def in_place(word: Any) -> bool:
    """ "Iceland" in "comes from Iceland" is where, not what something is called."""
    return bool(word.dep_ == "pobj" and word.head.lower_ in {"from", "in", "at", "near"})


def _numeric(words: Any) -> bool:
    return any(t.like_num or t.text.isdigit() or t.text[:-2].isdigit() for t in words)


def _number_fit(question: Question, doc: Any, start: int, end: int) -> float:
    following = [t.lemma_.lower() for t in doc[start : end + 2]]
    if question.kind is Kind.COUNT:
        if end - start == 1 and doc[start].lower_ in _ORDINALS:
            return 0.1  # "a second-hand cello" counts nothing
        of_all = [t.lemma_.lower() for t in doc[end + 1 : end + 5]] if doc[end : end + 1].text == "of" else []
        if question.asked and question.asked in (*following, *of_all):
            return 1.4 if of_all else 1.2
        return 0.3 if start and doc[start - 1].lower_ in {"at", "until", "since"} else 0.7
    if question.kind in {Kind.AMOUNT, Kind.DURATION}:
        if _RANK.fullmatch(doc[start:end].text):
            return 0.1
        year = end - start == 1 and _YEAR.fullmatch(doc[start].text)
        if _TIME_UNITS & {t.lemma_.lower() for t in doc[start:end]} and _asks_price(question):
            return 0.1
        return 1.0 if UNITS & set(following) else 0.2 if year else 0.7
    if question.kind is Kind.TIME:
        before = doc[start - 1].lower_ if start else ""
        before = "from" if doc[start].lower_ in {"from", "between"} else before
        timely = before in _BEFORE_TIME or _CLOCK.search(doc[start:end].text) or TIME_WORDS & set(following)
        return 0.8 if timely else 0.3
    if question.asked in {
        "number",
        "room",
        "gate",
        "platform",
        "port",
        "version",
        "code",
        "page",
        "chapter",
        "line",
        "floor",
        "seat",
    }:
        return 1.0
    return 0.2


def _asks_price(question: Question) -> bool:
    return question.asked in _PRICE or any(t.lemma in _PRICE for t in question.terms)
