"""Hours as people say them, in digits: "at ten past two", "a quarter to nine", "six o'clock", "eight in the evening"."""

from __future__ import annotations

import re

from memory.text import UNITS, tokens
from memory.time_words import hour_of

_NUMBERS = "|".join(UNITS[1:13])
_HOUR = rf"(?P<hour>{_NUMBERS}|1[0-2]|[1-9])"
_COUNTED = rf"\d{{1,2}}|{'|'.join(UNITS[1:])}|twenty(?:[- ](?:{_NUMBERS}))?"
_SPOKEN = re.compile(
    rf"\b(?:(?P<part>half|(?:a )?quarter|five|ten|twenty(?:[- ]five)?|5|10|20|25|(?:{_COUNTED})(?= minutes?\b))"
    rf"(?: minutes?)? (?P<side>past|to) {_HOUR}|(?P<sharp>{_NUMBERS}) o'?clock)\b(?![:.]\d)",
    re.I,
)
CLOSE = r"shortly|just|right|soon|a (?:little|bit|moment|few minutes)|some minutes|minutes"
"""Before "before" and "after"."""
_SHARP = re.compile(
    rf"\b(?P<at>at|around|about|(?:{CLOSE}) (?:after|before)|"
    rf"(?:(?<=\bdo )|(?<=\bdoing )|(?<=\bopen )|(?<=\bread ))(?:after|before)) {_HOUR}"
    r"(?=\s*(?:[?.!,]|$)| (?:at night|that|i|we|(?:on )?\w+day|(?:in|on) (?:the|that|this) (?:\d|morning|afternoon|evening))\b)",
    re.I,
)
"""On the hour: "at four in the afternoon", "at 9?", "shortly after 4"."""
_MINUTES = {"half": 30, "quarter": 15, "a quarter": 15}
_WRITTEN = re.compile(
    r"(?<![\d:.])(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?![\d:])"
    r"(?:\s*(?P<half>[ap])\.?m\b|\s+(?:in the (?P<part>morning|afternoon|evening)|at (?P<night>night)))?",
    re.I,
)


def in_digits(text: str) -> str:
    """ "at ten past two": "at 2:10", "at four in the afternoon": "at 4:00 in the afternoon"."""

    def clock(found: re.Match[str]) -> str:
        if found["sharp"]:
            return f"{number(found['sharp'])}:00"
        part = found["part"].lower()
        at, minutes = number(found["hour"]), _MINUTES.get(part) or number(part)
        if found["side"].lower() == "to":
            at, minutes = (at - 2) % 12 + 1, 60 - minutes
        return f"{at}:{minutes:02}"

    text = _SPOKEN.sub(clock, text)
    return _SHARP.sub(lambda found: f"{found['at']} {number(found['hour'])}:00", text)


def by_the_clock(text: str) -> str:
    """Hours of which the part of the day is said, of twenty-four: "a quarter past eight in the evening" is "20:15"."""

    def clock(found: re.Match[str]) -> str:
        part = {"a": "morning", "p": "afternoon"}.get((found["half"] or "").lower())
        part = part or (found["part"] or found["night"] or "").lower()
        hour = hour_of(int(found["hour"]), part) if part and int(found["hour"]) <= 12 else int(found["hour"])
        return f"{hour}:{found['minute']}"

    return _WRITTEN.sub(clock, in_digits(text))


def is_hour(text: str) -> bool:
    """ "20:15", all of it."""
    return _WRITTEN.fullmatch(text) is not None


def hours_told(text: str) -> frozenset[str]:
    """Every hour that a text tells as it may be asked for, "8:15" and "20:15": most say neither morning nor evening."""
    told: set[str] = set()
    for found in _WRITTEN.finditer(in_digits(text)):
        hour, minute = int(found["hour"]), found["minute"]
        told |= {f"{hour}:{minute}", f"{(hour + 12) % 24}:{minute}", f"{hour % 12}:{minute}"}
    return frozenset(told)


def number(said: str) -> int:
    """ "25" and "twenty-five"."""
    return int(tokens(said)[0])
