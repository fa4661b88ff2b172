"""A model that reads judges beside the rules what stood on a screen: a script plays it, over a real memory."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path

import pytest

from reasoning.engine import Engine
from reasoning.engine_models import READER
from reasoning.engine_settings import EngineSettings
from reasoning.prompts import NONE
from reasoning.screen.answer import ScreenAnswerer
from reasoning.screen.deliberate import NOT_SEEN
from reasoning.settings import AnswerSettings
from reasoning.support import Verifier
from runtime.clock import SystemClock
from runtime.messages import Answer, Query
from tests.reasoning.conftest import verifier
from tests.reasoning.scripted_engine import Handler, Prompt, Script, reading, serving, silent
from tests.screen.days import Scene, remembered

__all__ = ["verifier"]

pytestmark = pytest.mark.slow

FRIDAY = datetime(2024, 5, 17, 10, 0).timestamp()
OARS = "Take good care of the oars, they are made of ash"
FIRST, LATER = "The mooring is 48 euro a night for us", "The mooring is now 55 euro a night for us"
SCENES: tuple[Scene, ...] = (
    (0.0, "boat house - Mousepad", (OARS, "The umbrella was found behind the piano")),
    (120.0, "harbour - Firefox", (FIRST, "Version: 1.4.2")),
    (240.0, "harbour - Firefox", (LATER,)),
    (
        360.0,
        "fleet - Firefox",
        (
            "Boat  Berth  Measure  Reading",
            "Albatross  17  Draught  1.20 m",
            "Kestrel  9  Beam  2.4 m",
            "Kestrel  9  Length  8.4 m",
        ),
    ),
)
WOOD = "Which kind of wood do you row with?"
MOORING = "What does the mooring cost us a night?"


def wanting(*told: tuple[str, str]) -> Script:
    """Of each passage that has a part, the words beside it; nothing of any other."""

    def reply(prompt: Prompt) -> Handler:
        passage = prompt.text.splitlines()[0]
        words = next((words for part, words in told if part in passage), None)
        return reading(words, 0.01) if words is not None else reading(NONE, 0.99)

    return Script(reply)


def ask(
    folder: Path,
    verifier: Verifier,
    script: Script,
    question: str,
    timeout_s: float = 60.0,
    model: str = READER,
) -> Answer:
    async def main() -> Answer:
        async with AsyncExitStack() as stack:
            memory, compute = await stack.enter_async_context(remembered(folder, (FRIDAY, SCENES)))
            url = await stack.enter_async_context(serving(script))
            settings = EngineSettings(
                mode="remote", url=url, model=model, weak=True, connect_timeout_s=60, first_token_timeout_s=60
            )
            engine = await stack.enter_async_context(Engine(settings, print))
            answerer = ScreenAnswerer(
                memory, verifier, compute, AnswerSettings(reading_timeout_s=timeout_s), SystemClock(),
                lambda: FRIDAY + 3600, engine=engine,
            )  # fmt: skip
            return await answerer.answer(Query("q", question))

    return asyncio.run(main())


def test_what_the_rules_do_not_see_is_answered_with_its_line(tmp_path: Path, verifier: Verifier) -> None:
    script = wanting(("oars", "ash"))
    answer = ask(tmp_path, verifier, script, WOOD)
    assert answer.text.startswith(f"Ash. “{OARS}") and answer.engine == READER
    assert OARS in answer.evidence[0].text
    assert 0 < len(script.prompts) <= AnswerSettings().readings
    assert answer.prompt_tokens == 60 * len(script.prompts)


def test_a_passage_says_where_and_when_it_stood_there(tmp_path: Path, verifier: Verifier) -> None:
    script = wanting(("oars", "ash"))
    ask(tmp_path, verifier, script, WOOD)
    (passage,) = (p.text.splitlines()[0] for p in script.prompts if "oars" in p.text)
    assert passage.startswith("Passage: boat house in Mousepad, 10:00") and f" / {OARS} / " in passage


def test_what_no_passage_answers_is_refused(tmp_path: Path, verifier: Verifier) -> None:
    answer = ask(tmp_path, verifier, wanting(), MOORING)
    assert answer.abstained and answer.text == NOT_SEEN and answer.engine == READER


def test_the_later_of_two_that_answer_holds(tmp_path: Path, verifier: Verifier) -> None:
    answer = ask(tmp_path, verifier, wanting(("55", "55 euro"), ("48", "48 euro")), MOORING)
    assert answer.text.startswith("55 euro.") and "10:04" in answer.text


def test_words_that_stand_nowhere_are_not_said(tmp_path: Path, verifier: Verifier) -> None:
    assert ask(tmp_path, verifier, wanting(("oars", "mahogany")), WOOD).abstained


@pytest.mark.parametrize(
    "question",
    [
        "Which version was shown at the harbour?",
        "When did I look at the harbour?",
    ],
)
def test_it_is_not_asked_where_a_label_or_the_time_tells_it(
    tmp_path: Path, verifier: Verifier, question: str
) -> None:
    script = wanting(("", "Oslo"))
    assert ask(tmp_path, verifier, script, question).engine is None
    assert script.prompts == []


def test_a_model_that_is_late_leaves_it_to_the_rules(tmp_path: Path, verifier: Verifier) -> None:
    answer = ask(tmp_path, verifier, Script(lambda _: silent), MOORING, timeout_s=0.1)
    assert "euro" in answer.text and not answer.abstained
    assert answer.note == f"the model {READER} has not read in time: the evidence itself is the answer"


def test_another_small_model_does_not_judge(tmp_path: Path, verifier: Verifier) -> None:
    script = wanting(("oars", "ash"))
    assert ask(tmp_path, verifier, script, WOOD, model="smollm2-135m").abstained
    assert script.prompts == []


def test_the_model_alone_reads_where_the_rules_let_nothing_through(
    tmp_path: Path, verifier: Verifier
) -> None:
    """No record has the name and the number of the question: it is put in a stranger's words."""
    question = "Which tree gave Poseidon good care of his 2 oars?"
    answer = ask(tmp_path, verifier, wanting(("oars", "ash")), question)
    assert answer.text.startswith(f"Ash. “{OARS}")
    assert answer.evidence[0].text.splitlines()[1] == OARS
    assert not answer.abstained and answer.engine == READER
    unsure = Script(lambda prompt: reading("ash", 0.3))
    assert ask(tmp_path / "other", verifier, unsure, question).text == NOT_SEEN


