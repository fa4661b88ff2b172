"""The line that answers: a label with its value, a row of a table, or a sentence that bears the question out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from memory.text import tokens
from reasoning.kinds import Kind
from reasoning.question import Question, TermKind
from reasoning.screen.find import Moment, around
from reasoning.screen.words import KIND_WORDS, STOP, content, covered, kind_words, with_english

_LABEL = re.compile(
    r"^\W{0,3}(?P<label>[^\W\d][\w ()/.'-]{1,40}?)\s*(?:[:=]\s+|[:=](?=[\d\"'$€£-])|[:=](?=[A-Z]|[/~](?!/)))(?P<value>\S.*)$"
)
_ROW = re.compile(r"^\W{0,3}(?P<label>\S.*?)\s{2,}(?P<value>\S.*)$")
_PAIR = re.compile(r"^\W{0,3}(?P<label>[^\W\d](?:\S| (?! ))*?)\s{2,}(?P<value>(?:\S| (?! ))+)$")
"""A form's line: a label, and what stands there for it."""
_PERSON = re.compile(r"[A-Z][\w'’.-]*(?: [A-Z][\w'’.-]*){1,3}")
_NOTHING = re.compile(r"^\W*(?:none|null|n/?a|nan|undefined|unknown|-+)?\W*$", re.I)
_NUMBER = re.compile(r"\d")
_DOING = {TermKind.VERB, TermKind.MODIFIER}
_NUMERIC = {Kind.COUNT, Kind.AMOUNT, Kind.DURATION}
_NUMBERS = set(
    """version number price port size deposit balance discount salary wage rent fare fee temperature age height weight distance
    speed percentage score total sum budget population""".split()
)
"""What is told in digits."""
_PRICES = {"price", "deposit", "fare", "fee", "rent", "salary", "wage", "budget"}
_HOW_MUCH = re.compile(r"\bhow much (\w+)", re.I)
_PAID = re.compile(r"\b(?:costs?|charged?|pay|paid|prices?|fees?|fares?|spend|spent|owed?)\b", re.I)
_MONEY = re.compile(
    r"[$€£¥]|\b(?:EUR|USD|GBP|CHF|euros?|dollars?|pounds?|cents?)\b|(?<![\d.,:])\d+[.,]\d\d(?![\d.,:])"
)
_LEAST = 0.6
_TABLE, _NAMED = 3, 2
_CELL, _NAME = 1.1, 1.3
"""Surer than a row whose other cells nothing tells apart; a name for "who" is surer than what stands behind a label."""
_ENTRY, _COUSIN = 8, 0.6
_COUNT = re.compile(
    r"(?P<value>(?<![\w.,])(?:\d{1,3}(?:[ \u00a0\u202f]\d{3})+|\d[\d,.]*\d|\d))\+?\s+(?:\w+\s+)??(?P<noun>[^\W\d]+)"
)
_OWNER = re.compile(
    r"\bof (?:the |my |our )?([\w.-]*\w)(?=\W*$|[,;]| (?:did|do|does|was|were|is|are|has|have|had|i|we|in|on|at|that)\b)",
    re.I,
)
_WHOSE = re.compile(r"\b([^\W\d]\w+) of (?:the |my |our )?(?=\w)", re.I)
_UNSAID = set(
    tokens(
        """version number value price cost amount size score count total time date day status state result level rate port code
        name type kind quantity percentage share temperature height length weight width age year sum figure balance phone fare fee
        charge rent salary wage toll"""
    )
)
"""What a value may be without a word for it: a row says "starlette  0.27.0", and no "version"."""
_NUMBERED = re.compile(
    r"\b(?:number|id|pid|code)\b (?:did|does|do|has|have|had|is|was|of)\b(?: the| a| an| my)? (?P<name>[\w-]+(?: [\w-]+)??)"
    r"(?: (?:get|got|have|had|has|receive|received|carry|carried|bear))?\W*$",
    re.I,
)
_ITS_CHANGE = re.compile(r",?\s+\b(?:before|until|after) (?:it|they|that|this)\b[^?]*", re.I)
"""Which of several values is meant, and nothing that stands there."""
_MINE = re.compile(r"\b(?:my|our) (\w+)", re.I)
_COLUMNS = {Kind.AMOUNT: "price cost amount fee rate", Kind.COUNT: "quantity count number pieces"}
"""What the column of such a value is called where the question does not name it."""
FOUND = {"result", "hit", "match"}
"""What a search finds: a program may write another word than the one asked for."""


