"""Who is who: what has been said about the people of a memory, and what follows from it.

Claims are only ever appended. What holds is made of those that may be seen: merges, splits and names can be
undone, and a question of the past is answered by what was known then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal

import pyarrow as pa

from memory import schema
from memory.naming import OWN, same_name
from memory.store import Store, quoted

Kind = Literal["name", "call", "assign", "merge", "split", "undo"]
MadeBy = Literal["words", "voice", "face", "user"]

PERSON = re.compile(r"p\d+$")
_LEAD = 0.5


THING = "thing:"
"""How the ids of things begin (memory/things.py); the source and the description follow."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Something about a person, and who says so. In the table its id is "c" and the seq.

    name: person, who says the records, is called that, with a signed weight. call: that name was called, whose it is shows
    who speaks next.
    assign, split: the records are person's; of a thing, the name is. merge: other is the same as person. undo: the claim
    of that seq does not hold. record, source, t_start_s, t_end_s: the utterance that it was made by, "" for the user's;
    known_at_s: from when on it was known. records of a merge by the face: what it rests on.
    """

    seq: int
    kind: Kind
    made_by: MadeBy
    record: str = ""
    source: str = ""
    t_start_s: float = 0.0
    t_end_s: float = 0.0
    known_at_s: float = 0.0
    person: str = ""
    other: str = ""
    name: str = ""
    weight: float = 0.0
    records: tuple[str, ...] = ()
    undoes: int = -1
    at_wall_s: float = 0.0

    @property
    def of_thing(self) -> bool:
        """Whether it is about a thing's name, not about a person."""
        return self.person.startswith(THING)


@dataclass(frozen=True, slots=True)
class Speaker:
    """id: of the person, or the name itself where memory does not know the voice. label: what to show."""

    id: str
    label: str
    named: bool


@dataclass(slots=True)
class _Names:
    given: str | None = None  # by the user
    said: dict[str, float] = field(default_factory=dict)
    spelt: dict[str, str] = field(default_factory=dict)

    def believed(self) -> str | None:
        if self.given is not None:
            return self.given or None
        ranked = sorted(self.said.items(), key=lambda item: (-item[1], item[0]))
        if not ranked or ranked[0][1] < OWN:
            return None
        if len(ranked) > 1 and ranked[0][1] - ranked[1][1] < _LEAD:
            return None
        return self.spelt[ranked[0][0]]


