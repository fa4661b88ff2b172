"""Which text keys a record gets. One record, many keys: each is a way in (MEMORY.md, rule 3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from memory.text import normalise, sentences
from runtime.messages import Observation

PAIR_GAP_S = 60.0
"""A turn is joined with the one before only if that ended at most this long before it began."""

_SCREEN_LINES = 12


@dataclass(frozen=True, slots=True)
class Key:
    """id: record's id, kind and number. norm: normalised text, never empty."""

    id: str
    kind: str
    text: str
    norm: str


def keys_of(record: Observation, previous: Observation | None) -> list[Key]:
    """turn, pair (with the turn before), heard (another reading of it); line (each with the screen's heading), screen;
    seen. Of a message: message (passage, where nobody is named as its writer), and each of its sentences.

    previous: the utterance of the same source before a said record. Texts of nothing but stop words give no
    key.
    """
    if is_message(record):
        texts = _message(record)
    elif record.modality == "said":
        texts = [("turn", record.text)]
        if previous is not None and record.t_start_s - previous.t_end_s <= PAIR_GAP_S:
            texts.append(("pair", f"{previous.text} {record.text}"))
        texts += [("heard", reading) for reading in readings_of(record)]
    elif record.details.get("screen"):
        texts = [("line" if record.modality == "read" else "seen", text) for text in _screen_parts(record)]
    elif record.modality == "read":
        lines = lines_of(record)
        texts = [("line", line) for line in with_heading(lines)]
        if len(lines) > 2:
            texts.append(("screen", "\n".join(lines)))
    else:
        texts = [("seen", record.text)]
    return list(_keys(record.id, texts))


def readings_of(record: Observation) -> tuple[str, ...]:
    """Other readings of what was said, likeliest first."""
    return tuple(map(str, record.details.get("alternatives") or ()))


def is_message(record: Observation) -> bool:
    """Part of a conversation, note or document that came as text; its session is named in the details."""
    return "session" in record.details


def _message(record: Observation) -> list[tuple[str, str]]:
    """With the speaker's name before every sentence: "I went there" says nothing of who did (rule-made facts).

    A message's key comes before those of its sentences, and its first word is its speaker's name.
    """
    whole = "message" if record.speaker else "passage"
    said = f"{record.speaker}: " if record.speaker else ""
    texts = [(whole, f"{said}{record.text}")]
    parts = sentences(record.text)
    if len(parts) > 1:
        texts += [("sentence", f"{said}{part}") for part in parts]
    return texts


def _screen_parts(record: Observation) -> list[str]:
    """A few lines at a time, under the window's title: a screen is full of lines that say little alone, and a vector
    costs more than their text.
    """
    lines = [line.strip() for line in record.text.splitlines() if line.strip()]
    heading = lines[: int(record.details.get("heading", 0))]
    rest = lines[len(heading) :]
    parts = [rest[i : i + _SCREEN_LINES] for i in range(0, len(rest), _SCREEN_LINES)] or [[]]
    return ["\n".join([*heading, *part]) for part in parts]


def lines_of(record: Observation) -> list[str]:
    """The lines of a screen: from details["lines"] where there are any, else from the text."""
    lines: list[Any] = list(record.details.get("lines") or ())
    texts = [str(line["text"]) if isinstance(line, dict) else str(line) for line in lines]
    return [line.strip() for line in texts or record.text.splitlines() if line.strip()]


def with_heading(lines: list[str]) -> list[str]:
    """Each line below the first, after the first: "Invoice 20417: Total due: 431.20 EUR"."""
    return [f"{lines[0]}: {line}" for line in lines[1:]] or lines


def _keys(record: str, texts: Iterable[tuple[str, str]]) -> Iterable[Key]:
    numbers: dict[str, int] = {}
    for kind, text in texts:
        number = numbers[kind] = numbers.get(kind, -1) + 1
        norm = normalise(text)
        if norm:
            yield Key(f"{record}#{kind}{number}", kind, text, norm)
