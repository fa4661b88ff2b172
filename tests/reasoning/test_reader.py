"""A model that reads judges beside the rules: over a real memory and the real wire, a script plays the model."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from reasoning.compose import ABSTAINED
from reasoning.engine_client import estimate_tokens
from reasoning.engine_models import READER
from reasoning.judge import Candidate
from reasoning.prompts import NONE, reader_messages
from reasoning.read_values import Span
from reasoning.reader import Reading, passage_of, weighed
from reasoning.support import Support
from runtime.messages import Evidence, Modality, Query
from tests.conftest import Run
from tests.reasoning.answering import KEY, NOTICE, RENT, SAID, World
from tests.reasoning.scripted_engine import Handler, Prompt, Script, reading, saying, silent

OARS = "Which kind of wood do you row with?"
ENGINE: dict[str, Any] = {"model": READER, "weak": True}


def wanting(part: str, words: str) -> Script:
    """Finds the words in the passage that holds a part, and nothing in any other."""

    def reply(prompt: Prompt) -> Handler:
        return reading(words, 0.01) if part in prompt.text.splitlines()[0] else reading(NONE, 0.99)

    return Script(reply)


def candidate(
    probability: float, text: str = "The oars are made of ash.", modality: Modality = "said"
) -> Candidate:
    support = Support(probability, 1.0, text.splitlines()[-1], Span("oars", 0.6), (), ())
    return Candidate(Evidence("e", "film", modality, text, 0.0, 1.0, 1.0), support, 1.0)


@pytest.mark.slow
def test_what_the_rules_do_not_see_is_answered(world: World, run_real: Run) -> None:
    came = run_real(world.ask(wanting("oars", "ash"), OARS, engine=ENGINE))
    answer = came.answer
    assert answer.text == came.streamed and answer.text.startswith("Ash. “")
    assert not answer.abstained and answer.evidence[0].text == SAID[1][2]
    assert (answer.engine, answer.note) == (READER, "")


@pytest.mark.slow
def test_without_it_that_is_refused(world: World, run_real: Run) -> None:
    script = Script(lambda _: saying("ash"))
    assert run_real(world.ask(script, OARS, engine={"weak": True})).answer.abstained
    assert script.prompts == []


@pytest.mark.slow
def test_a_few_passages_are_read_each_by_itself(world: World, run_real: Run) -> None:
    script = wanting("oars", "ash")
    answer = run_real(world.ask(script, OARS, engine=ENGINE, readings=2)).answer
    assert len(script.prompts) == 2
    assert (answer.prompt_tokens, answer.completion_tokens) == (120, 8)
    assert all(p.text.splitlines()[1] == f"Question: {OARS}" for p in script.prompts)
    assert all(p.body["top_logprobs"] > 0 for p in script.prompts)


@pytest.mark.slow
def test_what_no_passage_answers_is_refused(world: World, run_real: Run) -> None:
    answer = run_real(world.ask(Script(lambda _: reading(NONE, 0.9999)), KEY, engine=ENGINE)).answer
    assert answer.abstained and answer.text == ABSTAINED and answer.engine == READER


@pytest.mark.slow
def test_words_that_stand_nowhere_are_not_said(world: World, run_real: Run) -> None:
    answer = run_real(world.ask(wanting("oars", "mahogany"), OARS, engine=ENGINE)).answer
    assert "ahogany" not in answer.text and SAID[1][2] in answer.text


@pytest.mark.slow
def test_the_latest_of_several_that_answer_holds(world: World, run_real: Run) -> None:
    script = Script(
        lambda p: reading("55 euros" if "55" in p.text else "40 euros" if "40" in p.text else NONE, 0.01)
    )
    answer = run_real(world.ask(script, RENT, engine=ENGINE)).answer
    assert answer.text.startswith("55 euros.") and answer.evidence[0].text == SAID[-1][2]


@pytest.mark.slow
def test_a_model_that_is_late_leaves_it_to_the_rules(world: World, run_real: Run) -> None:
    answer = run_real(world.ask(Script(lambda _: silent), RENT, engine=ENGINE, reading_timeout_s=0.1)).answer
    assert "55 euros" in answer.text and answer.engine is None
    assert answer.note == f"the model {READER} has not read in time: the evidence itself is the answer"


@pytest.mark.slow
def test_who_stops_waiting_stops_the_reading(world: World, run_real: Run) -> None:
    script = Script(lambda _: silent)

    async def main() -> None:
        async with world.scripted(script, engine=ENGINE) as answerer:

            async def ask() -> None:
                async with aclosing(answerer.stream(Query("q", RENT))) as parts:
                    async for _ in parts:
                        raise AssertionError("nothing comes")

            asking = asyncio.create_task(ask())
            async with asyncio.timeout(60):
                await script.asked(4)
                asking.cancel()
                await asyncio.wait([asking])
                await script.left.wait()
            assert asking.cancelled()

    run_real(main())


@pytest.mark.slow
@pytest.mark.parametrize(("question", "options"), [(NOTICE, ()), (RENT, ("40 euros", "55 euros"))])
def test_it_is_not_asked_when_or_which(
    world: World, run_real: Run, question: str, options: tuple[str, ...]
) -> None:
    script = Script(lambda _: saying("x"))
    run_real(world.ask(script, question, engine=ENGINE, options=options))
    assert script.prompts == []


def test_the_rules_and_the_model_count_both() -> None:
    def probability(rules: float, none: float) -> float:
        return weighed(candidate(rules), Reading(None, none)).support.probability

    assert probability(0.1, 0.001) > 0.5 > probability(0.9, 0.999)
    assert probability(0.2, 0.3) < probability(0.6, 0.3) < probability(0.6, 0.1)
    assert 0.0 < probability(0.0, 1.0) < probability(1.0, 0.0) < 1.0


def test_its_words_are_the_answer_where_it_has_any() -> None:
    assert weighed(candidate(0.5), Reading("ash", 0.1)).support.span == Span("ash", 1.0)
    assert weighed(candidate(0.5), Reading(None, 0.1)).support.span == Span("oars", 0.6)


def test_a_passage_is_one_line_within_the_budget() -> None:
    menu = candidate(0.5, "Menu\nsoup 3\npie 4", "read")
    assert passage_of(menu, 100) == "Menu / soup 3 / pie 4"
    assert passage_of(menu, 5) == "Menu / pie 4"
    assert passage_of(candidate(0.5, "It is in room 300 and 17."), 100) == "It is in room 317."
    long = candidate(0.5, "word " * 1000)
    assert estimate_tokens(passage_of(long, 50)) <= 50


def test_a_passage_comes_with_examples_that_stay_the_same() -> None:
    one, other = reader_messages("Who?", "Ada did."), reader_messages("Where?", "In Oslo.")
    assert one[:-1] == other[:-1]
    assert one[-1] == {"role": "user", "content": "Passage: Ada did.\nQuestion: Who?"}
    assert {m["role"] for m in one[1:-1]} == {"user", "assistant"}