@dataclass(frozen=True, slots=True)
class Fact:
    value: str
    line: str
    moment: Moment
    score: float


def labelled(question: Question, moments: Sequence[Moment]) -> Fact | None:
    """The value beside what is asked for: "Version: 0.105.0" for the version, "starlette  0.27.0" for starlette's.

    All that matters of the question has to stand near it. Of several the best, of equal ones the latest.
    """
    wanted = content(_ITS_CHANGE.sub("", question.text))
    if not wanted:
        return None
    asked = set(tokens(question.asked or "")) or set(wanted[:1])
    if question.kind is Kind.WHERE:
        asked = {*tokens("location path folder directory address place"), *asked}
    facts = [f for m in moments for f in _facts(question, m, wanted, asked)]
    columns = {*tokens(question.asked or ""), *tokens(_COLUMNS.get(question.kind, ""))} or asked
    facts += [f for m in moments for f in _cells(question, m, columns)]
    facts += [f for m in moments for f in _whose(question, m, wanted)]
    facts = [f for f in facts if f.score >= _LEAST and not _echoes(wanted, f.value)]
    if not facts:
        return None
    key = (
        (lambda f: (round(f.score, 2), -f.moment.wall_s))
        if question.wants_first
        else (lambda f: (round(f.score, 2), f.moment.wall_s))
    )
    return max(facts, key=key)


def _facts(question: Question, moment: Moment, wanted: list[str], asked: set[str]) -> Iterator[Fact]:
    lines = moment.evidence.text.splitlines()
    # A name that the tagger does not know may look like an adjective: what it is "of" has to stand there all the same.
    owners = {t for word in _OWNER.findall(question.text) for t in tokens(word)}
    doing = {s for t in question.terms if t.kind in _DOING for s in t.stems} - owners
    # "My selection" is the asker's word for it; nothing on the screen calls it so.
    mine = {t for word in _MINE.findall(question.text) for t in tokens(word)}
    # What is counted has to stand there; what else is asked for (the version) need not.
    counted = set(tokens(question.asked or "")) if question.kind is Kind.COUNT else set()
    versioned = _versioned(question, wanted)
    bearing = _bearing(question, wanted)
    yield from _counts(question, moment, [w for w in wanted if w not in asked])
    title = kind_words(moment.program, moment.site) | set(tokens(moment.document))
    for i, line in enumerate(lines):
        beside = near = with_english(set(tokens(" ".join(lines[max(0, i - 3) : i + 3])))) | title
        form = beside | with_english(set(tokens(" ".join(_form(lines, i)))))
        if versioned is not None and (found := versioned.search(line)):
            yield Fact(found["value"], line, around(moment, i), covered(wanted, near | asked))
        if bearing is not None and (found := bearing.search(line)):
            of = [w for w in wanted if w not in asked | doing | mine]
            kinds = set(tokens(question.text)) & KIND_WORDS
            if covered(of, near) >= _LEAST and kinds <= near:
                yield Fact(found["value"], line, around(moment, i), covered(wanted, near | asked))
        for part in re.split(r"\s*[;|]\s*", line):
            pair = _PAIR.match(part)
            if (found := _LABEL.match(part) or pair) and not _NOTHING.match(found["value"]):
                label = set(tokens(found["label"]))
                near = form if pair is not None else beside
                share = len(label & {*wanted, *asked}) / max(1, len(label))
                meant = (label & asked and share >= 0.3) or (label and label <= set(wanted))
                # The version of something else is no answer; what was done with it need not stand there.
                of = [w for w in wanted if w not in asked | doing | mine]
                meant = meant and (not of or covered(of, near | label) >= _LEAST)
                if meant and counted <= near | label and _typed(question, found["value"]):
                    yield Fact(
                        found["value"].strip(" \"'"),
                        part,
                        around(moment, i),
                        covered(wanted, near | label) + 0.2 * share + 0.1 * bool(label & asked),
                    )
            near = beside
            if (found := _ROW.match(part)) and not _NOTHING.match(found["value"]):
                label = set(tokens(found["label"]))
                # What is asked for (the version) is not said in a row; what it is of has to begin it.
                of = [w for w in wanted if w not in asked]
                numbered = all(w.isdigit() for w in label)
                digits = {w for w in of if w.isdigit()}
                attributes = asked & set(tokens(question.asked or "")) | {
                    t for word in _WHOSE.findall(question.text) for t in tokens(word)
                }
                if (
                    of
                    and not numbered
                    and attributes <= _UNSAID | near | label | STOP
                    and digits | counted <= near | label
                    and label <= set(of)
                    and _typed(question, found["value"])
                ):
                    # Of several rows of one name, the others say nothing about this one.
                    alike = sum(line.startswith(found["label"]) for line in lines) > 1
                    rest = covered(of, label | title | set(tokens(part)) if alike else near | label)
                    yield Fact(found["value"].strip(), part, around(moment, i), rest)


