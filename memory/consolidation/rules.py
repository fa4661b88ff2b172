"""Assertions by rule: plain patterns over clauses, each of which begins with its subject.

Precision before recall (tests/bench/bench_facts.py measures both): a clause that is no plain statement, or that no pattern
fits, says nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import tzinfo
from math import inf

from memory.consolidation import guards, patterns
from memory.consolidation import vocabulary as words
from memory.consolidation.assertion import Assertion
from memory.text import sentences
from memory.time_range import TimeRange, time_range

NAME = "rules"
VERSION = "5"
"""Changes with the rules: what another version has made is dropped, and made again."""

_LONGEST = 20_000
_BEGINS = frozenset(
    """lives in|works at|job|status|diet|has|joined|took up|visited|bought|sold|gave up|leads""".split("|")
)
"""Of these a time in the sentence says since when it holds."""
_OF_PLACES = frozenset(("lives in", "is from", "grew up in", "born in", "visited"))
_OF_TASTE = frozenset(("likes", "dislikes", "prefers"))
_POINTS = re.compile(r"\b(?:it|him|them|you|your|us|me|this|that|these|those|how|what)\b")
"""Words that mean nothing without what was said before."""
_AHEAD = re.compile(r"\b(?:starts?|starting|from)\b")
"""What tells of a time to come: "I start at the museum on Monday"."""
_END = re.compile(r"[.!…\s]+$")


def assertions(
    text: str, now_s: float | None = None, speaks: bool = True, zone: tzinfo | None = None
) -> list[Assertion]:
    """What a record says, in order. now_s, zone: Unix time at which it was said, and where, for "last week". speaks: "I" is
    somebody known.
    """
    out = list(_resources(text))
    if len(text) <= _LONGEST and not guards.is_joke(text) and not text.count('"') % 2:
        out += _numbered(text)
        cut = list(_cut(text))
        laughed = [guards.is_laughed_at(sentence) for sentence, _ in cut] + [False]
        for number, (sentence, at) in enumerate(cut):
            if not (laughed[number] or laughed[number + 1]):
                span = (at, at + len(sentence))
                before = cut[number - 1][0] if number else ""
                found = [*_of_sentence(sentence, now_s, speaks, zone), *_pet(before, sentence, speaks)]
                out += (replace(one, words=sentence, span=span) for one in found)
    return list({(a.subject, a.relation, a.object, a.ended): a for a in reversed(out)}.values())[::-1]


def _cut(text: str) -> Iterator[tuple[str, int]]:
    at = 0
    for sentence in sentences(text):
        at = text.find(sentence, at)
        yield sentence, at
        at += len(sentence)


def _of_sentence(
    sentence: str, now_s: float | None, speaks: bool, zone: tzinfo | None
) -> Iterator[Assertion]:
    plain = _plain(sentence)
    yield from _procedure(plain)
    if not guards.states(plain):
        return
    told = time_range(plain, now_s, zone)
    planned = time_range(plain, now_s, zone, ahead=True)
    for clause in patterns.CLAUSES.split(plain):
        for one in _of_clause(_without_lead(clause.strip(" ,"))):
            if speaks or not (one.subject == "" or one.subject.startswith("my ")):
                if one.relation == "plans to":
                    yield _planned(one, planned)
                else:
                    yield _timed(one, planned if _AHEAD.search(clause) else told, now_s)
    if speaks:
        yield from _kin_named(plain)


def _plain(sentence: str) -> str:
    plain = sentence.replace("’", "'").strip()
    for pattern, instead in patterns.CONTRACTIONS:
        plain = pattern.sub(instead, plain)
    return plain


def _of_clause(clause: str) -> list[Assertion]:
    bare = _without_tail(clause)
    for look in (_called, _things, _kin, _mine, _favourite, _people):
        found = list(look(clause, bare))
        if found:
            return found
    return []


def _without_lead(clause: str) -> str:
    before = None
    while before != clause:
        before = clause
        for pattern in patterns.LEADS:
            clause = pattern.sub("", clause)
    return _END.sub("", clause)


def _without_tail(text: str) -> str:
    """Without when, why and with whom: each tail of its own, until none is left."""
    before = None
    while before != text:
        before = text
        for pattern in patterns.TAILS:
            text = _END.sub("", pattern.sub("", text)).rstrip(" ,")
    return text


def _called(clause: str, bare: str) -> Iterator[Assertion]:
    """What a thing is called; of people "my sister is called Mia" says more (`_mine`)."""
    for pattern in patterns.CALLED:
        match = pattern.match(bare) or pattern.match(clause)
        if match is not None and _is_name(match["object"]):
            whose = "my " if match["whose"].lower() == "my" else ""
            made = _made(f"{whose}{match['thing']}", "called", match["object"], 0.85)
            yield replace(made, ended=bool(match.groupdict().get("not")))
            return


def _things(clause: str, bare: str) -> Iterator[Assertion]:
    for relation, pattern in patterns.OF_THINGS:
        match = pattern.match(clause) or pattern.match(bare)
        if match is None or (relation in ("lead", "who") and not _is_name(match["object"])):
            continue
        yield _made(match["thing"], relation, re.sub(r"^(?:on|at|in) ", "", match["object"]), 0.85)
        return


def _kin(clause: str, bare: str) -> Iterator[Assertion]:
    for pattern in patterns.OF_KIN:
        match = pattern.match(bare) or pattern.match(clause)
        if match is not None and _is_name(match["object"]):
            yield _made("", f"kin {match['what']}", match["object"])
            return
    match = patterns.MARRIED.match(bare)
    if match is not None and _is_name(match["object"]):
        yield _made("", "kin partner", match["object"])
        yield _made("", "status", "married")


def _kin_named(plain: str) -> Iterator[Assertion]:
    """Of whom it is told in passing what they are called."""
    for match in (*patterns.KIN_NAMED.finditer(plain), *patterns.NAMED_KIN.finditer(plain)):
        if _is_name(match["object"]):
            yield _made("", f"kin {match['what']}", match["object"], 0.85)


def _pet(before: str, sentence: str, speaks: bool) -> Iterator[Assertion]:
    """What an animal is called that the sentence before is about: "We got a puppy! Her name is Nelly"."""
    owned, named = patterns.PET_OWNED.search(_plain(before)), patterns.PET_NAMED.match(_plain(sentence))
    if not (speaks and owned and named and guards.states(_plain(before)) and guards.states(_plain(sentence))):
        return
    if _is_name(named["object"]):
        yield _made("", f"kin {owned['what']}", named["object"], 0.85)


def _favourite(clause: str, bare: str) -> Iterator[Assertion]:
    match = patterns.FAVOURITE.match(bare)
    if match is not None and not _POINTS.search(match["object"]):
        value = match["object"]
        first = value.split()[0]
        yield _made("", "likes", value[0].lower() + value[1:] if first.endswith("ing") else value, 0.85)


def _mine(clause: str, bare: str) -> Iterator[Assertion]:
    """What follows "my", or "Ana's"."""
    head, whole = patterns.MY.match(bare), patterns.MY.match(clause)
    if head is None or whole is None or (head["third"] and not _is_name(head["third"])):
        return
    for kind, pattern in patterns.OF_MINE:
        match = (pattern.match(whole["rest"]) if kind == "attribute" else None) or pattern.match(head["rest"])
        if match is None:
            continue
        if kind in ("name", "kin") and not _is_name(match["object"]):
            return
        what = match.groupdict().get("what") or ""
        relation = {"favourite": f"favourite {what}", "kin": f"kin {what}", "name": "name"}.get(kind, what)
        yield _made(head["third"] or "", relation, match["object"])
        return


def _people(clause: str, bare: str) -> Iterator[Assertion]:
    match, short = patterns.SUBJECT.match(clause), patterns.SUBJECT.match(bare)
    if match is None or short is None or (match["third"] and not _is_name(match["third"])):
        return
    if not match["me"] and patterns.BASE_FORM.match(match["rest"]):
        return
    subject = match["third"] or ""
    if match["own"]:
        subject = match["called"] or f"my {match['kin']}"
        if match["called"]:
            yield _made("", f"kin {match['kin']}", match["called"], 0.85)
    sure = 0.85 if subject else 0.9
    for rule in patterns.OF_PEOPLE:
        found = rule.pattern.match((match if rule.whole else short)["rest"])
        value = (found.groupdict().get("object") or "").strip() if found is not None else ""
        if found is None or (rule.relation in _OF_PLACES and not _is_place(value)):
            continue
        if rule.relation in _OF_TASTE and (_POINTS.search(value) or value in words.HOLLOW):
            return
        yield replace(_made(subject, rule.relation, value, min(sure, rule.confidence)), ended=rule.ended)
        if not rule.more:
            return


def _is_name(text: str) -> bool:
    parts = text.split()
    return len(parts[0]) > 1 and all(p not in words.NO_NAMES and "'" not in p for p in parts)


def _is_place(text: str) -> bool:
    first = text.removeprefix("the ").removeprefix("The ").split()
    return bool(first) and first[0].rstrip(",") not in words.NO_NAMES


def _made(subject: str, relation: str, value: str, confidence: float = 0.9) -> Assertion:
    return Assertion(subject.strip(), relation, value.strip(), "", (0, 0), confidence)


def _planned(one: Assertion, told: TimeRange | None) -> Assertion:
    """A plan is over when its time is. It has its verb in the base form: somebody who "is moving" plans to move."""
    verb, _, rest = one.object.partition(" ")
    plan = replace(one, object=f"{words.BASE.get(verb, verb)} {rest}".strip())
    return replace(plan, until_s=told.end_s) if told is not None and told.end_s < inf else plan


def _timed(one: Assertion, told: TimeRange | None, now_s: float | None) -> Assertion:
    """When it began to hold, where the sentence says so."""
    if told is None:
        return one
    past = told.start_s > -inf and (now_s is None or told.start_s <= now_s)
    return replace(one, when_s=told.start_s) if past and one.relation in _BEGINS else one


def _resources(text: str) -> Iterator[Assertion]:
    """Links and files, each with what stands around it in its line."""
    for pattern in (patterns.URL, patterns.FILE):
        for match in pattern.finditer(text):
            begin = text.rfind("\n", 0, match.start()) + 1
            end = text.find("\n", match.end())
            line = text[begin : end if end >= 0 else len(text)].strip()
            about = " ".join(line.replace(match[0], " ").split()).strip(" :.-") or "link"
            yield Assertion(about[:200], "resource", match[0], line[:300], match.span(), 0.95)


def _procedure(sentence: str) -> Iterator[Assertion]:
    match = patterns.PROCEDURE.match(_without_lead(sentence))
    if match is not None and match["verb"] not in patterns.NO_STEPS and not sentence.endswith("?"):
        yield _made(match["goal"], "procedure", match["steps"], 0.8)


def _numbered(text: str) -> Iterator[Assertion]:
    """Two or more numbered lines under a heading are the steps to what it names."""
    lines = text.splitlines(keepends=True)
    starts = [sum(map(len, lines[:n])) for n in range(len(lines) + 1)]
    at = 0
    while at < len(lines):
        first, steps = at, []
        while at < len(lines) and (match := patterns.STEP.match(lines[at])) is not None:
            steps.append(match["step"].strip())
            at += 1
        heading = lines[first - 1].strip(" #:*\n") if first else ""
        if len(steps) >= 2 and heading and len(heading) < 120:
            span = (starts[first - 1], starts[at])
            goal = re.sub(r"^(?:[Hh]ow to|[Tt]o) ", "", heading)
            yield Assertion(goal, "procedure", "; ".join(steps), text[span[0] : span[1]].strip(), span, 0.85)
        at = max(at, first + 1)
    yield from _numbered_in_line(text)


def _numbered_in_line(text: str) -> Iterator[Assertion]:
    """The same in one line, as a note's paragraph is kept: "How to reset the pump: 1. Close the valve. 2. Wait."."""
    match = patterns.STEPS_IN_LINE.fullmatch(text.strip())
    if match is None:
        return
    numbers = [int(found[1]) for found in patterns.NUMBER.finditer(match["steps"])]
    if numbers == list(range(1, len(numbers) + 1)) and len(numbers) >= 2:
        steps = [step.strip(" .;") for step in patterns.NUMBER.split(match["steps"])[2::2]]
        goal = re.sub(r"^(?:[Hh]ow to|[Tt]o) ", "", match["goal"])
        yield Assertion(goal, "procedure", "; ".join(steps), text, (0, len(text)), 0.85)
