"""Chats and notes from files: times, sessions, and what is wrong with a line."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from memory.text_files import read_chat, read_note
from runtime.errors import InputError


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def chat(folder: Path, *lines: str) -> Path:
    path = folder / "chat.jsonl"
    path.write_text("\n".join(lines), "utf-8")
    return path


def test_a_chat(tmp_path: Path) -> None:
    told = read_chat(
        chat(
            tmp_path,
            '{"session": "s1", "time": "2024-05-06T09:30", "speaker": "Ana", "text": "Hi.", "images": ["a dog"], "id": 7}',
            '{"session": "s1", "speaker": "Ben", "text": "Hello."}',
            "",
            '{"time": 1715500000, "role": "user", "content": "What is new?"}',
            '{"time": "2024-05-12T10:00+02:00", "text": "", "images": [{"caption": "a cat", "url": "x"}]}',
        )
    )
    first, second, third, fourth = (one.message for one in told)
    assert (first.time_s, first.session, first.speaker, first.ref) == (
        at("2024-05-06T09:30"),
        "s1",
        "Ana",
        "7",
    )
    assert first.content == "Hi. [a dog]"
    assert first.time_s < second.time_s < at("2024-05-06T09:31")
    assert (third.session, third.speaker) == ("2024-05-12", "user")
    assert (fourth.time_s, fourth.content, fourth.speaker) == (at("2024-05-12T08:00"), "[a cat]", None)


def test_the_pictures_of_a_chat_are_files_beside_it_or_captions(tmp_path: Path) -> None:
    (tmp_path / "kayak.jpg").write_bytes(b"x")
    (told,) = read_chat(
        chat(
            tmp_path,
            '{"time": 1, "images": ["kayak.jpg", "a jetty", {"path": "kayak.jpg", "caption": "mine"}, {"url": "no"}]}',
        )
    )
    assert told.pictures == (tmp_path / "kayak.jpg",) * 2
    assert told.message.captions == ("a jetty", "mine")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "line 1: not a JSON object"),
        ("[1, 2]", "line 1: not a JSON object"),
        ("[1]", "line 1"),
        ('{"text": "Hi."}', "line 1: no time"),
        ('{"text": "Hi.", "time": "soon"}', "line 1: 'soon' is no time"),
        ('{"text": "Hi.", "time": 1e300}', "line 1: 1e\\+300 is no time"),
        ('{"text": ["Hi."], "time": 1}', "line 1: text"),
        ('{"text": "Hi.", "time": 1, "images": ["none.png"]}', "line 1: images: none.png: no such file"),
        ("", "no messages"),
    ],
)
def test_what_is_wrong_with_a_chat(tmp_path: Path, line: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        read_chat(chat(tmp_path, line))


def test_a_note_has_the_times_that_it_names(tmp_path: Path) -> None:
    path = tmp_path / "garden.md"
    path.write_text(
        "---\ndate: 2024-05-01\n---\nSeeds came.\n\n# 2024-05-07 Beans\n\nThree rows\nby the wall.\n\n## Later\n\nThey grow."
    )
    assert [(m.text, m.time_s) for m in read_note(path)] == [
        ("Seeds came.", at("2024-05-01")),
        ("2024-05-07 Beans: Three rows by the wall.", at("2024-05-07")),
        ("Later: They grow.", at("2024-05-07")),
    ]


def test_a_note_without_a_date_is_as_old_as_its_file(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_text("The key is under the mat.")
    os.utime(path, (1000.0, 2000.0))
    assert [m.time_s for m in read_note(path)] == [2000.0]
    dated = tmp_path / "2024-05-07 note.txt"
    dated.write_text("The key is under the mat.")
    assert [m.time_s for m in read_note(dated)] == [at("2024-05-07")]


def test_a_note_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "b.md").write_text("\n\n# Only a heading\n")
    for name, why in (("a.md", "UTF-8"), ("b.md", "no text")):
        with pytest.raises(InputError, match=why):
            read_note(tmp_path / name)
