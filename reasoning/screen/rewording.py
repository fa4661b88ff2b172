"""Other ways to put a question, brought to the plain one: "Give me the version of X" is "What is the version of X?"."""

from __future__ import annotations

import re

_NOUN = r"(?=(?:the|a|an|my|our|this|that) |[A-Z\d])"
_FORMS = (
    (re.compile(r"^(?:(?:please|can you|could you|would you|hey|ok|so|and)\b[ ,]*)+", re.I), ""),
    (
        re.compile(
            r"^(?:(?:tell|remind|show|give) me|let me know|i (?:need|want|would like|'d like) to know|"
            r"do you (?:know|remember)) (?:again )?"
            r"(?=(?:what|which|who|whom|whose|where|when|how|at what|in which|on which)\b)",
            re.I,
        ),
        "",
    ),
    (
        re.compile(rf"^(?:(?:give|tell|show|get|find|remind) me(?: of)?|what's|i need|look up|find|name) {_NOUN}", re.I),
        "What is ",
    ),
    (re.compile(r"^how (?:high|low|large|big|small|good|bad|strong|old) (is|was|are|were) (?=the\b)", re.I), r"What \1 "),
    (re.compile(r"\b(version) numbers?\b", re.I), r"\1"),
)  # fmt: skip


_LED = re.compile(
    r"^(?P<side>after|before) (?P<x>.+?), ?(?P<asks>(?:what|which|where|who)\b.+?)\s*\??$", re.I
)


def reworded(question: str) -> str:
    """The question in the form that the rules for questions read; as it is where none of these forms fits."""
    text = " ".join(question.split())
    for pattern, plain in _FORMS:
        text = pattern.sub(plain, text, count=1)
    if found := _LED.match(text):
        text = f"{found['asks']} {found['side'].lower()} {found['x']}?"
    return f"{text[:1].upper()}{text[1:]}" if text != question else question
