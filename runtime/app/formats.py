"""The files the batch mode reads and writes: questions, manifests, answers. One JSON object a line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runtime.errors import InputError
from runtime.messages import Answer


class QuestionLine(BaseModel):
    """One question. id: a string, or a number that is taken as one. ask_at: media seconds; nothing perceived
    later is used. options: multiple choice.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    id: str = Field(min_length=1, coerce_numbers_to_str=True)
    question: str = Field(pattern=r"\S")
    ask_at: float | None = Field(default=None, ge=0, strict=True, allow_inf_nan=False)
    options: list[str] | None = None


_FileName = Annotated[str, Field(pattern=r"^[^\x00]+$")]


class ManifestLine(BaseModel):
    """One video of a manifest. Relative paths are relative to the manifest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    video: _FileName
    questions: _FileName
    out: _FileName


@dataclass(frozen=True, slots=True)
class Job:
    video: Path
    questions: tuple[QuestionLine, ...]
    out: Path


def read_questions(path: Path) -> tuple[QuestionLine, ...]:
    """Raises InputError with the line at fault."""
    out: list[QuestionLine] = []
    seen: set[str] = set()
    for number, line in _lines(path):
        try:
            item = QuestionLine.model_validate_json(line)
        except ValidationError as error:
            raise InputError(f"{path}, line {number}: {_why(error)}") from None
        if item.id in seen:
            raise InputError(f"{path}, line {number}: the id {item.id!r} is used twice")
        seen.add(item.id)
        out.append(item)
    if not out:
        raise InputError(f"{path}: no questions in it")
    return tuple(out)


def read_manifest(path: Path) -> tuple[Job, ...]:
    """Raises InputError with the line at fault, of the manifest or of a question file it names."""
    jobs: list[Job] = []
    for number, line in _lines(path):
        try:
            item = ManifestLine.model_validate_json(line)
        except ValidationError as error:
            raise InputError(f"{path}, line {number}: {_why(error)}") from None
        base = path.parent
        jobs.append(Job(base / item.video, read_questions(base / item.questions), base / item.out))
    if not jobs:
        raise InputError(f"{path}: no videos in it")
    outs = [job.out.resolve() for job in jobs]
    if len(set(outs)) < len(outs):
        raise InputError(f"{path}: two videos write to the same out file")
    return tuple(jobs)


def answer_line(question_id: str, answer: Answer) -> dict[str, Any]:
    """The answer as it stands on disk. choice: zero-based index into the options, or None.

    A moment has a "speaker" where it is known who said it, a "place" where it stands in a file or a picture.
    """
    line: dict[str, Any] = {
        "id": question_id,
        "answer": answer.text,
        "choice": answer.choice,
        "abstained": answer.abstained,
        "evidence": [
            {
                "id": e.id,
                "t_start": round(e.t_start_s, 3),
                "t_end": round(e.t_end_s, 3),
                "modality": e.modality,
                "text": e.text,
                **({"speaker": e.speaker} if e.speaker is not None else {}),
                **({"place": e.place} if e.place is not None else {}),
            }
            for e in answer.evidence
        ],
        "latency_s": round(answer.latency_s, 4),
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
    }
    if answer.note:
        line["note"] = answer.note
    return line


class AnswerFile:
    """Answers on disk, appended one by one; a second run goes on where the first one stopped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done: dict[str, dict[str, Any]] = {}
        try:
            # Made now, so that a place that cannot be written is known before a long video is read.
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a+b") as file:
                file.seek(0)
                text = file.read().decode("utf-8", "replace")
            self._load(text)
        except OSError as error:
            raise InputError(f"{path}: {error.strerror or error}") from None

    def _load(self, text: str) -> None:
        """Takes over what an earlier run has written. A last line that was cut off by a kill is dropped."""
        lines = text.split("\n")
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                self.done[str(record["id"])] = record
            except (ValueError, KeyError, TypeError):
                if number != len(lines) or not line.startswith("{"):
                    raise InputError(
                        f"{self.path}, line {number}: not an answer; move the file away or name another --out"
                    ) from None
        if lines[-1]:
            self._replace([json.dumps(r, ensure_ascii=False) for r in self.done.values()])

    def _replace(self, lines: list[str]) -> None:
        temporary = self.path.with_name(self.path.name + ".part")
        temporary.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        os.replace(temporary, self.path)

    def missing(self, questions: Sequence[QuestionLine]) -> list[QuestionLine]:
        """Those that have no answer yet."""
        return [q for q in questions if q.id not in self.done]

    def append(self, record: dict[str, Any]) -> None:
        """Writes one line through to the disk. Raises InputError when the file cannot be written."""
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise InputError(f"{self.path}: {error.strerror or error}") from None
        self.done[str(record["id"])] = record


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    for number, line in enumerate(text.split("\n"), 1):  # a string of JSON may hold what splitlines splits at
        if line.strip():
            yield number, line


def _why(error: ValidationError) -> str:
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return "not JSON"
    where = ".".join(str(p) for p in first["loc"]) or "the line"
    if first["type"] == "string_pattern_mismatch":
        return f"{where}: cannot be used: {json.dumps(first['input'])[:60]}"
    return f"{where}: {first['msg'].lower()}"
