"""Whose voice is whose face's: signed evidence from who is alone to be seen while who speaks."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from memory.settings import FaceMatchSettings

_COVERED = 0.5
"""Share of an utterance over which a face must be to be seen to be there."""
_UTTERANCES = 2


@dataclass(frozen=True, slots=True)
class Span:
    """Of an utterance or of a face. person: "" for unknown. record: its id."""

    person: str
    t_start_s: float
    t_end_s: float
    record: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A face and a voice that are one person's. score: seconds for it, less those against it. records: what it rests on."""

    face: str
    voice: str
    score: float
    records: tuple[str, ...]


def pairs(spoken: Sequence[Span], seen: Sequence[Span], settings: FaceMatchSettings) -> list[Pair]:
    """The surest first, each person once. Utterances of unknown voices speak against no one.

    A voice that is heard while nobody is to be seen, or several are, says nothing. A face of nobody known counts as another.
    """
    seconds: dict[tuple[str, str], float] = defaultdict(float)
    records: dict[tuple[str, str], list[str]] = defaultdict(list)
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for said, there in alone([s for s in spoken if s.person], seen):
        key = (there[0].person or there[0].record, said.person)
        seconds[key] += said.t_end_s - said.t_start_s
        counts[key] += 1
        records[key] += [said.record, *(face.record for face in there)]
    known = {face.person for face in seen if face.person}
    found = []
    for (face, voice), for_s in seconds.items():
        others = ((f == face) != (v == voice) for f, v in seconds)
        against_s = sum(s for s, other in zip(seconds.values(), others, strict=True) if other)
        sure = for_s >= settings.together_s and counts[face, voice] >= _UTTERANCES
        if face in known and sure and for_s - against_s >= settings.lead * for_s:
            found.append(Pair(face, voice, for_s - against_s, tuple(dict.fromkeys(records[face, voice]))))
    taken: set[str] = set()
    out = []
    for pair in sorted(found, key=lambda p: (-p.score, p.face, p.voice)):
        if not {pair.face, pair.voice} & taken:
            taken |= {pair.face, pair.voice}
            out.append(pair)
    return out


def alone(spoken: Sequence[Span], seen: Sequence[Span]) -> list[tuple[Span, list[Span]]]:
    """The utterances over which one face alone is to be seen, each with where."""
    ordered = sorted(seen, key=_start)
    longest_s = max((face.t_end_s - face.t_start_s for face in seen), default=0.0)
    out = []
    for said in spoken:
        first = bisect_left(ordered, said.t_start_s - longest_s, key=_start)
        near = ordered[first : bisect_right(ordered, said.t_end_s, key=_start)]
        there = [face for face in near if _shared(said, face) >= _COVERED * (said.t_end_s - said.t_start_s)]
        if len({face.person or face.record for face in there}) == 1:
            out.append((said, there))
    return out


def _start(span: Span) -> float:
    return span.t_start_s


def _shared(a: Span, b: Span) -> float:
    return min(a.t_end_s, b.t_end_s) - max(a.t_start_s, b.t_start_s)
