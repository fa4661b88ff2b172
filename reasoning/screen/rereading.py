"""What a model that reads makes of what the rules are not sure of: which passage answers, in which words, or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from reasoning.engine_client import EngineClient, Usage, estimate_tokens
from reasoning.judge import Candidate, current
from reasoning.reader import read_all, weighed
from reasoning.screen.find import Moment
from reasoning.screen.phrasing import capital, once, with_next
from reasoning.screen.reading import Read, proof_of
from reasoning.settings import AnswerSettings

_SAME = 0.6
"""Share of its lines that a passage has in common with another of the same record, from which on it is not read too."""


async def reread(
    client: EngineClient, found: Read, settings: AnswerSettings, at: Callable[[float], str]
) -> tuple[Read, Usage]:
    """What was found, judged by the model too, and the tokens used. at: a Unix time in words.

    It turns a refusal into an answer only with words of a passage. Raises AnswerError.
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
        return Read("", "", found.moments, found.question), usage
    best = int(current(found.question, answering, threshold)[0].evidence.id)
    words, (candidate, moment) = readings[best].words, chosen[best]
    if words is None:
        return found, usage
    line = with_next(_line_of(words, moment) or candidate.support.unit, moment.evidence)
    moments = once([moment, *found.moments])
    return Read(capital(words), proof_of(line, moment, at), moments, found.question), usage


def passage_of(candidate: Candidate, moment: Moment, at: Callable[[float], str], budget_tokens: int) -> str:
    """In one line: where and when it stood there, then its lines; within the budget those about the one that answers."""
    lines = [line.strip() for line in moment.evidence.text.splitlines() if line.strip()]
    where = f"{moment.place}, {at(moment.wall_s)}"
    if moment.ear:
        lines = [f"{moment.evidence.speaker or 'somebody'}: {' '.join(lines)}"]
    elif moment.document and lines[0].startswith(moment.document):
        lines = lines[1:] or lines  # the title, which `where` has
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
