"""The data channel's messages: what is refused, and that server, page and document speak of the same ones."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from runtime.app.live import protocol

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "docs" / "live-protocol.md").read_text()
WIRE = (ROOT / "demo" / "web" / "wire.js").read_text()


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ({"type": "ask", "text": "What was it?"}, protocol.Ask),
        ({"v": 1, "type": "forget", "minutes": 5}, protocol.Forget),
        ({"type": "timeline", "request": "s/0", "from": 1.5, "to": 9}, protocol.Timeline),
        ({"type": "search", "request": 3, "text": "bottle", "colour": "red"}, protocol.Search),
    ],
)
def test_a_good_message(message: dict[str, Any], kind: type) -> None:
    assert isinstance(protocol.parse(json.dumps(message)), kind)


@pytest.mark.parametrize(
    "data",
    [
        "",
        "{",
        "null",
        "[]",
        b"\xff\xfe",
        '{"type": "dance"}',
        '{"v": 2, "type": "ping"}',
        '{"type": "ask"}',
        '{"type": "ask", "text": " "}',
        json.dumps({"type": "ask", "text": "x" * 2001}),
        '{"type": "forget", "minutes": -1}',
        '{"type": "timeline", "from": -1}',
        json.dumps({"type": "unwatch", "id": "x" * 65}),
        json.dumps({"type": "ping", "padding": "x" * protocol.MAX_MESSAGE_BYTES}),
        "[" * 16_000,
    ],
)
def test_a_bad_message_is_one_line(data: str | bytes) -> None:
    with pytest.raises(protocol.ProtocolError) as refused:
        protocol.parse(data)
    assert str(refused.value)
    assert "\n" not in str(refused.value)


def documented(heading: str) -> set[str]:
    section = DOCUMENT.split(f"### {heading}\n")[1].split("\n### ")[0]
    return set(re.findall(r"^\| `(\w+)` \|", section, re.M))


def test_the_document_names_all_events_and_the_page_knows_them() -> None:
    known = set(re.findall(r"^  (\w+): \{", WIRE, re.M))
    sources = (ROOT / "runtime" / "app" / "live").glob("*.py")
    shown = {kind for path in sources for kind in re.findall(r"\b_?show\(\s*\"(\w+)\"", path.read_text())}
    assert len(shown) > 15
    assert documented("From the server") == known
    assert shown == known


def test_the_document_names_all_messages() -> None:
    schema = protocol._ADAPTER.json_schema()
    taken = {name.rpartition("/")[2] for name in schema["discriminator"]["mapping"]}
    assert documented("From the page") == taken
