"""What assertions come to: ADD, UPDATE, DELETE and NOOP against the nearest five (Mem0, arXiv 2504.19413), as a fold.

Assertions are only ever appended, and nothing that they once said is overwritten. What holds is counted up from those that
may be seen, in the order in which they became known: so what was known at a time is exact, a forgotten record is as if it
had never been, and it makes no difference in which order sources were added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from memory.consolidation.assertion import object_key, relation
from memory.consolidation.facts import Fact, Stored, said_of
from memory.text import is_number, tokens

Op = Literal["add", "update", "delete", "noop"]
Verdict = Literal["same", "contradicts", "independent"]
NEAREST = 5
SAME, NEAR = 0.92, 0.80
"""The ladder of duplicates: from SAME on it is more evidence for what is known; from NEAR on it is looked at when idle."""
_PREFERENCE = 0.6
"""How alike two preferences are that are about one matter (drinks, seats), so that the later one holds."""

Name = Callable[[Stored], str]
"""What to call who says something; "" where nobody knows."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """facts: all there were, in the order in which they became known; steps: what each assertion did."""

    facts: tuple[Fact, ...] = ()
    steps: tuple[Op, ...] = ()

    def current(self) -> list[Fact]:
        return [f for f in self.facts if f.valid_to_s is None]

    def versions(self, fact_id: str) -> list[Fact]:
        """The fact and all that it took the place of or that took its place, oldest first; [] where there is none."""
        by_id = {f.id: f for f in self.facts}
        found: dict[str, Fact] = {}
        queue = [fact_id]
        while queue:
            fact = by_id.get(queue.pop())
            if fact is not None and fact.id not in found:
                found[fact.id] = fact
                queue += [i for i in (fact.supersedes, fact.superseded_by) if i is not None]
                queue += [f.id for f in self.facts if f.superseded_by == fact.id]
        return sorted(found.values(), key=lambda f: (f.valid_from_s, f.known_at_s, f.id))


class _Book:
    def __init__(self, verdicts: Mapping[tuple[str, str], Verdict]) -> None:
        self.facts: dict[str, Fact] = {}
        self.steps: list[Op] = []
        self._verdicts = verdicts
        self._active: dict[tuple[str, str], list[str]] = {}
        self._made: dict[str, Stored] = {}

    def take(self, one: Stored, subject: str, scope: str) -> None:
        """scope: whose subject it is ("" for people, who are the same everywhere; of things, their source)."""
        key = (scope, subject.casefold())
        active = self._active.setdefault(key, [])
        made = one.made
        rule = relation(made.relation)
        slot = [f for f in active if self.facts[f].relation == made.relation]
        same = [f for f in slot if object_key(self.facts[f].object) == object_key(made.object)]
        if made.ended:
            self._end(one, active, slot if not made.object else same)
            return
        if same:
            self._strengthen(one, same[0])
            return
        flipped = [
            f
            for f in active
            if rule.flips == self.facts[f].relation
            and object_key(self.facts[f].object) == object_key(made.object)
        ]
        target = flipped[0] if flipped else slot[-1] if rule.single and slot else None
        near: tuple[str, ...] = ()
        if target is None and not rule.single:
            same_one, target, near = self._nearest(one, slot)
            if same_one is not None:
                self._strengthen(one, same_one)
                return
        self._add(one, subject, active, target, near)

    def _nearest(self, one: Stored, slot: Sequence[str]) -> tuple[str | None, str | None, tuple[str, ...]]:
        """(the fact that this one says again, the one whose place it takes, those that it may be)."""
        if not slot:
            return None, None, ()
        likeness = np.stack([self._made[f].vector for f in slot]) @ one.vector
        order = np.lexsort((np.arange(len(slot)), -likeness))[:NEAREST]
        words = set(tokens(one.made.object))
        near: list[str] = []
        for at in order.tolist():
            other, alike = slot[at], float(likeness[at])
            verdict = self._verdicts.get((other, one.id))
            theirs = set(tokens(self.facts[other].object))
            if verdict == "same" or (alike >= SAME and (words <= theirs or theirs <= words)):
                return other, None, ()
            if verdict == "contradicts" or (verdict is None and _another_count(words, theirs)):
                return None, other, ()
            if verdict is None and one.made.relation == "prefers" and alike >= _PREFERENCE:
                return None, other, ()
            if verdict is None and alike >= NEAR:
                near.append(other)
        return None, None, tuple(near)

    def _add(
        self, one: Stored, subject: str, active: list[str], target: str | None, near: tuple[str, ...]
    ) -> None:
        made = one.made
        begins = one.wall_s if made.when_s is None else made.when_s
        fact = Fact(
            id=one.id,
            kind=made.kind,
            subject=subject,
            relation=made.relation,
            object=made.object,
            text=_text(subject, one),
            confidence=made.confidence,
            valid_from_s=begins,
            valid_to_s=made.until_s,
            known_at_s=one.known_at_s,
            source=one.source,
            evidence=(one.record,),
            words=made.words,
            span=made.span,
            extractor=one.extractor,
            prompt_hash=one.prompt_hash,
            near=near,
        )
        self._made[one.id] = one
        if target is None:
            self._keep(fact, active)
            self.steps.append("add")
            return
        old = self.facts[target]
        if begins < old.valid_from_s and made.when_s is not None:
            # Told later of an earlier time: it had ended when what is known began.
            self._keep(replace(fact, valid_to_s=old.valid_from_s, superseded_by=old.id), active, held=False)
            self.steps.append("add")
            return
        self.facts[target] = replace(
            old, valid_to_s=max(begins, old.valid_from_s), superseded_by=one.id, ended_by=one.record
        )
        active.remove(target)
        self._keep(replace(fact, supersedes=target), active)
        self.steps.append("update")

    def _end(self, one: Stored, active: list[str], targets: Sequence[str]) -> None:
        ends = one.wall_s if one.made.when_s is None else one.made.when_s
        for target in targets:
            old = self.facts[target]
            self.facts[target] = replace(old, valid_to_s=max(ends, old.valid_from_s), ended_by=one.record)
            active.remove(target)
        self.steps.append("delete" if targets else "noop")

    def _strengthen(self, one: Stored, known: str) -> None:
        """Seen again: surer, by as much as two witnesses are surer than one."""
        old = self.facts[known]
        evidence = old.evidence if one.record in old.evidence else (*old.evidence, one.record)
        confidence = round(1.0 - (1.0 - old.confidence) * (1.0 - one.made.confidence), 4)
        confidence = old.confidence if evidence == old.evidence else confidence
        self.facts[known] = replace(old, confidence=confidence, evidence=evidence)
        self.steps.append("noop")

    def _keep(self, fact: Fact, active: list[str], held: bool = True) -> None:
        self.facts[fact.id] = fact
        if held:
            active.append(fact.id)

    def called(self, subject: str, kin: str) -> str | None:
        """The name of somebody's sister, where they have one whose name is known."""
        names = [
            self.facts[f].object
            for f in self._active.get(("", subject.casefold()), ())
            if self.facts[f].relation == f"kin {kin}"
        ]
        return names[0] if len(names) == 1 else None


