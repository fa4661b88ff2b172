"""From utterances with voice prints to speakers, and to what is learned of people by the way.

Blocking compute, without a store: a function of the rows and claims it begins with and of what it then hears.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from memory.cast import PERSON, Cast, Claim, Kind, MadeBy
from memory.naming import OWN, NameSaid, names_said, same_name, spoken_of
from memory.settings import VoiceMatchSettings
from memory.voice_book import Print, VoiceBook, VoiceKey
from runtime.messages import Observation, VoicePrint

_REPLY_S = 15.0
_SAME_NAMED = 0.74
_SPOKEN_OF = -0.75
"""Evidence against being the one of whom one speaks by name."""


@dataclass(frozen=True, slots=True, eq=False)
class VoiceRow:
    """An utterance of the voices table. person: as it was decided then, "" for unknown."""

    seq: int
    id: str
    source: str
    t_start_s: float
    t_end_s: float
    known_at_s: float
    stretch: str
    voice: int
    speech_s: float
    quality: float
    person: str
    score: float
    runner_up: float

    @property
    def key(self) -> VoiceKey:
        return (self.source, self.stretch, self.voice)


@dataclass(frozen=True, slots=True)
class _About:
    """The utterance that claims are made by."""

    record: Observation
    voice: VoicePrint


class Recogniser:
    """rows: in the order of their seq, each with its print. Every claim, rows and claims together unique in seq.

    others: people and seqs that faces have (memory/face_recognition.py).
    """

    def __init__(
        self,
        rows: Sequence[VoiceRow],
        prints: Sequence[Print],
        claims: Sequence[Claim],
        settings: VoiceMatchSettings,
        others: Sequence[tuple[str, int]] = (),
    ) -> None:
        self.rows: list[VoiceRow] = []
        self.claims = list(claims)
        self.prints: dict[VoiceKey, Print] = {}
        self._settings = settings
        self._records: dict[VoiceKey, list[str]] = {}
        self._decided: dict[VoiceKey, str] = {}
        self._stretches: dict[tuple[str, str], list[VoiceKey]] = {}
        self._newest: dict[str, VoiceRow] = {}
        for row, one in zip(rows, prints, strict=True):
            self._keep(row, one)
        ids = [r.person for r in self.rows] + [p for s in self.claims for p in (s.person, s.other)]
        ids += [person for person, _ in others]
        self._last = max((int(i[1:]) for i in ids if PERSON.fullmatch(i)), default=0)
        seqs = [r.seq for r in self.rows] + [s.seq for s in self.claims] + [seq for _, seq in others]
        self._seq = max(seqs, default=-1) + 1
        self._learn()

    def owner(self, key: VoiceKey) -> str:
        """Whose a voice of a stretch is, "" for unknown."""
        return self.cast.person(self._records[key][-1], self._decided[key] or None) or ""

    def next_seq(self) -> int:
        self._seq += 1
        return self._seq - 1

    def next_person(self) -> str:
        """The id that the next new person gets."""
        return f"p{self._last + 1}"

    def nearest(self, key: VoiceKey) -> tuple[str, float]:
        """Whose voice a print is most like, and how much; "" where nobody is known."""
        people = sorted(filter(None, {self.owner(k) for k in self.prints if k != key}))
        scores = [(self._book.likeness(self.prints[key].vector, p), p) for p in people if p in self._book]
        score, person = max(scores, default=(-1.0, ""))
        return person, score

    def new_person(self) -> str:
        """That id, which is then taken."""
        self._last += 1
        return f"p{self._last}"

    def state(self, claim: Claim) -> None:
        self.claims.append(claim)
        self.cast = Cast(self.claims)

    def hear(self, spoken: Sequence[Observation]) -> tuple[list[Observation], list[VoiceRow], list[Claim]]:
        """The utterances, in order of time, with their speakers; the new rows and claims."""
        out: list[Observation] = []
        had_rows, had_claims = len(self.rows), len(self.claims)
        for record in spoken:
            if record.voice is None:
                out.append(record)
                continue
            row = self._recognise(_About(record, record.voice))
            out.append(replace(record, speaker=row.person or None, voice=None))
        return out, self.rows[had_rows:], self.claims[had_claims:]

    def _recognise(self, about: _About) -> VoiceRow:
        record, voice = about.record, about.voice
        names = names_said(record.text)
        own = [n for n in names if n.whose == "own" and abs(n.weight) >= OWN]
        key = (record.source, voice.stretch, voice.voice)
        one = self.prints.get(key)
        person, score, runner_up = self.owner(key) if one is not None else "", -1.0, -1.0
        if one is None or (not person and any(n.weight > 0 for n in own)):
            one = one or _print(key, voice)
            person, score, runner_up = self._whose(one, own, about)
        row = VoiceRow(
            seq=self.next_seq(),
            id=record.id,
            source=record.source,
            t_start_s=record.t_start_s,
            t_end_s=record.t_end_s,
            known_at_s=voice.known_at_s,
            stretch=voice.stretch,
            voice=voice.voice,
            speech_s=one.speech_s,
            quality=one.quality,
            person=person,
            score=score,
            runner_up=runner_up,
        )
        before = self._newest.get(record.source)
        self._keep(row, one)
        self._call(names, row, before, about)
        self._join(own, row, about)
        return row

    def _whose(self, one: Print, own: Sequence[NameSaid], about: _About) -> tuple[str, float, float]:
        match = self._book.match(one, self.next_person(), self._taken(one.key), self._named(own))
        if match.new:
            self.new_person()
        earlier = [k for k in (match.also, one.key) if k is not None and k in self._records]
        for key in earlier if match.person else ():
            self._state(about, "assign", "voice", person=match.person, records=tuple(self._records[key]))
            self._decided[key] = match.person
        if match.also is not None:
            self._book.add(self.prints[match.also], match.person)
        self._book.add(one, match.person)
        return match.person, match.score, match.runner_up

    def _keep(self, row: VoiceRow, one: Print) -> None:
        if row.key not in self.prints:
            self.prints[row.key] = one
            self._stretches.setdefault(row.key[:2], []).append(row.key)
        self._records.setdefault(row.key, []).append(row.id)
        if row.person or row.key not in self._decided:
            self._decided[row.key] = row.person
        self._newest[row.source] = row
        self.rows.append(row)

    def _learn(self) -> None:
        """The cast and the book, from the rows and claims."""
        self.cast = Cast(self.claims)
        self._book = VoiceBook(self._settings)
        for key, one in self.prints.items():
            self._book.add(one, self.owner(key))

    def _state(
        self,
        about: _About,
        kind: Kind,
        made_by: MadeBy,
        *,
        person: str = "",
        other: str = "",
        name: str = "",
        weight: float = 0.0,
        records: tuple[str, ...] = (),
    ) -> None:
        record = about.record
        self.state(
            Claim(
                seq=self.next_seq(),
                kind=kind,
                made_by=made_by,
                record=record.id,
                source=record.source,
                t_start_s=record.t_start_s,
                t_end_s=record.t_end_s,
                known_at_s=about.voice.known_at_s,
                person=person,
                other=other,
                name=name,
                weight=weight,
                records=records,
            )
        )

    def _taken(self, key: VoiceKey) -> frozenset[str]:
        """People whose voices are others of the same stretch."""
        there = [k for k in self._stretches.get(key[:2], ()) if k != key]
        return frozenset(owner for k in there if (owner := self.owner(k)))

    def _named(self, own: Sequence[NameSaid]) -> dict[str, float]:
        """By person: whether what the speaker says of their own name speaks for or against them. "": they say one."""
        named: dict[str, float] = {}
        for said in own:
            for person, name in self.cast.names().items():
                same = same_name(name, said.name)
                named[person] = said.weight if same else min(0.0, -said.weight)
            if said.weight > 0:
                named[""] = said.weight
        return named

    def _call(self, names: Sequence[NameSaid], row: VoiceRow, before: VoiceRow | None, about: _About) -> None:
        """What an utterance says of names, as evidence for and against those they may belong to."""

        def name(whose: str, person: str, called: str, weight: float) -> None:
            self._state(about, "name", "words", person=person, name=called, weight=weight, records=(whose,))

        previous = None
        if before is not None and row.t_start_s - before.t_end_s <= _REPLY_S:
            previous = self.cast.person(before.id, before.person or None)
            if row.person and row.person != previous:
                for call in self.cast.claims:
                    if call.kind == "call" and call.record == before.id:
                        name(row.id, row.person, call.name, call.weight)
        if row.person:
            for called, weight in self.cast.evidence(row.person).items():
                if weight > 0 and spoken_of(about.record.text, called):
                    name(row.id, row.person, called, _SPOKEN_OF)
        for said in names:
            if said.whose == "next":
                self._state(about, "call", "words", name=said.name, weight=said.weight)
            elif said.whose == "own" and row.person:
                name(row.id, row.person, said.name, said.weight)
            elif said.whose == "before" and before is not None and previous and previous != row.person:
                name(before.id, previous, said.name, said.weight)

    def _join(self, own: Sequence[NameSaid], row: VoiceRow, about: _About) -> None:
        """Two people of one name whose voices are near each other are one."""
        if not row.person or not any(n.weight > 0 for n in own):
            return
        mine = self.cast.root(row.person)
        name = self.cast.name(mine)
        taken = self._taken(row.key)
        near = [
            person
            for person, other in self.cast.names().items()
            if name and same_name(other, name) and person not in {mine, *taken} and person in self._book
        ]
        if len(near) == 1 and self._book.likeness(self.prints[row.key].vector, near[0]) >= _SAME_NAMED:
            self._state(about, "merge", "voice", person=near[0], other=mine, name=name or "")
            self._learn()


def _print(key: VoiceKey, voice: VoicePrint) -> Print:
    """In the precision of the table, so that a run that is taken up again decides the same."""
    return Print(
        key,
        voice.vector.astype(np.float16).astype(np.float32),
        float(np.float32(voice.speech_s)),
        float(np.float32(voice.quality)),
    )
