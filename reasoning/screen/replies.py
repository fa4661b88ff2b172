"""What the evidence of a screen says to each kind of question."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from memory.screen import Activity
from memory.text import tokens
from reasoning.screen.failures import failures
from reasoning.screen.find import Finder, Moment, moment_of, then
from reasoning.screen.items import ITEM
from reasoning.screen.phrasing import capital, inside, named, short, told
from reasoning.screen.promises import promised
from reasoning.screen.question import Ask, Asked
from reasoning.screen.steps import as_moment, headings, procedure
from reasoning.screen.when import When, span_text
from reasoning.screen.words import KIND_WORDS, content, covered, kind_words

_MOST_LISTED = 6
_LEAST = 0.6
_SHORT_S = 20.0
_NEWEST, _RECENT_S = 3, 180.0
_APART_S = 900.0
_MINUTE_S = 60.0
_TELLING, _MOST_LINES = 8, 3

Reply = tuple[str, Sequence[Moment]]
"""The text, "" for none, and the moments that prove it."""


@dataclass(frozen=True, slots=True)
class Replies:
    """To one question. when: the time it names; at: Unix time as it is told."""

    finder: Finder
    question: str
    asked: Asked
    when: When
    at: Callable[[float], str]

    async def reply(self) -> Reply:
        match self.asked.ask:
            case Ask.DOING:
                return await self._doing()
            case Ask.LONG:
                return await self._long()
            case Ask.BEFORE:
                return await self._before()
            case Ask.NEXT:
                return await self._next()
            case Ask.END:
                return await self._end()
            case Ask.PLACES:
                return await self._places()
            case Ask.WHEN:
                return await self._when()
            case Ask.WHERE:
                return await self._where()
            case Ask.SEEN:
                return await self._seen()
            case Ask.PROMISE:
                return await self._promise()
            case Ask.STEPS:
                return await self._steps()
        return "", ()

    async def _doing(self) -> Reply:
        done = await self.finder.activities(self.when)
        # "In the terminal", "with the spreadsheet": there, and not elsewhere.
        kinds = set(tokens(self.question)) & KIND_WORDS
        done = [a for a in done if kinds & kind_words(a.program, a.site)] or done
        if not done and self.when.point:
            return await self._nearest(kinds)
        if self.when.point and done:
            assert self.when.from_wall is not None and self.when.to_wall is not None
            from_s, to_s = self.when.from_wall, self.when.to_wall
            meant = (from_s + to_s) / 2
            # "At ten" is the whole minute, "around ten" has a middle.
            until = to_s if to_s - from_s <= _MINUTE_S else meant
            now = min(reversed(done), key=lambda a: _away(a, until))
            near = await self.finder.latest(until, max(_RECENT_S, until - from_s))
            near = [m for m in near if not kinds or m.program == now.program][:_NEWEST]
            lines = "; ".join(": ".join(headings(m)) or m.line for m in near)
            text = f"At {self.at(meant)}: {named(now)}" + (f". On the screen: “{lines}”" if lines else "")
            return f"{text}.", [*near, then(moment_of(now), self.when)]
        return _listed(_joined(done), self.at), [moment_of(a) for a in _joined(done)]

    async def _nearest(self, kinds: set[str]) -> Reply:
        """What was in front nearest to a moment of which nothing is known."""
        assert self.when.from_wall is not None and self.when.to_wall is not None
        meant = (self.when.from_wall + self.when.to_wall) / 2

        done = [
            a
            for a in await self.finder.activities()
            if _away(a, meant) < _APART_S and (not kinds or kinds & kind_words(a.program, a.site))
        ]
        if not done:
            return "", ()
        one = min(done, key=lambda a: _away(a, meant))
        at_s = one.wall_s if one.wall_s > meant else one.end_wall_s
        return f"{named(one)}, at {self.at(at_s)}; nothing was recorded at {self.at(meant)}.", [
            then(moment_of(one), When(at_s, at_s))
        ]

    async def _long(self) -> Reply:
        wanted = content(self.asked.phrase)
        found = [m for m in await self.finder.in_front(self.asked.phrase, self.when) if m.coverage >= _LEAST]
        if not found or not wanted:
            return "", ()
        best = max(m.coverage for m in found)
        found = [m for m in found if m.coverage >= best - 0.05] if best == 1.0 else found
        seconds = sum(m.end_wall_s - m.wall_s for m in found)
        first, last = found[0], found[-1]
        places = list(dict.fromkeys(m.place for m in found))
        return (
            f"{span_text(seconds)}: {'; '.join(places[:3])}, between {self.at(first.wall_s)} and {self.at(last.end_wall_s)}.",
            found,
        )

    async def _met(self, phrase: str) -> Sequence[Moment]:
        """Where a thing was, or where it failed, in order of time."""
        failed = (await failures(self.finder, phrase, self.when))[::-1]
        return failed or await self.finder.seen(phrase, self.when, visit=self.asked.visit)

    async def _before(self) -> Reply:
        one, other = await self._met(self.asked.phrase), await self._met(self.asked.other)
        if not one or not other:
            return "", [*one[:2], *other[:2]]
        a, b = one[0], other[0]
        first, second = (a, b) if a.wall_s <= b.wall_s else (b, a)
        order = f"{short(first)} at {self.at(first.wall_s)}, {short(second)} at {self.at(second.wall_s)}"
        if self.asked.kind == "which":
            meant = second if self.asked.later else first
            phrase = self.asked.phrase if meant is a else self.asked.other
            return f"{capital(phrase)}: {order}.", [first, second]
        if self.asked.kind == "side":
            return f"{'Before' if first is a else 'After'}: {order}.", [first, second]
        yes = a.wall_s > b.wall_s if self.asked.later else a.wall_s < b.wall_s
        return f"{'Yes' if yes else 'No'}: {order}.", [first, second]

    async def _next(self) -> Reply:
        found = await self.finder.seen(self.asked.phrase, self.when)
        return await self.next_to(found) if found else ("", ())

    async def next_to(self, found: Sequence[Moment]) -> Reply:
        """What came right after those moments, or before them."""
        done = _of_kind(await self.finder.activities(self.when), self.asked.kind)
        if self.asked.kind == "part" and (part := await self._next_part(found)):
            return part
        fronts = [m for m in found if m.evidence.modality == "seen"]
        base = fronts[0] if fronts else found[0]
        if not self.asked.visit and (text := self._next_item(found)):
            return text
        if (
            not fronts
            and not self.asked.kind
            and not self.asked.visit
            and (text := await self._next_text(base))
        ):
            return text
        wanted = content(self.asked.phrase)
        # The same place again is not the next one; one that only shares a word with it is.
        unlike = [
            a for a in done if not fronts or covered(wanted, set(content(_parts(a)))) < base.coverage - 0.05
        ]
        elsewhere = [a for a in done if a.document != base.document]
        chosen = self._beside(unlike, base) or self._beside(elsewhere, base)
        if not chosen:
            return "", [base]
        one = chosen[0]
        word = "After" if self.asked.later else "Before"
        return (
            f"{named(one)}, at {self.at(one.wall_s)}. {word} {short(base)} ({self.at(base.wall_s)}).",
            [moment_of(one), base],
        )

    def _beside(self, done: Sequence[Activity], base: Moment) -> list[Activity]:
        """The first one after, or the last one before."""
        if self.asked.later:
            return [a for a in done if a.wall_s > base.wall_s + 0.5][:1]
        return [a for a in done if a.wall_s < base.wall_s - 0.5][-1:]

    def _next_item(self, found: Sequence[Moment]) -> Reply | None:
        """In a numbered list, what stands there right after or before."""
        for m in found:
            if m.evidence.modality != "read" or (item := ITEM.match(m.line)) is None:
                continue
            number = int(item["number"]) + (1 if self.asked.later else -1)
            for line in m.evidence.text.splitlines():
                if (other := ITEM.match(line)) and int(other["number"]) == number:
                    word = "After" if self.asked.later else "Before"
                    return f"“{line}”{inside(m)} at {self.at(m.wall_s)}. {word} “{m.line}”.", [
                        replace(m, line=line)
                    ]
        return None

    async def _next_text(self, base: Moment) -> Reply | None:
        """What appeared next, or right before, in the window where that line stood."""
        near = [
            m
            for m in await self.finder.texts(self.when)
            if (m.program, m.document) == (base.program, base.document)
            and 0.5 < abs(m.wall_s - base.wall_s) < _APART_S
            and (m.wall_s > base.wall_s) == self.asked.later
        ]
        for m in near if self.asked.later else near[::-1]:
            whole = m.evidence.text.splitlines()
            lines = [line for line in whole[whole.index(m.line) :] if len(line) >= _TELLING]
            if lines:
                word = "After" if self.asked.later else "Before"
                text = f"“{' '.join(lines[:_MOST_LINES])}”{inside(m)} at {self.at(m.wall_s)}."
                return f"{text} {word} {short(base)} ({self.at(base.wall_s)}).", [m, base]
        return None

    async def _next_part(self, found: Sequence[Moment]) -> Reply | None:
        """What came in the same window: the next dialog page, the heading before."""
        wanted = tokens(self.asked.phrase)
        exact = re.compile(rf"(?<!\w){re.escape(self.asked.phrase)}(?!\w)", re.I)
        same = [m for m in found if exact.search(m.evidence.text)] or [
            m for m in found if any(tokens(line) == wanted for line in m.evidence.text.splitlines())
        ]
        if not same:
            return None
        base = same[-1]
        near = [
            m
            for m in await self.finder.texts(self.when)
            if (m.program, m.document) == (base.program, base.document)
        ]
        if self.asked.later:
            others = [m for m in near if m.wall_s > base.wall_s + 0.5]
        else:
            others = [m for m in near if m.wall_s < base.wall_s - 0.5][::-1]
        chosen = next(((m, head) for m in others if (head := headings(m))), None)
        if chosen is None:
            return None
        moment, head = chosen
        word = "After" if self.asked.later else "Before"
        text = (
            f"{': '.join(head)}, at {self.at(moment.wall_s)}. {word} {short(base)} ({self.at(base.wall_s)})."
        )
        return text, [replace(moment, line=head[0]), base]

    async def _end(self) -> Reply:
        done = _of_kind(await self.finder.activities(self.when), self.asked.kind)
        if not done:
            return "", ()
        one = done[-1] if self.asked.later else done[0]
        return f"{named(one)}, at {self.at(one.wall_s)}.", [moment_of(one)]

    async def _places(self) -> Reply:
        done = _of_kind(await self.finder.activities(self.when), self.asked.kind)
        if not done:
            return "", ()
        names: dict[str, Activity] = {}
        for a in done:
            name = {"site": a.site, "program": a.program, "file": a.document}.get(self.asked.kind) or named(a)
            names.setdefault(name, a)
        text = "; ".join(f"{name} (from {self.at(a.wall_s)})" for name, a in names.items())
        return f"{text}.", [moment_of(a) for a in names.values()]

    async def of(self, found: Sequence[Moment]) -> Reply:
        """To a question for the place or time of what stood at these moments, in order of time, or for what came next."""
        match self.asked.ask:
            case Ask.WHEN:
                return self._when_of(found)
            case Ask.WHERE:
                return self._where_of(found)
            case Ask.NEXT:
                return await self.next_to(found)
        return "", ()

    async def _when(self) -> Reply:
        found = await self._met(self.asked.phrase)
        return self._when_of(found) if found else ("", ())

    def _when_of(self, found: Sequence[Moment]) -> Reply:
        ordered = found[::-1] if self.asked.later else found
        one = ordered[0]
        times = list(dict.fromkeys(self.at(m.wall_s) for m in ordered))
        also = f" Also at {' and '.join(times[1:3])}." if len(times) > 1 else ""
        lasted = self.asked.later and self.at(one.end_wall_s) != times[0]
        until = f", until {self.at(one.end_wall_s)}" if lasted else ""
        return f"At {times[0]}{until}: “{one.line}”{inside(one)}.{also}", ordered

    async def _where(self) -> Reply:
        phrase = self.asked.phrase or self.question
        found = [
            m for m in await self.finder.seen(phrase, self.when) if m.evidence.modality == "read"
        ] or await self.finder.seen(phrase, self.when)
        return self._where_of(found) if found else ("", ())

    def _where_of(self, found: Sequence[Moment]) -> Reply:
        # "In which browser": not in the editor, where it stood too.
        of_kind = [m for m in found if set(tokens(self.asked.noun)) & kind_words(m.program, m.site)]
        found = of_kind or found
        best = max(m.coverage for m in found)
        one = next(m for m in found if m.coverage == best)
        proof = f": “{one.line}”" if one.evidence.modality == "read" else ""
        return f"{one.place}, at {self.at(one.wall_s)}{proof}.", [
            one,
            *(m for m in found if m is not one),
        ]

    async def _seen(self) -> Reply:
        found = await self.finder.seen(self.asked.phrase, self.when, least=0.75, visit=self.asked.visit)
        if not found:
            return "", ()
        one = found[0]
        return f"Yes, at {self.at(one.wall_s)}: “{one.line}”{inside(one)}.", found

    async def _promise(self) -> Reply:
        found = await promised(self.finder, self.asked.phrase, self.when, self.asked.other)
        shown = found[-_MOST_LISTED:]
        parts = [
            told(m, self.at) if m.ear else f"“{m.line}”{inside(m)} at {self.at(m.wall_s)}" for m in shown
        ]
        return f"{'; '.join(parts)}." if parts else "", shown

    async def _steps(self) -> Reply:
        found = await procedure(self.finder, self.asked.phrase, self.when)
        if found is None or not found.steps:
            return "", ()
        moments = [as_moment(step) for step in found.steps]
        parts = [f"{n}. {m.line} ({self.at(m.wall_s)})" for n, m in enumerate(moments, 1)]
        places = list(dict.fromkeys(m.program for m in moments if m.program))
        before = (
            f" The same was done at {' and '.join(self.at(t) for t in found.before[-2:])}."
            if found.before
            else ""
        )
        return f"In {', '.join(places) or 'the desktop'}: {'; '.join(parts)}.{before}", moments


def _away(a: Activity, wall_s: float) -> float:
    """How far from a time, in seconds; not more than 0 where it was in front then."""
    return max(a.wall_s - wall_s, wall_s - a.end_wall_s)


def _listed(done: Sequence[Activity], at: Callable[[float], str]) -> str:
    """The longest ones, in order of time."""
    longest = sorted(done, key=lambda a: -a.duration_s)[:_MOST_LISTED]
    parts = [
        f"{named(a)} ({at(a.wall_s)}{f', {span_text(a.duration_s)}' if a.duration_s else ''})"
        for a in sorted(longest, key=lambda a: a.wall_s)
    ]
    return "; ".join(parts) + "." if parts else ""


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
