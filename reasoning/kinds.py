"""What kind of answer a question wants, by which sense, and from which time of the media."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any

from memory.text import tokens
from runtime.messages import Modality


class Kind(StrEnum):
    """The kind of answer. MOMENT is a time in the media ("when was it shown"); TIME is a time in the content."""

    MOMENT = "moment"
    TIME = "time"
    WHO = "who"
    WHERE = "where"
    COUNT = "count"
    AMOUNT = "amount"
    DURATION = "duration"
    COLOUR = "colour"
    NAME = "name"
    REASON = "reason"
    YES_NO = "yes_no"
    WHAT = "what"


_STEPS = re.compile(r"^how (?:to|(?:do|did|can|could|should|would) (?:i|we|you|one)) \w+", re.IGNORECASE)
_SAID = re.compile(
    r"\b(say|says|said|saying|mention|mentions|mentioned|told|tell|tells|announce[ds]?|spoken|speech|speaker|heard?|"
    r"talk(?:s|ed|ing)? about|according to|explain(?:s|ed)?|discuss(?:ed)?|stated?)\b",
    re.I,
)
_READ = re.compile(
    r"\b(on[- ](?:the )?(?:screen|slide|sign|board|page|display)|on[- ]screen|slides?|written|writing|text|notice|sign|"
    r"(?:error|chat) message|caption|screenshot|read(?:s|ing)? out|listed|displayed?|dashboard|spreadsheet|table)\b",
    re.I,
)
_SEEN = re.compile(
    r"\b(seen?|shown?|shows|visible|appear(?:s|ed)?|footage|scene|picture|image|look(?:s|ed)? like|camera|"
    r"clip|shot|watch(?:ed)?|view)\b",
    re.I,
)
_MOMENT = re.compile(
    r"\b(?:at (?:what|which) (?:point|moment|time ?stamp|minute|time)\b.*\b(?:video|recording|clip|film|footage|stream)|"
    r"at (?:what|which) (?:point|moment|time ?stamp)\b|(?:what|which) (?:time ?stamp|moment)\b|"
    r"(?:where|when|how (?:far|long)) (?:in|into) the (?:video|recording|clip|film|stream)|"
    r"(?:what|which) (?:part|point) of the (?:video|recording)|(?:during|in|at) (?:what|which) (?:part|stretch|scene)\b|"
    r"what time (?:in|of) the (?:video|recording))",
    re.I,
)
_PERCEIVED = re.compile(
    r"\b(mention(?:ed)?|said|say|shown?|seen?|see|appear(?:ed)?|visible|on (?:the )?screen|displayed?|heard?|come up|came up|"
    r"talk(?:ed)? about|announced?|brought up|bring up|discuss(?:ed)?|watch|spoken|described?|pop(?:ped)? up|"
    r"in view|on view|on camera|in (?:the )?(?:picture|frame|shot))\b",
    re.I,
)
_REASON = re.compile(
    r"^(?:how come|what for|why)\b|\bfor (?:what|which) reason\b|\b(?:what|which) (?:is |was )?(?:the )?(?:reason|cause)\b|"
    r"^what (?:has |had |is |was )?(?:caus|forc|led to|lead|made|ma?k(?:es|ing) |prevent|stop(?:s|ped) |kept |keeps |trigger)",
    re.I,
)
_CLOCK = r"(?:(\d+):)?(\d{1,2}):(\d{2})"
_WHO_IS = re.compile(r"[Ww]ho (?:is|was|are|were) [A-Z][\w'-]+(?: [A-Z][\w'-]+)*\W*$")
"""Asks what is known of somebody, not for a name."""
_IN_PLACE = re.compile(
    r"\b(?:at|in|to|into|from|on|near) (?:what|which) (?:(?:kind|sort|type) of )?(?:place|spot|location|venue)\b",
    re.I,
)
_COLOURS = {"colour", "color", "shade"}


def asks_for_steps(text: str) -> bool:
    """Whether a question, without its preamble, is how to do something ("how do I", "how to")."""
    return _STEPS.match(text.strip()) is not None


def kind_of(low: str, doc: Any, asked: Any | None) -> Kind:
    words = [t.lower_ for t in doc]
    asked_lemma = asked.lemma_.lower() if asked is not None else ""
    if _MOMENT.search(low):
        return Kind.MOMENT
    asking = next(
        (w for w in words if w in {"what", "which", "who", "whom", "whose", "where", "when", "why", "how"}),
        "",
    )
    if asking == "when":
        return Kind.MOMENT if _when_is_moment(low, doc) else Kind.TIME
    if re.search(r"\bat (?:what|which) time (?:did|was|were)\b", low):
        return Kind.MOMENT
    if re.search(r"\bhow many\b", low):
        return Kind.COUNT
    if asked_lemma in {"time", "day", "date", "month", "year", "weekday", "hour", "deadline"}:
        return Kind.TIME
    if asked_lemma == "number" and re.search(r"\bnumber of\b", low):
        return Kind.COUNT
    if re.search(r"\bhow (?:long|old)\b", low):
        return Kind.DURATION
    if re.search(r"\bwhat (?:do|does|did|will|would)\b.*\b(?:cost|weigh|charge)\b", low):
        return Kind.AMOUNT
    if re.search(r"\bhow (?:much|far|tall|big|large|heavy|deep|wide|high|fast|hot|cold)\b", low) or asked_lemma in {
        "price", "cost", "amount", "total", "sum", "fee", "temperature", "percentage", "distance", "weight", "score",
    }:  # fmt: skip
        return Kind.AMOUNT
    if asked_lemma in _COLOURS:
        return Kind.COLOUR
    if _WHO_IS.match(doc.text):
        return Kind.WHAT
    if asking in {"who", "whom", "whose"}:
        return Kind.WHO
    if asking == "where" or _IN_PLACE.search(low):
        return Kind.WHERE
    if _REASON.search(doc.text):
        return Kind.REASON
    if asked_lemma == "name" or re.search(r"\bcalled\b|\bnamed\b", low):
        return Kind.NAME
    if words and words[0] in {
        "is",
        "are",
        "was",
        "were",
        "do",
        "does",
        "did",
        "has",
        "have",
        "can",
        "will",
        "should",
    }:
        return Kind.YES_NO
    return Kind.WHAT


def _when_is_moment(low: str, doc: Any) -> bool:
    """A "when" about the past or about something perceived means a moment of the media, not of the content."""
    if re.search(r"\b(?:until|till|by|since|from) when\b", low):
        return False
    if _PERCEIVED.search(low):
        return True
    for i, token in enumerate(doc):
        if token.lower_ != "when":
            continue
        following = [t.lower_ for t in doc[i + 1 : i + 3]]
        if following and following[0] in {"did", "was", "were", "could", "can", "had"}:
            return not any(
                t.lower_ in {"due", "born", "founded", "built", "supposed", "scheduled"} for t in doc
            )
    return False


def modalities_of(low: str, kind: Kind) -> tuple[Modality, ...] | None:
    if kind is not Kind.MOMENT:
        return None
    if re.search(r"\bon (?:the )?screen\b|\bdisplayed?\b", low) or _READ.search(low):
        return ("read", "seen")
    if _SEEN.search(low):
        return ("read", "seen")
    if _SAID.search(low) or re.search(r"\b(?:come|came|bring|brought) up\b", low):
        return ("said", "read")
    return None


def time_range_of(low: str) -> tuple[float | None, float | None]:
    """An explicit range of media time, in seconds: "after 3:20", "before 0:10:00", "between 1:00 and 2:00",
    "in the first five minutes", "in the last ..." is left alone because the end is not known here."""

    def clock(match: re.Match[str], group: int) -> float:
        h, m, s = match[group], match[group + 1], match[group + 2]
        return int(h or 0) * 3600 + int(m) * 60 + int(s)

    if not re.search(
        r"\b(?:in|of|into|at) the (?:video|recording|clip|film|stream|first)\b|\bmark\b|\bfirst .{0,12}minutes?\b",
        low,
    ):
        return None, None
    if m := re.search(rf"\bbetween {_CLOCK} and {_CLOCK}", low):
        return clock(m, 1), clock(m, 4)
    if m := re.search(rf"\bafter {_CLOCK}", low):
        return clock(m, 1), None
    if m := re.search(rf"\b(?:before|until|by) {_CLOCK}", low):
        return None, clock(m, 1)
    if m := re.search(r"\b(?:in|during|within) the first (\w+) (minute|hour|second)s?\b", low):
        amount = "".join(tokens(m[1])[:1])
        if amount.isdigit():
            return 0.0, int(amount) * {"second": 1.0, "minute": 60.0, "hour": 3600.0}[m[2]]
    return None, None
