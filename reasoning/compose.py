"""Put an answer into words from the evidence itself."""

from __future__ import annotations

from collections.abc import Sequence

from reasoning.times import clock_text
from runtime.messages import Evidence

ABSTAINED = "I have not seen or heard that."

_LONG, _BEGIN = 300, 80
"""Characters from which on a quotation is cut, and how many of its begin stay."""
_HOW = {"said": "said", "read": "on screen", "seen": "seen"}


def quote(evidence: Evidence, unit: str = "") -> str:
    """What it says; of what is long, how it begins and its answering sentence or line (unit)."""
    text = " / ".join(line.strip() for line in evidence.text.splitlines() if line.strip())
    at = text.find(unit) if unit else -1
    if len(text) > _LONG and at > _BEGIN:
        text = f"{text[:_BEGIN].rpartition(' ')[0]} … {unit}"
    elif len(text) > _LONG and at >= 0:
        text = f"{text[: at + len(unit)]} …"
    return f"“{evidence.asked}” “{text}”" if evidence.asked else f"“{text}”"


def how(evidence: Evidence) -> str:
    """By which sense, and who said it where they have a name; of a file or a picture, which one."""
    if evidence.place is not None:
        return f"in {evidence.place}"
    by = f" by {evidence.speaker}" if evidence.named else ""
    return f"{_HOW[evidence.modality]}{by}"


def place(evidence: Evidence) -> str:
    at = "at" if evidence.place is None else "of"
    return f"{how(evidence)} {at} {clock_text(evidence.t_start_s)}"


def fact_answer(short: str | None, evidence: Evidence, unit: str = "") -> str:
    """The answering words, the sentence they stand in (unit), and when: a reader can check it at a glance."""
    proof = f"{quote(evidence, unit)} ({place(evidence)})"
    if not short:
        return proof
    return f"{short[0].upper()}{short[1:].rstrip(' .')}. {proof}"


def moment_answer(moments: Sequence[Evidence], certain: bool, happened: str | None = None) -> str:
    """Times first, most likely first, so that the first one alone is an answer.

    certain: the words themselves were found; otherwise the moments only look alike. happened: when that was which the first of
    them tells of, if that is not when it was said.
    """
    first, rest = moments[0], moments[1:]
    others = " and ".join(clock_text(m.t_start_s) for m in rest)
    if happened is not None:
        text = f"{happened[0].upper()}{happened[1:]}. {quote(first)} ({place(first)})."
        return f"{text} Also at {others}." if rest else text
    if certain:
        text = f"At {clock_text(first.t_start_s)}: {quote(first)} ({how(first)})."
        return f"{text} Also at {others}." if rest else text
    text = f"Most likely at {clock_text(first.t_start_s)}, going by the picture"
    return f"{text}; otherwise at {others}." if rest else f"{text}."
