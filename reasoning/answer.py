"""From a question to an answer with proof: retrieve, weigh, put into words, check, or abstain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from memory import Hit, Memory, SearchRequest
from reasoning import compose
from reasoning.judge import Candidate, current, weigh
from reasoning.question import Kind, Question, parse_question
from reasoning.settings import AnswerSettings
from reasoning.support import Verifier
from reasoning.visual import Scenes
from runtime.clock import Clock
from runtime.compute import Compute
from runtime.messages import Answer, Evidence, Modality, Observation, Query

_THREAD = "answer"
_PAUSE_S = 1.0
_CUT_S = 8.0
_REACH = 4
_SENSES: tuple[Modality, ...] = ("said", "read")


class Answerer:
    """Answers from memory alone. The evidence is the answer: every answer quotes what was said, read or seen."""

    def __init__(
        self,
        memory: Memory,
        verifier: Verifier,
        scenes: Scenes,
        compute: Compute,
        settings: AnswerSettings,
        clock: Clock,
    ) -> None:
        self._memory = memory
        self._verifier = verifier
        self._scenes = scenes
        self._compute = compute
        self._settings = settings
        self._clock = clock

    async def answer(self, query: Query) -> Answer:
        """Raises InputError when the query names an unknown source, or as_of without a single one."""
        began = self._clock.now()
        question = await self._compute.run(_THREAD, parse_question, query.text, self._verifier.language)
        candidates = await self._candidates(question, query)
        if question.kind is Kind.MOMENT:
            answer = await self._moment(question, query, candidates)
        else:
            answer = self._fact(question, query, candidates)
        if query.options:
            answer = await self._choose(query, answer)
        return replace(answer, latency_s=self._clock.now() - began)

    async def _candidates(self, question: Question, query: Query) -> list[Candidate]:
        text = query.text if not query.options else f"{query.text} {' '.join(query.options)}"
        hits = await self._memory.search(
            SearchRequest(
                text=text,
                as_of_s=query.as_of_s,
                sources=query.sources,
                t_min_s=question.t_min_s,
                t_max_s=question.t_max_s,
                modalities=_SENSES,
                k=self._settings.candidates,
            )
        )
        found = await self._passages([evidence_of(hit) for hit in hits if hit.text.strip()], query.as_of_s)
        weighed = await self._compute.run(_THREAD, weigh, question, found, self._verifier)
        return current(question, weighed, self._settings.support_threshold)

    async def _passages(self, found: Sequence[Evidence], as_of_s: float | None) -> list[Evidence]:
        """The best of what was said, joined with what the speaker said without a real pause before and after.

        Speech recognition cuts at short pauses, and half a sentence answers nothing.
        """
        out: list[Evidence] = []
        covered: set[str] = set()
        for rank, evidence in enumerate(found):
            if evidence.id in covered:
                continue
            if evidence.modality != "said" or rank >= self._settings.passages:
                out.append(evidence)
                continue
            around = await self._memory.neighbours(evidence.id, _REACH, as_of_s)
            run = _unbroken(around, evidence.id)
            covered.update(o.id for o in run)
            if len(run) < 2:
                out.append(evidence)
                continue
            text = " ".join(o.text for o in run)
            out.append(replace(evidence, text=text, t_start_s=run[0].t_start_s, t_end_s=run[-1].t_end_s))
        return out

    def _fact(self, question: Question, query: Query, candidates: Sequence[Candidate]) -> Answer:
        evidence = self._shown(candidates)
        if not candidates or candidates[0].support.probability < self._settings.support_threshold:
            return Answer(query.turn_id, compose.ABSTAINED, evidence, abstained=True)
        best = candidates[0]
        span = best.support.span if best.support.span and best.support.span.fit >= 0.5 else None
        return Answer(
            query.turn_id,
            compose.fact_answer(compose.shorten(span), best.evidence),
            evidence,
            abstained=False,
        )

    async def _moment(self, question: Question, query: Query, candidates: Sequence[Candidate]) -> Answer:
        wanted = question.modalities
        said = [
            c
            for c in candidates
            if c.support.probability >= self._settings.moment_threshold
            and (wanted is None or c.evidence.modality in wanted)
        ]
        if said:
            best = said[0].support.probability
            near = [c.evidence for c in said if c.support.probability >= best - 0.1]
            text = compose.moment_answer(near[: self._settings.moments], certain=True)
            return Answer(
                query.turn_id,
                text,
                self._shown(said + [c for c in candidates if c not in said]),
                abstained=False,
            )
        scenes: list[Evidence] = []
        if wanted is None or "seen" in wanted:
            scenes = await self._scenes.find(question, query)
        if not scenes:
            return Answer(query.turn_id, compose.ABSTAINED, self._shown(candidates), abstained=True)
        moments = scenes[: self._settings.moments]
        text = compose.moment_answer(moments, certain=False)
        return Answer(query.turn_id, text, tuple(scenes[: self._settings.evidence]), abstained=False)

    async def _choose(self, query: Query, answer: Answer) -> Answer:
        """The option that shares most with the answer; none when there is no answer."""
        if answer.abstained:
            return answer
        proof = answer.evidence[0].text if answer.evidence else answer.text
        scores = await self._compute.run(
            _THREAD, self._verifier.likeness_of, query.options, f"{answer.text} {proof}"
        )
        return replace(answer, choice=max(range(len(scores)), key=lambda i: (scores[i], -i)))

    def _shown(self, candidates: Sequence[Candidate]) -> tuple[Evidence, ...]:
        return tuple(c.evidence for c in candidates[: self._settings.evidence])


def _unbroken(around: Sequence[Observation], record_id: str) -> list[Observation]:
    """The run of utterances around one that belong together."""
    at = next((i for i, o in enumerate(around) if o.id == record_id), None)
    if at is None:
        return []
    first = last = at
    while first > 0 and _goes_on(around[first - 1], around[first]):
        first -= 1
    while last + 1 < len(around) and _goes_on(around[last], around[last + 1]):
        last += 1
    return list(around[first : last + 1])


def _goes_on(before: Observation, after: Observation) -> bool:
    """No real pause, or a sentence that was cut: the transcript goes on in lower case."""
    pause_s = after.t_start_s - before.t_end_s
    return pause_s < (_CUT_S if after.text[:1].islower() else _PAUSE_S)


def evidence_of(hit: Hit) -> Evidence:
    return Evidence(
        id=hit.record.id,
        source=hit.record.source,
        modality=hit.record.modality,
        text=hit.text,
        t_start_s=hit.t_start_s,
        t_end_s=hit.t_end_s,
        score=min(1.0, hit.scores.total),
    )
