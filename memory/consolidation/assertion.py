"""What a record asserts: a subject, a relation and an object, from which facts are made (memory/consolidation/ledger.py)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from memory.text import fold, normalise

Kind = Literal["semantic", "procedural", "resource"]
"""Of MIRIX's six kinds (arXiv 2507.07957) those that are made of records; core is what is known of a person."""


@dataclass(frozen=True, slots=True)
class Relation:
    """phrase: what is said of the subject, {} for the object. single: a subject has one at a time, so a new one
    supersedes the old. flips: the relation that a new one of this takes the place of, for the same object.
    core: tells of a person what a profile has.
    """

    phrase: str
    single: bool = False
    flips: str = ""
    core: bool = True
    kind: Kind = "semantic"


RELATIONS = {
    "name": Relation("is called {}", single=True),
    "lives in": Relation("lives in {}", single=True),
    "is from": Relation("is from {}", single=True),
    "grew up in": Relation("grew up in {}"),
    "born in": Relation("was born in {}", single=True),
    "works at": Relation("works at {}", single=True),
    "job": Relation("works as {}", single=True),
    "studies": Relation("studies {}", single=True),
    "speaks": Relation("speaks {}"),
    "plays": Relation("plays {}"),
    "age": Relation("is {} years old", single=True),
    "status": Relation("is {}", single=True),
    "diet": Relation("is {}", single=True),
    "allergic to": Relation("is allergic to {}"),
    "cannot have": Relation("cannot have {}"),
    "gave up": Relation("gave up {}"),
    "leads": Relation("leads {}"),
    "learns": Relation("learns {}"),
    "likes": Relation("likes {}", flips="dislikes"),
    "dislikes": Relation("dislikes {}", flips="likes"),
    "prefers": Relation("prefers {}"),
    "has": Relation("has {}"),
    "does": Relation("does {}"),
    "volunteers at": Relation("volunteers at {}"),
    "joined": Relation("joined {}"),
    "took up": Relation("took up {}"),
    "visited": Relation("visited {}", core=False),
    "bought": Relation("bought {}", core=False),
    "sold": Relation("sold {}", core=False),
    "plans to": Relation("plans to {}", core=False),
    "who": Relation("is {}", single=True, core=False),
    "when": Relation("is {}", single=True, core=False),
    "where": Relation("is {}", single=True, core=False),
    "amount": Relation("is {}", single=True, core=False),
    "called": Relation("is called {}", core=False),
    "lead": Relation("is led by {}", single=True, core=False),
    "procedure": Relation("{}", core=False, kind="procedural"),
    "resource": Relation("{}", core=False, kind="resource"),
}
ONE_OF_A_KIND = frozenset(
    ("wife", "husband", "partner", "girlfriend", "boyfriend", "boss", "manager", "landlord")
)


def relation(name: str) -> Relation:
    """Of those that take a noun ("sister", "favourite colour"): "Ana's sister is Mia", one at a time unless it is kin."""
    known = RELATIONS.get(name)
    if known is not None:
        return known
    noun = name.removeprefix("kin ")
    return Relation(f"'s {noun} is {{}}", single=noun == name or noun in ONE_OF_A_KIND)


@dataclass(frozen=True, slots=True)
class Assertion:
    """subject: "" for who says it, else a name or a thing. object: "" where something is said to have ended, whatever it was.

    ended: it holds no longer. words: the sentence, span: where it stands in the record's text, in characters.
    when: seconds from which it held, as the record's own times count; until: to which, where that is told.
    """

    subject: str
    relation: str
    object: str
    words: str
    span: tuple[int, int]
    confidence: float
    ended: bool = False
    when_s: float | None = None
    until_s: float | None = None

    @property
    def kind(self) -> Kind:
        return relation(self.relation).kind


def object_key(text: str) -> str:
    """The normalised form by which two objects are one (first step of the ladder of duplicates)."""
    return normalise(text) or fold(text).strip()


def assertion_id(record: str, one: Assertion, extractor: str) -> str:
    """The same for the same assertion of a record, so that a second extraction adds nothing."""
    parts = (one.subject, one.relation, object_key(one.object), str(one.ended), extractor)
    return f"{record}/fact/{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:12]}"
