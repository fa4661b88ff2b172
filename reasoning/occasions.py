"""How many times somebody did something: the days on which they told of it, counted over all sessions of a talk.

No message says "three times": each tells of one run (LongMemEval's questions over several sessions, arXiv 2410.10813).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, tzinfo

from memory.time_range import time_range
from reasoning import compose
from reasoning.intervals import told_of
from reasoning.judge import Candidate
from reasoning.language import Language
from reasoning.question import negated_stems
from runtime.messages import Answer, Evidence, Query

Find = Callable[[str], Awaitable[Sequence[Candidate]]]
_ASKED = re.compile(
    r"^(?:(?:on )?how (?:many (?:times|occasions)|often)|on how many days) (?P<rest>(?:did|have|has|had) [^?]+?)\W*$",
    re.I,
)
_TOLD = re.compile(r"\b(?:\w+ times|once|twice|thrice|(?:\w+ )?occasions)\b", re.I)
_PAST = frozenset(("VBD", "VBN"))
"""Of the Penn Treebank's tags."""
_A_DAY_S = 1.1 * 86_400.0
_WHOLE = 0.8
"""Coverage from which on a moment tells of what is asked."""


async def occasions(
    query: Query, find: Find, language: Language, zone: tzinfo | None, threshold: float, most: int
) -> Answer | None:
    """None where a question counts no occasions, none is told of, or somebody has said how many they were.

    threshold: probability from which on a candidate tells of one. most: how many of them are quoted.
    """
    asked = _ASKED.match(" ".join(query.text.split()))
    if asked is None or query.options:
        return None
    now_s = query.as_of_s if query.asked_at_s is None else query.asked_at_s
    named = time_range(query.text, now_s, zone)
    rest = asked["rest"] if named is None else re.sub(re.escape(named.words), "", asked["rest"], flags=re.I)
    days: dict[datetime, Evidence] = {}
    for candidate in await find(f"When {' '.join(rest.split())}?"):
        span = told_of(candidate.evidence, zone)
        support = candidate.support
        if support.probability < threshold or support.coverage < _WHOLE or span is None:
            continue
        if _TOLD.search(support.unit):
            return None
        over = span[0] < span[1] <= candidate.evidence.t_start_s  # "yesterday"
        if not _happened(support.unit, language, over) or span[1] - span[0] > _A_DAY_S:
            continue
        middle_s = (span[0] + span[1]) / 2
        if named is None or named.start_s <= middle_s < named.end_s:
            day = datetime.fromtimestamp(middle_s, zone).replace(hour=0, minute=0, second=0, microsecond=0)
            days.setdefault(day, candidate.evidence)
    if not days:
        return None
    told = [days[day] for day in sorted(days)]
    times = {1: "once", 2: "twice"}.get(len(told), f"{len(told)} times")
    when = ", ".join(f"{day:%Y-%m-%d}" for day in sorted(days))
    proofs = " ".join(f"{compose.quote(e)} ({compose.place(e)})" for e in told[:most])
    text = f"{times[0].upper()}{times[1:]} that I know of ({when}). {proofs}"
    return Answer(query.turn_id, text, tuple(told), abstained=False)


def _happened(unit: str, language: Language, over: bool) -> bool:
    """Whether a sentence tells of something done: not "I never ran" nor "I run on Sundays". over: at a time that is over."""
    doc = language(unit)
    return (over or any(t.tag_ in _PAST for t in doc)) and not negated_stems(doc)
