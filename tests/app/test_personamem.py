"""PersonaMem's format: what is read, what is refused, and that a question never knows what was told after it."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from memory import Memory, SearchRequest, Store, add_messages, text_source
from runtime.app.personamem import contexts_beside, read_personamem
from runtime.compute import Compute
from runtime.errors import InputError
from tests.fixtures.make_personamem import NURIA, QUESTIONS
from tests.memory.world import SETTINGS, HashEncoder

FIXTURES = Path(__file__).parent.parent / "fixtures"
QUESTIONS_CSV = FIXTURES / "questions_mini.csv"


def test_the_file_is_what_its_maker_says() -> None:
    file = read_personamem(QUESTIONS_CSV)
    assert len({q.kind for q in file.questions}) == 7
    for question, (context, kind, end, text, options) in zip(file.questions, QUESTIONS, strict=True):
        assert (question.context, question.kind, question.text) == (context, kind, text)
        assert question.options[question.correct] == options[0]
        assert sorted(question.options) == sorted(options)
        known = [m for m in file.contexts[context] if m.time_s <= question.asked_s]
        assert [m.ref for m in known][-1] == str(end - 1)


def test_the_system_s_words_are_not_remembered_and_sessions_are_told_apart() -> None:
    messages = read_personamem(QUESTIONS_CSV).contexts["nuria"]
    assert [m.text for m in messages] == [text for role, text in NURIA if role != "system"]
    assert len({m.session for m in messages}) == 3
    assert [m.time_s for m in messages] == sorted({m.time_s for m in messages})


def test_a_question_is_asked_as_of_its_place(tmp_path: Path) -> None:
    file = read_personamem(QUESTIONS_CSV)
    last = file.questions[-1]

    async def main() -> list[str]:
        compute, encoder = Compute(), HashEncoder()
        async with await Store.open(tmp_path / "m", encoder) as store:
            messages = file.contexts["tomas"]
            await add_messages(store, encoder, compute, SETTINGS, text_source("chat"), messages)
        await compute.close(5.0)
        async with await Memory.open(tmp_path / "m", encoder, settings=SETTINGS) as memory:
            hits = await memory.search(SearchRequest("crime novels", as_of_s=last.asked_s, k=20))
        return [hit.text for hit in hits]

    found = asyncio.run(main())
    assert any("bore me" in text for text in found)
    assert not any("Iceland" in text for text in found)


def copy(folder: Path, **changes: Any) -> Path:
    shutil.copy(contexts_beside(QUESTIONS_CSV), folder)
    lines = QUESTIONS_CSV.read_text("utf-8").splitlines()
    text = "\n".join(lines[:2])
    for old, new in changes.get("replaced", {}).items():
        assert old in text
        text = text.replace(old, new)
    (folder / "questions_mini.csv").write_text(text + "\n", "utf-8")
    return folder / "questions_mini.csv"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (",(a),", ",(z),", "none of the options"),
        (",nuria,", ",nobody,", "no context 'nobody'"),
        (",19", ",99", "outside of context"),
        (",19", ",0", "outside of context"),
        ("correct_answer", "answer", "KeyError"),
        ('""(b)', '""(a)', "each with its letter"),
        ('""(b) ', '""', "no letter"),
    ],
)
def test_what_is_not_in_the_format_is_one_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(InputError) as error:
        read_personamem(copy(tmp_path, replaced={old: new}))
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text", ["[1]", "{", json.dumps({"nuria": [{"role": "user"}]}), json.dumps({"nuria": 3})]
)
def test_contexts_that_are_none(tmp_path: Path, text: str) -> None:
    path = copy(tmp_path)
    contexts_beside(path).write_text(text, "utf-8")
    with pytest.raises(InputError):
        read_personamem(path)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"questions_x\.csv: No such file"):
        read_personamem(tmp_path / "questions_x.csv")
    (tmp_path / "notes.txt").write_text("Something else\nin two lines\n", "utf-8")
    with pytest.raises(InputError, match=r"notes\.txt: not in PersonaMem's format"):
        read_personamem(tmp_path / "notes.txt")
    path = copy(tmp_path)
    path.write_text("question_id\n", "utf-8")
    with pytest.raises(InputError, match="no questions"):
        read_personamem(path)
