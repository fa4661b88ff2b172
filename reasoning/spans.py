"""What was talked of in a time: "what did we discuss yesterday" asks for no one thing, so what that time says most is told."""

from __future__ import annotations

import re

from memory import Memory, Speaker
from memory.levels import synopsis
from memory.naming import same_name
from memory.text import sentences, tokens
from memory.time_range import time_range
from memory.zone import zone_of
from reasoning.recall import THREAD, evidence_of_record
from reasoning.times import span_text
from runtime.compute import Compute
from runtime.messages import Answer, Observation, Query

_ASKED = re.compile(
    r"^(?:what|which things|what all) (?:(?:did|have|had) (?P<who>i|we|you|they|[A-Z][\w'-]+(?: and (?:i|[A-Z][\w'-]+))?) "
    r"(?:all )?(?:talk(?:ed)? about|discuss(?:ed)?|speak about|spoken about|say|said|tell|told|chat(?:ted)? about|do|done)|"
    r"(?:happened|went on)|was (?:said|discussed|talked about|going on|told)|(?:has|have) (?:happened|been said))\b(?P<rest>.*)$",
    re.IGNORECASE,
)
_MANY = frozenset(("i", "we", "you", "they"))
_LONGEST_S = 62 * 86_400.0
_CHARS = 600
_MOST = 1000
"""Messages of which a synopsis is made; of more, every second, third, ..."""


def _is_by(speaker: Speaker | None, name: str) -> bool:
    return speaker is not None and speaker.named and same_name(speaker.label, name)


async def talked_of(memory: Memory, query: Query, most: int, compute: Compute) -> Answer | None:
    """None where a question asks for one thing, or names no time, or nothing was said then. most: how much of it is shown.

    Of conversations and notes only: what a recording says is told by its own clock. Raises InputError as `Memory.search` does.
    """
    text = " ".join(query.text.split())
    found = _ASKED.match(text)
    now_s = query.as_of_s if query.asked_at_s is None else query.asked_at_s
    zone = zone_of(memory.settings.timezone)
    named = None if found is None else time_range(found["rest"], now_s, zone)
    if found is None or named is None or query.options:
        return None
    if tokens(found["rest"].replace(named.words, " ")) or named.end_s - named.start_s > _LONGEST_S:
        return None
    who = (found["who"] or "we").split()
    told: list[Observation] = []
    for source in await memory.sources():
        if source.wall_zero_s == 0.0 and (query.sources is None or source.id in query.sources):
            there = await memory.observations(source.id, query.as_of_s, "said", (named.start_s, named.end_s))
            told += [o for o in there if named.start_s <= o.t_start_s < named.end_s]
    cast = await memory.cast(query.as_of_s, query.sources)
    if who[0].lower() not in _MANY and len(who) == 1:
        told = [o for o in told if _is_by(cast.speaker(o.id, o.speaker), who[0])]
    if not told:
        return None
    told.sort(key=lambda o: (o.t_start_s, o.known_at_s, o.id))
    begin_s, end_s = told[0].t_start_s, told[-1].t_start_s
    told = told[:: len(told) // _MOST + 1]
    short = await compute.run(THREAD, synopsis, told, (), _CHARS)
    shown = [o for o in told if any(sentence in short for sentence in sentences(o.text))][:most] or told[
        :most
    ]
    evidence = tuple(evidence_of_record(o, cast.speaker(o.id, o.speaker), 1.0) for o in shown)
    when = span_text(begin_s, end_s)
    return Answer(query.turn_id, f"“{short}” (in short, {when})", evidence, abstained=False)
