"""What a question asks of the facts, and that an answer rests on what was said."""

from __future__ import annotations

from pathlib import Path

import pytest

from memory import Memory, Message
from reasoning.known import Asked, asked_of_facts
from reasoning.question import parse_question
from reasoning.recall import Recall
from reasoning.settings import AnswerSettings
from reasoning.support import Verifier
from runtime.compute import Compute
from runtime.messages import Query
from tests.conftest import Run

WEEK_S = 7 * 86_400.0
BEGIN_S = 1_714_550_400.0
SAID = (
    Message("I work at the city library.", BEGIN_S, "1", "Cleo"),
    Message("I live in Bergen.", BEGIN_S + 60, "1", "Ana"),
    Message("I joined Siemens on Monday.", BEGIN_S + WEEK_S, "2", "Cleo"),
    Message("Big news: we relocated to Oslo!", BEGIN_S + WEEK_S + 60, "2", "Ana"),
)


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("Where does Ana live?", Asked("Ana", "lives in")),
        ("Which city does Ana currently live in?", Asked("Ana", "lives in")),
        ("Where does Mary Ann work?", Asked("Mary Ann", "works at")),
        ("Who is Ben's sister?", Asked("Ben", "kin sister")),
        ("How do I reset the pump?", Asked("reset the pump", "procedure")),
        ("Where did Ana live before?", None),
        ("Does the bus stop here?", None),
        ("What did Ana say about Oslo?", None),
    ],
)
def test_what_is_asked(question: str, asked: Asked | None) -> None:
    assert asked_of_facts(question) == asked


@pytest.mark.slow
@pytest.mark.parametrize("facts", [True, False])
def test_a_fact_answers_with_what_it_rests_on(
    run_real: Run, verifier: Verifier, tmp_path: Path, facts: bool
) -> None:
    async def main() -> None:
        compute = Compute()
        async with await Memory.open(tmp_path / "m", verifier._encoder, read_only=False) as memory:
            await memory.add(list(SAID), source="chat")
            await memory.consolidate()
            recall = Recall(memory, verifier, compute, AnswerSettings(facts=facts))

            async def best(text: str, as_of_s: float) -> str:
                question = parse_question(text, verifier.language)
                return (await recall.candidates(question, Query("q", text, as_of_s)))[0].evidence.text

            now_s, then_s = BEGIN_S + 3 * WEEK_S, BEGIN_S + WEEK_S / 2
            for text, old, new in (
                ("Where does Cleo work?", "library", "Siemens"),
                ("Where does Ana live?", "Bergen", "Oslo"),
            ):
                assert old in await best(text, then_s)
                assert (new if facts else old) in await best(text, now_s), text
        await compute.close(5.0)

    run_real(main())
