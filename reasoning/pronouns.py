"""Whom an "I" or a "she" of the answering sentence means."""

from __future__ import annotations

from memory.text import tokens
from reasoning.extract import in_place
from reasoning.language import Language
from reasoning.question import Question

_OBJECTS = frozenset({"dobj", "pobj", "dative", "dep"})


def told_before(unit: str, statement: str, before: str) -> str:
    """What a sentence of a statement may point back to. before: the turn before it, with its speaker's name."""
    return f"{before.partition(': ')[2]} {statement[: max(0, statement.find(unit))]}".strip()


def did_it(question: Question, unit: str, language: Language) -> bool:
    """Whoever says this says that they did what is asked: "I brought the lantern" to "who brought the lantern"; not to
    "who did you bring it to".
    """
    asked = set(tokens(question.text))
    whom = any(t.lower_ in {"who", "whom"} and t.dep_ in _OBJECTS for t in language(question.text))
    return not whom and any(
        t.lower_ == "i" and t.dep_ == "nsubj" and asked & set(tokens(t.head.text)) for t in language(unit)
    )


def meant_by(question: Question, unit: str, earlier: str, language: Language) -> str:
    """The last name before a "she" or "he" that does what is asked: "My aunt Ada came. She rents the boat." """
    asked = set(tokens(question.text))
    pronoun = any(
        t.lower_ in {"she", "he"} and t.dep_ == "nsubj" and asked & set(tokens(t.head.text))
        for t in language(unit)
    )
    if not pronoun or question.of_object or question.preposition:
        return ""
    people = [e.text.split() for e in language(earlier).ents if e.label_ == "PERSON"]
    names = [" ".join(word for word in words if word[:1].isupper()) for words in people]
    names = names or [t.text for t in language(earlier) if t.pos_ == "PROPN" and not in_place(t)]
    return names[-1] if names else ""
