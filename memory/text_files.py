"""Conversations and notes from files, as messages. Times are those of the events, never of the import."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from memory.conversation import Message
from memory.zone import offset_of, unix_of
from runtime.errors import InputError

TURN_S = 20.0
"""Between two messages of a session of which only the beginning is told."""
PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}
"""How the names of pictures that can be read end."""
_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_.](\d\d)[-_.](\d\d)(?:[T _](\d\d)[:\-.](\d\d))?(?!\d)")
_FRONT = re.compile(r"\A---\s*\n(.*?)\n---\s*\n", re.DOTALL)
_HEADING = re.compile(r"^#{1,6}\s+(.*)$")


class ChatLine(BaseModel):
    """One line of a chat file. time: Unix seconds, or ISO 8601 (without a zone: of the memory's zone); a line without
    one follows the line before it. session: what belongs together; without it a day is a session.
    speaker (or role), text (or content). images: files (from where the chat lies), captions, or objects with a path and a
    caption.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    text: str = Field(default="", validation_alias=AliasChoices("text", "content"))
    speaker: str | None = Field(default=None, validation_alias=AliasChoices("speaker", "role", "name"))
    time: float | str | None = Field(default=None, validation_alias=AliasChoices("time", "timestamp", "date"))
    session: str | int | None = None
    images: list[str | dict[str, Any]] = Field(default_factory=list)
    id: str | int | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A message, and the pictures that came with it, not yet looked at."""

    message: Message
    pictures: tuple[Path, ...] = ()


def read_chat(path: Path, zone: tzinfo | None = None) -> list[Told]:
    """A chat in JSON lines (`ChatLine`). zone: of times that name none.
    Raises InputError with the line at fault.
    """
    out: list[Told] = []
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            found = json.loads(line)
            if not isinstance(found, dict):
                raise ValueError
            one = ChatLine.model_validate(found)
        except ValidationError as error:
            first = error.errors()[0]
            raise InputError(f"{where}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        except (ValueError, RecursionError):
            raise InputError(f"{where}: not a JSON object") from None
        captions, pictures = _shown(one.images, path, where)
        if not one.text.strip() and not captions and not pictures:
            continue
        offset_s = None
        if one.time is not None:
            time_s, offset_s = told_time(one.time, where, zone)
        elif out:
            time_s = out[-1].message.time_s + TURN_S
        else:
            raise InputError(f"{where}: no time; the first line of a chat has to say when it was")
        session = (
            f"{datetime.fromtimestamp(time_s, zone):%Y-%m-%d}" if one.session is None else str(one.session)
        )
        ref = None if one.id is None else str(one.id)
        message = Message(
            one.text, time_s, session, one.speaker or None, captions, ref, utc_offset_s=offset_s
        )
        out.append(Told(message, pictures))
    if not out:
        raise InputError(f"{path}: no messages in it")
    return out


def read_note(path: Path, zone: tzinfo | None = None) -> list[Message]:
    """A note or a document in Markdown or plain text: a message for each paragraph, under its heading.

    Its time: a date in a heading, else `date:` in its front matter, else a date in its file name, else when the file was
    last changed. zone: as of `read_chat`. Raises InputError.
    """
    text = read_text(path)
    time_s = dated(path.name, zone) or path.stat().st_mtime
    if front := _FRONT.match(text):
        text = text[front.end() :]
        for line in front[1].splitlines():
            name, _, value = line.partition(":")
            if name.strip().lower() in ("date", "created"):
                time_s = dated(value, zone) or time_s
    out: list[Message] = []
    heading = ""
    for block in re.split(r"\n\s*\n", text):
        lines: list[str] = []
        for line in block.strip().splitlines():
            if found := _HEADING.match(line.strip()):
                _put(out, lines, heading, path, time_s)
                lines, heading = [], found[1].strip()
                time_s = dated(heading, zone) or time_s
            elif line.strip():
                lines.append(line.strip())
        _put(out, lines, heading, path, time_s)
    if not out:
        raise InputError(f"{path}: no text in it")
    return out


def dated(text: str, zone: tzinfo | None = None) -> float | None:
    """Unix time of the first ISO date in a text, None where there is none."""
    found = date_in(text)
    return None if found is None else unix_of(found, zone)


def date_in(text: str) -> datetime | None:
    """The first ISO date in a text, without a zone; None where there is none."""
    found = _DATE.search(text)
    if found is None:
        return None
    try:
        parts = [int(part) for part in found.groups("0")]
        return datetime(*parts)  # type: ignore[arg-type]
    except ValueError:
        return None


def told_time(value: float | str, where: str, zone: tzinfo | None = None) -> tuple[float, float | None]:
    """Unix time, and the offset that it was told with (`offset_of`). Raises InputError, beginning with where."""
    try:
        if isinstance(value, str):
            when = datetime.fromisoformat(value.strip())
            return unix_of(when, zone), offset_of(when)
        datetime.fromtimestamp(value, zone)
        return float(value), None
    except (ValueError, OverflowError, OSError):
        raise InputError(f"{where}: {value!r} is no time (Unix seconds, or like 2024-05-08T13:56)") from None


def read_text(path: Path) -> str:
    """Raises InputError."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text in UTF-8") from None


def _put(out: list[Message], lines: list[str], heading: str, path: Path, time_s: float) -> None:
    if lines:
        text = f"{heading}: {' '.join(lines)}" if heading else " ".join(lines)
        out.append(Message(text, time_s, path.name, ref=path.name))


def _shown(
    images: list[str | dict[str, Any]], chat: Path, where: str
) -> tuple[tuple[str, ...], tuple[Path, ...]]:
    """Captions, and the files that are there. Raises InputError: a path that names no file."""
    captions, files = [], []
    for image in images:
        one = {"caption": image} if isinstance(image, str) else image
        named = one.get("path") or one.get("file")
        caption = str(one.get("caption") or "")
        if named is None and Path(caption).suffix.lower() in PICTURES:
            named, caption = caption, ""
        if named is not None:
            file = chat.parent / str(named)
            if not file.is_file():
                raise InputError(f"{where}: images: {named}: no such file")
            files.append(file)
        if caption:
            captions.append(caption)
    return tuple(captions), tuple(files)
