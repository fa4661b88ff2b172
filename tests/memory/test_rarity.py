"""How much a message tells by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from memory import Message, SearchRequest
from memory.cues import statement
from tests.memory.test_conversation import DAY, MONDAY, found, told


@pytest.mark.parametrize(
    ("question", "names", "said"),
    [
        ("What instruments does Ana play?", ["ana"], "I play instruments"),
        ("Where has Ana camped?", ["ana"], "I camped"),
        ("What are Ana's pets' names?", ["ana"], "my pets' names"),
        ("What did Ana do with her family?", ["ana"], "I do with my family"),
        ("How many boats did I buy?", [], "I buy boats"),
        ("Where is the lamp of her sister?", [], "the lamp of her sister"),
        ("Who?", [], "Who?"),
    ],
)
def test_a_question_becomes_what_its_person_would_say(question: str, names: list[str], said: str) -> None:
    assert statement(question, names) == said


CHEERS = [
    Message(f"Wow, a kayak, that is great news {n}.", MONDAY + n * DAY, str(n), "Ben") for n in range(8)
]
NEWS = Message("Wow, a kayak, varnished mahogany.", MONDAY + 20 * DAY, "20", "Ben")


def test_rare_words_come_before_common_ones(tmp_path: Path) -> None:
    asyncio.run(told(tmp_path / "m", [*CHEERS, NEWS]))
    hits = asyncio.run(found(tmp_path / "m", SearchRequest("kayak", k=3)))
    assert hits[0].text == NEWS.text


def test_a_word_that_becomes_common_later_was_rare_before(tmp_path: Path) -> None:
    later = [
        Message(f"A kayak of mahogany, varnished {n}.", MONDAY + (30 + n) * DAY, f"l{n}", "Ana")
        for n in range(9)
    ]
    asyncio.run(told(tmp_path / "then", [*CHEERS, NEWS]))
    asyncio.run(told(tmp_path / "now", [*CHEERS, NEWS, *later]))
    request = SearchRequest("kayak", k=20, as_of_s=MONDAY + 25 * DAY)
    then, now = (asyncio.run(found(tmp_path / name, request)) for name in ("then", "now"))
    assert [(h.record.id, h.scores.total) for h in now] == [(h.record.id, h.scores.total) for h in then]
    all_of_it = asyncio.run(found(tmp_path / "now", SearchRequest("kayak", k=20, now_s=request.as_of_s)))
    mine = {h.text: h.scores.total for h in all_of_it}
    assert not np.isclose(mine[NEWS.text], then[0].scores.total)