def test_the_model_alone_is_not_believed_of_another_row(tmp_path: Path, verifier: Verifier) -> None:
    script = wanting(("Albatross", "1.20 m"))
    read = "Which {} did Poseidon measure of the {}?"
    assert ask(tmp_path, verifier, script, read.format("draught", "Kestrel")).text == NOT_SEEN
    answer = ask(tmp_path / "other", verifier, script, read.format("draught", "Albatross"))
    assert answer.text.startswith("1.20 m. “Albatross  17  Draught  1.20 m”")


def test_when_it_was_is_told_whole_and_what_came_next_is_reckoned(tmp_path: Path, verifier: Verifier) -> None:
    """Of both the model only says which record is meant: the times are not its own."""
    when = "When did Poseidon take good care of his 2 oars?"
    answer = ask(tmp_path, verifier, wanting(("oars", "10:00")), when)
    assert answer.text.startswith("At 10:00: “") and answer.text.endswith(", boat house in Mousepad.")
    after = "Which page did I open after Poseidon's good care of 2 oars?"
    script = wanting(("oars", "10:00"))
    answer = ask(tmp_path / "other", verifier, script, after)
    assert answer.text.startswith("harbour in Firefox, at 10:02. After ")
    assert "in front of me?" in script.prompts[0].text
