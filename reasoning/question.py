"""What a question asks for: the kind of answer, the words that matter, the time and the sense it points at."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from memory.text import tokens
from reasoning.clock_words import by_the_clock, is_hour
from reasoning.kinds import Kind, asks_for_steps, kind_of, modalities_of, time_range_of
from reasoning.language import Language
from runtime.messages import Modality


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
    of_kind: bool = False
    """The answer is one of those ("which city"), rather than something in that part ("what is the venue")."""
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
    preposition: str = ""
    """What the asking word hangs on: "to" in "what does it belong to", "by" in "by whom was it found"."""
    choices: frozenset[str] = frozenset()
    """Stems of the words between which the question lets choose: "green, yellow or white"."""
    of_object: bool = False
    """Asks to whom or what something was done: "whom did she meet"."""
    steps: bool = False
    """Asks how something is done: the answer is all of what was said of it, not one thing in it."""
    means: bool = False
    """Asks by which way or means something was done: "how did the thief get in"."""
    time_of: Literal["", "first", "last"] = ""
    """Asks when something was the first time, or the last."""


_FIRST = re.compile(
    r"\b(originally|original|initially|initial|at first|first (?:said|announced|planned|given)|before (?:the|it|that|this) "
    r"(?:change|was|got|move|update|correction)|used to|"
    r"(?:was|were) (?:supposed|meant|planned|going) to|previously|previous|earlier|formerly|former|old)\b",
    re.I,
)
_BEFORE = re.compile(
    r",? before (?:the|an?|his|her|its|their|it|they) (?:\w+ ){0,3}?"
    r"(?:began|started|came|happened|got|was|were|set in|broke|took over)\b[^?,]*",
    re.I,
)
"""What made it change tells nothing of how it was: "where did they meet before the roof broke"."""
_TELLS = 2
"""Words that a question has to keep without it."""
_LAST_TIME = re.compile(
    r"\bwhen (?:did|was|were|have|has|had|do) .*?\b(?:last|most recently)\b"
    r"(?! (?:day|week|month|year|night|one|weekend|summer|winter|spring|autumn|\w+day)\b)|\bthe last time\b"
)
_FIRST_TIME = re.compile(r"\bwhen (?:did|was|were|have|has|had) \w+ (?:\w+ )?first \w+|\bthe first time\b")
_ACCORDING = re.compile(r"^according to [^,]+,\s*|,?\s*according to [^,?]+(?=\?|$)", re.I)
_PREAMBLE = re.compile(
    r"^(?:(?:please|so|and|well|ok(?:ay)?|hey|sorry|excuse me),? )*"
    r"(?:(?:do|does|would|did) (?:you|anyone|anybody) (?:happen to |still )?(?:know|remember|recall)|"
    r"(?:can|could|would|will) (?:you|anyone|anybody) (?:please )?(?:tell|remind|show) (?:me|us)(?: again)?|"
    r"(?:any|(?:have|got|has) (?:you |anyone |anybody )?(?:got )?any) (?:idea|clue|chance you know)|tell (?:me|us)|remind me|"
    r"i(?:'d| would) (?:like|love|want) to know|"
    r"i(?:'m| am)? ?(?:just )?(?:wonder(?:ing)?|curious)|i(?:'ve| have)? forg[eo]t(?:ten)?|"
    r"i need to know|i (?:can't|cannot|don't) (?:remember|recall|know)|let me know|what was it again,?)"
    r"(?: please)?,? (?=(?:about )?(?:who|what|which|whose|whom|where|when|why|how|at|in|on|by|for|from|to|with|if|whether)\b)",
    re.I,
)
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
_DENYING = frozenset("refuse decline avoid fail stop quit forget forbid deny".split())
"""What follows one of these is not done: "refuses to eat"."""
_MEANS = re.compile(r"how (?:did|does|do|was|were|is|are|will|can|could|has|have|had) ", re.I)
_TOLD_BY = {"theme": "about", "topic": "about", "subject": "about", "author": "by"}
"""The preposition that what is asked for hangs on where it is told: "the lecture is about rivers" tells its topic."""
_LIGHT_VERBS = {
    "suppose",
    "be",
    "do",
    "have",
    "get",
    "go",
    "make",
    "take",
    "will",
    "can",
    "use",
    "want",
    "need",
    "let",
}


def parse_question(text: str, language: Language) -> Question:
    """Parse one question. The question's own words decide; nothing of the memory is looked at."""
    text = " ".join(text.split())
    # "According to the speech, ..." says where the answer stands, not what it says.
    plain = by_the_clock(_PREAMBLE.sub("", _ACCORDING.sub("", text)))
    earlier = _BEFORE.sub("", plain)
    before = earlier != plain and len(tokens(earlier)) >= _TELLS
    plain = earlier if before else plain
    doc = language(plain[:1].upper() + plain[1:])
    low = text.lower()
    t_min, t_max = time_range_of(low)
    asked_token = _asked_token(doc)
    kind = kind_of(low, doc, asked_token)
    choices = _choices(doc)
    terms = tuple(t for t in _terms(doc, asked_token, kind) if not choices & set(t.stems))
    return Question(
        text=text,
        kind=kind,
        terms=terms,
        asked=asked_token.lemma_.lower() if asked_token is not None else None,
        wants_first=before or bool(_FIRST.search(low)),
        modalities=modalities_of(low, kind),
        t_min_s=t_min,
        t_max_s=t_max,
        phrases=tuple(_phrases(doc)),
        subject=_subject(doc),
        negated=negated_stems(doc),
        preposition=_preposition(doc)
        or _TOLD_BY.get(asked_token.lemma_.lower() if asked_token is not None else "", ""),
        choices=choices,
        of_kind=asked_token is not None and any(c.lower_ in {"which", "what"} for c in asked_token.children),
        steps=asks_for_steps(plain),
        means=kind is Kind.WHAT and bool(_MEANS.match(plain)),
        time_of="last" if _LAST_TIME.search(low) else "first" if _FIRST_TIME.search(low) else "",
        of_object=bool(re.search(r"\bwhom\b|\bwho (?:do|does|did)\b", low)),
    )