class Cast:
    """What the given claims come to. hidden: records whose voice was not known yet."""

    def __init__(self, claims: Iterable[Claim] = (), hidden: frozenset[str] = frozenset()) -> None:
        held = sorted(claims, key=lambda s: s.seq)
        undone: set[int] = set()
        for one in reversed(held):  # an undo may be undone
            if one.kind == "undo" and one.seq not in undone:
                undone.add(one.undoes)
        self.claims = tuple(s for s in held if s.kind != "undo" and s.seq not in undone)
        self.hidden = hidden
        self._owners: dict[str, str] = {}
        self._same: dict[str, str] = {}
        self._names: dict[str, _Names] = {}
        for one in self.claims:
            if one.kind in ("assign", "split"):
                self._owners.update(dict.fromkeys(one.records, one.person))
            elif one.kind == "merge":
                kept, gone = self.root(one.person), self.root(one.other)
                if kept != gone:
                    self._same[gone] = kept
        for one in self.claims:
            if one.kind == "name":
                self._note(self._names.setdefault(self.about(one), _Names()), one)

    def _note(self, names: _Names, one: Claim) -> None:
        if one.made_by == "user":
            names.given = one.name
            return
        key = next((k for k in names.said if same_name(k, one.name)), one.name.casefold())
        names.said[key] = names.said.get(key, 0.0) + one.weight
        names.spelt.setdefault(key, one.name)

    def root(self, person: str) -> str:
        """The person that this one is, after all merges."""
        while person in self._same:
            person = self._same[person]
        return person

    def person(self, record_id: str, speaker: str | None) -> str | None:
        """Who said a record, by id; None for unknown. speaker: what the record itself says."""
        if record_id in self.hidden:
            return None
        owner = self._owners.get(record_id, speaker)
        return self.root(owner) if owner else None

    def speaker(self, record_id: str, speaker: str | None) -> Speaker | None:
        """Who says a record; speaker: as it is stored (`Observation.speaker`). None where that is not known."""
        person = self.person(record_id, speaker)
        return self.speaker_of(person) if person else None

    def speaker_of(self, person: str) -> Speaker:
        """What to call a person; person: an id (p1), or the name that a message came with."""
        if not PERSON.match(person):
            return Speaker(person, person, named=True)
        name = self.name(person)
        return Speaker(person, name or f"speaker {person[1:]}", named=name is not None)

    def name(self, person: str) -> str | None:
        """The name that is believed to be theirs."""
        names = self._names.get(self.root(person))
        return names.believed() if names is not None else None

    def names(self) -> dict[str, str]:
        """Person's id -> name, of all who have one."""
        believed = {person: names.believed() for person, names in self._names.items()}
        return {person: name for person, name in believed.items() if name is not None}

    def evidence(self, person: str) -> dict[str, float]:
        """Names that were said to be theirs, with the sum of the signed weights."""
        names = self._names.get(self.root(person))
        return {names.spelt[k]: round(v, 2) for k, v in names.said.items()} if names is not None else {}

    def about(self, claim: Claim) -> str:
        """Whom a claim is about, after all merges and splits."""
        if claim.kind == "name":
            # After a split it is of whoever is left with the utterance.
            owner = next((self._owners[r] for r in claim.records if r in self._owners), claim.person)
            return self.root(owner)
        return self.root(claim.person)

    def merged(self, person: str) -> list[str]:
        """The ids that are this person by a merge."""
        return sorted(p for p in self._same if self.root(p) == person)


async def claims_of(store: Store) -> tuple[Claim, ...]:
    rows = await store.rows(schema.PEOPLE)
    found = rows.to_pylist() if rows is not None else []
    for row in found:
        del row["id"]
    return tuple(sorted((Claim(**row | {"records": tuple(row["records"])}) for row in found), key=_by_seq))


class Casts:
    """The casts of a store as readers see it, of this process or another."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._claims: tuple[Claim, ...] = ()
        self._now = Cast(())
        self._version = -1

    async def now(self) -> Cast:
        """All that is known; the same object as long as nothing else is. Raises MemoryStoreError."""
        version = await self._store.version(schema.PEOPLE)
        if version != self._version:
            self._claims = await claims_of(self._store)
            self._now = Cast(self._claims)
            self._version = version
        return self._now

    async def as_of(self, sources: Sequence[str], as_of_s: float) -> Cast:
        """What was known at a time of these sources: by what had been said in them, and what was known before they began.

        What came in later from elsewhere may rest on what they said after that time. Raises MemoryStoreError.
        """
        await self.now()
        mine = f"source IN ({', '.join(map(quoted, sources))})"
        seqs: list[int] = []
        for name in (schema.VOICES, schema.FACES):
            rows = await self._store.rows(name, mine, ["seq"])
            seqs += rows["seq"].to_pylist() if rows is not None else []
        first = min(seqs, default=0)
        unheard = f"{mine} AND t_end_s <= {as_of_s!r} AND known_at_s > {as_of_s!r}"
        late = await self._store.rows(schema.VOICES, unheard, ["id"])
        hidden = frozenset(late["id"].to_pylist()) if late is not None else frozenset()
        return Cast(
            (c for c in self._claims if (c.known_at_s <= as_of_s if c.source in sources else c.seq < first)),
            hidden,
        )


def claim_table(claims: Sequence[Claim]) -> pa.Table:
    rows = [asdict(c) | {"id": claim_id(c), "records": list(c.records)} for c in claims]
    return pa.Table.from_pylist(rows, schema=schema.fixed_schema(schema.PEOPLE))


def claim_id(claim: Claim) -> str:
    return f"c{claim.seq}"


def _by_seq(claim: Claim) -> int:
    return claim.seq
