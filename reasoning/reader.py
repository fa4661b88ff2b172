"""A language model that reads: whether a passage answers a question, and in which of its words.

Each of the best candidates is read by itself, in one short request: the model copies the answering words out of the
passage, or says "none". How likely "none" was as its first token is joined with what words and vectors say
(reasoning/support.py) in a logistic model. So the rules still count where the model is unsure, and the model where a
question is put in other words than its answer.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from memory.text import joined_numbers
from reasoning.engine_client import AnswerError, EngineClient, Usage, estimate_tokens
from reasoning.judge import Candidate, current
from reasoning.prompts import NONE, reader_messages
from reasoning.question import Question
from reasoning.read_values import Span
from reasoning.settings import AnswerSettings
from reasoning.wording import grounded, tidy

RULES_WEIGHT, READER_WEIGHT, BIAS = 1.0, 0.9, -1.0
"""Of the rules' logit and of the model's. tests/bench/fit_reader.py fits both on clean sentences; over those that speech
recognition wrote the rules, which know what sounds alike, deserve more (docs/decisions.md)."""
LIKELIEST = 10
"""First tokens whose likelihood is asked for. "None" beyond them counts as LEAST."""
LEAST = math.exp(-10.0)
_UNTOLD = 0.1


@dataclass(frozen=True, slots=True)
class Reading:
    """words: copied from the passage, None for "none" or what does not stand there. none: likelihood of "none", 0 to 1."""

    words: str | None
    none: float


async def reread(
    client: EngineClient, question: Question, candidates: Sequence[Candidate], settings: AnswerSettings
) -> tuple[list[Candidate], Usage]:
    """The candidates, weighed again; and the tokens used.

    The version that holds comes first, of those that answer; then the others, best first. What was not read is no answer.
    Raises AnswerError: the model has not read all of them in time.
    """
    first = _chosen(candidates, settings.readings)
    others = [c for c in candidates if c not in first]
    passages = [passage_of(c, settings.short_prompt_tokens) for c in first]
    readings, usage = await read_all(client, question.text, passages, settings)
    out = [weighed(candidate, reading) for candidate, reading in zip(first, readings, strict=True)]
    out.sort(key=lambda c: (-round(c.rank, 6), c.evidence.t_start_s, c.evidence.id))
    threshold = settings.support_threshold
    answering = [c for c in out if c.support.probability >= threshold]
    out = [*current(question, answering, threshold), *(c for c in out if c not in answering)]
    out += [replace(c, support=replace(c.support, probability=0.0)) for c in others]
    return out, usage


def _chosen(candidates: Sequence[Candidate], count: int) -> list[Candidate]:
    """By turns the best by the rules and the best by the search, which does not ask for the question's own words."""
    searched = sorted(candidates, key=lambda c: -c.retrieval)
    by_turns = (c for pair in zip(candidates, searched, strict=True) for c in pair)
    return list({c.evidence.id: c for c in by_turns}.values())[:count]


def weighed(candidate: Candidate, reading: Reading) -> Candidate:
    """By the rules and by the model. Its words are the answer where it has any."""
    support = candidate.support
    odds = RULES_WEIGHT * logit(support.probability) + READER_WEIGHT * logit(1.0 - reading.none) + BIAS
    span = Span(reading.words, 1.0) if reading.words is not None else support.span
    return replace(candidate, support=replace(support, probability=1.0 / (1.0 + math.exp(-odds)), span=span))


async def read_all(
    client: EngineClient, question: str, passages: Sequence[str], settings: AnswerSettings
) -> tuple[list[Reading], Usage]:
    """What each passage says to a question, and the tokens used. Side by side: the server reads them as one batch.

    Raises AnswerError: one has failed, which ends the others, or not all are read in time.
    """
    try:
        async with asyncio.timeout(settings.reading_timeout_s), asyncio.TaskGroup() as group:
            tasks = [group.create_task(read(client, question, p, settings)) for p in passages]
    except TimeoutError:
        raise AnswerError(f"the model {client.address.model} has not read in time") from None
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    read_so = [task.result() for task in tasks]
    return [reading for reading, _ in read_so], sum((usage for _, usage in read_so), Usage(0, 0))


async def read(
    client: EngineClient, question: str, passage: str, settings: AnswerSettings
) -> tuple[Reading, Usage]:
    """What one passage, in one line, says to a question, and the tokens used. Raises AnswerError."""
    text, usage = "", Usage(0, 0)
    first: tuple[tuple[str, float], ...] = ()
    async with aclosing(
        client.chat(
            reader_messages(question, passage),
            max_tokens=settings.short_answer_tokens,
            stop=["\n"],
            likeliest=LIKELIEST,
        )
    ) as deltas:
        async for delta in deltas:
            first = first or delta.tokens
            text += delta.text
            usage = delta.usage or usage
    words = tidy(text).rstrip(" .")
    said = bool(words) and words.lower() != NONE
    none = sum(math.exp(logprob) for token, logprob in first if token.strip().lower() == NONE)
    if not first:  # a server that tells no likelihoods
        none = _UNTOLD if said else 1.0 - _UNTOLD
    return Reading(words if said and grounded(words, question, passage) else None, none), usage


def passage_of(candidate: Candidate, budget_tokens: int) -> str:
    """In one line: all of it where that fits the budget, else the answering sentence or line with its heading."""
    lines = [line.strip() for line in candidate.evidence.text.splitlines() if line.strip()]
    if candidate.evidence.speaker is not None and candidate.evidence.named:
        lines[:1] = [f"{candidate.evidence.speaker}: {line}" for line in lines[:1]]
    whole = " / ".join(lines)
    if candidate.evidence.asked:
        whole = f"{candidate.evidence.asked} / {whole}"
    if candidate.evidence.modality == "said":
        whole = joined_numbers(whole)
    if estimate_tokens(whole) <= budget_tokens:
        return whole
    unit = " ".join(candidate.support.unit.split())
    short = unit if candidate.evidence.modality == "said" or lines[0] == unit else f"{lines[0]} / {unit}"
    return short[: 3 * budget_tokens]


def logit(probability: float) -> float:
    """Log odds, kept within +-10."""
    p = min(max(probability, LEAST), 1.0 - LEAST)
    return math.log(p / (1.0 - p))
