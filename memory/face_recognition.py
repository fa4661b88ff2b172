"""From the faces of clips to people, and to which voice is theirs.

Blocking compute, without a store: a function of the rows and claims it begins with and of what it then sees. The book of
voices serves for faces, too: a stretch is a clip, seconds of speech are seconds to be seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from memory.cast import Cast, Claim
from memory.face_voice import Pair, Span, alone, pairs
from memory.recognition import Recogniser
from memory.settings import FaceMatchSettings
from memory.voice_book import Print, VoiceBook, VoiceKey
from runtime.messages import Clip, FaceTrack

_WHO = ("assign", "merge", "split", "undo")
_SIGHTING = "/face/"
"""Between a clip's id and the number of a face in it."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceRow:
    """A face of the faces table. person: as it was decided then, "" for unknown."""

    seq: int
    id: str
    clip: str
    source: str
    t_start_s: float
    t_end_s: float
    known_at_s: float
    t_s: float
    number: int
    looks: int
    quality: float
    person: str
    score: float
    runner_up: float

    @property
    def key(self) -> VoiceKey:
        return (self.source, self.clip, self.number)


def is_sighting(id: str) -> bool:
    """Whether what a claim rests on is a face that was seen, rather than a record."""
    return _SIGHTING in id


class FaceRecogniser:
    """rows: in the order of their seq, each with its print. known: of the same memory, whose claims and numbers it shares."""

    def __init__(
        self, rows: Sequence[FaceRow], prints: Sequence[Print], known: Recogniser, settings: FaceMatchSettings
    ) -> None:
        self.rows = list(rows)
        self.prints = {row.key: one for row, one in zip(rows, prints, strict=True)}
        self._by_key = {row.key: row for row in rows}
        self._known = known
        self._settings = settings
        self._book = VoiceBook(settings)
        self._learnt: tuple[int, ...] | None = None

    def owner(self, key: VoiceKey, cast: Cast | None = None) -> str:
        """Whose a face of a clip is, "" for unknown."""
        row = self._by_key[key]
        return (cast or self._known.cast).person(row.id, row.person or None) or ""

    def see(self, clips: Sequence[Clip]) -> tuple[list[FaceRow], list[Claim]]:
        """The faces of clips, in order of time: the new rows and claims."""
        had_rows, had_claims = len(self.rows), len(self._known.claims)
        for clip in clips:
            if not clip.faces:
                continue
            self._learn(self._cast_at(clip.source, clip.t_end_s))
            placed: list[tuple[FaceTrack, str]] = []
            for number, track in enumerate(clip.faces):
                beside = frozenset(
                    person
                    for other, person in placed
                    if person and other.t_start_s < track.t_end_s and track.t_start_s < other.t_end_s
                )
                placed.append((track, self._recognise(clip, number, track, beside)))
        return self.rows[had_rows:], self._known.claims[had_claims:]

    def join(self, source: str, from_s: float, until_s: float) -> list[Claim]:
        """Says whose voice is whose face's, by what was said and seen in a source up to until_s, and who says what no voice
        was known for, of what became known after from_s. The new claims.
        """
        had = len(self._known.claims)
        unsure = {
            r.id: r.key
            for r in self._known.rows
            if r.source == source and from_s < r.known_at_s <= until_s and not r.person
        }
        cast = self._cast_at(source, until_s)
        spoken = [
            Span(cast.person(r.id, r.person or None) or "", r.t_start_s, r.t_end_s, r.id)
            for r in self._known.rows
            if r.source == source and r.known_at_s <= until_s
        ]
        seen = [
            Span(self.owner(r.key, cast), r.t_start_s, r.t_end_s, r.id)
            for r in self.rows
            if r.source == source and r.known_at_s <= until_s
        ]
        for pair in pairs(spoken, seen, self._settings):
            if self._may_join(pair):
                self._conclude(
                    "merge",
                    source,
                    until_s,
                    pair.records,
                    person=pair.voice,
                    other=pair.face,
                    weight=pair.score,
                )
        for said, there in alone([s for s in spoken if s.record in unsure], seen):
            if there[0].person and self._may_lend(said.record, unsure[said.record], there[0].person):
                records = (said.record, *(face.record for face in there))
                self._conclude("assign", source, until_s, records, person=there[0].person)
        return self._known.claims[had:]

    def _conclude(
        self,
        kind: Literal["merge", "assign"],
        source: str,
        at_s: float,
        records: tuple[str, ...],
        *,
        person: str,
        other: str = "",
        weight: float = 0.0,
    ) -> None:
        claim = Claim(
            seq=self._known.next_seq(),
            kind=kind,
            made_by="face",
            source=source,
            t_start_s=at_s,
            t_end_s=at_s,
            known_at_s=at_s,
            person=person,
            other=other,
            weight=round(weight, 2),
            records=records,
        )
        self._known.state(claim)

    def _may_lend(self, record: str, key: VoiceKey, person: str) -> bool:
        """A voice that is not surely known is that of the face, where it is most like the voice of the same person, and
        nothing was said of whose it is.
        """
        if self._known.owner(key) or any(record in claim.records for claim in self._known.claims):
            return False
        nearest, score = self._known.nearest(key)
        return nearest == self._known.cast.root(person) and score >= self._settings.least_voice

    def _may_join(self, pair: Pair) -> bool:
        """Both are known by one sense only, and it was not said before: if that was undone, it stays so."""
        cast = self._known.cast
        face, voice = cast.root(pair.face), cast.root(pair.voice)
        both = {pair.face, pair.voice}
        if face == voice or any(
            c.kind == "merge" and {c.person, c.other} == both for c in self._known.claims
        ):
            return False
        heard = {self._known.owner(key) for key in self._known.prints}
        return face not in heard and voice not in {self.owner(row.key) for row in self.rows}

    def _recognise(self, clip: Clip, number: int, track: FaceTrack, beside: frozenset[str]) -> str:
        one = Print(
            (clip.source, clip.id, number),
            track.vector.astype(np.float16).astype(np.float32),
            track.t_end_s - track.t_start_s,
            float(np.float32(track.quality)),
        )
        match = self._book.match(one, self._known.next_person(), beside, {})
        if match.new:
            self._known.new_person()
        if match.also is not None:
            self._assign(self._by_key[match.also], match.person, clip)
            self._book.add(self.prints[match.also], match.person)
        row = FaceRow(
            seq=self._known.next_seq(),
            id=f"{clip.id}{_SIGHTING}{number}",
            clip=clip.id,
            source=clip.source,
            t_start_s=track.t_start_s,
            t_end_s=track.t_end_s,
            known_at_s=clip.t_end_s,
            t_s=track.t_s,
            number=number,
            looks=track.looks,
            quality=one.quality,
            person=match.person,
            score=match.score,
            runner_up=match.runner_up,
        )
        self._book.add(one, match.person)
        self.rows.append(row)
        self.prints[row.key] = one
        self._by_key[row.key] = row
        return match.person

    def _assign(self, earlier: FaceRow, person: str, clip: Clip) -> None:
        self._known.state(
            Claim(
                seq=self._known.next_seq(),
                kind="assign",
                made_by="face",
                source=clip.source,
                t_start_s=clip.t_start_s,
                t_end_s=clip.t_end_s,
                known_at_s=clip.t_end_s,
                person=person,
                records=(earlier.id,),
            )
        )

    def _cast_at(self, source: str, t_s: float) -> Cast:
        """As it was known then: of this source, speech may be further than the pictures, and the other way round."""
        return Cast(c for c in self._known.claims if c.source != source or c.known_at_s <= t_s)

    def _learn(self, cast: Cast) -> None:
        """The book, from the rows and claims, where these say something else of who is who than when it was made."""
        said = tuple(c.seq for c in cast.claims if c.kind in _WHO)
        if said == self._learnt:
            return
        self._learnt = said
        self._book = VoiceBook(self._settings)
        for row in self.rows:
            self._book.add(self.prints[row.key], self.owner(row.key, cast))
