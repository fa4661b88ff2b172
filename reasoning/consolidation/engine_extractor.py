"""Assertions by a language model: it is shown some turns with numbers, and what it says must stand in the turn it names.

Small numbers stand for ids in the prompt (Mem0, arXiv 2504.19413); what became known at the time of the turn dates the
assertion, not the clock. Whatever the model adds of its own is dropped.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import aclosing
from datetime import datetime, tzinfo
from typing import Any

from memory.consolidation.assertion import RELATIONS, Assertion
from memory.consolidation.extractor import Extracted
from memory.text import tokens
from memory.zone import zone_said
from reasoning.engine_client import EngineClient
from runtime.messages import Observation

_RECORDS = 16
_ANSWER_TOKENS = 800
_LINE_CHARS = 600
_CONFIDENCE = 0.8
_KNOWN = [name for name, one in RELATIONS.items() if one.kind == "semantic"]
_INSTRUCTIONS = f"""You take lasting facts out of a conversation: who people are, where they live and work, whom they know, \
what they like, own and plan, and numbers, places and times that were settled. Each turn has a number.
Reply with JSON: a list of objects with "turn" (its number), "subject" (a name, as it stands there; the speaker for "I"), \
"relation", "object" (a few words copied from that turn), and "ended" (true if it is said to hold no longer).
"relation" is one of: {", ".join(_KNOWN)}; or "kin" and who it is ("kin sister"); or what it is of the subject, in one \
or two words ("phone number", "favourite colour").
Leave out questions, suppositions, jokes, quotations, feelings of the moment and small talk. If there is nothing, reply []."""
_SCHEMA: dict[str, Any] = {
    "type": "array",
    "maxItems": 24,
    "items": {
        "type": "object",
        "properties": {
            "turn": {"type": "integer"},
            "subject": {"type": "string", "maxLength": 80},
            "relation": {"type": "string", "maxLength": 40},
            "object": {"type": "string", "maxLength": 120},
            "ended": {"type": "boolean"},
        },
        "required": ["turn", "subject", "relation", "object", "ended"],
    },
}
PROMPT_HASH = hashlib.sha256((_INSTRUCTIONS + json.dumps(_SCHEMA, sort_keys=True)).encode()).hexdigest()[:12]


class EngineExtractor:
    """One request for some turns. Raises AnswerError where the model does not answer."""

    batch = _RECORDS
    prompt_hash = PROMPT_HASH

    def __init__(self, client: EngineClient, zone: tzinfo | None) -> None:
        """zone: by whose calendar the turns are dated (`Store.zone`)."""
        self._client = client
        self._zone = zone
        self.name = f"{client.address.model.replace('/', '-')}/1"

    async def extract(self, records: Sequence[Observation], zero_s: float | None) -> Extracted:
        lines = [_line(number, one, zero_s, self._zone) for number, one in enumerate(records, 1)]
        messages = [
            {"role": "system", "content": _INSTRUCTIONS},
            {"role": "user", "content": "\n".join(lines)},
        ]
        parts: list[str] = []
        used = 0
        async with aclosing(self._client.chat(messages, max_tokens=_ANSWER_TOKENS, schema=_SCHEMA)) as deltas:
            async for delta in deltas:
                parts.append(delta.text)
                if delta.usage is not None:
                    used += delta.usage.prompt_tokens + delta.usage.completion_tokens
        made = [
            # It has read all of them: each may have gone into what it says of one.
            ((record, *(r for r in records if r is not record)), one)
            for record, one in assertions_in("".join(parts), records)
        ]
        return Extracted(tuple(made), 1, used)


def assertions_in(answer: str, records: Sequence[Observation]) -> list[tuple[Observation, Assertion]]:
    """Those that hold: they name a turn, and all words of their object, and of a subject that does not speak, stand there."""
    try:
        found = json.loads(answer)
    except ValueError:
        return []
    out = []
    for one in found if isinstance(found, list) else []:
        if not isinstance(one, dict) or not isinstance(one.get("turn"), int):
            continue
        number = one["turn"]
        if not 0 < number <= len(records):
            continue
        record = records[number - 1]
        subject, relation, value = (
            " ".join(str(one.get(k, "")).split()) for k in ("subject", "relation", "object")
        )
        there = set(tokens(record.text))
        speaks = record.speaker is not None and subject.casefold() in (
            record.speaker.casefold(),
            "i",
            "speaker",
        )
        words = set(tokens(value))
        if not relation or not words or not words <= there:
            continue
        if not speaks and not (tokens(subject) and set(tokens(subject)) <= there):
            continue
        about = "" if speaks else subject
        ended = one.get("ended") is True
        made = Assertion(
            about, relation.casefold(), value, record.text, (0, len(record.text)), _CONFIDENCE, ended
        )
        out.append((record, made))
    return out


def _line(number: int, record: Observation, zero_s: float | None, zone: tzinfo | None) -> str:
    when = ""
    if zero_s is not None:
        when = f"({datetime.fromtimestamp(zero_s + record.t_start_s, zone_said(record, zone)):%Y-%m-%d}) "
    text = " ".join(record.text.split())[:_LINE_CHARS]
    return f"[{number}] {when}{record.speaker or 'somebody'}: {text}"
