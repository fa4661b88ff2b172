"""What readers see of what was consolidated: facts, as of any time, about anybody."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np

from memory import schema
from memory.cast import Cast, Claim
from memory.consolidation.assertion import Kind, relation
from memory.consolidation.facts import Fact, Stored, stored_of
from memory.consolidation.ledger import Ledger, fold
from memory.naming import same_name
from memory.store import Store
from memory.text import tokens
from memory.things import Thing, other_wordings, things_of
from runtime.compute import Compute
from runtime.messages import Vector

_FOUND = 0.3
THREAD = "facts"
OWNER = "the user"
"""What the owner of a memory is called as long as no setting says it (memory.user)."""


_Seen = tuple[list[Stored], tuple[Claim, ...], frozenset[str]]
"""What a ledger is made of: facts, claims about people, records whose voice is not known yet."""
_Asked = tuple[int, Cast, float, frozenset[str] | None]
"""Version of the table, who is who, as of when, of which sources: of the same, the same ledger."""


class Facts:
    """The facts of a store as readers see it; read again when they have changed, and folded when others may be seen.

    What is worked out is worked out in a thread of its own, and kept until something else is asked for.
    """

    def __init__(self, store: Store, compute: Compute, user: str) -> None:
        self._store = store
        self._compute = compute
        self._user = user or OWNER
        self._stored: list[Stored] = []
        self._version = -1
        self._folded: tuple[_Seen, Ledger] | None = None
        self._asked: tuple[_Asked, Ledger] | None = None
        self._things: tuple[Ledger, Cast, list[Thing]] | None = None

    async def ledger(self, cast: Cast, as_of_s: float = inf, sources: frozenset[str] | None = None) -> Ledger:
        """What those of the sources that were known by then come to. Raises MemoryStoreError."""
        await self._refresh()
        asked = (self._version, cast, as_of_s, sources)
        if self._asked is None or self._asked[0] != asked:
            ledger = await self._compute.run(THREAD, self._fold, self._stored, cast, as_of_s, sources)
            self._asked = asked, ledger
            return ledger
        return self._asked[1]

    async def things(
        self, cast: Cast, as_of_s: float = inf, sources: frozenset[str] | None = None
    ) -> list[Thing]:
        """Things that have a name, by the facts that were known by then. Raises MemoryStoreError."""
        ledger = await self.ledger(cast, as_of_s, sources)
        known = self._things
        if known is None or known[0] is not ledger or known[1] is not cast:
            known = ledger, cast, await self._compute.run(THREAD, things_of, ledger, cast)
            self._things = known
        return known[2]

    async def other_wordings(
        self, text: str, cast: Cast, as_of_s: float = inf, sources: frozenset[str] | None = None
    ) -> list[str]:
        """The text with a thing that it names by its other names (`memory.things.other_wordings`)."""
        things = await self.things(cast, as_of_s, sources)
        return await self._compute.run(THREAD, other_wordings, text, things) if things else []

    def _fold(
        self, stored: list[Stored], cast: Cast, as_of_s: float, sources: frozenset[str] | None
    ) -> Ledger:
        """In the thread, so one at a time."""
        visible = [
            one for one in stored if one.known_at_s <= as_of_s and (sources is None or one.source in sources)
        ]
        seen = (visible, cast.claims, cast.hidden)
        if self._folded is None or self._folded[0] != seen:

            def name(one: Stored) -> str:
                speaker = cast.speaker(one.record, one.speaker)
                return speaker.label if speaker is not None else self._user if one.speaker is None else ""

            self._folded = seen, fold(visible, name)
        return self._folded[1]

    async def _refresh(self) -> None:
        version = await self._store.version(schema.FACTS)
        if version != self._version:
            rows = await self._store.rows(schema.FACTS)
            self._stored = await self._compute.run(THREAD, stored_of, rows) if rows is not None else []
            self._version = version

    def vectors(self) -> dict[str, Vector]:
        return {one.id: one.vector for one in self._stored}


def chosen(
    ledger: Ledger,
    about: str | None = None,
    kind: Kind | None = None,
    name: str | None = None,
    history: bool = False,
    valid_at_s: float | None = None,
) -> list[Fact]:
    """about: a subject, by its name or first name. name: of a relation. history: those that no longer hold too.
    valid_at_s: those that held then, as far as it is known.
    """
    out = []
    for fact in ledger.facts:
        end = inf if fact.valid_to_s is None else fact.valid_to_s
        holds = fact.valid_to_s is None if valid_at_s is None else fact.valid_from_s <= valid_at_s < end
        if (
            (history or holds)
            and (about is None or same_name(fact.subject, about) or same_name(about, fact.subject))
            and (kind is None or fact.kind == kind)
            and (name is None or fact.relation == name)
        ):
            out.append(fact)
    return out


def matching(
    facts: Sequence[Fact], text: str, vector: Vector, vectors: dict[str, Vector], k: int
) -> list[Fact]:
    """The k facts that share most with a text, in words and in meaning (vector: its own, (d,) unit)."""
    asked = set(tokens(text))
    if not facts or not asked:
        return []
    likeness = np.stack([vectors[f.id] for f in facts]) @ vector
    words = np.array([len(asked & set(tokens(f.text))) / len(asked) for f in facts])
    score = 0.5 * np.maximum(likeness, 0.0) + 0.5 * words
    order = np.lexsort((np.arange(len(facts)), -score))
    return [facts[at] for at in order[:k].tolist() if score[at] >= _FOUND]


def profile(ledger: Ledger, person: str) -> list[Fact]:
    """The core memory of a person: what holds of them, the surest of each relation first; what was superseded is not in it."""
    found = [f for f in chosen(ledger, about=person) if relation(f.relation).core]
    return sorted(found, key=lambda f: (f.relation, -f.confidence, f.valid_from_s, f.id))


def people(ledger: Ledger) -> list[tuple[str, int]]:
    """Everybody of whom something is known, and how many facts, most first."""
    counts: dict[str, int] = {}
    for fact in ledger.current():
        if relation(fact.relation).core:
            counts[fact.subject] = counts.get(fact.subject, 0) + 1
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
