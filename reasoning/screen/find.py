"""The moments of a screen that a phrase means: lines that were read, and what was in front."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo

from memory import Memory, SearchRequest, SourceInfo
from memory.screen import Activity, ScreenMemory
from memory.text import tokens
from reasoning.recall import evidence_of_record
from reasoning.screen.when import When
from reasoning.screen.words import (
    STOP,
    content,
    covered,
    initials,
    kind_words,
    literals,
    named_in,
    parts_of,
    spaced,
    squeezed,
    with_english,
)
from runtime.messages import Evidence, Modality, Observation

_FEW = 2
_NEAR, _AROUND = 2, 3
_TELLING = 8
_APART, _SPREAD = 0.4, 0.7


@dataclass(frozen=True, slots=True)
class Moment:
    """evidence: the lines around the one that fits, or the activity. coverage: share of the phrase found there.

    wall_s, end_wall_s: Unix times from when to when it stood there, or was said. ear: by which it was heard, "microphone" or
    "system", "" for what was seen; then program, document and site are what was in front.
    """

    evidence: Evidence
    wall_s: float
    end_wall_s: float
    program: str
    document: str
    site: str
    line: str
    coverage: float
    ear: str = ""

    @property
    def place(self) -> str:
        return place_text(self.program, self.document, self.site)


def place_text(program: str, document: str, site: str) -> str:
    """ "Today in History (historynet.com) in Mozilla Firefox"."""
    what = f"{document} ({site})" if document and site else document or site
    if what and program:
        return f"{what} in {program}"
    return what or program or "the desktop"


class Finder:
    """Looks into the screen sources of a memory."""

    def __init__(
        self,
        memory: Memory,
        screen: ScreenMemory,
        sources: Sequence[SourceInfo],
        zone: tzinfo | None,
        as_of_s: float | None = None,
    ) -> None:
        """as_of_s: only what was known by that media second exists."""
        self._as_of_s = as_of_s
        self._memory = memory
        self._screen = screen
        self._sources = list(sources)
        self._zeros = {s.id: s.wall_zero_s or 0.0 for s in sources}
        self.zone = zone
        self._activities: list[Activity] | None = None
        self._heard: list[Moment] | None = None
        self._found: dict[object, list[tuple[Observation, float]]] = {}
        self._stood_then: dict[object, list[Observation]] = {}

    async def activities(self, when: When | None = None) -> list[Activity]:
        if self._activities is None:
            found = await self._screen.activities(self._sources)
            limit = math.inf if self._as_of_s is None else self._as_of_s
            self._activities = [
                replace(a, t_end_s=min(a.t_end_s, limit)) for a in found if a.t_start_s <= limit
            ]
        if when is None:
            return self._activities
        return [a for a in self._activities if when.overlaps(a.wall_s, max(a.wall_s, a.end_wall_s - 0.001))]

    async def heard(self, when: When | None = None) -> list[Moment]:
        """What was said, in order of time."""
        if self._heard is None:
            cast = await self._memory.cast(self._as_of_s, tuple(self._zeros))
            limit = math.inf if self._as_of_s is None else self._as_of_s
            self._heard = [
                self._of(r, evidence_of_record(r, cast.speaker(r.id, r.speaker), 1.0), r.text, 1.0)
                for r in await self._screen.heard(self._sources)
                if r.known_at_s <= limit
            ]
            self._heard.sort(key=lambda m: (m.wall_s, m.evidence.id))
        return [m for m in self._heard if when is None or when.overlaps(m.wall_s, m.end_wall_s)]

    async def days(self) -> list[date]:
        """The days on which something was recorded, in order."""
        return sorted(
            {datetime.fromtimestamp(t, self.zone).date() for span in await self.spans() for t in span}
        )

    async def spans(self) -> list[tuple[float, float]]:
        """Unix times from when to when something was in front, or was said."""
        seen = [(a.wall_s, a.end_wall_s) for a in await self.activities()]
        return seen + [(m.wall_s, m.end_wall_s) for m in await self.heard()]

    async def read(
        self,
        text: str,
        when: When,
        k: int = 24,
        windows: int = 1,
        must: Sequence[str] = (),
        heard: bool = False,
    ) -> list[Moment]:
        """What was read that is most like a text, best first; each the lines around one that fits, of one record at
        most `windows` of them, 0 for the whole record. must: words without which it covers nothing. heard: what was said,
        too.
        """
        wanted = list(dict.fromkeys(tokens(text)))
        said = {m.evidence.id: m for m in await self.heard()} if heard else {}
        out = []
        found = await self._records(text, when, ("read", "said") if said else ("read",), k)
        for record, score in found:
            if record.modality == "read":
                out += self._moments(record, text, wanted, score, windows, must)
            elif record.id in said:
                out.append(_weighed(said[record.id], wanted, score, must))
        spans = await self._screen.stood([record for record, _ in found if record.modality == "read"])
        return [m for m in (self._stood(m, spans, when) for m in out) if m is not None]

    async def texts(self, when: When) -> list[Moment]:
        """Everything that was read within a time, in order of time; the line is the first one."""
        out = []
        for record in await self._texts(when):
            lines = record.text.splitlines()
            line = lines[min(int(record.details.get("heading", 0)), len(lines) - 1)]
            out.append(self._as_read(record, record.text, line, 1.0))
        return sorted(out, key=lambda m: m.wall_s)

    async def latest(self, wall_s: float, span_s: float = 180.0) -> list[Moment]:
        """What had just appeared at a time, the longest line of each record; newest first."""
        out = []
        for record in await self._texts(When(wall_s - span_s, wall_s)):
            heading = int(record.details.get("heading", 0))
            line = max(record.text.splitlines()[heading:], key=len, default="")
            if len(line) >= _TELLING:
                out.append(self._as_read(record, record.text, line, 1.0))
        return sorted(out, key=lambda m: -m.wall_s)

    async def seen(self, phrase: str, when: When, least: float = 0.6, visit: bool = False) -> list[Moment]:
        """Where all that matters of a phrase stood, in order of time. visit: being there comes before words."""
        wanted = content(phrase)
        if not wanted:
            return []
        # Of one or two words all must be there, and names always.
        least = 1.0 if len(wanted) <= _FEW else least
        must = named_in(phrase, wanted)
        found = [m for m in await self.read(phrase, when, 48, must=must) if m.coverage >= least]
        fronts = [m for m in await self.in_front(phrase, when, must) if m.coverage >= least]
        if visit and max((m.coverage for m in fronts), default=0.0) >= max(
            (m.coverage for m in found), default=0.0
        ):
            found = []
        found += fronts
        if not found:
            return []
        # "US News" is not the new tab: a name of several words, and code, is looked for as it stands.
        for literal in literals(phrase):
            found = [m for m in found if literal in squeezed(m.evidence.text)] or found
        best = max(m.coverage for m in found)
        return sorted(
            (m for m in found if m.coverage >= best - 0.05), key=lambda m: (m.wall_s, m.evidence.modality)
        )

    async def in_front(self, phrase: str, when: When, must: Sequence[str] = ()) -> list[Moment]:
        """Activities by their title, program and site."""
        wanted = content(phrase)

        def coverage(a: Activity) -> float:
            there = set(tokens(spaced(a.text))) | set(parts_of(a.text)) | kind_words(a.program, a.site)
            there |= initials(a.document)
            return covered(wanted, there) if not must or covered(must, there) == 1.0 else 0.0

        return [moment_of(a, coverage(a)) for a in await self.activities(when)]

    async def _texts(self, when: When) -> list[Observation]:
        """What stood there in a time, read once: of a whole memory it is much."""
        key = (when.from_wall, when.to_wall)
        if key not in self._stood_then:
            self._stood_then[key] = await self._read_texts(when)
        return self._stood_then[key]

    async def _read_texts(self, when: When) -> list[Observation]:
        found = []
        limit = math.inf if self._as_of_s is None else self._as_of_s
        for source in self._sources:
            zero = self._zeros[source.id]
            from_s = -math.inf if when.from_wall is None else when.from_wall - zero
            to_s = math.inf if when.to_wall is None else when.to_wall - zero
            found += await self._screen.texts([source], from_s, min(to_s, limit))
        return [record for record in found if record.known_at_s <= limit]

    async def _records(
        self, text: str, when: When, modalities: tuple[Modality, ...], k: int
    ) -> list[tuple[Observation, float]]:
        """A question looks at the same records whole and in parts: they are searched once."""
        key = (text, when, modalities, k)
        if key not in self._found:
            self._found[key] = await self._search(text, when, modalities, k)
        return self._found[key]

    async def _search(
        self, text: str, when: When, modalities: tuple[Modality, ...], k: int
    ) -> list[tuple[Observation, float]]:
        by_bounds: dict[tuple[float | None, float | None], list[str]] = {}
        for source in self._sources:
            zero = self._zeros[source.id]
            # A line may have stood there long before the time asked for: its record begins earlier.
            to_s = None if when.to_wall is None else when.to_wall - zero
            if to_s is not None and to_s < 0:
                continue
            by_bounds.setdefault((None, to_s), []).append(source.id)
        hits = []
        for (from_s, to_s), names in by_bounds.items():
            hits += await self._memory.search(
                SearchRequest(
                    text,
                    as_of_s=self._as_of_s,
                    sources=tuple(names),
                    t_min_s=from_s,
                    t_max_s=to_s,
                    modalities=modalities,
                    k=k,
                )
            )
        hits.sort(key=lambda h: -h.scores.total)
        return [(h.record, min(1.0, h.scores.total)) for h in hits[:k]]

    def _moments(
        self,
        record: Observation,
        text: str,
        wanted: Sequence[str],
        score: float,
        windows: int,
        must: Sequence[str] = (),
    ) -> list[Moment]:
        lines = record.text.splitlines()
        heading = int(record.details.get("heading", 0))
        matter = [w for w in wanted if w not in STOP] or list(wanted)
        title = set(tokens(spaced(lines[0]))) if heading else set()
        title |= kind_words(record.details.get("app", ""), record.details.get("site", ""))
        own = [with_english(set(tokens(spaced(line))) | set(parts_of(line))) for line in lines]
        exact = literals(text)
        scores = {}
        for i in range(heading, len(lines)):
            # A sentence goes on in the next line; a label stands before its value.
            near = own[i] | (own[i + 1] if i + 1 < len(lines) else set())
            scores[i] = (
                covered(matter, near)
                + 0.5 * covered(matter, own[i])
                + 0.3 * covered(wanted, own[i])
                + 0.1 * covered(matter, near | title)
                + sum(literal in squeezed(lines[i]) for literal in exact)
            )
        chosen: list[int] = []
        for i in sorted(scores, key=lambda i: (-round(scores[i], 6), i)):
            if len(chosen) < windows and all(abs(i - j) > _NEAR for j in chosen):
                chosen.append(i)
        if not windows:
            whole = covered(matter, set().union(title, *own))
            return [self._as_read(record, record.text, lines[0], whole, score)]
        out = []
        for best in chosen or [heading]:
            shown = [*lines[:heading], *lines[max(heading, best - _NEAR) : best + _NEAR + 3]]
            close = own[max(heading, best - 1) : best + 3]
            # Where nothing but the title says it, the title is the line.
            says = any(covered(matter, words) for words in close)
            line = lines[best] if best < len(lines) and says else lines[0]
            there = set().union(title, *close)
            coverage = covered(matter, there)
            # Words that stand apart count less: a dialog's title, and what was chosen in it.
            if _APART <= coverage < _SPREAD and covered(matter, set().union(title, *own)) == 1.0:
                coverage = _SPREAD
            if must and covered(must, set().union(title, *own)) < 1.0:
                coverage = 0.0
            out.append(self._as_read(record, "\n".join(shown), line, coverage, score))
        return out

    def _as_read(
        self, record: Observation, text: str, line: str, coverage: float, score: float = 1.0
    ) -> Moment:
        """text: of the record, what is shown of it."""
        evidence = Evidence(record.id, record.source, "read", text, record.t_start_s, record.t_end_s, score)
        return self._of(record, evidence, line, coverage)

    def _of(self, record: Observation, evidence: Evidence, line: str, coverage: float) -> Moment:
        about, zero = record.details, self._zeros[record.source]
        return Moment(
            evidence,
            zero + record.t_start_s,
            zero + record.t_end_s,
            about.get("app", ""),
            about.get("document", ""),
            about.get("site", ""),
            line,
            coverage,
            about.get("ear", ""),
        )

    def _stood(
        self, moment: Moment, spans: dict[str, list[tuple[float, float]]], when: When
    ) -> Moment | None:
        """With the time in which it stood there, the first that the question's time touches. None: not then."""
        if moment.ear:
            return moment if when.overlaps(moment.wall_s, moment.end_wall_s) else None
        zero = self._zeros[moment.evidence.source]
        stood = spans[moment.evidence.id]
        stood = [(a, b) for a, b in stood if when.overlaps(zero + a, zero + b)]
        if not stood:
            return None
        start_s = min(a for a, _ in stood)
        end_s = max(b for a, b in stood if a <= start_s + 1.0)
        e = moment.evidence
        evidence = Evidence(e.id, e.source, e.modality, e.text, start_s, end_s, e.score)
        return replace(moment, evidence=evidence, wall_s=zero + start_s, end_wall_s=zero + end_s)


