"""What a model that reads makes of what the rules are not sure of: which passage answers, in which words, or none."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from memory.text import tokens
from reasoning.engine_client import EngineClient, Usage, estimate_tokens
from reasoning.judge import Candidate, current
from reasoning.reader import LEAST, logit, read_all, weighed
from reasoning.screen.find import Moment
from reasoning.screen.phrasing import capital, inside, once, with_next
from reasoning.screen.reading import Read, proof_of
from reasoning.screen.words import content, spaced
from reasoning.settings import AnswerSettings

_SAME = 0.6
"""Share of its lines that a passage has in common with another of the same record, from which on it is not read too."""

_ROW = re.compile(r"\S {2,}\S.* {2,}\S")
"""Three cells or more."""
_SURE, _NEAR = 0.1, 0.6
"""Likelihood of "none" up to which, and share of the best record's score from which on the model is believed alone
(docs/decisions.md)."""


async def reread(
    client: EngineClient,
    question: str,
    found: Read,
    settings: AnswerSettings,
    at: Callable[[float], str],
    of_moment: bool = False,
) -> tuple[Read, Usage]:
    """What was found, judged by the model too, and the tokens used. question: as it was put; at: a Unix time in words;
    of_moment: it asks when something was on the screen.

    It turns a refusal into an answer only with words of a passage. Where the passages that the rules let through say nothing,
    the model alone reads what the search found. Raises AnswerError.
    """
    chosen = _chosen(found.passages, settings.readings)
    texts = [passage_of(candidate, moment, at, settings.short_prompt_tokens) for candidate, moment in chosen]
    readings, usage = await read_all(client, found.question.text, texts, settings)
    threshold = settings.support_threshold
    judged: list[Candidate] = []
    for i, ((candidate, moment), reading) in enumerate(zip(chosen, readings, strict=True)):
        # Versions are told apart by when they stood there, by the wall clock.
        placed = replace(candidate.evidence, id=str(i), t_start_s=moment.wall_s)
        judged.append(weighed(replace(candidate, evidence=placed), reading))
    answering = [
        c
        for c in judged
        if c.support.probability >= threshold and (found.text or readings[int(c.evidence.id)].words)
    ]
    answering.sort(key=lambda c: (-round(c.rank, 6), c.evidence.t_start_s))
    if not answering:
        read, more = await alone(client, question, found, settings, at, of_moment)
        return read, usage + more
    best = int(current(found.question, answering, threshold)[0].evidence.id)
    words, (candidate, moment) = readings[best].words, chosen[best]
    if words is None:
        return found, usage
    return _told(found, words, moment, candidate.support.unit, at, of_moment), usage


def _told(
    found: Read, words: str, moment: Moment, otherwise: str, at: Callable[[float], str], of_moment: bool
) -> Read:
    """otherwise: the line, where the words stand in none: "Mozilla Firefox", a time."""
    stands = _line_of(words, moment)
    if of_moment and stands is None:  # of the passage's time the model copies a part
        text = f"At {at(moment.wall_s)}: “{otherwise}”{inside(moment)}."
        return Read("", text, once([moment, *found.moments]), found.question)
    line = with_next(stands or otherwise, moment.evidence)
    return Read(capital(words), proof_of(line, moment, at), once([moment, *found.moments]), found.question)


async def alone(
    client: EngineClient,
    question: str,
    found: Read,
    settings: AnswerSettings,
    at: Callable[[float], str],
    of_moment: bool = False,
) -> tuple[Read, Usage]:
    """By the model and the search alone: strangers put questions in words that no rule knows. As `reread`."""
    likeliest = max((m.evidence.score for m in found.records), default=0.0)
    records = [m for m in found.records if m.evidence.score >= _NEAR * likeliest][: settings.readings + 1]
    texts = [record_of(m, at, settings.short_prompt_tokens) for m in records]
    readings, usage = await read_all(client, question, texts, settings)
    sure = [
        (logit(1.0 - reading.none) + math.log(max(moment.evidence.score, LEAST)), reading.words, moment)
        for moment, reading in zip(records, readings, strict=True)
        if reading.words is not None
        and reading.none <= _SURE
        and not _of_another_row(question, _line_of(reading.words, moment) or "", moment.evidence.text)
    ]
    if not sure:
        return Read("", "", found.moments, found.question), usage
    _, words, moment = max(sure, key=lambda s: s[0])
    return _told(found, words, moment, moment.line, at, of_moment), usage


def _of_another_row(question: str, line: str, text: str) -> bool:
    """Whether a line is a row of a table in a text, and what the question names stands in another row of it."""
    if not _ROW.search(line):
        return False
    # The first one says what the columns are.
    rows = [row for row in text.splitlines() if _ROW.search(row)][1:]
    elsewhere = {t for row in rows if row != line for t in tokens(spaced(row))}
    return bool((set(content(question)) & elsewhere) - set(tokens(spaced(line))))


def record_of(moment: Moment, at: Callable[[float], str], budget_tokens: int) -> str:
    """In one line: where and when a record stood there, then its lines, cut at the budget."""
    return " / ".join(_lines_of(moment, at))[: 3 * budget_tokens]


def _lines_of(moment: Moment, at: Callable[[float], str]) -> list[str]:
    lines = [line.strip() for line in moment.evidence.text.splitlines() if line.strip()]
    if moment.ear:
        lines = [f"{moment.evidence.speaker or 'somebody'}: {' '.join(lines)}"]
    elif moment.document and lines[0].startswith(moment.document):
        lines = lines[1:] or lines  # the title, which comes first anyway
    return [f"{moment.place}, {at(moment.wall_s)}", *lines]


def passage_of(candidate: Candidate, moment: Moment, at: Callable[[float], str], budget_tokens: int) -> str:
    """In one line: where and when it stood there, then its lines; within the budget those about the one that answers."""
    where, *lines = _lines_of(moment, at)
    whole = " / ".join([where, *lines])
    if estimate_tokens(whole) > budget_tokens:
        whole = f"{where} / {' '.join(candidate.support.unit.split())}"
    return whole[: 3 * budget_tokens]


def _chosen(passages: Sequence[tuple[Candidate, Moment]], count: int) -> list[tuple[Candidate, Moment]]:
    """By turns the best by the rules and the best by the search, each with something that the others do not show."""
    searched = sorted(passages, key=lambda p: -(p[0].retrieval + p[1].coverage))
    out: list[tuple[Candidate, Moment]] = []
    for passage in (p for pair in zip(passages, searched, strict=True) for p in pair):
        if not any(_alike(passage[1], other[1]) for other in out):
            out.append(passage)
    return out[:count]


def _alike(one: Moment, other: Moment) -> bool:
    mine, theirs = (set(m.evidence.text.splitlines()[1:]) for m in (one, other))
    return one.evidence.id == other.evidence.id and len(mine & theirs) > _SAME * max(1, len(mine))


def _line_of(words: str, moment: Moment) -> str | None:
    """The line in which words stand, as they are or with other spaces between them."""
    wanted = "".join(words.split()).casefold()
    lines = moment.evidence.text.splitlines()
    return next((line for line in lines if wanted in "".join(line.split()).casefold()), None)
