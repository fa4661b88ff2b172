"""What a question asks for: the kind of answer, the words that matter, the time and the sense it points at."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from memory.text import tokens
from reasoning.language import Language
from runtime.messages import Modality


class Kind(StrEnum):
    """The kind of answer. MOMENT is a time in the media ("when was it shown"); TIME is a time in the content."""

    MOMENT = "moment"
    TIME = "time"
    WHO = "who"
    WHERE = "where"
    COUNT = "count"
    AMOUNT = "amount"
    DURATION = "duration"
    COLOUR = "colour"
    NAME = "name"
    REASON = "reason"
    YES_NO = "yes_no"
    WHAT = "what"


class TermKind(StrEnum):
    NAME = "name"
    NUMBER = "number"
    NOUN = "noun"
    MODIFIER = "modifier"
    VERB = "verb"


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the question that an answering statement should account for.

    stems: its normal forms as memory indexes them. asked: it names what is asked for ("colour" in "what
    colour is the cat"). owned: a thing told apart by whose it is ("brother" in "Ana's brother").
    """

    text: str
    lemma: str
    kind: TermKind
    stems: tuple[str, ...]
    asked: bool = False
    owned: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    kind: Kind
    terms: tuple[Term, ...]
    asked: str | None
    """The noun that names what is asked for ("city" in "which city ..."), lower case, or None."""
    wants_first: bool = False
    """Asks for how it was at first, before a later change."""
    modalities: tuple[Modality, ...] | None = None
    """Senses the question names; None when it names none."""
    t_min_s: float | None = None
    t_max_s: float | None = None
    phrases: tuple[str, ...] = field(default=())
    """Noun phrases without articles, for looking at pictures."""
    subject: str = ""
    """The question without its asking words, for retrieval."""
    negated: frozenset[str] = frozenset()
    """Stems of the verbs under a "not"."""


_SAID = re.compile(
    r"\b(say|says|said|saying|mention|mentions|mentioned|told|tell|tells|announce[ds]?|spoken|speech|speaker|heard?|"
    r"talk(?:s|ed|ing)? about|according to|explain(?:s|ed)?|discuss(?:ed)?|stated?)\b",
    re.I,
)
_READ = re.compile(
    r"\b(on[- ](?:the )?(?:screen|slide|sign|board|page|display)|on[- ]screen|slides?|written|writing|text|notice|sign|"
    r"(?:error|chat) message|caption|screenshot|read(?:s|ing)? out|listed|displayed?|dashboard|spreadsheet|table)\b",
    re.I,
)
_SEEN = re.compile(
    r"\b(seen?|shown?|shows|visible|appear(?:s|ed)?|footage|scene|picture|image|look(?:s|ed)? like|camera|"
    r"clip|shot|watch(?:ed)?|view)\b",
    re.I,
)
_MOMENT = re.compile(
    r"\b(?:at (?:what|which) (?:point|moment|time ?stamp|minute|time)\b.*\b(?:video|recording|clip|film|footage|stream)|"
    r"at (?:what|which) (?:point|moment|time ?stamp)\b|(?:what|which) (?:time ?stamp|moment)\b|"
    r"(?:where|when|how (?:far|long)) (?:in|into) the (?:video|recording|clip|film|stream)|"
    r"what (?:part|point) of the (?:video|recording)|"
    r"what time (?:in|of) the (?:video|recording))",
    re.I,
)
_PERCEIVED = re.compile(
    r"\b(mention(?:ed)?|said|say|shown?|seen?|see|appear(?:ed)?|visible|on (?:the )?screen|displayed?|heard?|come up|came up|"
    r"talk(?:ed)? about|announced?|brought up|bring up|discuss(?:ed)?|watch|spoken|described?|pop(?:ped)? up|"
    r"in view|on view|on camera|in (?:the )?(?:picture|frame|shot))\b",
    re.I,
)
_FIRST = re.compile(
    r"\b(originally|original|initially|initial|at first|first (?:said|announced|planned|given)|before (?:the|it|that|this) "
    r"(?:change|was|got|move|update|correction)|used to|previously|previous|earlier|formerly|former|old)\b",
    re.I,
)
_ACCORDING = re.compile(r"^according to [^,]+,\s*|,?\s*according to [^,?]+(?=\?|$)", re.I)
_CLOCK = r"(?:(\d+):)?(\d{1,2}):(\d{2})"
_COLOURS = {"colour", "color", "shade"}
_ASKING = {
    "what", "which", "who", "whom", "whose", "where", "when", "why", "how", "much", "many", "long", "far", "do", "be",
    "have", "will", "can", "could", "should", "would", "may", "might", "shall", "must", "please", "tell", "exactly",
}  # fmt: skip
_EMPTY_NOUNS = {
    "video", "recording", "clip", "film", "footage", "stream", "screen", "slide", "point", "moment", "timestamp", "stamp",
    "speaker", "one", "thing", "somebody", "someone", "anybody", "anyone", "everybody", "something", "people", "person",
    "kind", "sort", "type", "name", "time", "number", "day", "date", "amount", "word", "part", "minute", "second",
    "speech", "sign", "notice", "text", "message", "picture", "scene", "image", "place", "way", "total", "hour", "month",
    "year", "colour", "color", "view", "camera",
}  # fmt: skip
_PERCEPTION_VERBS = {
    "say", "mention", "show", "see", "appear", "tell", "hear", "display", "talk", "announce", "come", "bring", "discuss",
    "speak", "describe", "read", "write", "list", "state", "explain", "give", "accord", "call", "watch", "pop", "look",
}  # fmt: skip
_ORDINALS = {"second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"}
_LIGHT_VERBS = {"be", "do", "have", "get", "go", "make", "take", "will", "can", "use", "want", "need", "let"}


