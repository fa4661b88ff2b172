"""Every version of a statement: what was said first, what took its place, and from when until when each held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from memory.consolidation.assertion import relation
from memory.consolidation.facts import Fact
from memory.hits import Hit, SearchRequest, statement
from memory.retrieval import Memory
from memory.supersede import Statement, superseded
from memory.text import normalise
from runtime.messages import Observation

_CANDIDATES = 60
_ALIKE = 0.5


@dataclass(frozen=True, slots=True)
class Version:
    """text: the statement, of a screen the line. valid_from_s: when it became known; valid_to_s: when another took its
    place (None: it holds), of which superseded_by is the record. also: ids of later records that say the same again.
    """

    id: str
    source: str
    text: str
    valid_from_s: float
    valid_to_s: float | None
    superseded_by: str | None
    speaker: str | None = None
    also: tuple[str, ...] = ()


async def history(
    memory: Memory, what: str, source: str | None = None, as_of_s: float | None = None
) -> tuple[Version, ...]:
    """The versions, oldest first, of the statement that a record makes (what is its id) or that a question finds, or of the
    fact that the found one says where that has changed; or of a fact (its id), whose times are Unix times.

    () where nothing is found. Raises InputError: a source that is not there, as_of_s without one.
    """
    sources = None if source is None else (source,)
    if "/fact/" in what:
        return _of_facts((await memory.ledger(as_of_s, sources)).versions(what))
    record = await _record(memory, what, as_of_s)
    if record is None:
        found = await memory.search(SearchRequest(what, sources=sources, as_of_s=as_of_s, k=5))
        hit = next((hit for hit in found if hit.record.modality != "seen" and _means_it(hit)), None)
        if hit is None:
            return ()
        if versions := await _by_facts(memory, what, hit, as_of_s):
            return versions
        told = statement(hit)
    else:
        told = Statement(record.id, record.source, record.known_at_s, (record.text,))
    near = SearchRequest(told.texts[0], sources=(told.source,), as_of_s=as_of_s, k=_CANDIDATES)
    hits = [hit for hit in await memory.search(near) if hit.record.modality != "seen"]
    speakers = {hit.record.id: hit.record.speaker for hit in hits}
    others = {one.id: one for one in map(statement, hits)}
    return _versions(_related(others.get(told.id, told), others), speakers)


async def _by_facts(memory: Memory, what: str, hit: Hit, as_of_s: float | None) -> tuple[Version, ...]:
    """Of a conversation or a note: "I live in Bergen" and "we have moved to Oslo" share no words."""
    dated = {source.id for source in await memory.sources() if source.wall_zero_s == 0.0}
    if hit.record.source not in dated:
        return ()
    sources = tuple(sorted(dated))
    found = await memory.facts(what, history=True, as_of_s=as_of_s, sources=sources)
    said = next((f for f in found if hit.record.id in (*f.evidence, f.ended_by)), None)
    if said is None:
        return ()
    ledger = await memory.ledger(as_of_s, sources)
    versions = ledger.versions(said.id)
    if relation(said.relation).single:  # also what had ended before the next one was said
        versions = [f for f in ledger.facts if (f.subject, f.relation) == (said.subject, said.relation)]
    return _of_facts(versions) if len(versions) > 1 or said.valid_to_s is not None else ()


def _of_facts(facts: Sequence[Fact]) -> tuple[Version, ...]:
    return tuple(
        Version(
            id=fact.id,
            source=fact.source,
            text=fact.text,
            valid_from_s=fact.valid_from_s,
            valid_to_s=fact.valid_to_s,
            superseded_by=fact.superseded_by,
            also=fact.evidence[1:],
        )
        for fact in facts
    )


async def _record(memory: Memory, what: str, as_of_s: float | None) -> Observation | None:
    found = await memory.neighbours(what, 0, as_of_s)
    return found[0] if found else None


def _related(first: Statement, others: dict[str, Statement]) -> list[Statement]:
    """All that update, repeat, or are updated by the first one, or by one of those."""
    members, queue = {first.id: first}, [first]
    while queue:
        one = queue.pop()
        for other in others.values():
            if other.id not in members and (_same(one, other) or superseded([one, other])):
                members[other.id] = other
                queue.append(other)
    return sorted(members.values(), key=lambda s: (s.known_at_s, s.id))


def _versions(members: Sequence[Statement], speakers: dict[str, str | None]) -> tuple[Version, ...]:
    groups: list[list[Statement]] = []
    for one in members:
        if groups and _same(groups[-1][0], one):
            groups[-1].append(one)
        else:
            groups.append([one])
    ends = [group[0] for group in groups[1:]]
    return tuple(
        Version(
            id=group[0].id,
            source=group[0].source,
            text=group[0].texts[0],
            valid_from_s=group[0].known_at_s,
            valid_to_s=end.known_at_s if end is not None else None,
            superseded_by=end.id if end is not None else None,
            speaker=speakers.get(group[0].id),
            also=tuple(s.id for s in group[1:]),
        )
        for group, end in zip(groups, [*ends, None], strict=True)
    )


def _means_it(hit: Hit) -> bool:
    """A search has a best hit for everything; this one shares a word with the question, or most of its meaning."""
    return hit.scores.lexical > 0 or hit.scores.vector >= _ALIKE


def _same(a: Statement, b: Statement) -> bool:
    return normalise(a.texts[0]) == normalise(b.texts[0])
