"""What the page and the server say to each other on the data channel: JSON, one object a message, version 1."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from runtime.messages import Answer, Evidence

VERSION = 1
MAX_MESSAGE_BYTES = 16_384
MAX_TEXT = 2000

Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT, pattern=r"\S")]
Message = dict[str, Any]


class ProtocolError(Exception):
    """The page sent something that is no message; the text says what."""


class _Incoming(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    v: Literal[1] = 1


class Ask(_Incoming):
    type: Literal["ask"]
    text: Text


class InterruptTurn(_Incoming):
    type: Literal["interrupt"]


class Forget(_Incoming):
    """The last minutes, or all."""

    type: Literal["forget"]
    minutes: float | None = Field(default=None, gt=0, le=60 * 24 * 7)
    all: bool = False


class AddWatch(_Incoming):
    type: Literal["watch"]
    text: Text


class RemoveWatch(_Incoming):
    type: Literal["unwatch"]
    id: Annotated[str, Field(max_length=64)]


class Search(_Incoming):
    type: Literal["search"]
    request: int | str = 0
    text: Text


class Timeline(_Incoming):
    """Clips between two times of the session, in seconds."""

    type: Literal["timeline"]
    request: int | str = 0
    from_s: float = Field(default=0.0, alias="from", ge=0)
    to_s: float = Field(default=1e9, alias="to", ge=0)


class Name(_Incoming):
    """What the speaker of an utterance is called."""

    type: Literal["name"]
    id: Annotated[str, Field(max_length=64)]
    name: Annotated[str, Field(min_length=1, max_length=80, pattern=r"\S")]


class Quiet(_Incoming):
    type: Literal["quiet"]
    on: bool


class Ping(_Incoming):
    type: Literal["ping"]
    at: float = 0.0


Incoming = Annotated[
    Ask | InterruptTurn | Forget | AddWatch | RemoveWatch | Search | Timeline | Name | Quiet | Ping,
    Field(discriminator="type"),
]
_ADAPTER: TypeAdapter[Any] = TypeAdapter(Incoming)


def parse(data: str | bytes) -> Any:
    """One of the classes above. Raises ProtocolError."""
    if len(data) > MAX_MESSAGE_BYTES:
        raise ProtocolError(f"a message of {len(data)} bytes; {MAX_MESSAGE_BYTES} are allowed")
    try:
        return _ADAPTER.validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ProtocolError(f"{where}: {first['msg'].lower()}" if where else first["msg"].lower()) from None


def dump(kind: str, **fields: Any) -> str:
    return json.dumps({"v": VERSION, "type": kind, **fields}, ensure_ascii=False, allow_nan=False)


def evidence_of(evidence: Sequence[Evidence], pictures: dict[str, str]) -> list[Message]:
    """pictures: path of the picture of that moment, by the record's id."""
    return [
        {
            "id": e.id,
            "t_start": round(e.t_start_s, 2),
            "t_end": round(e.t_end_s, 2),
            "modality": e.modality,
            "text": e.text,
            "picture": pictures.get(e.id),
            "speaker": e.speaker,
        }
        for e in evidence
    ]


def answer_fields(answer: Answer, pictures: dict[str, str], latency: dict[str, float]) -> Message:
    return {
        "turn": answer.turn_id,
        "text": answer.text,
        "abstained": answer.abstained,
        "note": answer.note,
        "engine": answer.engine,
        "evidence": evidence_of(answer.evidence, pictures),
        "latency": {name: round(value, 3) for name, value in latency.items()},
    }
