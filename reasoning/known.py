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
from memory.naming import same_name
from memory.time_words import MONTH
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


_ON_THE_DAY = re.compile(
    r"\b(?:on|for|at) (?P<who>my|his|her|their|[A-Z][\w-]+['’]s) (?P<what>birthday|anniversary)\b(?! (?:party|cake|present|card))"
)
_DAY = re.compile(
    rf"\b(?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {MONTH}|\b{MONTH} (?:the )?\d{{1,2}}(?:st|nd|rd|th)?\b",
    re.IGNORECASE,
)


async def on_known_days(memory: Memory, query: Query) -> str:
    """The question with a day that is known in place of its name: "on the 14th of May" for "on Mia's birthday".

    "Her" is of the one name in the question; "my" is the memory's owner's, or that of the only one of whom it is known.
    """
    found = _ON_THE_DAY.search(query.text)
    if found is None:
        return query.text
    ledger = await memory.ledger(query.as_of_s, query.sources)
    days = [fact for fact in chosen(ledger, name=found["what"].lower()) if _DAY.search(fact.object)]
    if found["who"] == "my":
        days = [f for f in days if same_name(f.subject, memory.settings.user)] or days
    else:
        named = (
            re.findall(r"(?<!^)\b[A-Z][\w-]+", query.text) if found["who"].islower() else [found["who"][:-2]]
        )
        days = [fact for fact in days if any(same_name(fact.subject, name) for name in named)]
    if len(days) != 1:
        return query.text
    day = _DAY.search(days[0].object)
    assert day is not None
    return f"{query.text[: found.start()]}on {day[0]}{query.text[found.end() :]}"
