"""PersonaMem's format (Jiang et al., 2025, arXiv 2504.14225): what a user told an assistant over many sessions, and which of
four replies fits the user as they are by then.

questions_NAME.csv has a row a question: question_id, question_type, user_question_or_message, correct_answer ("(c)"),
all_options (a list of texts, each with its letter), shared_context_id, end_index_in_shared_context. shared_contexts_NAME.jsonl
beside it has a line a context: {its id: [{"role", "content"}]}. The format has no dates: messages follow each other, and a
session begins at each message of the system, which describes the user and is not remembered.
"""

from __future__ import annotations

import ast
import csv
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from memory import Message
from memory.text_files import TURN_S
from runtime.errors import InputError

_DAY_S = 86_400.0
_BEGIN_S = datetime(2024, 1, 1, 9, tzinfo=UTC).timestamp()
_LETTER = re.compile(r"\s*\(?([a-zA-Z])\)?[\s.:]*")
_SPOKEN = re.compile(r"^(?:user|assistant)\s*:\s*", re.I)
_FIELD_CHARS = 1 << 24


@dataclass(frozen=True, slots=True)
class PersonaQuestion:
    """correct: place in options, which have no letters. asked_s: when all that was told before it is known."""

    id: str
    kind: str
    text: str
    options: tuple[str, ...]
    correct: int
    context: str
    asked_s: float


@dataclass(frozen=True, slots=True)
class PersonaFile:
    """contexts: by id, the messages of the user and the assistant."""

    questions: tuple[PersonaQuestion, ...]
    contexts: Mapping[str, tuple[Message, ...]]


def contexts_beside(questions: Path) -> Path:
    return questions.with_name(questions.name.replace("questions", "shared_contexts")).with_suffix(".jsonl")


def read_personamem(questions: Path, contexts: Path | None = None) -> PersonaFile:
    """contexts: the file of the shared contexts, `contexts_beside` the questions if None.

    Raises InputError: a file that cannot be read, or is not in PersonaMem's format.
    """
    csv.field_size_limit(_FIELD_CHARS)
    try:
        with questions.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        if not rows:
            raise InputError(f"{questions}: no questions in it")
        if "question_id" not in rows[0]:
            raise KeyError("question_id")
        told, times = _contexts(contexts or contexts_beside(questions))
        found = tuple(_question(row, times) for row in rows)
    except OSError as error:
        raise InputError(f"{questions}: {error.strerror or error}") from None
    except (KeyError, TypeError, ValueError, SyntaxError, csv.Error) as error:
        raise InputError(
            f"{questions}: not in PersonaMem's format ({type(error).__name__}: {error})"
        ) from None
    return PersonaFile(found, told)


def _contexts(path: Path) -> tuple[dict[str, tuple[Message, ...]], dict[str, list[float]]]:
    """The messages of each context, and the time of each of its entries, those of the system included."""
    told: dict[str, tuple[Message, ...]] = {}
    times: dict[str, list[float]] = {}
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                for name, entries in json.loads(line).items():
                    told[name], times[name] = _messages(entries)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"{path}: not in PersonaMem's format ({type(error).__name__}: {error})") from None
    return told, times


def _messages(entries: list[dict[str, Any]]) -> tuple[tuple[Message, ...], list[float]]:
    out, times = [], []
    session, turn = 0, 0
    for i, entry in enumerate(entries):
        if entry["role"] == "system":
            session, turn = session + 1, 0
        at_s = _BEGIN_S + session * _DAY_S + turn * TURN_S
        turn += 1
        times.append(at_s)
        if entry["role"] != "system":
            text = _SPOKEN.sub("", str(entry["content"]))
            out.append(Message(text, at_s, f"{session:03d}", entry["role"], ref=str(i)))
    return tuple(out), times


def _question(row: Mapping[str, str], times: Mapping[str, list[float]]) -> PersonaQuestion:
    context = row["shared_context_id"]
    if context not in times:
        raise ValueError(f"there is no context {context!r}")
    end = int(row["end_index_in_shared_context"])
    if not 0 < end <= len(times[context]):
        raise ValueError(f"end_index_in_shared_context {end} is outside of context {context!r}")
    options = _options(row["all_options"])
    letter = _letter(row["correct_answer"])
    if letter not in options:
        raise ValueError(f"correct_answer {row['correct_answer']!r} is none of the options")
    return PersonaQuestion(
        id=row["question_id"],
        kind=row["question_type"],
        text=_SPOKEN.sub("", row["user_question_or_message"]),
        options=tuple(options.values()),
        correct=list(options).index(letter),
        context=context,
        asked_s=times[context][end - 1],
    )


def _options(text: str) -> dict[str, str]:
    """Letter -> text. The list is written as JSON or as Python writes it."""
    try:
        found = json.loads(text)
    except ValueError:
        found = ast.literal_eval(text)
    out = {_letter(one): _LETTER.sub("", one, count=1) for one in found}
    if len(out) < 2 or len(out) != len(found):
        raise ValueError("all_options must be a list of two or more, each with its letter")
    return out


def _letter(text: str) -> str:
    found = re.match(r"\s*\(?([a-zA-Z])(?=[\s).:]|$)", text)
    if found is None:
        raise ValueError(f"{text[:40]!r} begins with no letter")
    return found[1].lower()
