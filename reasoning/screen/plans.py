"""Who is to do what, and by when: lines in which somebody says what they, or somebody else, will do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from memory.text import tokens
from reasoning.screen.dates import DATE
from reasoning.screen.find import Finder, Moment, around
from reasoning.screen.owner import owner_of
from reasoning.screen.phrasing import inside
from reasoning.screen.when import When
from reasoning.screen.words import SPEAKER, content, covered, kind_words, named_in, spaced, with_english

Wants = Literal["who", "what", "when"]

_DUE = r"(?:meant|supposed|going|due|expected|asked|planning|scheduled|obliged|to)"
_WILL = r"(?:will|would|['’]ll|['’]d|shall|should|has to|have to|had to|must|needs? to|is to|was to|wants? to|wanted to)"
_SAY = r"(?:say|said|tell|told|promis\w+|write|wrote|announc\w+|offer\w*|agree\w*|claim\w*|mention\w*|volunteer\w*)"
_NAME = r"(?P<who>(?-i:(?:the )?[A-Z][\w'’-]*(?: [A-Z][\w'’-]*)?)|the \w+)"
_WHO = re.compile(
    rf"^(?:who|whom|which (?:man|woman|person|colleague|guy|one|of (?:us|them|the \w+)|\w+er))\s+"
    rf"(?:(?:is|was|are|were|else is) {_DUE}(?: to)?|{_WILL}|(?:has |had )?{_SAY}(?: (?:me|us))?(?: that)? "
    rf"(?:(?:he|she|they|it) )?(?:{_WILL}|to))\s+(?P<x>.+?)\??$",
    re.I,
)
_MINE = re.compile(
    rf"^what (?:(?:had|have|did) i (?:ever |also |still )?{_SAY}\b.*?\bi(?: {_WILL}|['’](?:d|ll)| was going to| wanted to)"
    rf"|(?:was|am) i {_DUE}(?: to)?|(?:will|would|must|should) i)\s*(?:still )?(?:do|get done)?\b\s*(?P<x>.*?)\??$",
    re.I,
)
_THEIRS = re.compile(
    rf"^(?i:what|which \w+) (?:(?i:is|was) {_NAME} (?i:{_DUE})(?: to)?|(?i:will|would|must|should) {_NAME.replace('who', 'who2')}"
    rf"|(?i:did|has|had) {_NAME.replace('who', 'who3')} (?i:{_SAY})\b.*?\b(?i:{_WILL}|to))\s*(?P<x>.*?)\??$"
)
_BY_WHEN = re.compile(
    rf"^(?:(?:has|did|have|had) (?P<lead>.+?) (?:ever )?{_SAY}(?: (?:me|us))?,? )?"
    rf"(?:by when|until when|when|(?:by|on|until|for) (?:what|which) (?:day|date|time|hour))\b(?P<x>.*?)\??$",
    re.I,
)
_FUTURE = re.compile(rf"\b(?:{_WILL}|{_DUE} to|{_SAY})\b|^(?:has|did) .+ by when\b|^by\b", re.I)
_HEADER = re.compile(
    r"^\W{0,3}(?P<name>[A-Z][\w.'’-]*(?: [\w.'’-]+){0,2}),?\s+\d{1,2}[:.]\d{2}(?:\s?[ap]m)?\W*$"
)
"""Above a message of a chat: who wrote it, and at what time."""
_LABEL = re.compile(
    r"^\W{0,3}([A-Z][\w.'’-]*(?: [\w.'’-]+){0,2}?),?\s+\d{1,2}[:.]\d{2}(?:\s?[ap]m)?\s*[:>–-]\s+(?=\S)"
)
_FROM = re.compile(r"^\W{0,3}From\s*:?\s+(?P<name>[A-Z][\w.'’-]*(?: [A-Z][\w.'’-]*){0,3})", re.M)
_TO = re.compile(r"^\W{0,3}To\s*:\s+\S")
_PLAN = re.compile(
    r"\b(?P<who>(?-i:I|[Ww]e)|(?:he|she|they)|(?-i:[A-Z][\w'’-]*(?: [A-Z][\w'’-]*){0,2}))"
    r"(?:\s+(?:will|shall|(?:is|am|are) going to|(?:has |have )?promised to|must|"
    r"ha(?:s|ve) to|needs? to|(?:is|am|are) to|wants? to)"
    r"|['’]ll|['’](?:m|s|re) going to)\s+(?:also |then |just |definitely |gladly |still |not )?(?P<verb>[a-z]+)",
    re.I,
)
_OFFER = re.compile(r"\blet me (?P<verb>[a-z]+)", re.I)
_LATER = re.compile(
    r"\b(?:before|after|until|when|by|once)\b.*$|\b(?:today|tomorrow|still|later|this (?:week|evening|afternoon))\b",
    re.I,
)
_TIME = re.compile(
    r"\b(?:by|until|till|before|on|at)?\s*(?:tomorrow|tonight|today|noon|midnight|next week|end of (?:the )?(?:day|week|month))"
    r"(?:,? (?:at |before |by |morning|noon|afternoon|evening)*\s*(?:\d{1,2}(?:[:.]\d{2})?)?)?",
    re.I,
)
_ANYBODY = {"he", "she", "they", "it", "somebody", "someone"}
_LEAST, _FEW = 0.6, 2
_NEAR, _MESSAGE = 3, 6
_MOST = 4


@dataclass(frozen=True, slots=True)
class PlanAsk:
    """who: whose plan is asked for, "I" for the user, "" for anybody's. phrase: what it is about, "" for all."""

    wants: Wants
    who: str
    phrase: str