def parse_question(text: str, language: Language) -> Question:
    """Parse one question. The question's own words decide; nothing of the memory is looked at."""
    text = " ".join(text.split())
    # "According to the speech, ..." says where the answer stands, not what it says.
    doc = language(_ACCORDING.sub("", text))
    low = text.lower()
    t_min, t_max = _time_range(low)
    asked_token = _asked_token(doc)
    kind = _kind(low, doc, asked_token)
    terms = tuple(_terms(doc, asked_token, kind))
    return Question(
        text=text,
        kind=kind,
        terms=terms,
        asked=asked_token.lemma_.lower() if asked_token is not None else None,
        wants_first=bool(_FIRST.search(low)),
        modalities=_modalities(low, kind),
        t_min_s=t_min,
        t_max_s=t_max,
        phrases=tuple(_phrases(doc)),
        subject=_subject(doc),
        negated=negated_stems(doc),
    )


def negated_stems(doc: Any) -> frozenset[str]:
    """Stems of the words under a "not", "never" or "no longer" of a parsed text."""
    heads = [t.head for t in doc if t.dep_ == "neg" or t.lower_ in {"never", "nobody", "none"}]
    return frozenset(s for head in heads for s in tokens(head.text))


def _kind(low: str, doc: Any, asked: Any | None) -> Kind:
    words = [t.lower_ for t in doc]
    asked_lemma = asked.lemma_.lower() if asked is not None else ""
    if _MOMENT.search(low):
        return Kind.MOMENT
    asking = next(
        (w for w in words if w in {"what", "which", "who", "whom", "whose", "where", "when", "why", "how"}),
        "",
    )
    if asking == "when":
        return Kind.MOMENT if _when_is_moment(low, doc) else Kind.TIME
    if re.search(r"\bat (?:what|which) time (?:did|was|were)\b", low):
        return Kind.MOMENT
    if asked_lemma in {"time", "day", "date", "month", "year", "weekday", "hour", "deadline"}:
        return Kind.TIME
    if re.search(r"\bhow many\b", low) or (asked_lemma == "number" and re.search(r"\bnumber of\b", low)):
        return Kind.COUNT
    if re.search(r"\bhow (?:long|old)\b", low):
        return Kind.DURATION
    if re.search(r"\bhow (?:much|far|tall|big|large|heavy|deep|wide|high|fast|hot|cold)\b", low) or asked_lemma in {
        "price", "cost", "amount", "total", "sum", "fee", "temperature", "percentage", "distance", "weight", "score",
    }:  # fmt: skip
        return Kind.AMOUNT
    if asked_lemma in _COLOURS:
        return Kind.COLOUR
    if asking in {"who", "whom", "whose"}:
        return Kind.WHO
    if asking == "where":
        return Kind.WHERE
    if asking == "why" or re.search(r"\b(?:what|which) (?:is |was )?(?:the )?reason\b", low):
        return Kind.REASON
    if asked_lemma == "name" or re.search(r"\bcalled\b|\bnamed\b", low):
        return Kind.NAME
    if words and words[0] in {
        "is",
        "are",
        "was",
        "were",
        "do",
        "does",
        "did",
        "has",
        "have",
        "can",
        "will",
        "should",
    }:
        return Kind.YES_NO
    return Kind.WHAT


