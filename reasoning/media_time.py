"""The part of a recording that a question names: "about three minutes in", "around minute fourteen", "in the last quarter"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from memory.text import TENS, UNITS, tokens

_ABOUT_S = 75.0
"""How far from a minute that is named "about" reaches."""
_MEDIA = r"(?:the |this )?(?:video|recording|clip|film|footage|stream)"
_OF = rf"(?: of {_MEDIA})"
_UNITS = "|".join(UNITS[1:])
_AMOUNT = rf"(?P<amount>\d{{1,3}}|(?:{'|'.join(TENS)})(?:[- ](?:{_UNITS}))?|{_UNITS})\b"
_NEAR = r"(?:(?:at|around|about|roughly|some|near|approximately) )+"
_MINUTES = rf"{_AMOUNT}(?P<half> and a half)? minutes?(?P<after> and a half)?"
_INTO = re.compile(rf"\b(?:{_NEAR})?{_MINUTES} into {_MEDIA}\b", re.I)
_IN = re.compile(rf"\b{_NEAR}{_MINUTES} in\b(?! (?:the|a|an|my|all|total|advance)\b)", re.I)
_MINUTE = re.compile(rf"\b{_NEAR}(?:the )?minute {_AMOUNT}(?:{_OF})?", re.I)
_SHARE = re.compile(
    rf"\b(?:in|during|within|of|from|according to) the (?P<which>first|second|third|fourth|last|final|middle) "
    rf"(?P<part>half|third|quarter){_OF}",
    re.I,
)
_END = re.compile(
    rf"\b(?:(?:near|at|towards?|close to|before|right at) the (?:very )?(?P<end>end|beginning|start)|(?P<early>early|late) in|"
    rf"in the (?P<middle>middle))(?:{_OF}|(?<= in) {_MEDIA})",
    re.I,
)
_PARTS = {"half": 2, "third": 3, "quarter": 4}
_ORDER = {"first": 0, "second": 1, "third": 2, "fourth": 3}
_SLACK = 0.02
"""Of the whole, beyond either side of a share."""


@dataclass(frozen=True, slots=True)
class MediaTime:
    """from_s, to_s: seconds of the recording. rest: the question without the words that say it."""

    from_s: float
    to_s: float
    rest: str


def media_time(text: str, duration_s: float) -> MediaTime | None:
    """None where a question names no part of a recording of that length. Of several parts that are named, what they share."""
    from_s, to_s, rest = 0.0, duration_s, text
    for pattern in (_INTO, _IN, _MINUTE, _SHARE, _END):
        found = pattern.search(rest)
        if found is not None:
            span = _span(found, duration_s)
            from_s, to_s = max(from_s, span[0]), min(to_s, span[1])
            rest = f"{rest[: found.start()].rstrip(' ,')}{rest[found.end() :]}".strip(" ,")
    return None if rest == text or from_s >= to_s else MediaTime(from_s, to_s, rest)


def _span(found: re.Match[str], duration_s: float) -> tuple[float, float]:
    groups = found.groupdict()
    if "amount" in groups:
        value = float(tokens(groups["amount"])[-1])
        if "half" not in groups:
            # Minute 14 goes from 13:00 to 14:00 for some, from 14:00 for others.
            return 60.0 * value - _ABOUT_S, 60.0 * value + _ABOUT_S
        middle_s = 60.0 * value + (30.0 if groups["half"] or groups["after"] else 0.0)
        return middle_s - _ABOUT_S, middle_s + _ABOUT_S
    if "part" in groups:
        parts, which = _PARTS[groups["part"].lower()], groups["which"].lower()
        at = (
            parts - 1.0
            if which in ("last", "final")
            else (parts - 1) / 2
            if which == "middle"
            else _ORDER[which]
        )
        return (at / parts - _SLACK) * duration_s, ((at + 1) / parts + _SLACK) * duration_s
    if groups["middle"]:
        return duration_s / 4, duration_s * 3 / 4
    late = (groups["end"] or groups["early"]).lower() in ("end", "late")
    return (duration_s * 2 / 3, duration_s) if late else (0.0, duration_s / 3)
