"""Turns of a conversation that belong together: what answers a question is said in the next turn, and does not repeat it.

The second half of an adjacency pair (Schegloff and Sacks, Opening up Closings, 1973): "Who wrote the music?" - "A friend from
the band, Solveig." Neither turn answers "who wrote the music" by itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from memory import Cast
from memory.keys import is_message
from memory.text import sentences
from runtime.messages import Evidence, Observation


def asks(text: str) -> bool:
    """Whether a turn ends with a question."""
    return text.rstrip(" \"'”’)").endswith("?")


def only_asks(text: str) -> bool:
    """Whether it tells nothing: every sentence of it is a question, or a word that is called out ("Finally!")."""
    parts = sentences(text)
    called = [part.endswith("!") and len(part.split()) == 1 for part in parts]
    return any(map(asks, parts)) and all(asks(part) or out for part, out in zip(parts, called, strict=True))


def in_turn(
    found: Sequence[Evidence], around: Mapping[str, Sequence[Observation]], cast: Cast
) -> list[Evidence]:
    """The found, best first, each reply with the question before it. A question that is found brings its reply with it,
    right behind it. around: of some of them by id, the records beside them in order of time.
    """
    here = {evidence.id for evidence in found}
    out: list[Evidence] = []
    for evidence in found:
        records = around.get(evidence.id, ())
        at = next((i for i, record in enumerate(records) if record.id == evidence.id), None)
        if at is None or not is_message(records[at]):
            out.append(evidence)
            continue
        before, after = records[at - 1] if at else None, records[at + 1] if at + 1 < len(records) else None
        meant = (
            before
            if before is not None and _replies(before, records[at])
            else _meant(records[:at], records[at])
        )
        if meant is not None:
            evidence = replace(evidence, asked=_told(meant))
        out.append(evidence)
        if after is not None and after.id not in here and _replies(records[at], after):
            here.add(after.id)
            who = cast.speaker(after.id, after.speaker)
            out.append(
                replace(
                    evidence,
                    id=after.id,
                    text=_told(after),
                    t_start_s=after.t_start_s,
                    t_end_s=after.t_end_s,
                    readings=(),
                    speaker=who.label if who is not None else None,
                    named=who is not None and who.named,
                    asked=_told(records[at]),
                )
            )
    return out


_POINTS_BACK = re.compile(
    r"(?:(?:and|but|so|well|yes|then),? )*(?:she|he|it|they|her|his|its|their|there|that)\b(?! (?:is|was) (?:an?|the)\b)",
    re.I,
)
_LATELY_S = 600.0


def _meant(before: Sequence[Observation], message: Observation) -> Observation | None:
    """What the same speaker said last, where a message begins with a word for it: "My aunt Ada came." - "She rents a boat." """
    if _POINTS_BACK.match(message.text) is None:
        return None
    for record in reversed(before):
        alike = is_message(record) and record.details["session"] == message.details["session"]
        if not alike or message.t_start_s - record.t_end_s > _LATELY_S:
            return None
        if record.speaker == message.speaker:
            return None if only_asks(record.text) else record
    return None


def _replies(question: Observation, reply: Observation) -> bool:
    return (
        is_message(question)
        and is_message(reply)
        and question.speaker is not None
        and reply.speaker is not None
        and question.speaker != reply.speaker
        and question.details["session"] == reply.details["session"]
        and asks(question.text)
        and not only_asks(reply.text)
    )


def _told(record: Observation) -> str:
    return f"{record.speaker}: {record.text}"
