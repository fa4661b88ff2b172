"""What memory knows about a question: moments retrieved, read together with those around them, weighed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from memory import Cast, Hit, Memory, SearchRequest
from memory.cast import Speaker
from memory.keys import is_message, readings_of
from memory.time_range import time_range
from memory.zone import zone_of
from reasoning.judge import Candidate, current, weigh
from reasoning.known import known_fact
from reasoning.question import Question
from reasoning.settings import AnswerSettings
from reasoning.speakers import AskedSpeaker, is_called
from reasoning.support import Verifier
from reasoning.turns import in_turn
from runtime.compute import Compute
from runtime.messages import Evidence, Modality, Observation, Query

THREAD = "answer"
_PAUSE_S = 1.0
_CUT_S = 8.0
_REACH = 4
_READINGS = 8
_SENSES: tuple[Modality, ...] = ("said", "read")


@dataclass(frozen=True, slots=True)
class Recall:
    memory: Memory
    verifier: Verifier
    compute: Compute
    settings: AnswerSettings

    async def candidates(
        self, question: Question, query: Query, asked: AskedSpeaker | None = None
    ) -> list[Candidate]:
        """Best first; of several versions of a statement the one that holds comes first.

        asked: whose words are asked for; then only those count.
        """
        text = question.text if asked is not None else query.text
        text = text if not query.options else f"{text} {' '.join(query.options)}"
        name = asked.name if asked is not None else None
        moments = await self.moments(text, question, query, name)
        if asked is not None and asked.said and name is not None:
            moments = [e for e in moments if is_called(e.speaker, name)]
        asked_s = query.as_of_s if query.asked_at_s is None else query.asked_at_s
        told = time_range(text, asked_s, zone_of(self.memory.settings.timezone))
        weighed = await self.compute.run(THREAD, weigh, question, moments, self.verifier, told)
        found = current(question, weighed, self.settings.support_threshold)
        known = await self._known(question, query) if self.settings.facts else None
        return found if known is None else [known, *(c for c in found if c.evidence.id != known.evidence.id)]

    async def _known(self, question: Question, query: Query) -> Candidate | None:
        """What a fact rests on: weighed by what the fact says, shown as it was said."""
        fact = await known_fact(self.memory, query)
        records = await self.memory.neighbours(fact.evidence[0], 0, query.as_of_s) if fact is not None else []
        if fact is None or not records:
            return None
        cast = await self.memory.cast(query.as_of_s, query.sources)
        who = cast.speaker(records[0].id, records[0].speaker)
        told = evidence_of_record(records[0], who, fact.confidence)
        reading = replace(told, text=f"{fact.text}.", readings=())
        (weighed,) = await self.compute.run(THREAD, weigh, question, [reading], self.verifier)
        if weighed.support.probability < self.settings.support_threshold:
            return None
        return replace(weighed, evidence=told)

    async def moments(
        self, text: str, question: Question, query: Query, speaker: str | None = None
    ) -> list[Evidence]:
        """What was said and read that is most like a text, within the question's time and the query's reach.

        speaker: whose words come first.
        """
        hits = await self.memory.search(
            SearchRequest(
                text=text,
                as_of_s=query.as_of_s,
                sources=query.sources,
                t_min_s=question.t_min_s,
                t_max_s=question.t_max_s,
                modalities=_SENSES,
                now_s=query.asked_at_s,
                k=self.settings.candidates,
                speaker=speaker,
            )
        )
        cast = await self.memory.cast(query.as_of_s, query.sources)
        return await self._passages(
            [evidence_of(hit) for hit in hits if hit.text.strip()], query.as_of_s, cast
        )

    async def _passages(self, found: Sequence[Evidence], as_of_s: float | None, cast: Cast) -> list[Evidence]:
        """The best of what was said, joined with what the same speaker said without a real pause before and after.

        Speech recognition cuts at short pauses, and half a sentence answers nothing.
        """
        out: list[Evidence] = []
        covered: set[str] = set()
        said = [e.id for e in found[: self.settings.passages] if e.modality == "said"]
        around = await self.memory.neighbours_of(said, _REACH, as_of_s)
        for evidence in found:
            if evidence.id in covered:
                continue
            run = _unbroken(around.get(evidence.id, ()), evidence.id, cast)
            covered.update(o.id for o in run)
            if len(run) < 2:
                out.append(evidence)
                continue
            text = " ".join(o.text for o in run)
            joined = replace(
                evidence,
                text=text,
                t_start_s=run[0].t_start_s,
                t_end_s=run[-1].t_end_s,
                readings=_readings(run),
            )
            out.append(joined)
        return in_turn(out, around, cast)


def _readings(run: Sequence[Observation]) -> tuple[str, ...]:
    """What a run of utterances may be read as, where one of them is read another way."""
    return tuple(
        " ".join(reading if o is one else o.text for o in run) for one in run for reading in readings_of(one)
    )[:_READINGS]


def _unbroken(around: Sequence[Observation], record_id: str, cast: Cast) -> list[Observation]:
    """The run of utterances around one that belong together."""
    at = next((i for i, o in enumerate(around) if o.id == record_id), None)
    if at is None:
        return []
    people = [cast.person(o.id, o.speaker) for o in around]
    who = people[at]
    first = last = at

    def joins(index: int) -> bool:
        """Nobody else is known to say it; a short one is often not known whose it is."""
        return who is None or people[index] is None or people[index] == who

    while first > 0 and _goes_on(around[first - 1], around[first]) and joins(first - 1):
        first -= 1
        who = who or people[first]
    while last + 1 < len(around) and _goes_on(around[last], around[last + 1]) and joins(last + 1):
        last += 1
        who = who or people[last]
    return list(around[first : last + 1])


def _goes_on(before: Observation, after: Observation) -> bool:
    """No real pause, or a sentence that was cut: the transcript goes on in lower case. A message is whole."""
    if is_message(after):
        return False
    pause_s = after.t_start_s - before.t_end_s
    return pause_s < (_CUT_S if after.text[:1].islower() else _PAUSE_S)


def evidence_of_record(record: Observation, speaker: Speaker | None, score: float) -> Evidence:
    """A whole record. Of a message, with its speaker's name before it: "I" is who that is. score: in [0, 1]."""
    return Evidence(
        id=record.id,
        source=record.source,
        modality=record.modality,
        text=_told(record, record.text),
        t_start_s=record.t_start_s,
        t_end_s=record.t_end_s,
        score=score,
        speaker=speaker.label if speaker is not None else None,
        named=speaker is not None and speaker.named,
        place=_place(record),
    )


def evidence_of(hit: Hit) -> Evidence:
    """The part of a record that was found."""
    return replace(
        evidence_of_record(hit.record, hit.speaker, min(1.0, hit.scores.total)),
        text=_told(hit.record, hit.text),
        t_start_s=hit.t_start_s,
        t_end_s=hit.t_end_s,
        readings=() if hit.partial else readings_of(hit.record),
    )


def _place(record: Observation) -> str | None:
    """Where something stands that nobody said: a picture, a file (with its page), a note."""
    if "picture" in record.details:
        return f"the picture {record.details['picture']}"
    if is_message(record) and record.speaker is None:
        return str(record.details.get("ref") or "a note")
    return None


def _told(record: Observation, text: str) -> str:
    return f"{record.speaker}: {text}" if record.speaker and is_message(record) else text