def _when_is_moment(low: str, doc: Any) -> bool:
    """A "when" about the past or about something perceived means a moment of the media, not of the content."""
    if re.search(r"\b(?:until|till|by|since|from) when\b", low):
        return False
    if _PERCEIVED.search(low):
        return True
    for i, token in enumerate(doc):
        if token.lower_ != "when":
            continue
        following = [t.lower_ for t in doc[i + 1 : i + 3]]
        if following and following[0] in {"did", "was", "were", "could", "can", "had"}:
            return not any(
                t.lower_ in {"due", "born", "founded", "built", "supposed", "scheduled"} for t in doc
            )
    return False


def _asked_token(doc: Any) -> Any | None:
    """The noun a what/which/how-many asks for: "city" in "which city", "total" in "what is the total due"."""
    for token in doc:
        if token.lower_ not in {"what", "which", "whose"} and not (
            token.lower_ in {"many", "much"} and token.i > 0 and doc[token.i - 1].lower_ == "how"
        ):
            continue
        rest = doc[token.i + 1 :]
        for i, nxt in enumerate(rest):
            if nxt.pos_ in {"NOUN", "PROPN"}:
                while i + 1 < len(rest) and rest[i + 1].pos_ == "NOUN" and rest[i + 1].i == nxt.i + 1:
                    nxt, i = rest[i + 1], i + 1
                if nxt.lemma_.lower() in {"kind", "sort", "type"}:
                    after = [t for t in rest[i + 1 :] if t.pos_ in {"NOUN", "PROPN"}]
                    return after[0] if after else nxt
                return nxt
            if nxt.pos_ not in {"DET", "ADJ", "ADV", "ADP", "NUM", "AUX", "PRON", "PART"}:
                break
            if nxt.pos_ == "AUX" and nxt.lower_ not in {"is", "was", "are", "were", "'s"}:
                break
        break
    return None


def _terms(doc: Any, asked: Any | None, kind: Kind) -> list[Term]:
    out: list[Term] = []
    seen: set[str] = set()
    for token in doc:
        lemma = token.lemma_.lower()
        if token.is_punct or token.is_space or lemma in _ASKING or token.lower_ in _ASKING:
            continue
        term_kind = _term_kind(token)
        if term_kind is None:
            continue
        if term_kind not in {TermKind.NUMBER, TermKind.NAME}:
            if (lemma in _EMPTY_NOUNS or token.lower_ in _EMPTY_NOUNS) and token.head.lemma_ != "take":
                continue
            perceived = token.pos_ in {"VERB", "AUX"} and lemma in _PERCEPTION_VERBS
            if lemma in _LIGHT_VERBS or (perceived and token.dep_ not in {"amod", "compound"}):
                continue
        stems = tuple(tokens(token.text))
        if not stems or stems[0] in seen:
            continue
        seen.add(stems[0])
        out.append(
            Term(
                token.text,
                lemma,
                term_kind,
                stems,
                asked=asked is not None and token.i == asked.i and kind is not Kind.COUNT,
                owned=any(
                    c.dep_ == "poss" and c.pos_ in {"PROPN", "NOUN"} and c.lemma_ not in _EMPTY_NOUNS
                    for c in token.children
                ),
            )
        )
    return out