def fold(
    stored: Iterable[Stored], name: Name, verdicts: Mapping[tuple[str, str], Verdict] | None = None
) -> Ledger:
    """stored: in the order of `facts.in_order`. verdicts: of (older, newer) fact, where somebody has judged."""
    book = _Book(verdicts or {})
    for one in stored:
        about = one.made.subject
        owner = name(one)
        if about == "" or about.startswith("my "):
            if not owner:
                continue
            kin = about.removeprefix("my ")
            about = owner if not about else (book.called(owner, kin) or f"{owner}'s {kin}")
        if one.made.relation == "name" and object_key(about) == object_key(one.made.object):
            continue  # that Ana is called Ana is known
        people = relation(one.made.relation).core or one.made.relation == "plans to"
        book.take(one, about, "" if people else one.source)
    return Ledger(tuple(book.facts.values()), tuple(book.steps))


def _text(subject: str, one: Stored) -> str:
    if one.made.kind == "procedural":
        return f"To {subject}: {one.made.object}"
    if one.made.kind == "resource":
        return f"{one.made.object}, in “{one.made.words}”"
    said = said_of(one.made)
    return f"{subject}{said}" if said.startswith("'s ") else f"{subject} {said}"


def _another_count(a: set[str], b: set[str]) -> bool:
    """Two numbers of the same: "two kids", "three kids"."""
    numbers = {t for t in a ^ b if is_number(t)}
    return bool(numbers) and (a ^ b) == numbers and bool(a & b)