def _form(lines: Sequence[str], i: int) -> Sequence[str]:
    """The form that a line belongs to: all its labels and values, and its heading."""
    first, last = i, i
    while first > 0 and _PAIR.match(lines[first]):
        first -= 1
    while last + 1 < len(lines) and _PAIR.match(lines[last + 1]):
        last += 1
    return lines[first : last + 1]


def _cells(question: Question, moment: Moment, asked: set[str]) -> Iterator[Fact]:
    """In a table with a heading: the asked column of the row that has all the rest of the question in its cells, or of
    the only one that has it among its words.
    """
    lines = moment.evidence.text.splitlines()
    rows = [re.split(r"\s{2,}", line.strip()) for line in lines]
    words = [t for t in tokens(question.text)]
    for h, header in enumerate(rows):
        column = next((i for i, cell in enumerate(header) if set(tokens(cell)) & asked), None)
        if column is None or len(header) < _TABLE:
            continue
        known = {t for cell in header for t in tokens(cell)} | asked | set(tokens(moment.document))
        wanted = {w for w in content(question.text) if w not in known} | {w for w in words if w.isdigit()}
        table = [i for i, row in enumerate(rows[h + 1 :], h + 1) if len(row) == len(header)]
        only = [i for i in table if wanted and wanted <= set(tokens(lines[i]))]
        for i in table:
            row = rows[i]
            cells = [" ".join(tokens(cell)) for cell in row]
            # "Student 2" is one cell, not a student in the row of number 2.
            named = [c for c in cells if c and not c.isdigit() and f" {c} " in f" {' '.join(words)} "]
            said = {w for c in named for w in c.split()}
            alone = only == [i] and {w for w in wanted if w.isdigit()} <= said
            if alone or (len(named) >= _NAMED and wanted <= said):
                yield Fact(row[column], lines[i], around(moment, i), _CELL)


def _whose(question: Question, moment: Moment, wanted: Sequence[str]) -> Iterator[Fact]:
    """In a list (of mails, of tickets): the name in the row whose other cell has all of the question."""
    if question.kind is not Kind.WHO:
        return
    verbs = {s for t in question.terms if t.kind is TermKind.VERB for s in t.stems}
    of = [w for w in wanted if w not in verbs]
    lines = moment.evidence.text.splitlines()
    for i, line in enumerate(lines):
        cells = re.split(r"\s{2,}", line.strip())
        name = next((c for c in cells if _PERSON.fullmatch(c)), None)
        if name is None or len(of) < _NAMED:
            continue
        if any(c != name and covered(of, set(tokens(c))) == 1.0 for c in cells):
            yield Fact(name, line, around(moment, i), _NAME)