def _term_kind(token: Any) -> TermKind | None:
    if any(c.isdigit() for c in token.text) or (token.pos_ == "NUM" and token.lower_ != "one"):
        return TermKind.NUMBER
    if token.lower_ in _ORDINALS and token.dep_ == "amod":
        return TermKind.NUMBER
    if token.text[:1].isupper() and token.i > 0:
        return TermKind.NAME
    if token.is_stop and token.pos_ not in {"NOUN"}:
        return None
    if _is_verb(token):
        return TermKind.VERB
    return {
        "NOUN": TermKind.NOUN,
        "PROPN": TermKind.NOUN,  # in lower case: a word the tagger does not know
        "VERB": TermKind.VERB,
        "ADJ": TermKind.MODIFIER,
        "ADV": TermKind.MODIFIER,
        "X": TermKind.NOUN,
        "SYM": TermKind.NOUN,
        "ADP": None,
    }.get(token.pos_)


def _is_verb(token: Any) -> bool:
    """Also what the tagger takes for a noun: "play" in "what does she play", "charge" in "who is in charge of it"."""
    if token.dep_ == "ROOT" and any(c.lemma_ == "do" for c in token.children):
        return True
    around = token.doc[max(0, token.i - 1) : token.i + 2]
    return len(around) == 3 and around[0].pos_ == "ADP" and around[2].lower_ == "of"


def _modalities(low: str, kind: Kind) -> tuple[Modality, ...] | None:
    if kind is not Kind.MOMENT:
        return None
    if re.search(r"\bon (?:the )?screen\b|\bdisplayed?\b", low) or _READ.search(low):
        return ("read", "seen")
    if _SEEN.search(low):
        return ("read", "seen")
    if _SAID.search(low) or re.search(r"\b(?:come|came|bring|brought) up\b", low):
        return ("said", "read")
    return None


def _time_range(low: str) -> tuple[float | None, float | None]:
    """An explicit range of media time, in seconds: "after 3:20", "before 0:10:00", "between 1:00 and 2:00",
    "in the first five minutes", "in the last ..." is left alone because the end is not known here."""

    def clock(match: re.Match[str], group: int) -> float:
        h, m, s = match[group], match[group + 1], match[group + 2]
        return int(h or 0) * 3600 + int(m) * 60 + int(s)

    if not re.search(
        r"\b(?:in|of|into|at) the (?:video|recording|clip|film|stream|first)\b|\bmark\b|\bfirst .{0,12}minutes?\b",
        low,
    ):
        return None, None
    if m := re.search(rf"\bbetween {_CLOCK} and {_CLOCK}", low):
        return clock(m, 1), clock(m, 4)
    if m := re.search(rf"\bafter {_CLOCK}", low):
        return clock(m, 1), None
    if m := re.search(rf"\b(?:before|until|by) {_CLOCK}", low):
        return None, clock(m, 1)
    if m := re.search(r"\b(?:in|during|within) the first (\w+) (minute|hour|second)s?\b", low):
        amount = "".join(tokens(m[1])[:1])
        if amount.isdigit():
            return 0.0, int(amount) * {"second": 1.0, "minute": 60.0, "hour": 3600.0}[m[2]]
    return None, None


def _phrases(doc: Any) -> list[str]:
    """What could be seen: noun phrases with their modifiers, verbs with their objects."""
    out: list[str] = []
    for chunk in doc.noun_chunks:
        words = [t.text for t in chunk if t.pos_ not in {"DET", "PRON"} and t.lower_ not in _ASKING]
        if words and chunk.root.lemma_.lower() not in _EMPTY_NOUNS - {"people", "person"}:
            out.append(" ".join(words))
    for token in doc:
        if token.pos_ == "VERB" and token.lemma_.lower() not in _LIGHT_VERBS | _PERCEPTION_VERBS - {"read"}:
            objects = [c.text for c in token.children if c.dep_ in {"dobj", "obj"}]
            out.append(" ".join([token.text, *objects]))
    return list(dict.fromkeys(out))


def _subject(doc: Any) -> str:
    words = [t.text for t in doc if not t.is_punct and t.lemma_.lower() not in _ASKING]
    words = [w for w in words if w.lower() not in {"the", "a", "an"}]
    return " ".join(words) or doc.text
