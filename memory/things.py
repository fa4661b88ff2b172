"""Things by name: what the dog, the boat or the project is called, and by which names a question may mean it.

Of people a voice tells who they are; of a thing only what is said of it. Every "our boat is called Selma" is a fact, so
that all of it is counted up from what may be seen: as of any time, and without what was forgotten. What the user says
of things is a claim beside those about people (memory/cast.py), and is undone as they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from memory.cast import THING, Cast, Claim
from memory.consolidation.ledger import Ledger
from memory.text import tokens
from runtime.errors import InputError

if TYPE_CHECKING:
    from memory.entities import People

CALLED = "called"
"""The relation of such a fact."""
_LEAD = 1
"""By how many witnesses a name must lead over the next for it to be the thing's label."""
_ALIASES = 3


@dataclass(frozen=True, slots=True)
class Thing:
    """descriptions: what it is ("boat"). names: the signed count of the records that call it so, of those that say that
    it is not, or no longer, called so. label: the name that is believed, or the description where none leads.
    """

    id: str
    label: str
    named: bool
    descriptions: tuple[str, ...]
    names: dict[str, int]
    evidence: tuple[str, ...]
    merged: tuple[str, ...]


@dataclass(slots=True)
class _Draft:
    descriptions: dict[str, None] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    evidence: dict[str, None] = field(default_factory=dict)
    parts: dict[str, None] = field(default_factory=dict)


def things_of(ledger: Ledger, cast: Cast) -> list[Thing]:
    """All that have a name, in the order in which that became known."""
    apart = {(c.other, c.name.casefold()): c.person for c in cast.claims if c.kind == "split" and c.name}
    drafts: dict[str, _Draft] = {}
    for fact in ledger.facts:
        if fact.relation != CALLED:
            continue
        own = f"{THING}{fact.source}:{fact.subject.casefold()}"
        own = apart.get((own, fact.object.casefold()), own)
        draft = drafts.setdefault(cast.root(own), _Draft())
        draft.parts[own] = None
        draft.descriptions[fact.subject] = None
        draft.evidence |= dict.fromkeys(fact.evidence)
        name = next((n for n in draft.names if n.casefold() == fact.object.casefold()), fact.object)
        ended = fact.valid_to_s is not None
        draft.names[name] = draft.names.get(name, 0) + len(fact.evidence) * (-1 if ended else 1)
    return [_thing(number, draft) for number, draft in drafts.items()]


def _thing(number: str, draft: _Draft) -> Thing:
    ranked = sorted(draft.names.items(), key=lambda item: -item[1])
    second = ranked[1][1] if len(ranked) > 1 else 0
    named = ranked[0][1] > 0 and ranked[0][1] - max(second, 0) >= _LEAD
    return Thing(
        id=number,
        label=ranked[0][0] if named else next(iter(draft.descriptions)),
        named=named,
        descriptions=tuple(draft.descriptions),
        names=draft.names,
        evidence=tuple(draft.evidence),
        merged=tuple(p for p in draft.parts if p != number),
    )


def other_wordings(text: str, things: Sequence[Thing]) -> list[str]:
    """The text with a thing that it names by its other names and its description, three at most."""
    out: dict[str, None] = {}
    for thing in things:
        forms = (*(name for name, count in thing.names.items() if count > 0), *thing.descriptions)
        for form in forms:
            found = re.search(rf"(?<!\w)(?:(?:the|our|my) )?{re.escape(form)}(?!\w)", text, re.IGNORECASE)
            if found is None:
                continue
            for other in forms:
                if set(tokens(other)) != set(tokens(form)):
                    out[f"{text[: found.start()]}{other}{text[found.end() :]}"] = None
    return list(out)[:_ALIASES]


def find_thing(things: Sequence[Thing], called: str) -> Thing:
    """By its id, a name or a description. Raises InputError: there is none, or there are several."""
    wanted = " ".join(called.split()).casefold()
    forms = [{t.id, *t.merged, *map(str.casefold, (*t.names, *t.descriptions))} for t in things]
    found = [thing for thing, mine in zip(things, forms, strict=True) if wanted in mine or called in mine]
    if len(found) > 1:
        raise InputError(f"several things are called {called}: say {' or '.join(t.id for t in found)}")
    if not found:
        raise InputError(f"nothing is known that is called {called}")
    return found[0]


async def merge_things(
    people: People, things: Sequence[Thing], kept: str, other: str, at_wall_s: float
) -> Claim:
    """other is the same as kept. Raises InputError: not known, or one already."""
    one, two = find_thing(things, kept), find_thing(things, other)
    if one.id == two.id:
        raise InputError(f"{kept} and {other} are one thing already")
    return await people.claim("merge", at_wall_s, person=one.id, other=two.id)


async def split_thing(
    people: People, things: Sequence[Thing], called: str, name: str, at_wall_s: float
) -> Claim:
    """What has this name is another thing. Raises InputError: not known, not its name, or its only one."""
    thing = find_thing(things, called)
    names = {n.casefold(): n for n in thing.names}
    if name.casefold() not in names or len(names) < 2:
        raise InputError(f"{thing.label} has no other name {name} to be told apart by")
    apart = f"{thing.id}/{name.casefold()}"
    return await people.claim("split", at_wall_s, person=apart, other=thing.id, name=names[name.casefold()])
