"""A small model puts the answering words together; what it says must stand in the sentence it was given."""

from __future__ import annotations

import re
from contextlib import aclosing

from memory.text import tokens
from reasoning.engine_client import EngineClient, Usage
from reasoning.judge import Candidate
from reasoning.prompts import small_messages
from reasoning.question import Question
from reasoning.settings import AnswerSettings

_OPENING = re.compile(r"^(?:the )?answer(?: to (?:the|this|your) question)?(?: is\b:?|:)\s*", re.I)
_NEGATION = re.compile(r"\b(?:no|not|never|none|nobody|nothing|neither|nor|without)\b|n['’]t\b", re.I)


async def short_answer(
    client: EngineClient, question: Question, candidate: Candidate, settings: AnswerSettings
) -> tuple[str | None, Usage | None]:
    """The model's words where they hold, else None; and the tokens used. Raises AnswerError."""
    heading = candidate.evidence.text.splitlines()[0] if candidate.evidence.modality == "read" else ""
    unit = candidate.support.unit
    statement = unit if unit == heading or not heading else f"{heading}\n{unit}"
    words: list[str] = []
    usage, finish = None, ""
    async with aclosing(
        client.chat(
            small_messages(question.text, statement, settings.short_prompt_tokens),
            max_tokens=settings.short_answer_tokens,
            stop=["\n"],
        )
    ) as deltas:
        async for delta in deltas:
            words.append(delta.text)
            usage, finish = delta.usage, delta.finish
    text = tidy("".join(words))
    holds = finish == "stop" and grounded(text, question.text, unit)
    return (text if holds else None), usage


def tidy(text: str) -> str:
    """Without quotation marks and "The answer is:"."""
    text = _OPENING.sub("", text.strip().strip("\"'“”"))
    return text.strip().strip("\"'“”").strip()


def grounded(text: str, question: str, unit: str) -> bool:
    """Says something new, all of it stands in the unit or the question, and it is not just the unit over again."""
    said, there = tokens(text), tokens(unit)
    new = set(said) - set(tokens(question))
    turned = bool(_NEGATION.search(text)) and not _NEGATION.search(unit)
    return bool(new) and new <= set(there) and not turned and said != there