@dataclass(frozen=True, slots=True)
class Plan:
    """who: the name of who is to do it, "" where nothing tells. verb: what is to be done."""

    who: str
    verb: str
    moment: Moment
    above: str


def planned(question: str) -> PlanAsk | None:
    """None where the question is for no plan of anybody."""
    text = " ".join(question.split()).strip()
    if found := _MINE.match(text):
        return PlanAsk("what", "I", _LATER.sub("", found["x"]).strip())
    if found := _WHO.match(text):
        return PlanAsk("who", "", found["x"])
    if found := _THEIRS.match(text):
        who = found["who"] or found["who2"] or found["who3"]
        return PlanAsk("what", who, re.sub(r"^(?:do|be)\b", "", found["x"]).strip())
    if (found := _BY_WHEN.match(text)) and _FUTURE.search(text):
        return PlanAsk("when", "", f"{found['lead'] or ''} {found['x']}".strip())
    return None


async def plan_reply(
    finder: Finder, asked: PlanAsk, when: When, at: Callable[[float], str]
) -> tuple[str, Sequence[Moment]]:
    """Who, or the line, or its time, with the line as proof; "" and () for nothing."""
    mine = await owner_of(finder) if asked.who == "I" else set()
    if asked.who == "I" and not mine:
        return "", ()
    wanted = [w for w in content(asked.phrase) if w not in _VAGUE]
    plans: dict[str, tuple[float, Plan]] = {}
    for moment in await finder.texts(when):
        for plan in plans_in(moment):
            if (share := _fits(plan, asked, wanted, mine)) > 0.0:
                plans[" ".join(tokens(plan.moment.line))] = (share, plan)
    best = max((share for share, _ in plans.values()), default=0.0)
    found = sorted((p for share, p in plans.values() if share >= best - 0.05), key=lambda p: -p.moment.wall_s)
    if not found:
        return "", ()
    shown = found[:1] if asked.wants != "what" else found[:_MOST]
    proofs = "; ".join(
        f"“{p.moment.line}”{f' ({p.who})' if p.who else ''}{inside(p.moment)} at {at(p.moment.wall_s)}"
        for p in shown
    )
    moments = [p.moment for p in shown]
    if asked.wants == "who":
        return f"{shown[0].who}. {proofs}.", moments
    if asked.wants == "when":
        times = _times(shown[0].moment.line)
        return f"{times[0][:1].upper()}{times[0][1:]}. {proofs}.", moments
    return f"{proofs}.", moments


_VAGUE = set(tokens("do thing something anything job task people team colleague leave home day"))


def plans_in(moment: Moment) -> Iterator[Plan]:
    """Every line that says what somebody will do, with who that is."""
    lines = moment.evidence.text.splitlines()
    for i, line in enumerate(lines):
        speaker = speaker_of(lines, i)
        for found in (*_PLAN.finditer(line), *_OFFER.finditer(line)):
            who = found.groupdict().get("who") or "I"
            if who.casefold() in {"i", "we"}:
                name = speaker
            elif who.casefold() in _ANYBODY:
                name = ""
            else:
                name = who
            yield Plan(name, found["verb"], around(moment, i), " ".join(lines[max(0, i - _NEAR) : i]))


def speaker_of(lines: Sequence[str], i: int) -> str:
    """Who wrote a line: the name before it or above its message in a chat, the sender of a mail, "me" of one that is being
    written; "" where none of these is there.
    """
    if label := _LABEL.match(lines[i]) or SPEAKER.match(lines[i]):
        return label[1]
    for line in lines[max(0, i - _MESSAGE) : i][::-1]:
        if found := _HEADER.match(line):
            return found["name"]
    senders = [found["name"] for line in lines[:i] if (found := _FROM.match(line))]
    if senders:
        return senders[-1]
    return "me" if any(_TO.match(line) for line in lines[:i]) else ""


def _fits(plan: Plan, asked: PlanAsk, wanted: Sequence[str], mine: set[str]) -> float:
    """How well a plan is the one that is asked for; 0 for not."""
    who = with_english(set(tokens(plan.who)))
    if asked.who == "I":
        if not any(name in mine for name in plan.who.casefold().split()):
            return 0.0
    elif asked.who and not set(content(asked.who)) & who:
        return 0.0
    if (asked.wants == "who" and not plan.who) or (asked.wants == "when" and not _times(plan.moment.line)):
        return 0.0
    if not wanted:
        return 1.0 if asked.wants == "what" else 0.0
    own = set(tokens(spaced(plan.moment.line))) | who
    place = kind_words(plan.moment.program, plan.moment.site) | set(tokens(spaced(plan.moment.document)))
    near = own | place | set(tokens(spaced(plan.above)))
    names = named_in(asked.phrase, wanted)
    if names and covered(names, near) < 1.0:
        return 0.0
    share, whole = covered(wanted, own), covered(wanted, near)
    # What is to be done may be called otherwise, but not both what is done and to what.
    does = bool(set(tokens(plan.verb)) & set(wanted)) and len(own & set(wanted)) >= _FEW
    return share + 0.5 * whole + 0.2 * does if whole >= _LEAST and (share >= _LEAST or does) else 0.0


def _times(line: str) -> list[str]:
    return [f.group().strip() for pattern in (DATE, _TIME) for f in pattern.finditer(_HEADER.sub("", line))]
