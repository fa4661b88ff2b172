"""A capable model answers from memories and pictures: it cites, may look again, and is checked against what it cites."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from memory.text import tokens
from reasoning import prompts
from reasoning.engine_client import EngineClient
from reasoning.prompts import NOT_IN_MEMORY, SEARCH, VIDEO, Memo, Telling
from reasoning.settings import AnswerSettings
from runtime.messages import Query

_MARGIN_TOKENS = 64
_CHOICE = re.compile(r"^\W*([A-Z]|\d{2})\s*(?:[^\w\s]+\s+|[^\w\s]*$)")
_MAY_BE_CHOICE = re.compile(r"\W*\w{0,2}\W*")
_BARE = re.compile(r"^\W+")
_CLOCK = re.compile(r"\b\d{1,2}(?::\d\d){1,2}\b")
_NAME = re.compile(r"(?<![.!?:“\"]\s)(?<!^)\b[^\W\d_a-z][^\W\d_]+", re.MULTILINE)
_NO_COUNT = re.compile(r"(?<!ty[ -])\b(?:one|first|second)s?\b", re.I)

LookAgain = Callable[[str], Awaitable[Sequence[Memo]]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it. text: the answer without its citations, "" when the model found none in the memory.

    cited: the memories it names, as they were shown to it.  choice: the option it named, from 0.
    """

    text: str
    cited: tuple[Memo, ...]
    choice: int | None
    prompt_tokens: int
    completion_tokens: int


async def deliberate(
    client: EngineClient,
    query: Query,
    memos: Sequence[Memo],
    look_again: LookAgain,
    settings: AnswerSettings,
    telling: Telling = VIDEO,
) -> AsyncGenerator[str | Verdict, None]:
    """Streams the answer's text, then the verdict. Raises AnswerError.

    memos: best first; as many as the budget holds are shown.  look_again: memos for other words.
    """
    room = min(settings.prompt_tokens, client.address.context_tokens - settings.answer_tokens)
    budget = room - _MARGIN_TOKENS - prompts.fixed_cost(query.text, query.options, telling)
    known = list(memos)
    prompt_tokens = completion_tokens = 0
    for round_ in range(1, settings.rounds + 1):
        more = round_ < settings.rounds
        shown = prompts.fit_memos(known, budget, settings.image_tokens, telling)
        messages = prompts.capable_messages(
            query.text, query.options, shown, query.as_of_s, look_again=more, telling=telling
        )
        raw = told = ""
        async with aclosing(
            client.chat(
                messages,
                images=[m.picture for m in shown if m.picture is not None],
                max_tokens=settings.answer_tokens,
            )
        ) as deltas:
            async for delta in deltas:
                if delta.usage is not None:
                    prompt_tokens += delta.usage.prompt_tokens
                    completion_tokens += delta.usage.completion_tokens
                raw += delta.text
                ready = _speakable(raw, query.options)
                if len(ready) > len(told):
                    yield ready[len(told) :]
                    told = ready
        text, choice = _read(raw, query.options)
        wanted = _search(text)
        if not (more and wanted):
            cited = [shown[n - 1] for n in prompts.cited_numbers(raw) if 0 < n <= len(shown)]
            if NOT_IN_MEMORY in text or _BARE.sub("", text).startswith(SEARCH):
                text, cited, choice = "", [], None
            yield Verdict(text, tuple(cited), choice, prompt_tokens, completion_tokens)
            return
        # What was asked for goes first: the budget may not hold all. Those known before keep their pictures.
        found = await look_again(wanted)
        known = list({m.evidence.id: m for m in (*found, *known)}.values())


def supported(
    text: str, question: str, cited: Sequence[Memo], names: Sequence[str] = (), telling: Telling = VIDEO
) -> bool:
    """Every number and name of the answer stands in what it cites, and something that is not in the question does.

    names: words of the text that are names; those with a capital inside a sentence are found here.
    With a picture among the cited the words cannot be checked.
    """
    if not cited:
        return False
    if any(m.picture is not None for m in cited):
        return True
    asked = set(tokens(question))
    there = {t for m in cited for t in tokens(m.evidence.text)}
    spans = " ".join(telling.span(m.evidence) for m in cited)
    clocks = set(_CLOCK.findall(spans))
    there |= set(tokens(_CLOCK.sub("", spans)))
    text = _CLOCK.sub(lambda match: "" if match[0] in clocks else match[0], text)
    numbers = {t for t in tokens(_NO_COUNT.sub("", text)) if t[0].isdigit()}
    capitals = [name for name in _NAME.findall(text) if name[0].isupper()]
    named = {t for name in (*names, *capitals) for t in tokens(name)}
    new = set(tokens(text)) - asked - {"yes"}
    return (numbers | named) <= (there | asked) and (not new or bool(new & there))


def _read(raw: str, options: Sequence[str]) -> tuple[str, int | None]:
    """An answer without its citations and its option's letter, and the option it names, from 0."""
    text = prompts.without_citations(raw)
    match = _CHOICE.match(text) if options else None
    letters = [prompts.letter(i) for i in range(len(options))]
    if match is None or match[1] not in letters:
        return text, None
    choice = letters.index(match[1])
    return text[match.end() :] or options[choice], choice


def _search(text: str) -> str:
    """The words that the model wants to look for, or ""."""
    command = _BARE.sub("", text)
    return command.removeprefix(SEARCH).strip().partition("\n")[0][:200] if command.startswith(SEARCH) else ""


def _speakable(raw: str, options: Sequence[str]) -> str:
    """What of an unfinished answer can be shown: no citations, nothing that may become a letter or a command."""
    text = _settled(raw)
    if options and _MAY_BE_CHOICE.fullmatch(prompts.without_citations(text)):
        return ""
    shown, _ = _read(text, options)
    bare = _BARE.sub("", shown)
    commands = (NOT_IN_MEMORY, SEARCH)
    return "" if any(bare.startswith(c) or c.startswith(bare) for c in commands) else shown


def _settled(raw: str) -> str:
    """Without the end that a citation may still change: open brackets, closed ones, what parts them."""
    while True:
        while raw and (raw[-1].isspace() or raw[-1] in ",;"):
            raw = raw[:-1]
        opened = raw.rfind("[")
        closed = raw.find("]", opened)
        if opened < 0 or 0 <= closed < len(raw) - 1:
            return raw
        raw = raw[:opened]
