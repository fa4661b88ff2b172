"""Answers about a screen: what stood there, where and when by the wall clock, what was done, in which order."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import tzinfo

from memory import Memory
from memory.screen import ScreenMemory
from reasoning.engine import Reasoner
from reasoning.engine_models import READER
from reasoning.recall import THREAD
from reasoning.screen.agenda import day_asked, on_day, speaks_of_plan
from reasoning.screen.compare import compare_reply, compared
from reasoning.screen.counts import count_reply, counted
from reasoning.screen.deliberate import NOT_SEEN, deliberated, wall_telling
from reasoning.screen.find import Finder, Moment
from reasoning.screen.heard import asked_heard, heard_reply
from reasoning.screen.items import item_asked, item_reply
from reasoning.screen.meaning import by_meaning
from reasoning.screen.phrasing import capital, once
from reasoning.screen.plans import plan_reply, planned
from reasoning.screen.question import Ask, Asked, ask_of
from reasoning.screen.reading import FactReader, Read
from reasoning.screen.replies import Replies, Reply
from reasoning.screen.rereading import alone, reread
from reasoning.screen.rewording import reworded
from reasoning.screen.when import When, at_text, parse_when
from reasoning.settings import AnswerSettings
from reasoning.streaming import Streamed, completed
from reasoning.support import Verifier
from reasoning.wording import short_answer
from runtime.clock import Clock
from runtime.compute import Compute
from runtime.errors import EngineError
from runtime.messages import Answer, Query

NOT_HEARD = "I have not heard that."
_READ = {Ask.FACT, Ask.WHERE, Ask.SEEN, Ask.STEPS, Ask.PROMISE}
"""What a model may put into words: the rest is reckoned from times, to which words add nothing."""
_IN_A_LINE = {Ask.FACT, Ask.STEPS, Ask.LONG, Ask.NEXT, Ask.WHERE, Ask.WHEN}
"""What may stand in a line, too: "how long is the lease", "what comes after the soap"."""
_PLACED = {Ask.WHERE, Ask.WHEN, Ask.NEXT}
"""What asks for the place or time of something, or for what was beside it."""
_OWN = re.compile(r"\b(?:i|we|my|our|me|us)\b", re.I)
"""Of what the user did, and not of what a line may tell: "when was the ferry built"."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What the evidence alone says. text: "" for nothing. read: how a line was read, where one was. missing: what is said
    where there is nothing.
    """

    finder: Finder
    when: When
    asked: Asked
    text: str
    moments: Sequence[Moment]
    read: Read | None = None
    missing: str = NOT_SEEN

    @property
    def likeliest(self) -> float:
        """The score of the best record that the search found."""
        records = self.read.records if self.read is not None else ()
        return max((m.evidence.score for m in records), default=0.0)


class ScreenAnswerer:
    """Answers from what the screen sources of a memory hold. Without a language model the evidence is the answer."""

    def __init__(
        self,
        memory: Memory,
        verifier: Verifier,
        compute: Compute,
        settings: AnswerSettings,
        clock: Clock,
        wall: Callable[[], float],
        zone: tzinfo | None = None,
        engine: Reasoner | None = None,
        note: str = "",
    ) -> None:
        """wall: Unix time now. zone: the user's; None is the machine's. note: why there is no engine."""
        self._memory = memory
        self._screen = ScreenMemory(memory.store)
        self._verifier = verifier
        self._compute = compute
        self._settings = settings
        self._clock = clock
        self._wall = wall
        self._zone = zone
        self._engine = engine
        self._note = note
        self._facts = FactReader(verifier, compute, settings, self._at)

    async def answer(self, query: Query) -> Answer:
        """Raises InputError as a search does."""
        async with aclosing(self.stream(query)) as parts:
            async for part in parts:
                if isinstance(part, Answer):
                    return part
        raise AssertionError("a stream ends with its answer")

    async def stream(self, query: Query, found: Callable[[], None] = lambda: None) -> Streamed:
        """As `Answerer.stream`."""
        began = self._clock.now()
        sources = await self._screen.sources()
        if query.sources is not None:
            sources = [s for s in sources if s.id in query.sources]
        finder = Finder(self._memory, self._screen, sources, self._zone, query.as_of_s)
        what = await self._find(finder, query)
        found()
        parts = self._reasoned(query, what, {s.id: s.wall_zero_s or 0.0 for s in sources})
        async with aclosing(completed(parts, lambda: self._clock.now() - began)) as whole:
            async for part in whole:
                yield part

    async def _find(self, finder: Finder, query: Query) -> _Found:
        question = reworded(query.text)
        when = parse_when(question, self._wall(), await finder.days(), self._zone, await finder.spans())
        of_content = day_asked(question) is not None
        if of_content and speaks_of_plan(question) and (found := await self._on_day(finder, question)):
            return found
        found = await self._found(finder, question, when)
        if not found.text and of_content and (other := await self._on_day(finder, question)):
            return other
        tried = [found]
        for earlier in when.earlier:
            if tried[-1].text:
                break
            tried.append(await self._found(finder, question, earlier))
        return tried[-1] if tried[-1].text else max(tried, key=lambda one: one.likeliest)

    async def _on_day(self, finder: Finder, question: str) -> _Found | None:
        """A day that the question names, taken for one of what stood there."""
        text, moments = await on_day(finder, question, self._at)
        return _Found(finder, When(), Asked(Ask.FACT, question), text, moments) if text else None

    async def _found(self, finder: Finder, question: str, when: When) -> _Found:
        """when: the time of the question, taken for one at which it was seen."""
        plain = when.rest or question
        asked = ask_of(plain)
        if asked.ask is not Ask.PROMISE and await finder.heard():
            heard = asked_heard(plain)
            if heard is not None and (heard.said or asked.ask is Ask.FACT):
                text, moments = await heard_reply(finder, heard, when, self._at)
                if text or heard.only:
                    return _Found(
                        finder, when, Asked(Ask.FACT, heard.phrase), text, moments, missing=NOT_HEARD
                    )
        comparison = compared(plain)
        if comparison is not None:
            text, moments = await compare_reply(finder, comparison, when, self._at)
            if text:
                return _Found(finder, when, Asked(Ask.COMPARE), text, moments)
            if comparison.x:
                # A line that speaks of one of the two compares nothing; a model may still read more in it.
                read = replace(await self._facts.find(finder, question, when), words="", proof="")
                near = read.moments or (await finder.read(question, When()))[: self._settings.evidence]
                return _Found(finder, when, Asked(Ask.COMPARE), "", near, read)
        counts = counted(plain)
        if counts is not None:
            text, moments = await count_reply(finder, counts, when, self._at)
            if text:
                return _Found(finder, when, Asked(Ask.COUNT, counts.phrase), text, moments)
        item = item_asked(plain)
        if item is not None:
            text, moments = await item_reply(finder, item, when, self._at)
            if text:
                return _Found(finder, when, Asked(Ask.FACT, item.phrase), text, moments)
        plan = planned(plain)
        if plan is not None and asked.ask is not Ask.PROMISE:
            text, moments = await plan_reply(finder, plan, when, self._at)
            if text:
                return _Found(finder, when, Asked(Ask.PROMISE, plan.phrase), text, moments)
        replies = Replies(finder, question, asked, when, self._at)
        text, moments = await replies.reply()
        if not text and plan is not None and asked.ask is Ask.PROMISE:
            text, moments = await plan_reply(finder, plan, when, self._at)
        if text or asked.ask not in _IN_A_LINE or (asked.ask is Ask.LONG and asked.visit):
            if not text and not moments:
                moments = (await finder.read(question, When()))[: self._settings.evidence]
            return _Found(finder, when, asked, text, moments)
        if asked.ask in _PLACED and _OWN.search(question):
            text, moments = await self._by_meaning(replies)
            if text:
                return _Found(finder, when, asked, text, moments)
        # A question for the steps of something ("how did the test end") may be one for a line.
        read = await self._facts.find(finder, question, when)
        if not read.text and asked.ask in _PLACED and not _OWN.search(question):
            text, moments = await self._by_meaning(replies)
            if text:
                return _Found(finder, when, asked, text, moments)
        moments = read.moments or (await finder.read(question, When()))[: self._settings.evidence]
        return _Found(finder, when, asked, capital(read.text), moments, read)

    async def _by_meaning(self, one: Replies) -> Reply:
        """What is named in no words that stood there."""

        async def nearness(text: str, others: Sequence[str]) -> list[float]:
            return await self._compute.run(THREAD, self._verifier.nearness, text, others)

        found = await by_meaning(one.finder, one.question, one.asked.phrase, one.when, nearness)
        return await one.of(found) if found else ("", ())

    async def _reasoned(self, query: Query, found: _Found, zeros: dict[str, float]) -> Streamed:
        plain = await self._plain(query, found)
        if self._engine is None or (found.text and found.asked.ask not in _READ):
            yield plain
            return
        try:
            client = None if await self._engine.weak() else await self._engine.client()
            if client is None or client.address.weak:
                yield await self._briefly(query, plain, found, self._engine)
                return
            near = await found.finder.read(query.text, found.when)

            async def search(text: str) -> Sequence[Moment]:
                return await found.finder.read(text, found.when)

            parts = deliberated(
                client, query, plain, once([*found.moments, *near]), search, self._screen,
                wall_telling(zeros, self._wall(), self._zone), self._verifier.language, self._compute, self._settings,
            )  # fmt: skip
            async with aclosing(parts):
                async for part in parts:
                    yield part
        except EngineError as error:
            yield replace(plain, note=f"{error}: the evidence itself is the answer")

    async def _plain(self, query: Query, found: _Found) -> Answer:
        """From the evidence alone."""
        answer = Answer(
            query.turn_id,
            found.text or found.missing,
            tuple(m.evidence for m in found.moments[: self._settings.evidence]),
            abstained=not found.text,
            note=self._note,
        )
        if query.options and found.text:
            scores = await self._compute.run(
                THREAD, self._verifier.likeness_of, query.options, f"{answer.text} {answer.evidence[0].text}"
            )
            answer = replace(answer, choice=max(range(len(scores)), key=lambda i: (scores[i], -i)))
        return answer

    async def _briefly(self, query: Query, plain: Answer, found: _Found, engine: Reasoner) -> Answer:
        """With a small model: one that reads judges what the rules are not sure of, any other only words it."""
        if found.read is None or not await engine.reads():
            return await self._worded(plain, found, engine)
        if query.options or (found.text and not found.read.passages):
            return plain
        client = await engine.client()
        if client.address.model != READER:
            return await self._worded(plain, found, engine)
        asked = found.asked
        if asked.ask is Ask.NEXT and not found.text:
            # What it came next to is in other words than the question's; what came next is reckoned.
            met = f"When did I have {asked.phrase} in front of me?"
            read, usage = await alone(client, met, found.read, self._settings, self._at, of_moment=True)
            replies = Replies(found.finder, query.text, asked, found.when, self._at)
            text, moments = await replies.next_to(read.moments[:1]) if read.text else ("", read.moments)
        else:
            read, usage = await reread(
                client, query.text, found.read, self._settings, self._at, asked.ask is Ask.WHEN
            )
            text, moments = capital(read.text), read.moments
        answer = await self._plain(query, replace(found, text=text, moments=moments or found.moments))
        return replace(
            answer,
            engine=client.address.model,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
        )

    async def _worded(self, plain: Answer, found: _Found, engine: Reasoner) -> Answer:
        """A small model is asked only where the answering words do not stand out by themselves."""
        read = found.read
        if read is None or read.candidate is None or plain.abstained or plain.choice is not None:
            return plain
        client = await engine.client()
        words, usage = await short_answer(client, read.question, read.candidate, self._settings)
        if usage is not None:
            plain = replace(
                plain, prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens
            )
        if words is None:
            return plain
        text = f"{capital(words.rstrip(' .'))}. {read.proof}"
        return replace(plain, text=text, engine=client.address.model)

    def _at(self, wall_s: float) -> str:
        return at_text(wall_s, self._wall(), self._zone)
