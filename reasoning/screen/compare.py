"""Questions that compare: which of two is more, by how much, and which of all in a table is the most."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from memory.text import tokens
from reasoning.screen.find import Finder, Moment, moment_of, place_text
from reasoning.screen.measures import Measure, about, is_of, measures, named
from reasoning.screen.phrasing import capital, inside
from reasoning.screen.when import When, span_text
from reasoning.screen.words import content, covered

_UP = "more higher bigger larger greater longer heavier taller dearer pricier warmer hotter"
_DOWN = "fewer less lower smaller shorter lighter cheaper colder cooler"
_TOP = (
    "most highest biggest largest greatest longest heaviest tallest dearest priciest warmest hottest maximum"
)
_BOTTOM = "fewest least lowest smallest shortest lightest cheapest coldest coolest minimum"
_MONEY = re.compile(r"\b(?:cheap\w*|expensive|dear(?:er|est)|pric\w*|costs?|charges?)\b", re.I)
_DEGREES = re.compile(r"\b(?:warm|hott?|cold|cool)\w*\b|\btemperatures?\b", re.I)


def _any(words: str) -> str:
    return rf"\b(?:{'|'.join(words.split())})\b"


_COMPARED = re.compile(_any(f"{_UP} {_DOWN}"), re.I)
_EXTREME = re.compile(_any(f"{_TOP} {_BOTTOM}"), re.I)
_DOWNWARD = re.compile(_any(f"{_DOWN} {_BOTTOM}"), re.I)
_EITHER = r"(?P<x>[^,:;?]+?),? or (?P<y>[^,:;?]+?)"
_ASKS = r"(?:(?:in|on|at|of|for|from) )?(?:which|who|what|whose|where)\b"
_IS = r"(?:is|was|are|were|does|did|do|has|have|had)"
_DOES = r"(?:have|had|has|get|got|cost|be|contain|hold|show|weigh|last|take|need|score)"
_OF_TWO = (
    re.compile(rf"^(?:between |of )?{_EITHER}\s*[,:;–-]+\s*(?P<rest>{_ASKS}.+?)\??$", re.I),
    re.compile(rf"^(?P<rest>{_ASKS}[^,:;]+)(?:[,:;]|\s[–-])\s*{_EITHER}\??$", re.I),
    re.compile(
        rf"^{_IS} (?P<x>[^,:;?]+?),? or (?P<y>\S.*?)(?P<rest>,? (?:{_DOES} )?(?:the )?{_COMPARED.pattern}.*?)\??$",
        re.I,
    ),
)
_THAN = re.compile(
    rf"^{_IS} (?P<x>.+?) (?P<rest>(?:{_DOES} )?{_COMPARED.pattern}.*?) than (?P<y>.+?)\??$", re.I
)
_HOW_MUCH = re.compile(
    rf"^(?:by )?how (?:many|much) (?P<rest>{_COMPARED.pattern}.*?) {_IS} (?P<x>.+?)(?: {_DOES})? than (?P<y>.+?)\??$",
    re.I,
)
_MOST = re.compile(rf"^(?:{_ASKS}|how (?:many|much|high|low|large|big|long)\b).*{_EXTREME.pattern}", re.I)
_ARTICLE = re.compile(r"^(?:(?:in|on|at|of|for|the|a|an|my|our|there|one|ones) )+|\s+(?:ones?|there)$", re.I)
_ONE = re.compile(r"\bones?$", re.I)
_TWO = set(
    tokens(
        "more most both fewer less longer cheaper expensive cost number amount total go accord compare comparison"
    )
)
_SPENT = re.compile(
    r"\b(?:i|we)\b.*\b(?:spend|spent|use[d]?|stay(?:ed)?|work(?:ed)?|look(?:ed)?|have|had|sit|sat)\b", re.I
)
_TIME = re.compile(
    r"\b(?:time|minutes|hours|long\w*)\b|\bused? (?:the )?(?:most|least|more|less)\b|\b(?:most|least)$", re.I
)
_PROGRAM = re.compile(r"\b(?:program|app|application|tool|software|editor|browser)\b", re.I)
_PLACE = re.compile(r"\b(?:on|in|at|by|for|from|during|when|going|according|now)\b", re.I)
_PLAIN = {
    *"is was are were be has had have get got gets do does did the a much many which who what two both one it last lasts".split(),
    *"take takes look looks need needs cost costs and or".split(),
}
_LEAST = 0.6
_FEW = 2


@dataclass(frozen=True, slots=True)
class Comparison:
    """text: the question. x, y: what is compared; "" both: all that a table has. rest: by what. of: what is wanted."""

    text: str
    x: str
    y: str
    rest: str
    of: Literal["which", "whether", "difference"]

    @property
    def down(self) -> bool:
        """The less rather than the more; "less expensive" is down, and so is "cheaper"."""
        return _DOWNWARD.search(self.rest) is not None

    @property
    def money(self) -> bool:
        return _MONEY.search(self.text) is not None

    @property
    def degrees(self) -> bool:
        return _DEGREES.search(self.text) is not None

    @property
    def spent(self) -> bool:
        """Of the time that was spent somewhere."""
        return bool(_SPENT.search(self.text) and _TIME.search(self.text.rstrip("?")))

    @property
    def attribute(self) -> list[str]:
        """What is compared: the verb before the comparing word and the words behind it ("weighs", "articles")."""
        found = _COMPARED.search(self.rest)
        if found is None:
            return []
        before = self.rest[: found.start()].split()[-1:]
        verb = [] if not before or before[0].lower() in _PLAIN else before
        behind = _PLACE.split(self.rest[found.end() :])[0]
        return [w for w in content(" ".join([*verb, behind])) if w not in _TWO]


def compared(question: str) -> Comparison | None:
    """None where nothing is compared."""
    text = " ".join(question.split()).strip()
    for pattern in _OF_TWO:
        if (found := pattern.match(text)) and _COMPARED.search(found["rest"]):
            return _comparison(found, "which")
    if found := _HOW_MUCH.match(text):
        return _comparison(found, "difference")
    if found := _THAN.match(text):
        return _comparison(found, "whether")
    return Comparison(text, "", "", text, "which") if _MOST.match(text) else None


def _comparison(found: re.Match[str], of: Literal["which", "whether", "difference"]) -> Comparison:
    x, y = found["x"], found["y"]
    # "The Italian edition or the Spanish one": what the one is stands for both.
    x = x.rpartition(" ")[0] or x if _ONE.search(y) else x
    return Comparison(found.string, _plain(x), _plain(y), found["rest"], of)


def _plain(phrase: str) -> str:
    return _ARTICLE.sub("", _ARTICLE.sub("", phrase.strip()))


async def compare_reply(
    finder: Finder, asked: Comparison, when: When, at: Callable[[float], str]
) -> tuple[str, Sequence[Moment]]:
    """The answer with both numbers; "" and () where they did not stand together."""
    if asked.spent:
        return await _longest(finder, asked, when, at)
    if not asked.x:
        one = await of_all(finder, asked, when)
        if one is None:
            return "", ()
        said = set(_wanted(asked))
        name = ", ".join([n for n in one.names if not set(tokens(n)) <= said] or one.names)
        return f"{capital(name)}. {_proof(one, at)}.", [one.moment]
    pair = await of_two(finder, asked, when)
    if pair is None:
        return "", ()
    x, y = pair
    proof = (
        _proof(x, at)
        if x.line == y.line
        else f"{_cited(x)}, {_cited(y)}{inside(x.moment)} at {at(x.moment.wall_s)}"
    )
    return f"{_verdict(asked, x.value, y.value, x.unit)}. {proof}.", [x.moment, y.moment]


async def _longest(
    finder: Finder, asked: Comparison, when: When, at: Callable[[float], str]
) -> tuple[str, Sequence[Moment]]:
    """Where more time went, of two places or of all."""
    if asked.x:
        spans = []
        for phrase in (asked.x, asked.y):
            found = [m for m in await finder.in_front(phrase, when) if m.coverage == 1.0]
            if not found:
                return "", ()
            spans.append((sum(m.end_wall_s - m.wall_s for m in found), found[0]))
        (a, first), (b, second) = spans
        verdict = _verdict(asked, a, b, "")
        return f"{verdict}: {asked.x} {span_text(a)}, {asked.y} {span_text(b)}.", [first, second]
    by: dict[str, list[Moment]] = {}
    for activity in await finder.activities(when):
        name = (
            activity.program
            if _PROGRAM.search(asked.rest)
            else place_text(activity.program, activity.document, activity.site)
        )
        if name and activity.program + activity.document:
            by.setdefault(name, []).append(moment_of(activity))
    if not by:
        return "", ()
    seconds = {name: sum(m.end_wall_s - m.wall_s for m in found) for name, found in by.items()}
    best = (min if asked.down else max)(seconds, key=lambda name: seconds[name])
    return f"{best}: {span_text(seconds[best])}, from {at(by[best][0].wall_s)}.", by[best]


def _verdict(asked: Comparison, x: float, y: float, unit: str) -> str:
    if asked.of == "difference":
        more = "less" if (x > y) == asked.down else "more"
        return f"{abs(x - y):.10g}{f' {unit}' if unit else ''}" + (
            "" if more == "more" or x == y else ", the other way round"
        )
    first = x < y if asked.down else x > y
    if asked.of == "whether":
        return "Yes" if first else "No"
    return "Both the same" if x == y else capital(asked.x if first else asked.y)


def _cited(measure: Measure) -> str:
    label = "" if all(name in measure.line for name in measure.names) else f"{', '.join(measure.names)}: "
    return f"“{label}{measure.line}”"


def _proof(measure: Measure, at: Callable[[float], str]) -> str:
    return f"{_cited(measure)}{inside(measure.moment)} at {at(measure.moment.wall_s)}"


async def of_two(finder: Finder, asked: Comparison, when: When) -> tuple[Measure, Measure] | None:
    """Both numbers, of one record, else of one page, and of the same kind; of several the one that is most about the
    question, of equal ones the latest.
    """
    found = await finder.read(f"{asked.x} {asked.y} {asked.rest}", when, windows=0)
    there = [(m, list(measures(m))) for m in found]
    pages: dict[str, list[tuple[Moment, list[Measure]]]] = {}
    for moment, numbers in there:
        pages.setdefault(moment.place, []).append((moment, numbers))
    whole = [(page[0][0], [n for _, numbers in page for n in numbers]) for page in pages.values()]
    wanted = [w for w in content(asked.rest) if w not in _TWO]
    for groups in (there, whole):
        pairs = [
            (round(covered(wanted, about(moment)), 2), moment.wall_s, pair)
            for moment, numbers in groups
            if (pair := _pair(asked, numbers)) is not None
        ]
        if pairs:
            return max(pairs, key=lambda p: p[:2])[2]
    return None


def _pair(asked: Comparison, there: Sequence[Measure]) -> tuple[Measure, Measure] | None:
    """The number of each; where one is named by more words ("Student 6 in Science", "Math"), the rest holds for both."""
    of = [m for m in there if is_of(m, asked.attribute, asked.money, asked.degrees)]
    # What else the question names ("in Art") has to stand in both rows where it stands in some.
    both = [w for w in content(asked.rest) if w not in asked.attribute and any(w in m.words for m in of)]
    of = [m for m in of if m.words.issuperset(both)]
    for one in (m for m in of if named(m, asked.x)):
        others = [m for m in of if m is not one and named(m, asked.y) and m.unit == one.unit]
        others = [m for m in others if m.column == one.column or not (one.names[1:] or m.names[1:])]
        if others:
            return one, max(others, key=lambda m: len(set(m.names) & set(one.names)))
    return None


async def of_all(finder: Finder, asked: Comparison, when: When) -> Measure | None:
    """The most or the least of one column of a table, of those rows that the question names."""
    best: tuple[float, float, Measure] | None = None
    for moment in await finder.read(asked.rest, when, windows=0):
        for rows in _columns(asked, moment):
            one = (min if asked.down else max)(rows, key=lambda m: m.value)
            near = covered(_wanted(asked), about(moment))
            if near >= _LEAST and (best is None or (round(near, 2), moment.wall_s) > best[:2]):
                best = (round(near, 2), moment.wall_s, one)
    return None if best is None else best[2]


def _wanted(asked: Comparison) -> list[str]:
    words = _EXTREME.sub(" ", asked.rest)
    return [w for w in content(words) if w not in _TWO and not _MONEY.match(w)]


def _columns(asked: Comparison, moment: Moment) -> Iterator[list[Measure]]:
    """The numbers that the question may mean, by columns, two rows at least."""
    wanted = _wanted(asked)
    there = list(measures(moment))
    named_rows = [m for m in there if m.names != (m.column,)]
    columns = [
        (c, [m for m in named_rows if m.column == c]) for c in dict.fromkeys(m.column for m in named_rows)
    ]
    # A row of numbers without a name: what stands above them is what is compared.
    bare = [m for m in there if m.names == (m.column,)]
    columns += [("", [m for m in bare if m.line == line]) for line in dict.fromkeys(m.line for m in bare)]
    for column, rows in columns:
        said = set(tokens(column))
        if asked.money or asked.degrees:
            if not all(is_of(m, (), asked.money, asked.degrees) for m in rows):
                continue
        elif not (said & set(wanted) if column else all(m.words & set(wanted) for m in rows)):
            continue
        names = set().union(*(m.words for m in rows))
        filters = [w for w in wanted if w in names and not all(w in m.words for m in rows)]
        # "Student 2" is one name: a number in another cell is not it.
        rows = [m for m in rows if set(filters) <= m.words and _whole(m, wanted)]
        if len(rows) >= _FEW and len({m.unit for m in rows}) == 1:
            yield rows


def _whole(measure: Measure, wanted: Sequence[str]) -> bool:
    digits = {w for w in wanted if w.isdigit()}
    return not digits or any(digits <= set(tokens(n)) <= set(wanted) for n in measure.names)
