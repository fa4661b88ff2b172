"""From a question to an answer with proof: recall, weigh, put into words, check, or abstain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from math import inf

from memory import Keyframe, Memory
from memory.zone import zone_of
from reasoning import compose
from reasoning.appearing import appearing
from reasoning.dating import happened
from reasoning.deliberate import Verdict, deliberate, supported
from reasoning.engine import Reasoner
from reasoning.engine_client import EngineClient
from reasoning.engine_models import READER
from reasoning.intervals import interval
from reasoning.judge import Candidate, first_or_last, only_one_near
from reasoning.kinds import Kind
from reasoning.known import on_known_days
from reasoning.language import Language
from reasoning.media_time import media_time
from reasoning.occasions import occasions
from reasoning.prompts import Memo
from reasoning.question import Question, parse_question
from reasoning.reader import reread
from reasoning.recall import THREAD, Recall
from reasoning.settings import AnswerSettings
from reasoning.spans import talked_of
from reasoning.speakers import AskedSpeaker, asked_speaker
from reasoning.streaming import Streamed, completed
from reasoning.support import Verifier
from reasoning.visual import Scenes, Sighting
from reasoning.wording import short_answer
from runtime.clock import Clock
from runtime.compute import Compute
from runtime.errors import EngineError
from runtime.messages import Answer, AnswerDelta, Evidence, Query

NO_ENGINE = "no language model: the evidence itself is the answer"
NOT_BORNE_OUT = "the model's answer was not borne out by what it cited: the evidence itself is the answer"
_UNREAD = {Kind.MOMENT, Kind.YES_NO}
"""What is not answered by words out of one passage."""
_SURE_SPAN, _SPAN = 0.9, 0.5
_WHOLE = 0.8
"""Coverage from which on a statement speaks of all that a question names."""


@dataclass(frozen=True, slots=True)
class _Found:
    """asked: whose words are asked for, or that it is asked whose they are."""

    question: Question
    query: Query
    candidates: tuple[Candidate, ...]
    asked: AskedSpeaker | None = None


class Answerer:
    """Answers from memory. Without a language model, or while it is down, the evidence is the answer."""

    def __init__(
        self,
        memory: Memory,
        verifier: Verifier,
        scenes: Scenes,
        compute: Compute,
        settings: AnswerSettings,
        clock: Clock,
        engine: Reasoner | None = None,
    ) -> None:
        self._memory = memory
        self._recall = Recall(memory, verifier, compute, settings)
        self._verifier = verifier
        self._scenes = scenes
        self._compute = compute
        self._settings = settings
        self._clock = clock
        self._engine = engine

    async def answer(self, query: Query) -> Answer:
        """Raises InputError when the query names an unknown source, or as_of without a single one."""
        async with aclosing(self.stream(query)) as parts:
            async for part in parts:
                if isinstance(part, Answer):
                    return part
        raise AssertionError("a stream ends with its answer")

    async def stream(self, query: Query, found: Callable[[], None] = lambda: None) -> Streamed:
        """The answer's text as it is written, then the whole answer, which holds. found: called when the memory has
        been searched.

        The deltas together are the answer's text, unless that does not begin with them: then the model's words
        did not stand the check, or broke off, and are taken back. Closing the generator aborts the model's work.
        Raises like answer.
        """
        began = self._clock.now()
        spelt = await self._memory.spelt(query.text, query.as_of_s, query.sources)
        query = replace(query, text=await on_known_days(self._memory, replace(query, text=spelt)))
        cast = await self._memory.cast(query.as_of_s, query.sources)
        shown = await appearing(self._memory, query, self._settings.evidence)
        if shown is None:
            shown = await self._reckoned(query)
        if shown is not None:
            found()
            yield AnswerDelta(query.turn_id, shown.text)
            yield replace(shown, latency_s=self._clock.now() - began)
            return
        asked = asked_speaker(query.text, cast.names().values())
        what = await self._find(query, asked)
        found()
        parts = self._reasoned(what) if not _who(what) else self._who_said(what)
        async with aclosing(completed(parts, lambda: self._clock.now() - began)) as whole:
            async for part in whole:
                yield part

    async def _reckoned(self, query: Query) -> Answer | None:
        """What no single moment says: how far two lie apart, how many there were."""

        async def find(text: str) -> Sequence[Candidate]:
            return (await self._find(replace(query, text=text))).candidates

        zone, threshold = zone_of(self._memory.settings.timezone), self._settings.support_threshold
        shown = await interval(query, find, zone, threshold)
        if shown is None:
            shown = await occasions(
                query, find, self._verifier.language, zone, threshold, self._settings.evidence
            )
        return shown

    async def _find(self, query: Query, asked: AskedSpeaker | None = None) -> _Found:
        text = query.text if asked is None else asked.text
        there = media_time(text, await self._length_s(query))
        if there is not None:
            text, query = there.rest, replace(query, text=there.rest)
        question = await self._compute.run(THREAD, parse_question, text, self._verifier.language)
        if there is not None:
            question = replace(question, t_min_s=there.from_s, t_max_s=there.to_s)
        return _Found(question, query, tuple(await self._recall.candidates(question, query, asked)), asked)

    async def _length_s(self, query: Query) -> float:
        """Of the one recording that is asked about, as far as it is known; 0 where it is none, or one of many."""
        sources = [s for s in await self._memory.sources() if query.sources is None or s.id in query.sources]
        if len(sources) != 1 or sources[0].duration_s is None or sources[0].wall_zero_s == 0.0:
            return 0.0
        return min(sources[0].duration_s, inf if query.as_of_s is None else query.as_of_s)

    async def _who_said(self, found: _Found) -> Streamed:
        """The name of who said it. Somebody without one is the answer only where nothing else is."""
        told = next(
            (c for c in found.candidates if c.support.probability >= self._settings.support_threshold), None
        )
        evidence = told.evidence if told is not None else None
        if evidence is not None and evidence.named:
            yield self._said_by(found, evidence)
            return
        async with aclosing(self._reasoned(await self._find(found.query))) as parts:
            async for part in parts:
                if isinstance(part, Answer) and evidence is not None and evidence.speaker:
                    shown = part.evidence[0] if part.evidence else evidence
                    nobody = part.abstained or part.text == compose.fact_answer(None, shown)
                    part = self._said_by(found, evidence) if nobody else part
                yield part

    def _said_by(self, found: _Found, evidence: Evidence) -> Answer:
        others = (e for e in self._shown(found.candidates) if e.id != evidence.id)
        shown = (evidence, *others)[: self._settings.evidence]
        text = compose.fact_answer(evidence.speaker, evidence)
        return Answer(found.query.turn_id, text, shown, abstained=False)

    async def _reasoned(self, found: _Found) -> Streamed:
        if self._engine is None:
            yield await self._plain(found, NO_ENGINE)
            return
        try:
            client = None if await self._engine.weak() else await self._engine.client()
            if client is None or client.address.weak:
                answer = await self._briefly(found, self._engine)
            else:
                async with aclosing(self._deliberated(found, client)) as parts:
                    async for part in parts:
                        yield part
                return
        except EngineError as error:
            answer = await self._plain(found, f"{error}: the evidence itself is the answer")
        yield answer

    async def _plain(self, found: _Found, note: str = "") -> Answer:
        """The answer from the evidence alone."""
        if told := await talked_of(self._memory, found.query, self._settings.evidence, self._compute):
            return replace(told, note=note)
        if found.question.kind is Kind.MOMENT:
            answer = await self._moment(found)
        else:
            answer = self._fact(found)
        if found.query.options:
            answer = await self._choose(found.query, answer)
        return replace(answer, note=note)

    async def _briefly(self, found: _Found, engine: Reasoner) -> Answer:
        """With a small model: one that reads judges, any other only words what the rules have found."""
        question = found.question
        unread = question.kind in _UNREAD or question.steps or found.query.options or not found.candidates
        if unread or not await engine.reads():
            return await self._worded(found, engine)
        client = await engine.client()
        if client.address.model != READER:
            return await self._worded(found, engine)
        read, usage = await reread(client, question, found.candidates, self._settings)
        answer = await self._plain(replace(found, candidates=tuple(read)))
        return replace(
            answer,
            engine=client.address.model,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
        )

    async def _worded(self, found: _Found, engine: Reasoner) -> Answer:
        """A small model is asked only where the answering words do not stand out by themselves."""
        answer = await self._plain(found)
        if answer.abstained or answer.choice is not None or found.question.kind is Kind.MOMENT:
            return answer
        best = found.candidates[0]
        sure = best.support.span is not None and best.support.span.fit >= _SURE_SPAN
        if sure or found.question.steps:
            return answer
        client = await engine.client()
        short, usage = await short_answer(client, found.question, best, self._settings)
        if usage is not None:
            answer = replace(
                answer, prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens
            )
        if short is None:
            return answer
        return replace(answer, text=compose.fact_answer(short, best.evidence), engine=client.address.model)

    async def _deliberated(self, found: _Found, client: EngineClient) -> Streamed:
        query = found.query
        scenes = (await self._look(found)).scenes
        pictures = self._settings.images if client.address.vision else 0
        memos = await self._memos([c.evidence for c in found.candidates], scenes, pictures, query)

        async def look_again(text: str) -> Sequence[Memo]:
            moments = await self._recall.moments(text, found.question, query)
            return [Memo(e) for e in moments[: self._settings.evidence]]

        verdict: Verdict | None = None
        async with aclosing(deliberate(client, query, memos, look_again, self._settings)) as parts:
            async for part in parts:
                if isinstance(part, Verdict):
                    verdict = part
                elif found.question.kind is not Kind.MOMENT:
                    yield AnswerDelta(query.turn_id, part)
        assert verdict is not None
        if verdict.text and not await self._borne_out(found, verdict):
            answer = await self._plain(found, NOT_BORNE_OUT)
        else:
            answer = self._spoken(found, verdict)
            if query.options and answer.choice is None:
                answer = await self._choose(query, answer)
            answer = replace(answer, engine=client.address.model)
        yield replace(
            answer, prompt_tokens=verdict.prompt_tokens, completion_tokens=verdict.completion_tokens
        )

    async def _borne_out(self, found: _Found, verdict: Verdict) -> bool:
        if found.question.kind is Kind.MOMENT:
            # What it cites is the answer, whatever it says about it.
            return bool(verdict.cited)
        names = await self._compute.run(THREAD, _names, self._verifier.language, verdict.text)
        question = " ".join((found.query.text, *found.query.options))
        return supported(verdict.text, question, verdict.cited, names)

    def _spoken(self, found: _Found, verdict: Verdict) -> Answer:
        query, shown = found.query, self._settings.evidence
        others = tuple(c.evidence for c in found.candidates)
        if not verdict.text:
            return Answer(query.turn_id, compose.ABSTAINED, others[:shown], abstained=True)
        text, cited = verdict.text, [m.evidence for m in verdict.cited]
        if found.question.kind is Kind.MOMENT:
            text = compose.moment_answer(cited[: self._settings.moments], certain=cited[0].modality != "seen")
        ids = {e.id for e in cited}
        evidence = (*cited, *(e for e in others if e.id not in ids))[:shown]
        return Answer(query.turn_id, text, evidence, abstained=False, choice=verdict.choice)

    async def _memos(
        self, moments: Sequence[Evidence], scenes: Sequence[Evidence], pictures: int, query: Query
    ) -> list[Memo]:
        """What was said and read and what was seen by turns, best first; the first ones with their pictures."""
        by_turns = [e for pair in zip(moments, scenes, strict=False) for e in pair]
        rest = max(moments, scenes, key=len)[len(by_turns) // 2 :]
        out: list[Memo] = []
        taken: set[str] = set()
        for evidence in (*by_turns, *rest):
            look = len(taken) < pictures and evidence.modality != "said"
            picture = await self._picture(evidence, query) if look else None
            if picture is None or picture.clip in taken:
                out.append(Memo(evidence))
            else:
                taken.add(picture.clip)
                out.append(Memo(evidence, picture.jpeg))
        return out

    async def _picture(self, evidence: Evidence, query: Query) -> Keyframe | None:
        """Taken while it was to be seen; one of another moment would mislead."""
        middle_s = (evidence.t_start_s + evidence.t_end_s) / 2
        found = await self._memory.keyframe_at(evidence.source, middle_s, query.as_of_s)
        inside = found is not None and evidence.t_start_s <= found.t_s <= evidence.t_end_s
        return found if inside else None

    async def _look(self, found: _Found) -> Sighting:
        wanted = found.question.modalities
        if wanted is not None and "seen" not in wanted:
            return Sighting()
        return await self._scenes.find(found.question, found.query)

    def _fact(self, found: _Found) -> Answer:
        candidates, turn = found.candidates, found.query.turn_id
        evidence = self._shown(candidates)
        # The version that holds may be worded further from the question than the one it replaced.
        likeliest = max((c.support.probability for c in candidates), default=0.0)
        if likeliest < self._settings.support_threshold:
            return Answer(turn, compose.ABSTAINED, evidence, abstained=True)
        best = candidates[0]
        span = best.support.span
        if span is not None and (span.fit < _SPAN or found.question.steps):
            span = None
        text = compose.fact_answer(span.text if span is not None else None, best.evidence, best.support.unit)
        return Answer(turn, text, evidence, abstained=False)

    async def _moment(self, found: _Found) -> Answer:
        candidates, turn = found.candidates, found.query.turn_id
        wanted = found.question.modalities
        said = [
            c
            for c in candidates
            if c.support.probability >= self._settings.moment_threshold
            and (wanted is None or c.evidence.modality in wanted)
        ]
        if not said and wanted is not None and "seen" not in wanted:
            said = only_one_near(candidates, wanted, self._settings.moment_threshold)
        # Asked for without a sense ("when was a pancake flipped"), it was rather seen than half mentioned.
        sure = wanted is not None or (said and said[0].support.coverage >= _WHOLE)
        sighting = None if said and sure else await self._look(found)
        if said and (sighting is None or sighting.nowhere or not sighting.scenes):
            best = said[0].support.probability
            near = [c.evidence for c in said if c.support.probability >= best - 0.1]
            if found.question.time_of:
                near = [first_or_last(said, found.question.time_of == "last")]
            text = compose.moment_answer(
                near[: self._settings.moments], True, await self._happened(found, near[0])
            )
            shown = self._shown(said + [c for c in candidates if c not in said])
            shown = (near[0], *(e for e in shown if e.id != near[0].id))[: self._settings.evidence]
            return Answer(turn, text, shown, abstained=False)
        assert sighting is not None
        if (
            not said
            and not sighting.scenes
            and not any(c.evidence.modality in (wanted or ()) for c in candidates)
        ):
            # Nothing in the memory was seen or read: "when did the show open" is told by what was said of it.
            told = [c for c in candidates if c.support.probability >= self._settings.moment_threshold]
            if told:
                when = await self._happened(found, told[0].evidence)
                text = compose.moment_answer([told[0].evidence], True, when)
                return Answer(turn, text, self._shown(candidates), abstained=False)
        scenes = sighting.scenes[: self._settings.evidence]
        if sighting.nowhere or not scenes:
            nearest = scenes or self._shown(candidates)
            return Answer(turn, compose.ABSTAINED, nearest, abstained=True)
        text = compose.moment_answer(scenes[: self._settings.moments], certain=False)
        return Answer(turn, text, scenes, abstained=False)

    async def _happened(self, found: _Found, evidence: Evidence) -> str | None:
        """When that was which a message tells of; None where it is asked when it was said."""
        if "said" in (found.question.modalities or ()):
            return None
        unit = next(c.support.unit for c in found.candidates if c.evidence.id == evidence.id)
        zone = zone_of(self._memory.settings.timezone)
        return await self._compute.run(THREAD, happened, unit, evidence, self._verifier.language, zone)

    async def _choose(self, query: Query, answer: Answer) -> Answer:
        """The option that shares most with the answer; none when there is no answer."""
        if answer.abstained:
            return answer
        proof = answer.evidence[0].text if answer.evidence else answer.text
        scores = await self._compute.run(
            THREAD, self._verifier.likeness_of, query.options, f"{answer.text} {proof}"
        )
        return replace(answer, choice=max(range(len(scores)), key=lambda i: (scores[i], -i)))

    def _shown(self, candidates: Sequence[Candidate]) -> tuple[Evidence, ...]:
        return tuple(c.evidence for c in candidates[: self._settings.evidence])


def _who(found: _Found) -> bool:
    return found.asked is not None and found.asked.name is None and not found.query.options


def _names(language: Language, text: str) -> list[str]:
    return [token.text for token in language(text) if token.pos_ == "PROPN"]
