"""Answers about a screen: what stood there, where and when by the wall clock, what was done, in which order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import tzinfo

from memory import Memory
from memory.screen import Activity, ScreenMemory
from memory.text import tokens
from reasoning.answer import Streamed, completed
from reasoning.engine import Reasoner
from reasoning.recall import THREAD
from reasoning.screen.deliberate import NOT_SEEN, deliberated, wall_telling
from reasoning.screen.find import Finder, Moment, content, covered, kind_words, moment_of
from reasoning.screen.phrasing import capital, inside, named, once, short
from reasoning.screen.promises import promised
from reasoning.screen.question import Ask, Asked, ask_of
from reasoning.screen.reading import FactReader, Read
from reasoning.screen.steps import as_moment, headings, procedure
from reasoning.screen.when import When, at_text, parse_when, span_text
from reasoning.settings import AnswerSettings
from reasoning.support import Verifier
from reasoning.wording import short_answer
from runtime.clock import Clock
from runtime.compute import Compute
from runtime.errors import EngineError
from runtime.messages import Answer, Query

_MOST_LISTED = 6
_LEAST = 0.6
_SHORT_S = 20.0
_READ = {Ask.FACT, Ask.WHERE, Ask.SEEN, Ask.STEPS, Ask.PROMISE}
"""What a model may put into words: the rest is reckoned from times, to which words add nothing."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What the evidence alone says. text: "" for nothing. read: how a line was read, where one was."""

    finder: Finder
    when: When
    asked: Asked
    text: str
    moments: Sequence[Moment]
    read: Read | None = None


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
        when = parse_when(query.text, self._wall(), await finder.days(), self._zone)
        asked = ask_of(when.rest or query.text)
        text, moments = await self._answered(finder, query.text, asked, when)
        if text or asked.ask not in (Ask.FACT, Ask.STEPS):
            if not text and not moments:
                moments = (await finder.read(query.text, When()))[: self._settings.evidence]
            return _Found(finder, when, asked, text, moments)
        # A question for the steps of something ("how did the test end") may be one for a line.
        read = await self._facts.find(finder, query.text, when)
        moments = read.moments or (await finder.read(query.text, When()))[: self._settings.evidence]
        return _Found(finder, when, asked, capital(read.text), moments, read)

    async def _reasoned(self, query: Query, found: _Found, zeros: dict[str, float]) -> Streamed:
        plain = await self._plain(query, found)
        if self._engine is None or (found.text and found.asked.ask not in _READ):
            yield plain
            return
        try:
            client = None if await self._engine.weak() else await self._engine.client()
            if client is None or client.address.weak:
                yield await self._worded(plain, found, self._engine)
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
            found.text or NOT_SEEN,
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

    async def _answered(
        self, finder: Finder, question: str, asked: Asked, when: When
    ) -> tuple[str, Sequence[Moment]]:
        """The answer's text, "" for none, and the moments that prove it."""
        match asked.ask:
            case Ask.DOING:
                return await self._doing(finder, when)
            case Ask.LONG:
                return await self._long(finder, asked, when)
            case Ask.BEFORE:
                return await self._before(finder, asked, when)
            case Ask.NEXT:
                return await self._next(finder, asked, when)
            case Ask.END:
                return await self._end(finder, asked, when)
            case Ask.PLACES:
                return await self._places(finder, asked, when)
            case Ask.WHEN:
                return await self._when(finder, asked, when)
            case Ask.WHERE:
                return await self._where(finder, question, asked, when)
            case Ask.SEEN:
                return await self._seen(finder, asked, when)
            case Ask.PROMISE:
                return await self._promise(finder, asked, when)
            case Ask.STEPS:
                return await self._steps(finder, asked, when)
        return "", ()

    async def _doing(self, finder: Finder, when: When) -> tuple[str, Sequence[Moment]]:
        done = await finder.activities(when)
        if not done and when.point:
            return "", ()
        if when.point and done:
            now = done[-1]
            near = await finder.latest(when.to_wall or now.end_wall_s)
            lines = "; ".join(m.line for m in near[:2])
            text = f"At {self._at(when.from_wall or now.wall_s)}: {named(now)}" + (
                f". On the screen: “{lines}”" if lines else ""
            )
            return f"{text}.", [moment_of(now), *near]
        return self._listed(_joined(done)), [moment_of(a) for a in _joined(done)]

    async def _long(self, finder: Finder, asked: Asked, when: When) -> tuple[str, Sequence[Moment]]:
        wanted = content(asked.phrase)
        found = [m for m in await finder.in_front(asked.phrase, when) if m.coverage >= _LEAST]
        if not found or not wanted:
            return "", ()
        seconds = sum(m.end_wall_s - m.wall_s for m in found)
        first, last = found[0], found[-1]
        places = list(dict.fromkeys(m.place for m in found))
        return (
            f"{span_text(seconds)}: {'; '.join(places[:3])}, between {self._at(first.wall_s)} and {self._at(last.end_wall_s)}.",
            found,
        )

    async def _before(self, finder: Finder, asked: Asked, when: When) -> tuple[str, Sequence[Moment]]:
        one, other = (
            await finder.seen(asked.phrase, when, visit=asked.visit),
            await finder.seen(asked.other, when, visit=asked.visit),
        )
        if not one or not other:
            return "", [*one[:2], *other[:2]]
        a, b = one[0], other[0]
        first, second = (a, b) if a.wall_s <= b.wall_s else (b, a)
        order = f"{short(first)} at {self._at(first.wall_s)}, {short(second)} at {self._at(second.wall_s)}"
        if asked.kind == "which":
            meant = second if asked.later else first
            phrase = asked.phrase if meant is a else asked.other
            return f"{phrase[:1].upper()}{phrase[1:]}: {order}.", [first, second]
        yes = a.wall_s > b.wall_s if asked.later else a.wall_s < b.wall_s
        return f"{'Yes' if yes else 'No'}: {order}.", [first, second]

    async def _next(self, finder: Finder, asked: Asked, when: When) -> tuple[str, Sequence[Moment]]:
        found = await finder.seen(asked.phrase, when)
        if not found:
            return "", ()
        done = _of_kind(await finder.activities(when), asked.kind)
        if asked.kind == "part" and (part := await self._next_part(finder, asked, when, found)):
            return part
        fronts = [m for m in found if m.evidence.modality == "seen"]
        base = fronts[0] if fronts else found[0]
        wanted = content(asked.phrase)
        # The same place again is not the next one; one that only shares a word with it is.
        others = [
            a for a in done if not fronts or covered(wanted, set(content(_parts(a)))) < base.coverage - 0.05
        ]
        if asked.later:
            after = [a for a in others if a.wall_s > base.wall_s + 0.5]
            chosen = after[:1]
        else:
            chosen = [a for a in others if a.wall_s < base.wall_s - 0.5][-1:]
        if not chosen:
            return "", [base]
        one = chosen[0]
        word = "After" if asked.later else "Before"
        return (
            f"{named(one)}, at {self._at(one.wall_s)}. {word} {short(base)} ({self._at(base.wall_s)}).",
            [moment_of(one), base],
        )

    async def _next_part(
        self, finder: Finder, asked: Asked, when: When, found: Sequence[Moment]
    ) -> tuple[str, Sequence[Moment]] | None:
        """What came in the same window: the next dialog page, the heading before."""
        wanted = tokens(asked.phrase)
        same = [m for m in found if any(tokens(line) == wanted for line in m.evidence.text.splitlines())]
        if not same:
            return None
        base = same[-1]
        near = [
            m for m in await finder.texts(when) if (m.program, m.document) == (base.program, base.document)
        ]
        if asked.later:
            others = [m for m in near if m.wall_s > base.wall_s + 0.5]
        else:
            others = [m for m in near if m.wall_s < base.wall_s - 0.5][::-1]
        chosen = next(((m, head) for m in others if (head := headings(m))), None)
        if chosen is None:
            return None
        moment, head = chosen
        word = "After" if asked.later else "Before"
        text = f"{': '.join(head)}, at {self._at(moment.wall_s)}. {word} {short(base)} ({self._at(base.wall_s)})."
        return text, [replace(moment, line=head[0]), base]

    async def _end(self, finder: Finder, asked: Asked, when: When) -> tuple[str, Sequence[Moment]]:
        done = _of_kind(await finder.activities(when), asked.kind)
        if not done:
            return "", ()
        one = done[-1] if asked.later else done[0]
        return f"{named(one)}, at {self._at(one.wall_s)}.", [moment_of(one)]

    async def _places(self, finder: Finder, asked: Asked, when: When) -> tuple[str, Sequence[Moment]]:
        done = _of_kind(await finder.activities(when), asked.kind)
        if not done:
            return "", ()
        names: dict[str, Activity] = {}
        for a in done:
            name = {"site": a.site, "program": a.program, "file": a.document}.get(asked.kind) or named(a)
            names.setdefault(name, a)
        text = "; ".join(f"{name} (from {self._at(a.wall_s)})" for name, a in names.items())
        return f"{text}.", [moment_of(a) for a in names.values()]

    async def _when(self, finder: Finder, asked: Asked, when: When) -> tuple[str, Sequence[Moment]]:
        found = await finder.seen(asked.phrase, when, visit=asked.visit)
        if not found:
            return "", ()
        ordered = found[::-1] if asked.later else found
        one = ordered[0]
        times = list(dict.fromkeys(self._at(m.wall_s) for m in ordered))
        also = f" Also at {' and '.join(times[1:3])}." if len(times) > 1 else ""
        return f"At {times[0]}: “{one.line}”{inside(one)}.{also}", ordered

    async def _where(
        self, finder: Finder, question: str, asked: Asked, when: When
    ) -> tuple[str, Sequence[Moment]]:
        phrase = asked.phrase or question
        found = [
            m for m in await finder.seen(phrase, when) if m.evidence.modality == "read"
        ] or await finder.seen(phrase, when)
        if not found:
            return "", ()
        # "In which browser": not in the editor, where it stood too.
        of_kind = [m for m in found if set(tokens(asked.noun)) & kind_words(m.program, m.site)]
        found = of_kind or found
        best = max(m.coverage for m in found)
        one = next(m for m in found if m.coverage == best)
        proof = f": “{one.line}”" if one.evidence.modality == "read" else ""
        return f"{one.place}, at {self._at(one.wall_s)}{proof}.", [
            one,
            *(m for m in found if m is not one),
        ]

    async def _seen(self, finder: Finder, asked: Asked, when: When) -> tuple[str, Sequence[Moment]]:
        found = await finder.seen(asked.phrase, when, least=0.75, visit=asked.visit)
        if not found:
            return "", ()
        one = found[0]
        return f"Yes, at {self._at(one.wall_s)}: “{one.line}”{inside(one)}.", found

    async def _promise(self, finder: Finder, asked: Asked, when: When) -> tuple[str, Sequence[Moment]]:
        found = await promised(finder, asked.phrase, when)
        shown = found[-_MOST_LISTED:]
        parts = [f"“{m.line}”{inside(m)} at {self._at(m.wall_s)}" for m in shown]
        return f"{'; '.join(parts)}." if parts else "", shown

    async def _steps(self, finder: Finder, asked: Asked, when: When) -> tuple[str, Sequence[Moment]]:
        found = await procedure(finder, asked.phrase, when)
        if found is None or not found.steps:
            return "", ()
        moments = [as_moment(step) for step in found.steps]
        parts = [f"{n}. {m.line} ({self._at(m.wall_s)})" for n, m in enumerate(moments, 1)]
        places = list(dict.fromkeys(m.program for m in moments if m.program))
        before = (
            f" The same was done at {' and '.join(self._at(t) for t in found.before[-2:])}."
            if found.before
            else ""
        )
        return f"In {', '.join(places) or 'the desktop'}: {'; '.join(parts)}.{before}", moments

    def _listed(self, done: Sequence[Activity]) -> str:
        """The longest ones, in order of time."""
        longest = sorted(done, key=lambda a: -a.duration_s)[:_MOST_LISTED]
        parts = [
            f"{named(a)} ({self._at(a.wall_s)}{f', {span_text(a.duration_s)}' if a.duration_s else ''})"
            for a in sorted(longest, key=lambda a: a.wall_s)
        ]
        return "; ".join(parts) + "." if parts else ""

    def _at(self, wall_s: float) -> str:
        return at_text(wall_s, self._wall(), self._zone)


def _joined(done: Sequence[Activity]) -> list[Activity]:
    """Those that were the same again are one, with the time of all; glances are left out where there is more."""
    out: dict[str, Activity] = {}
    for a in done:
        known = out.get(a.text)
        out[a.text] = a if known is None else replace(known, t_end_s=known.t_end_s + a.duration_s)
    # One that was looked at only once lasted nobody knows how long.
    long = [
        a
        for a in out.values()
        if (a.duration_s >= _SHORT_S or not a.duration_s) and (a.program or a.document)
    ]
    return long or list(out.values())


def _of_kind(done: Sequence[Activity], kind: str) -> list[Activity]:
    if kind == "site":
        return [a for a in done if a.site] or [a for a in done if a.document]
    if kind == "program":
        return [a for a in done if a.program]
    if kind == "file":
        return [a for a in done if a.document and not a.site]
    return [a for a in done if a.program or a.document or a.site]


def _parts(a: Activity) -> str:
    return f"{a.text} {a.text.replace('.', ' ').replace('_', ' ').replace('-', ' ')}"
