"""A language model puts an answer about a screen into words: what it says must stand in what it cites."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, tzinfo

from memory.screen import ScreenMemory
from reasoning.answer import NOT_BORNE_OUT
from reasoning.deliberate import Verdict, deliberate, supported
from reasoning.engine_client import EngineClient
from reasoning.language import Language
from reasoning.prompts import SCREEN, Memo, Telling
from reasoning.recall import THREAD
from reasoning.screen.find import Moment
from reasoning.settings import AnswerSettings
from runtime.compute import Compute
from runtime.messages import Answer, AnswerDelta, Evidence, Query

NOT_SEEN = "I have not seen that on the screen."
_MEMOS = 24

Search = Callable[[str], Awaitable[Sequence[Moment]]]


def wall_telling(zeros: Mapping[str, float], now_wall: float, zone: tzinfo | None) -> Telling:
    """zeros: Unix time of each source's zero."""

    def at_s(evidence: Evidence) -> float:
        return zeros[evidence.source] + evidence.t_start_s

    def span(evidence: Evidence) -> str:
        start = datetime.fromtimestamp(at_s(evidence), zone)
        end = datetime.fromtimestamp(zeros[evidence.source] + evidence.t_end_s, zone)
        return f"{start.day} {start:%B %Y} {start:%H:%M} to {end:%H:%M}"

    def now(as_of_s: float | None) -> str:
        asked = datetime.fromtimestamp(now_wall, zone)
        return f"It is now {asked.day} {asked:%B %Y} {asked:%H:%M}." if as_of_s is None else ""

    return Telling(SCREEN, at_s, span, now)


async def deliberated(
    client: EngineClient,
    query: Query,
    plain: Answer,
    moments: Sequence[Moment],
    search: Search,
    screen: ScreenMemory,
    telling: Telling,
    language: Language,
    compute: Compute,
    settings: AnswerSettings,
) -> AsyncGenerator[AnswerDelta | Answer, None]:
    """plain: the answer from the evidence alone, which holds where the model's does not stand the check.

    moments: best first. search: for other words. Raises AnswerError.
    """
    pictures = settings.images if client.address.vision else 0
    memos = []
    for i, moment in enumerate(moments[:_MEMOS]):
        e = moment.evidence
        jpeg = await screen.picture(e.source, e.t_start_s, e.t_end_s, e.id) if i < pictures else None
        memos.append(Memo(e, jpeg))

    async def look_again(text: str) -> Sequence[Memo]:
        return [Memo(m.evidence) for m in (await search(text))[: settings.evidence]]

    verdict: Verdict | None = None
    async with aclosing(deliberate(client, query, memos, look_again, settings, telling)) as parts:
        async for part in parts:
            if isinstance(part, Verdict):
                verdict = part
            else:
                yield AnswerDelta(query.turn_id, part)
    assert verdict is not None
    answer = await _checked(query, plain, verdict, client.address.model, telling, language, compute, settings)
    yield replace(answer, prompt_tokens=verdict.prompt_tokens, completion_tokens=verdict.completion_tokens)


async def _checked(
    query: Query,
    plain: Answer,
    verdict: Verdict,
    model: str,
    telling: Telling,
    language: Language,
    compute: Compute,
    settings: AnswerSettings,
) -> Answer:
    if not verdict.text:
        return replace(plain, text=NOT_SEEN, abstained=True, choice=None, engine=model)
    names = await compute.run(THREAD, _names, language, verdict.text)
    # What stands in a picture was read, so that words are checked with pictures too.
    cited = [Memo(m.evidence) for m in verdict.cited]
    if not supported(verdict.text, " ".join((query.text, *query.options)), cited, names, telling):
        return replace(plain, note=NOT_BORNE_OUT)
    first = [m.evidence for m in cited]
    ids = {e.id for e in first}
    evidence = (*first, *(e for e in plain.evidence if e.id not in ids))[: settings.evidence]
    choice = verdict.choice if verdict.choice is not None else plain.choice
    return Answer(query.turn_id, verdict.text, evidence, False, choice, engine=model)


def _names(language: Language, text: str) -> list[str]:
    return [token.text for token in language(text) if token.pos_ == "PROPN"]
