"""What of the found goes into a prompt of so many tokens: a record in full, its session's synopsis, or nothing (SCM)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from memory.hits import Hit

_CHARS_PER_TOKEN = 3.6
"""Of English in the tokenizers of today's models, on the safe side."""
_MARKS = 6
"""Tokens around a part: its time, its speaker, a line break."""

Form = Literal["full", "synopsis", "dropped"]


@dataclass(frozen=True, slots=True)
class Packed:
    """A hit and the form in which it goes in. text: "" if dropped, or if another hit's synopsis says it already."""

    hit: Hit
    form: Form
    text: str


def tokens_of(text: str) -> int:
    """About how many tokens a language model reads in it."""
    return int(len(text) / _CHARS_PER_TOKEN) + 1


def session_of(hit: Hit) -> str:
    """What a hit shares with those of its session: the id of the node above a message, "" of anything else."""
    return f"{hit.record.id.rpartition('/')[0]}/session" if "session" in hit.record.details else ""


def pack(hits: Sequence[Hit], synopses: Mapping[str, str], budget: int) -> list[Packed]:
    """Hits best first, in the order of the answer; synopses: text by `session_of`; budget: tokens.

    Each goes in full while there is room; then its session in short, once; then not at all. What was superseded
    gives way to what took its place.
    """
    room = budget
    out: dict[str, Packed] = {}
    told: set[str] = set()
    for hit in sorted(hits, key=lambda h: h.superseded_by is not None):
        speaker = f"{hit.record.speaker}: " if hit.record.speaker else ""
        whole = f"{speaker}{hit.text}"
        session = session_of(hit)
        short = synopses.get(session, "")
        if tokens_of(whole) + _MARKS <= room:
            out[hit.record.id] = Packed(hit, "full", whole)
            room -= tokens_of(whole) + _MARKS
        elif short and (session in told or tokens_of(short) + _MARKS <= room):
            out[hit.record.id] = Packed(hit, "synopsis", "" if session in told else short)
            room -= 0 if session in told else tokens_of(short) + _MARKS
            told.add(session)
        else:
            out[hit.record.id] = Packed(hit, "dropped", "")
    return [out[hit.record.id] for hit in hits]
