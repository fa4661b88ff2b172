"""The batch mode's files: every mistake is one line that names the place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runtime.app.formats import AnswerFile, answer_line, read_manifest, read_questions
from runtime.errors import InputError
from runtime.messages import Answer, Evidence


def test_questions_are_read_with_their_options(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(
        '{"id": 1, "question": "Who?", "ask_at": 3.5}\n\n{"id": "b", "question": "?", "options": ["x", "y"]}\n'
    )
    first, second = read_questions(path)
    assert (first.id, first.ask_at, first.options) == ("1", 3.5, None)
    assert second.options == ["x", "y"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("not json\n", "line 1: not JSON"),
        ('{"id": "a"}\n', "line 1: question"),
        ('{"id": "a", "question": "x", "ask_at": -1}\n', "line 1: ask_at"),
        ('{"id": "a", "question": "x"}\n{"id": "a", "question": "y"}\n', "line 2: the id 'a' is used twice"),
        ("", "no questions in it"),
        ("[1, 2]\n", "line 1"),
        ("[" * 100_000 + "\n", "line 1: not JSON"),
        ('{"id": ' + "9" * 5000 + ', "question": "x"}\n', "line 1"),
        ('{"id": "a", "question": "\\ud800"}\n', "line 1: not JSON"),
        ('{"id": "", "question": "x"}\n', "line 1: id"),
        ('{"id": true, "question": "x"}\n', "line 1: id"),
        ('{"id": "a", "question": " "}\n', "line 1: question"),
        ('{"id": "a", "question": 5}\n', "line 1: question"),
        ('{"id": "a", "question": "x", "ask_at": "12"}\n', "line 1: ask_at"),
        ('{"id": "a", "question": "x", "ask_at": true}\n', "line 1: ask_at"),
        ('{"id": "a", "question": "x", "ask_at": NaN}\n', "line 1: ask_at"),
        ('{"id": "a", "question": "x", "ask_at": 1e400}\n', "line 1: ask_at"),
        ('{"id": "a", "question": "x", "options": "yes"}\n', "line 1: options"),
        ('{"id": "a", "question": "x", "options": [1]}\n', "line 1: options.0"),
        ('{"id": 1, "question": "x"}\n{"id": "1", "question": "y"}\n', "line 2: the id '1' is used twice"),
    ],
)
def test_a_bad_question_file_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        read_questions(path)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_marks_of_other_systems_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_bytes('\ufeff{"id": "a", "question": "one\u2028line?"}\r\n'.encode())
    (item,) = read_questions(path)
    assert item.question == "one\u2028line?"


def test_a_binary_question_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(InputError, match="not a text file"):
        read_questions(path)


def test_a_manifest_is_relative_to_itself(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text('{"id": "a", "question": "x"}\n')
    (tmp_path / "m.jsonl").write_text('{"video": "v.mp4", "questions": "q.jsonl", "out": "a.jsonl"}\n')
    (job,) = read_manifest(tmp_path / "m.jsonl")
    assert job.video == tmp_path / "v.mp4"
    assert job.out == tmp_path / "a.jsonl"


def test_two_videos_may_not_share_an_answer_file(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text('{"id": "a", "question": "x"}\n')
    line = '{"video": "v.mp4", "questions": "q.jsonl", "out": "a.jsonl"}\n'
    (tmp_path / "m.jsonl").write_text(line * 2)
    with pytest.raises(InputError, match="same out file"):
        read_manifest(tmp_path / "m.jsonl")


def test_answers_go_on_after_a_kill_in_the_middle_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    evidence = Evidence("e1", "s", "said", "The key is red.", 3.0, 4.0)
    answer = Answer("q1", "Red.", (evidence,), abstained=False)
    AnswerFile(path).append(answer_line("q1", answer))
    with path.open("a") as file:
        file.write('{"id": "q2", "answ')
    again = AnswerFile(path)
    assert set(again.done) == {"q1"}
    again.append(answer_line("q2", answer))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["id"] for line in lines] == ["q1", "q2"]
    assert lines[0]["evidence"][0] == {
        "id": "e1",
        "t_start": 3.0,
        "t_end": 4.0,
        "modality": "said",
        "text": "The key is red.",
    }


def test_answers_go_on_after_a_kill_before_the_end_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "q1"}\n{"id": "q2"}')
    out = AnswerFile(path)
    assert set(out.done) == {"q1", "q2"}
    out.append({"id": "q3"})
    assert path.read_text() == '{"id": "q1"}\n{"id": "q2"}\n{"id": "q3"}\n'


@pytest.mark.parametrize("text", ["my notes\nmore notes\n", "a note"])
def test_a_file_of_something_else_is_not_overwritten(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(text)
    with pytest.raises(InputError, match="line 1: not an answer"):
        AnswerFile(path)
    assert path.read_text() == text


def test_a_place_that_cannot_be_written_is_known_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path, tmp_path / "file" / "a.jsonl"):
        with pytest.raises(InputError, match=str(place)):
            AnswerFile(place)
