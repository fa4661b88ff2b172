"""What a question asks of the facts: whose, and which relation. Most questions ask nothing of the kind, and get nothing.

A fact answers where the words of the question are not those of what was said: "where does Ana live" was answered by "we have
relocated to Oslo", and no longer by "I live in Bergen".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from memory import Memory
from memory.consolidation.facts import Fact
from memory.consolidation.view import chosen
from memory.consolidation.vocabulary import ATTRIBUTES, KIN
from runtime.messages import Query

_WHO = r"(?P<who>[A-Z][\w-]+(?: [A-Z][\w-]+)?)"
_KIN = "|".join(sorted(KIN, key=len, reverse=True))
_ATTRIBUTE = "|".join(sorted(ATTRIBUTES, key=len, reverse=True))
_THING = r"(?:the|our) (?P<who>[a-z][\w' -]*?)"
_ASKED = tuple(
    (relation, re.compile(pattern))
    for relation, pattern in (
        ("lives in", rf"^[Ww]here does {_WHO} (?:now |currently )?live"),
        (
            "lives in",
            rf"^(?:[Ii]n )?[Ww](?:hich|hat) (?:city|town|country|place) does {_WHO} (?:now |currently )?live",
        ),
        ("works at", rf"^[Ww]here does {_WHO} (?:now |currently )?work"),
        (
            "works at",
            rf"^(?:(?:[Ff]or )?[Ww](?:hich|hat) company|[Ww]ho) does {_WHO} (?:now |currently )?work",
        ),
        (
            "job",
            rf"^[Ww]hat (?:is {_WHO}'s (?:job|profession|occupation)|does {_WHO.replace('who', 'whom')} (?:do|work as))\b",
        ),
        ("age", rf"^[Hh]ow old is {_WHO}"),
        (
            "diet",
            rf"^(?:[Ww]hat diet does|[Ii]s) {_WHO} (?:follow|have|keep|(?:still )?(?:vegetarian|vegan))",
        ),
        ("status", rf"^[Ii]s {_WHO} (?:still )?(?:married|single|divorced|engaged|retired)"),
        ("studies", rf"^[Ww]hat (?:subject )?does {_WHO} (?:now )?study"),
        ("favourite", rf"^[Ww](?:hat|hich) is {_WHO}'s favou?rite (?P<what>[a-z]+(?: [a-z]+)?)\?"),
        ("favourite", rf"^[Ww]h(?:at|ich) (?P<what>[a-z]+) is {_WHO}'s favou?rite"),
        ("kin", rf"^[Ww]h(?:o|at) is (?:the name of )?{_WHO}'s (?P<what>{_KIN})(?:'s name| called)?\?"),
        ("attribute", rf"^[Ww]h(?:at|en|ere) is {_WHO}'s (?P<what>{_ATTRIBUTE})\?"),
        (
            "lead",
            rf"^[Ww]ho (?:now )?(?:leads|runs|heads|manages|is leading|is in charge of) {_THING}(?: now)?\?",
        ),
        ("when", rf"^[Ww]hen (?:is|does) {_THING}(?: (?:start|begin|take place|meet|open|close|now))?\?"),
        ("where", rf"^[Ww]here (?:is|does) {_THING}(?: (?:take place|meet|now))?\?"),
        ("amount", rf"^[Ww]hat is {_THING}(?: now)?\?"),
        (
            "procedure",
            r"^[Hh]ow (?:to|(?:do|can|could|should) (?:I|we|you|one)) (?P<who>[a-z][\w' -]*?) ?\??$",
        ),
    )
)
_OTHERWISE = re.compile(
    r"\b(?:before|first|used to|previously|formerly|originally|was|were|did|old address)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Asked:
    """subject: a name or a thing; relation: as the facts call it."""

    subject: str
    relation: str


def asked_of_facts(text: str) -> Asked | None:
    """None where the question asks for no fact, or for what was before it."""
    plain = " ".join(text.replace("’", "'").split())
    if _OTHERWISE.search(plain):
        return None
    for relation, pattern in _ASKED:
        match = pattern.match(plain)
        if match is None:
            continue
        groups = match.groupdict()
        what = groups.get("what") or ""
        name = {"favourite": f"favourite {what}", "kin": f"kin {what}", "attribute": what}.get(
            relation, relation
        )
        return Asked(groups.get("who") or groups.get("whom") or "", name)
    return None


async def known_fact(memory: Memory, query: Query) -> Fact | None:
    """The one fact that answers, as it was known when it is asked; None where there is none, or more than one."""
    asked = asked_of_facts(query.text)
    if asked is None:
        return None
    ledger = await memory.ledger(query.as_of_s, query.sources)
    found = chosen(ledger, about=asked.subject, name=asked.relation)
    return found[0] if len(found) == 1 else None
