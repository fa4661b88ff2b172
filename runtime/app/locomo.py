"""LoCoMo (Maharana et al., 2024): how much of the evidence for a question is among the first turns found.

No language model, neither when writing nor when searching; the facts and summaries shipped with the data are not read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from memory import Message
from memory.text_files import TURN_S
from runtime.errors import InputError

CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop"}
_SESSION = re.compile(r"session_(\d+)$")
_EVIDENCE = re.compile(r"D\s*(\d+)\s*:\s*(\d+)")


@dataclass(frozen=True, slots=True)
class LocomoQuestion:
    """evidence: names of the turns that answer it, each once."""

    text: str
    category: int
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LocomoSample:
    name: str
    messages: tuple[Message, ...]
    questions: tuple[LocomoQuestion, ...]


def read_locomo(path: Path) -> list[LocomoSample]:
    """Raises InputError: no file, not JSON, not in LoCoMo's format."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error})") from None
    samples = data if isinstance(data, list) else [data]
    try:
        return [_sample(number, one) for number, one in enumerate(samples)]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"{path}: not in LoCoMo's format ({type(error).__name__}: {error})") from None


def _sample(number: int, data: Mapping[str, Any]) -> LocomoSample:
    talk = data["conversation"]
    messages: list[Message] = []
    names = sorted((int(m[1]), name) for name in talk if (m := _SESSION.match(name)))
    for session, name in names:
        begin_s = _time(talk[f"{name}_date_time"])
        for i, turn in enumerate(talk[name]):
            caption = turn.get("blip_caption")
            messages.append(
                Message(
                    text=str(turn.get("text") or ""),
                    time_s=begin_s + i * TURN_S,
                    session=f"{session:03d}",
                    speaker=turn["speaker"],
                    captions=(caption,) if caption else (),
                    ref=turn["dia_id"],
                )
            )
    known = {m.ref for m in messages if m.content}
    questions = []
    for qa in data["qa"]:
        named = [
            f"D{int(a)}:{int(b)}" for text in qa.get("evidence") or () for a, b in _EVIDENCE.findall(text)
        ]
        evidence = tuple(dict.fromkeys(name for name in named if name in known))
        if qa["category"] in CATEGORIES and evidence:
            questions.append(LocomoQuestion(qa["question"], qa["category"], evidence))
    return LocomoSample(str(data.get("sample_id", number)), tuple(messages), tuple(questions))


def _time(text: str) -> float:
    """Unix time of "1:56 pm on 8 May, 2023"."""
    return datetime.strptime(text.strip().upper(), "%I:%M %p ON %d %B, %Y").replace(tzinfo=UTC).timestamp()


def recall(found: Sequence[str], evidence: Sequence[str], k: int) -> float:
    """Share of the evidence among the first k."""
    return len(set(found[:k]) & set(evidence)) / len(evidence)
