"""Does a question need memory at all? (SCM, arXiv 2304.13343, section 2.3, asks a language model; here rules do.)

What the clock, arithmetic or plain politeness answers is not looked up: a memory has a best hit for everything, and none
of it would be an answer. Whole sentences only, so that "what time is it in the photograph" is looked up.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from fractions import Fraction

from memory.text import TENS, UNITS, is_number, tokens

_LEAD = re.compile(
    r"^(?:(?:hey|hi|hello|ok|okay|so|well|and|now|please|hearsight|tell me|do you know)\b[,.! ]*)+", re.I
)
_TAIL = re.compile(r"(?:[, ]+(?:please|now|right now|again|today|currently|hearsight))*[\s?.!]*$", re.I)
_HELLO = re.compile(r"(?:hello|hi|hey|good (?P<part>morning|afternoon|evening))(?: there| hearsight)?", re.I)
_TIME = re.compile(r"(?:what time (?:is it|it is)|what(?:'s| is) the time)", re.I)
_DAY = re.compile(
    r"(?:what (?:day|date)(?: of the week)? (?:is it|it is|is today|do we have)|what(?:'s| is) (?:the|today's) (?:date|day))",
    re.I,
)
_WHO = re.compile(r"(?:who|what) are you|what(?:'s| is) your name|what can you do|what do you do", re.I)
_SUM = re.compile(
    r"(?:what(?:'s| is| are)|how much (?:is|are)) (?P<a>.+?) "
    r"(?P<op>plus|minus|times|multiplied by|divided by|over|percent of|[+*x×/÷-]) (?P<b>.+)",
    re.I,
)
_NUMBERS = re.compile(
    rf"-?[\d.,]+|(?:(?:{'|'.join((*UNITS, *TENS, 'hundred', 'thousand', 'and'))})\b[ -]?)+", re.I
)
_ABOUT_ME = "I am Hearsight. I see and hear what you show me, remember it, and say what proves an answer."


def without_memory(text: str, wall_s: float, zone: tzinfo | None = None) -> str | None:
    """The answer to what needs no memory; None to everything else. English. wall_s: Unix time at which it is asked.

    zone: of the clock that is told, this machine's if None.
    """
    whole = " ".join(text.replace("’", "'").split())
    asked = _TAIL.sub("", whole)
    if found := _HELLO.fullmatch(asked):
        return f"Good {found['part'].lower()}." if found["part"] else "Hello."
    asked = _LEAD.sub("", asked)
    now = datetime.fromtimestamp(wall_s, UTC).astimezone(zone)
    if _TIME.fullmatch(asked):
        return f"It is {now:%H:%M}."
    if _DAY.fullmatch(asked):
        return f"Today is {now:%A}, {now.day} {now:%B %Y}."
    if _WHO.fullmatch(asked):
        return _ABOUT_ME
    return _reckoned(asked)


def _reckoned(asked: str) -> str | None:
    found = _SUM.fullmatch(re.sub(r" ?% of ", " percent of ", asked))
    if found is None:
        return None
    a, b = _number(found["a"]), _number(found["b"])
    if a is None or b is None:
        return None
    sign = found["op"].lower()
    if sign in ("plus", "+"):
        value = a + b
    elif sign in ("minus", "-"):
        value = a - b
    elif sign in ("times", "multiplied by", "*", "x", "×"):
        value = a * b
    elif sign == "percent of":
        value = a * b / 100
    elif b == 0:
        return None
    else:
        value = a / b
    exact = value.denominator == 1
    told = str(value.numerator) if exact else f"{float(value):.4g}"
    return f"{told}." if exact or Fraction(told) == value else f"About {told}."


def _number(text: str) -> Fraction | None:
    if not _NUMBERS.fullmatch(text):
        return None
    words = tokens(text) if text[:1].isalpha() else [text.replace(",", "")]
    if len(words) != 1 or not is_number(words[0]):
        return None
    try:
        return Fraction(words[0])
    except ValueError:
        return None
