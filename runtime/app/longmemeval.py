"""LongMemEval's format (Wu et al., 2024): chats with an assistant in sessions, one question about each haystack."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from memory import Message
from memory.text import tokens
from memory.text_files import TURN_S
from runtime.errors import InputError

ABSTENTION = "_abs"
_DATE = re.compile(r"(\d{4})/(\d\d?)/(\d\d?)\D*?(?:(\d\d?):(\d\d))?\s*$")


@dataclass(frozen=True, slots=True)
class LongMemQuestion:
    """sessions: those that answer it; turns: names of the messages that do, where the file marks them.

    absent: nothing in the haystack answers it, and the right answer is to say so.
    """

    id: str
    kind: str
    text: str
    answer: str
    asked_s: float
    messages: tuple[Message, ...]
    sessions: frozenset[str]
    turns: frozenset[str]
    absent: bool


def read_longmemeval(path: Path) -> list[LongMemQuestion]:
    """Raises InputError: no file, not JSON, not in LongMemEval's format."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error})") from None
    try:
        found = [_question(one) for one in data]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"{path}: not in LongMemEval's format ({type(error).__name__}: {error})") from None
    if not found:
        raise InputError(f"{path}: no questions in it")
    return found


def _question(data: Mapping[str, Any]) -> LongMemQuestion:
    messages: list[Message] = []
    turns: set[str] = set()
    parts = zip(data["haystack_session_ids"], data["haystack_dates"], data["haystack_sessions"], strict=True)
    for session, date, talk in parts:
        begin_s = _time(date)
        for i, turn in enumerate(talk):
            ref = f"{session}#{i}"
            messages.append(Message(turn["content"], begin_s + i * TURN_S, session, turn["role"], ref=ref))
            if turn.get("has_answer"):
                turns.add(ref)
    return LongMemQuestion(
        id=data["question_id"],
        kind=data["question_type"],
        text=data["question"],
        answer=str(data["answer"]),
        asked_s=_time(data["question_date"]),
        messages=tuple(messages),
        sessions=frozenset(data["answer_session_ids"]),
        turns=frozenset(turns),
        absent=str(data["question_id"]).endswith(ABSTENTION),
    )


def _time(text: str) -> float:
    """Unix time of "2023/05/20 (Sat) 02:21"."""
    found = _DATE.match(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no date")
    return datetime(*(int(part or 0) for part in found.groups()), tzinfo=UTC).timestamp()  # type: ignore[misc, arg-type]


def says(answer: str, wanted: str) -> bool:
    """All words of the wanted answer stand in the given one: strict, and no model is needed to judge."""
    words = set(tokens(wanted))
    return bool(words) and words <= set(tokens(answer))
