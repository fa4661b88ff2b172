"""Whose voice is it? Known voices by their best exemplars; a threshold, a margin over the runner-up, and `unknown`.

A function of what it is told, in order: the same prints give the same people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from memory.settings import VoiceMatchSettings
from runtime.messages import Vector

VoiceKey = tuple[str, str, int]
"""Source, stretch of speech, and voice in it: one print, however many utterances it said there."""


@dataclass(frozen=True, slots=True, eq=False)
class Print:
    """A voice of a stretch. vector: (d,) unit float32, as it is stored (rounded to float16)."""

    key: VoiceKey
    vector: Vector
    speech_s: float
    quality: float

    @property
    def worth(self) -> float:
        """As an exemplar: much speech, of one kind."""
        return self.speech_s * self.quality


@dataclass(frozen=True, slots=True)
class Match:
    """person: "" for unknown. score: mean cosine with the best exemplars of the nearest person, -1 for nobody there.

    new: nobody has had this voice before. also: an earlier print, unknown until now, of the same new person.
    """

    person: str
    score: float
    runner_up: float
    new: bool = False
    also: VoiceKey | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """number: of the print among all of its source, so that how far back one looks does not depend on the rest."""

    number: int
    one: Print


@dataclass(slots=True)
class _Person:
    exemplars: list[Print] = field(default_factory=list)
    likeness: dict[str, list[float]] = field(default_factory=dict)
    """By source: how like the others each longer print was that came after the first."""


class VoiceBook:
    def __init__(self, settings: VoiceMatchSettings) -> None:
        self._settings = settings
        self._people: dict[str, _Person] = {}
        self._unknown: dict[str, dict[VoiceKey, _Waiting]] = {}  # by source
        self._counts: dict[str, int] = {}

    def __contains__(self, person: str) -> bool:
        return person in self._people

    def match(self, one: Print, new_id: str, taken: frozenset[str], named: Mapping[str, float]) -> Match:
        """Who speaks. taken: people whose voices are others in the same stretch. new_id: of a person not known yet.

        named: what the words say, by person: a positive number for who they name, a negative one for those who have
        another name; under "" a positive number when the speaker says a name at all.
        """
        settings = self._settings
        scores = sorted(
            (
                (self.likeness(one.vector, person) + settings.name_weight * np.sign(named.get(person, 0.0)), person)
                for person in self._people
                if person not in taken
            ),
            reverse=True,
        )  # fmt: skip
        score, best = (float(scores[0][0]), scores[0][1]) if scores else (-1.0, "")
        runner_up = float(scores[1][0]) if len(scores) > 1 else -1.0
        twin = self._twin(one, score)
        if twin is not None:
            return Match(new_id, score, runner_up, new=True, also=twin)
        if best and score >= self._threshold(one, best) and score - runner_up >= settings.margin:
            return Match(best, score, runner_up)
        other = score < min(settings.other, settings.other_short + settings.per_s * one.speech_s)
        if other and (one.speech_s >= settings.found_s or named.get("", 0.0) > 0):
            return Match(new_id, score, runner_up, new=True)
        return Match("", score, runner_up)

    def add(self, one: Print, person: str) -> None:
        """What was decided, or is known from elsewhere. person: "" keeps it among the unknown of its source."""
        source = one.key[0]
        waiting = self._unknown.setdefault(source, {})
        if one.key not in waiting:
            self._counts[source] = self._counts.get(source, 0) + 1
        if not person:
            if one.speech_s >= self._settings.least_s:
                waiting[one.key] = _Waiting(self._counts[source], one)
            return
        waiting.pop(one.key, None)
        known = self._people.setdefault(person, _Person())
        if known.exemplars and one.speech_s >= self._settings.long_s:
            known.likeness.setdefault(one.key[0], []).append(self.likeness(one.vector, person))
        known.exemplars.append(one)
        if len(known.exemplars) > self._settings.exemplars:
            known.exemplars.remove(min(known.exemplars, key=lambda p: (p.worth, p.key)))

    def likeness(self, vector: Vector, person: str) -> float:
        """Mean cosine with the nearest exemplars of a person: of a third, since a merged one may have two voices."""
        exemplars: NDArray[np.float32] = np.stack([p.vector for p in self._people[person].exemplars])
        count = max(1, min(self._settings.nearest, len(exemplars) // 3))
        return float(np.sort(exemplars @ vector)[-count:].mean())

    def _threshold(self, one: Print, person: str) -> float:
        """More speech must be more alike; and in one recording, as alike as that person's other prints in it are."""
        settings = self._settings
        least = min(settings.same, settings.same_short + settings.per_s * one.speech_s)
        there = self._people[person].likeness.get(one.key[0], [])
        if len(there) < 2 or one.speech_s < settings.long_s:
            return least
        return max(least, float(np.mean(there)) - settings.drop)

    def _twin(self, one: Print, score: float) -> VoiceKey | None:
        """An unknown print of the same source that is clearly nearer than every person is."""
        settings = self._settings
        source = one.key[0]
        since = self._counts.get(source, 0) - settings.unknown
        near = [
            (float(w.one.vector @ one.vector), w.one.key)
            for w in self._unknown.get(source, {}).values()
            if w.number > since
            and w.one.key[:2] != one.key[:2]
            and w.one.speech_s + one.speech_s >= settings.twins_s
        ]
        if not near or one.speech_s < settings.least_s:
            return None
        likeness, key = max(near)
        return key if likeness >= settings.twin and likeness >= score + settings.margin else None
