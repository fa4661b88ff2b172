"""The words that wishes are made of, and what of a sentence is only politeness."""

from __future__ import annotations

import re


def phrase(*parts: str) -> re.Pattern[str]:
    """A pattern for a whole sentence, in any case. Spaces in it stand for themselves: texts come with single ones."""
    return re.compile("^(?:" + "".join(parts) + ")$", re.I)


def any_of(*choices: str) -> str:
    return "(?:" + "|".join(choices) + ")"


ME = "(?:me|us)"
NOT_TO = any_of("do ?n[o']t", "do not", "dont")
TELL = (
    "(?P<tell>"
    + any_of(
        rf"(?:tell|notify|alert|warn|inform|ping|message|signal|wake|call|ask) {ME}(?: up)?",
        rf"let {ME} know",
        rf"give {ME} a (?:shout|heads[ -]?up|nudge|ping|signal|call|warning|sign|beep|holler|hint)",
        "shout|beep|holler|say something|speak up",
        "i(?:'d| would)? (?:like|love|want|need) to (?:know|be (?:told|informed|notified|alerted|warned))",
    )
    + ")(?: immediately| right away| straight away| at once| again| out loud)?"
)
WHEN = (
    "(?P<when>"
    + any_of(
        "when|whenever|if|once|should|as soon as",
        "(?:in case|the (?:very )?(?:moment|minute|second|instant))(?: that)?",
        "(?:(?:the )?next|the first|every|each|any) ?time(?: that)?",
    )
    + ")"
)

_GREETING = re.compile(
    "^"
    + any_of(
        "hey|hi|hello|ok|okay|so|well|and|but|now|right|alright|all right|um+|uh+|er|please|oh|yes|yeah|great|thanks|thank you",
        "hearsight|computer|assistant|actually|also|then|just|like|maybe|kindly|before i forget|by the way|one more thing",
    )
    + r"\b[,.! ]*",
    re.I,
)
_REQUEST = re.compile(
    "^"
    + any_of(
        "(?:can|could|would|will) you",
        "i(?:'d| would) (?:like|love|want) (?:for )?you to|i (?:want|need) you to",
        "would you mind|do me a favou?r(?: and)?|be sure to|don'?t forget to|make sure (?:to|that you|you)",
        "you (?:can|could|should|may|must)",
    )
    + r"\b[, ]*",
    re.I,
)
_FAREWELL = re.compile(
    "[, ]*"
    r"\b(?:please|thanks|thank you|okay|ok|(?:will|would|could|can) you|if you can|if possible|hearsight)[.!? ]*$",
    re.I,
)


def bare(sentence: str) -> str:
    """A sentence without greetings and politeness at both ends, and without its full stop."""
    text = sentence.strip(" ,.!?")
    while True:
        shorter = _REQUEST.sub("", _GREETING.sub("", text, count=1), count=1)
        shorter = _FAREWELL.sub("", shorter).strip(" ,.!?")
        if shorter == text:
            return text
        text = shorter


_DETERMINERS = re.compile(
    r"^(?:(?:an?|the|any|some|another|my|your|our|this|that|these|those|one of the|at least one) )+", re.I
)


def without_article(text: str) -> str:
    """ "the red car" -> "red car"."""
    return _DETERMINERS.sub("", text.strip(" ,.!?"))