def negated_stems(doc: Any) -> frozenset[str]:
    """Stems of the words under a "not", "never" or "no longer" of a parsed text."""
    heads = [t.head for t in doc if t.dep_ == "neg" or t.lower_ in {"never", "nobody", "none"}]
    heads += [
        c for t in doc if t.lemma_ in _DENYING for c in t.children if c.dep_ in {"xcomp", "ccomp", "pcomp"}
    ]
    return frozenset(s for head in heads for s in tokens(head.text))


def _asked_token(doc: Any) -> Any | None:
    """The noun a what/which/how-many asks for: "city" in "which city", "total" in "what is the total due"."""
    for token in doc:
        if token.lower_ not in {"what", "which", "whose"} and not (
            token.lower_ in {"many", "much"} and token.i > 0 and doc[token.i - 1].lower_ == "how"
        ):
            continue
        rest = doc[token.i + 1 :]
        for i, nxt in enumerate(rest):
            if nxt.dep_ == "poss" and nxt.head.pos_ == "NOUN":
                continue
            if (
                nxt.pos_ == "PROPN"
                and nxt.text[:1].isupper()
                and (i + 1 == len(rest) or rest[i + 1].pos_ != "NOUN")
            ):
                return None  # "what is Ana allergic to" asks for no Ana
            if nxt.pos_ in {"NOUN", "PROPN"}:
                while i + 1 < len(rest) and rest[i + 1].pos_ == "NOUN" and nxt.dep_ == "compound":
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
        if term_kind is None or _counts_choices(token):
            continue
        if term_kind not in {TermKind.NUMBER, TermKind.NAME}:
            if (lemma in _EMPTY_NOUNS or token.lower_ in _EMPTY_NOUNS) and token.head.lemma_ != "take":
                continue
            particle = next((c.lower_ for c in token.children if c.dep_ == "prt"), "")
            perceived = token.pos_ in {"VERB", "AUX"} and lemma in _PERCEPTION_VERBS
            lemma = f"{lemma} {particle}".rstrip()
            if lemma in _LIGHT_VERBS or (perceived and token.dep_ not in {"amod", "compound"}):
                continue
        stems = tuple(tokens(token.text))
        stems = stems[:1] if is_hour(token.text) else stems
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
                owned=_is_owned(token),
            )
        )
    return out


def _is_owned(token: Any) -> bool:
    """ "cousin" in "Nora's cousin", also where the tagger hangs "Nora" on another word."""
    if token.i > 1 and token.nbor(-1).tag_ == "POS":
        return token.nbor(-2).lemma_ not in _EMPTY_NOUNS
    return any(
        c.dep_ == "poss" and c.pos_ in {"PROPN", "NOUN"} and c.lemma_ not in _EMPTY_NOUNS
        for c in token.children
    )


def _preposition(doc: Any) -> str:
    words = [t for t in doc if not t.is_punct and not t.is_space]
    for at, word in enumerate(words[:2]):
        if word.lower_ in {"what", "which", "who", "whom", "whose"}:
            return str(words[at - 1].lower_ if at and words[at - 1].pos_ == "ADP" else _stranded(words[-1]))
    return ""


def _stranded(last: Any) -> str:
    return str(last.lower_) if last.pos_ == "ADP" and last.dep_ != "prt" else ""


def _choices(doc: Any) -> frozenset[str]:
    """What stands on both sides of an "or", with what is listed before it."""
    found: set[str] = set()
    for word in doc:
        if word.lower_ != "or" or not 0 < word.i < len(doc) - 1:
            continue
        first = doc[word.i - 1]
        while first.dep_ == "conj" and first.head.i < first.i:
            first = first.head
        listed = [first, *(t for t in doc if t.dep_ == "conj" and t.i > first.i and t.pos_ == first.pos_)]
        found.update(s for t in listed for s in tokens(t.text))
    return frozenset(found)


def _counts_choices(token: Any) -> bool:
    """ "two" in "which of the two sisters": whoever answers need not say how many there are. "14" in "the keeper of station 14"
    says which.
    """
    return bool(
        token.pos_ == "NUM"
        and token.i < token.head.i
        and token.head.dep_ == "pobj"
        and token.head.head.lower_ in {"of", "between"}
    )


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