def _counts(question: Question, moment: Moment, wanted: Sequence[str]) -> Iterator[Fact]:
    """ "how many results": a number before the word, or after it. Of several entries of a list, each with its count, all
    above a count up to the one before belongs to one.
    """
    if question.kind is not Kind.COUNT or not question.asked:
        return
    lines = moment.evidence.text.splitlines()
    title = kind_words(moment.program, moment.site) | set(tokens(moment.document))
    verbs = {s for t in question.terms if t.kind is TermKind.VERB for s in t.stems}
    wanted = [w for w in wanted if w not in verbs] or list(wanted)
    nouns = FOUND if question.asked in FOUND else {question.asked}
    stems = "|".join(re.escape(_stem(noun)) for noun in sorted(nouns))
    behind = re.compile(rf"(?:{stems})\w*\W.{{0,24}}\bof\s+(?P<of>\d[\d,.]*)", re.I)
    counts = [i for i, line in enumerate(lines) if _COUNT.search(line)]
    for i, line in enumerate(lines):
        values = [m["value"] for m in _COUNT.finditer(line) if any(_alike(m["noun"], noun) for noun in nouns)]
        values += [m["of"] for m in behind.finditer(line)]
        if not values:
            continue
        above = max((c for c in counts if c < i), default=-1) + 1
        near = lines[max(above, i - _ENTRY) : i + 1] if len(counts) > 1 else lines[max(0, i - 3) : i + 3]
        there = with_english(set(tokens(" ".join(near)))) | title
        yield Fact(values[0], line, around(moment, i), covered(wanted, there))


def _stem(noun: str) -> str:
    return noun[: max(4, len(noun) - 2)]


def _alike(word: str, noun: str) -> bool:
    """The same word, or its cousin in another language: "Artikel" for articles."""
    word = word.casefold()
    if word.startswith(_stem(noun)):
        return True
    return word[:3] == noun[:3] and SequenceMatcher(None, word, noun).ratio() >= _COUSIN


def _versioned(question: Question, wanted: Sequence[str]) -> re.Pattern[str] | None:
    """ "which version of Python": the number behind its name."""
    names = [re.escape(w) for w in wanted if w not in tokens("version") and not w.isdigit()]
    if question.asked != "version" or not names:
        return None
    return re.compile(rf"\b(?:{'|'.join(names)})\w*\s+v?(?P<value>\d+(?:\.\d+)+[\w.]*)", re.I)


def _bearing(question: Question, wanted: Sequence[str]) -> re.Pattern[str] | None:
    """ "What number did the server process get": the one right behind its name, in brackets or not; "which port": the one
    behind an address.
    """
    if question.asked == "port":
        return re.compile(r"(?:\bport\W{1,3}|(?:\d|localhost|\w\.\w+):)(?P<value>\d{2,5})(?![\d:])", re.I)
    named = _NUMBERED.search(question.text)
    if named is None or not tokens(named["name"]):
        return None
    words = r"\W{1,3}".join(re.escape(word) for word in named["name"].split())
    return re.compile(rf"\b{words}\w{{0,2}}\W{{1,4}}(?P<value>\d[\w-]*)", re.I)


def may_answer(question: Question, line: str) -> bool:
    """Whether a line has what such a question asks for at all: a number for a version, the word for what is counted or
    measured, money for a price.
    """
    if (question.asked in _NUMBERS or question.kind in _NUMERIC) and not _NUMBER.search(line):
        return False
    much = _HOW_MUCH.search(question.text)
    of_mass = much is not None and much[1].lower() == question.asked and question.asked != "money"
    if question.asked and (question.kind is Kind.COUNT or of_mass):
        nouns = FOUND if question.asked in FOUND else {question.asked}
        words = re.findall(r"[^\W\d]+", line)
        return any(_alike(word, noun) for word in words for noun in nouns)
    if question.asked in _PRICES or (_PAID.search(question.text) and question.kind is Kind.AMOUNT):
        return _MONEY.search(line) is not None
    return True


def _echoes(wanted: Sequence[str], value: str) -> bool:
    """Whether a value says nothing but what the question says already."""
    said = set(tokens(value))
    return bool(said) and said <= set(wanted)


def _typed(question: Question, value: str) -> bool:
    numeric = question.kind in _NUMERIC or question.asked in _NUMBERS
    return bool(_NUMBER.search(value)) if numeric else True