def _weighed(said: Moment, wanted: Sequence[str], score: float, must: Sequence[str]) -> Moment:
    """score: with which it was found, in [0, 1]. must: as of Finder.read."""
    matter = [w for w in wanted if w not in STOP] or wanted
    there = set(tokens(spaced(said.line)))
    coverage = covered(matter, there) if not must or covered(must, there) == 1.0 else 0.0
    return replace(said, evidence=replace(said.evidence, score=score), coverage=coverage)


def around(moment: Moment, i: int) -> Moment:
    """The moment at one of its lines, its text cut to that, the lines around it and the first one."""
    lines = moment.evidence.text.splitlines()
    text = "\n".join([*lines[: 1 if i > _AROUND else 0], *lines[max(0, i - _AROUND) : i + _AROUND + 1]])
    return replace(moment, evidence=replace(moment.evidence, text=text), line=lines[i])


def moment_of(activity: Activity, coverage: float = 1.0) -> Moment:
    evidence = Evidence(
        activity.id, activity.source, "seen", activity.text, activity.t_start_s, activity.t_end_s, coverage
    )
    return Moment(
        evidence,
        activity.wall_s,
        activity.end_wall_s,
        activity.program,
        activity.document,
        activity.site,
        activity.text,
        coverage,
    )


def then(moment: Moment, when: When) -> Moment:
    """Of what stood there for long, the part that the question means."""
    late = 0.0 if when.from_wall is None else max(0.0, when.from_wall - moment.wall_s)
    early = 0.0 if when.to_wall is None else max(0.0, moment.end_wall_s - when.to_wall)
    e = moment.evidence
    evidence = replace(e, t_start_s=e.t_start_s + late, t_end_s=max(e.t_start_s + late, e.t_end_s - early))
    return replace(
        moment,
        evidence=evidence,
        wall_s=moment.wall_s + late,
        end_wall_s=max(moment.wall_s + late, moment.end_wall_s - early),
    )
