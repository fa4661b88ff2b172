"""People by voice and by face: who speaks and who is to be seen, in every source of a memory, and what they are called.

Every utterance with a voice print becomes a row of the voices table, every face of a clip one of the faces table, and
whatever else is learned of people a claim (cast.py). All the rest is made of those three again when a memory is opened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, inf
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from memory import schema
from memory.cast import Cast, Claim, Kind, claim_table, claims_of
from memory.face_recognition import FaceRecogniser, FaceRow
from memory.naming import same_name
from memory.recognition import Recogniser, VoiceRow
from memory.records import fixed_list, matrix
from memory.settings import FaceMatchSettings, VoiceMatchSettings
from memory.spelling import names_in, respelt
from memory.store import Store
from memory.voice_book import Print
from runtime.compute import Compute
from runtime.errors import InputError
from runtime.messages import Clip, Observation

_THREAD = "people"


@dataclass(frozen=True, slots=True)
class Person:
    """For a list. speech_s: how long they were heard. names: what they were called, with the weight of the evidence.

    merged: ids that were found to be the same person. clips, seen_s: in how many their face is to be seen, and how long.
    """

    id: str
    label: str
    named: bool
    utterances: int
    speech_s: float
    sources: tuple[str, ...]
    names: dict[str, float]
    merged: tuple[str, ...]
    clips: int = 0
    seen_s: float = 0.0


class People:
    """One for a store that is open for writing; all its writers share it. Open with `People.open`."""

    def __init__(
        self, store: Store, compute: Compute, settings: VoiceMatchSettings, faces: FaceMatchSettings
    ) -> None:
        self._store = store
        self._compute = compute
        self._settings = settings
        self._face_settings = faces
        self._lock = asyncio.Lock()
        self._known = Recogniser([], [], [], settings)
        self._faces = FaceRecogniser([], [], self._known, faces)
        self._joined: dict[str, float] = {}
        self._stale = True

    @classmethod
    async def open(
        cls,
        store: Store,
        compute: Compute,
        settings: VoiceMatchSettings | None = None,
        faces: FaceMatchSettings | None = None,
    ) -> People:
        """Raises MemoryStoreError."""
        people = cls(store, compute, settings or VoiceMatchSettings(), faces or FaceMatchSettings())
        await people.reload()
        return people

    @property
    def cast(self) -> Cast:
        """What is known now."""
        return self._known.cast

    async def reload(self) -> None:
        """Makes everything of the tables again: they were changed by others."""
        async with self._lock:
            await self._load()

    async def hear(self, spoken: Sequence[Observation]) -> list[Observation]:
        """The utterances, in order of time, with their speakers; what is learned of them is stored.

        Raises MemoryStoreError: from another voice encoder than the memory's.
        """
        heard = next((o.voice for o in spoken if o.voice is not None), None)
        if heard is None:
            return list(spoken)
        await self._store.claim_model("voice", heard.model)
        async with self._lock:
            if self._stale:
                await self._load()
            self._stale = True  # until what is in mind is in the tables, too
            known = self._known
            out, rows, said = await self._compute.run(_THREAD, known.hear, spoken)
            vectors = fixed_list(np.stack([known.prints[row.key].vector for row in rows]))
            shape = schema.voices_schema(vectors.type.list_size)
            await self._store.add(schema.VOICES, _print_table(rows, vectors, shape))
            await self._store.add(schema.PEOPLE, claim_table(said))
            self._stale = False
            return out

    async def see(self, clips: Sequence[Clip]) -> None:
        """Whose faces are in clips that were just committed, in order of time; what is learned of them is stored.

        Raises MemoryStoreError: from another face encoder than the memory's.
        """
        seen = next((face for clip in clips for face in clip.faces), None)
        if seen is None:
            return
        await self._store.claim_model("face", seen.model)
        async with self._lock:
            if self._stale:
                await self._load()
            self._stale = True
            faces = self._faces
            rows, said = await self._compute.run(_THREAD, faces.see, clips)
            vectors = fixed_list(np.stack([faces.prints[row.key].vector for row in rows]))
            shape = schema.faces_schema(vectors.type.list_size)
            await self._store.add(schema.FACES, _print_table(rows, vectors, shape))
            await self._store.add(schema.PEOPLE, claim_table(said))
            self._stale = False

    async def join(self, source: str, until_s: float, step_s: float) -> None:
        """Says whose voice is whose face's, by what a source has shown and said up to until_s, both of which are stored.

        At every multiple of step_s on its own, so that it does not hang on how far the one was ahead of the other.
        Raises MemoryStoreError.
        """
        async with self._lock:
            if self._stale:
                await self._load()
            if not any(row.source == source for row in self._faces.rows):
                return
            rows: list[VoiceRow | FaceRow] = [*self._known.rows, *self._faces.rows]
            last_s = max(row.known_at_s for row in rows if row.source == source)
            steps = floor(min(until_s, last_s) / step_s)
            ends = [step_s * n for n in range(floor(self._joined.get(source, 0.0) / step_s) + 1, steps + 1)]
            said = []
            self._stale = True
            from_s = self._joined.get(source, 0.0)
            for end_s in [*ends, *([last_s] if until_s == inf else [])]:
                said += await self._compute.run(_THREAD, self._faces.join, source, from_s, end_s)
                from_s = end_s
            await self._store.add(schema.PEOPLE, claim_table(said))
            self._joined[source] = step_s * steps
            self._stale = False

    def find(self, person: str) -> str:
        """The id of a person given by id or name, which may be spelt otherwise (`respelt`). Raises InputError: nobody is
        called that, or several are.
        """
        owners = [self._known.owner(key) for key in self._known.prints]
        owners += [self._faces.owner(row.key) for row in self._faces.rows]
        alive = set(filter(None, owners))
        if self.cast.root(person) in alive:
            return self.cast.root(person)
        names = {p: name for p, name in self.cast.names().items() if p in alive}
        spelt = respelt(person, names_in(person), names.values())
        called = sorted(p for p, name in names.items() if same_name(name, spelt))
        if len(called) == 1:
            return called[0]
        if called:
            raise InputError(f"several people are called {person}: say {' or '.join(called)}")
        raise InputError(f"there is no person {person} in memory {self._store.uri}")

    async def name(
        self, person: str, name: str, at_wall_s: float, source: str = "", t_s: float = 0.0
    ) -> Claim:
        """name: "" takes back what the user called them. source, t_s: the session and its second in which they say so;
        without it, what is asked about a past of any source does not know it. Raises InputError: nobody of that id.
        """
        known, name = self.find(person), " ".join(name.split())
        return await self.claim("name", at_wall_s, person=known, name=name, source=source, t_s=t_s)

    async def merge(self, person: str, other: str, at_wall_s: float) -> Claim:
        """other is the same as person. Raises InputError: nobody of that id, or they are one already."""
        kept, gone = self.find(person), self.find(other)
        if kept == gone:
            raise InputError(f"{person} and {other} are one person already")
        return await self.claim("merge", at_wall_s, person=kept, other=gone)

    async def split(self, person: str, at_wall_s: float) -> Claim:
        """The voices of a person as two people, by what sets them apart most (2-means on the sphere); the faces of one
        who was not heard twice.

        Raises InputError: nobody of that id, or only one print of them.
        """
        known, who = self._known, self.find(person)
        rows: Sequence[VoiceRow | FaceRow] = known.rows
        prints = {key: one for key, one in known.prints.items() if known.owner(key) == who}
        if len(prints) < 2:
            rows = self._faces.rows
            prints = {k: one for k, one in self._faces.prints.items() if self._faces.owner(k) == who}
        if len(prints) < 2:
            raise InputError(
                f"{person} was heard in one stretch of speech only, or seen once: there is nothing to split"
            )
        apart = await self._compute.run(_THREAD, _two, list(prints.values()))
        moved = {k for k, other in zip(prints, apart, strict=True) if other}
        records = tuple(row.id for row in rows if row.key in moved)
        return await self.claim("split", at_wall_s, person=known.next_person(), other=who, records=records)

    async def undo(self, seq: int | None, at_wall_s: float, things: bool = False) -> Claim:
        """Says that a claim does not hold, and gives it. seq: which one; None for the user's last about people, or things.

        Raises InputError: there is none.
        """
        held = [
            claim
            for claim in self.cast.claims
            if (claim.made_by == "user" and claim.of_thing == things if seq is None else claim.seq == seq)
        ]
        if not held:
            raise InputError("there is nothing to undo" if seq is None else f"there is no claim {seq}")
        await self.claim("undo", at_wall_s, undoes=held[-1].seq)
        return held[-1]

    async def claim(
        self,
        kind: Kind,
        at_wall_s: float,
        *,
        person: str = "",
        other: str = "",
        name: str = "",
        records: tuple[str, ...] = (),
        undoes: int = -1,
        source: str = "",
        t_s: float = 0.0,
    ) -> Claim:
        """Stores what the user says of people, or of things (memory/things.py). Raises MemoryStoreError."""
        async with self._lock:
            one = Claim(
                seq=self._known.next_seq(),
                kind=kind,
                made_by="user",
                source=source,
                t_start_s=t_s,
                t_end_s=t_s,
                known_at_s=t_s,
                person=person,
                other=other,
                name=name,
                records=records,
                undoes=undoes,
                at_wall_s=at_wall_s,
            )
            await self._store.add(schema.PEOPLE, claim_table([one]))
            await self._load()
            return one

    async def _load(self) -> None:
        voices = await self._store.rows(schema.VOICES)
        faces = await self._store.rows(schema.FACES)
        claims = await claims_of(self._store)
        self._known, self._faces = await self._compute.run(
            _THREAD, _recognisers, voices, faces, claims, self._settings, self._face_settings
        )
        self._stale = False


async def list_people(store: Store, cast: Cast) -> list[Person]:
    """Everybody who was heard or seen, those heard most first. Raises MemoryStoreError."""
    heard = await _spans(store, schema.VOICES, cast)
    seen = await _spans(store, schema.FACES, cast)
    people = []
    for person in {**heard, **seen}:
        said, shown = heard.get(person, []), seen.get(person, [])
        speaker = cast.speaker_of(person)
        one = Person(
            id=person,
            label=speaker.label,
            named=speaker.named,
            utterances=len(said),
            speech_s=sum(row["t_end_s"] - row["t_start_s"] for row in said),
            sources=tuple(sorted({row["source"] for row in (*said, *shown)})),
            names=cast.evidence(person),
            merged=tuple(cast.merged(person)),
            clips=len(shown),
            seen_s=sum(row["t_end_s"] - row["t_start_s"] for row in shown),
        )
        people.append(one)
    return sorted(people, key=lambda p: (-p.speech_s, -p.seen_s, p.id))


async def _spans(store: Store, name: str, cast: Cast) -> dict[str, list[dict[str, Any]]]:
    """By person, the rows of the voices or faces table without their prints."""
    rows = await store.rows(name, columns=["id", "source", "t_start_s", "t_end_s", "person"])
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows.to_pylist() if rows is not None else []:
        person = cast.person(row["id"], row["person"] or None)
        if person:
            found.setdefault(person, []).append(row)
    return found


def _recognisers(
    voices: pa.Table | None,
    faces: pa.Table | None,
    claims: Sequence[Claim],
    settings: VoiceMatchSettings,
    face_settings: FaceMatchSettings,
) -> tuple[Recogniser, FaceRecogniser]:
    heard, vectors = _ordered(voices)
    spoken = [VoiceRow(**row) for row in heard]
    prints = [Print(r.key, v, r.speech_s, r.quality) for r, v in zip(spoken, vectors, strict=True)]
    seen, vectors = _ordered(faces)
    shown = [FaceRow(**row) for row in seen]
    looks = [Print(r.key, v, r.t_end_s - r.t_start_s, r.quality) for r, v in zip(shown, vectors, strict=True)]
    known = Recogniser(spoken, prints, claims, settings, [(row.person, row.seq) for row in shown])
    return known, FaceRecogniser(shown, looks, known, face_settings)


def _ordered(table: pa.Table | None) -> tuple[list[dict[str, Any]], NDArray[np.float32]]:
    """The rows in the order of their seq, and their prints."""
    if table is None or not table.num_rows:
        return [], np.zeros((0, 0), np.float32)
    table = table.sort_by("seq")
    return table.drop_columns(["vector"]).to_pylist(), matrix(table["vector"])


def _two(prints: Sequence[Print]) -> list[bool]:
    """Which of them are the other one of two voices: the one heard less."""
    vectors = np.stack([p.vector for p in prints])
    speech = np.array([p.speech_s for p in prints])
    first, second = np.unravel_index(int((vectors @ vectors.T).argmin()), (len(prints), len(prints)))
    centres = vectors[[first, second]]
    other = np.zeros(len(prints), bool)
    for _ in range(20):
        other = vectors @ centres[1] > vectors @ centres[0]
        if other.all() or not other.any():
            other = np.arange(len(prints)) == second
        sums = [(vectors[part] * speech[part, np.newaxis]).sum(axis=0) for part in (~other, other)]
        centres = np.stack([s / np.linalg.norm(s) for s in sums])
    less = other if speech[other].sum() <= speech[~other].sum() else ~other
    return [bool(one) for one in less]


def _print_table(
    rows: Sequence[VoiceRow] | Sequence[FaceRow], vectors: pa.FixedSizeListArray, shape: pa.Schema
) -> pa.Table:
    columns = [pa.array([getattr(row, f.name) for row in rows], f.type) for f in list(shape)[:-1]]
    return pa.table([*columns, vectors], schema=shape)
