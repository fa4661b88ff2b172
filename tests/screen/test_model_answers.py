"""A language model that words answers about a screen: cited, checked, and without it the evidence."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from reasoning.answer import NOT_BORNE_OUT
from reasoning.engine import Engine
from reasoning.engine_settings import EngineSettings
from reasoning.screen.answer import ScreenAnswerer
from reasoning.settings import AnswerSettings
from reasoning.support import Verifier
from runtime.app.screen.asking import model_allowed
from runtime.app.settings import app_settings
from runtime.clock import SystemClock
from runtime.messages import Answer, Query
from tests.reasoning.conftest import verifier
from tests.reasoning.scripted_engine import Prompt, Script, saying, serving
from tests.screen.days import Scene, remembered

__all__ = ["verifier"]

FRIDAY = datetime(2024, 5, 17, 10, 0).timestamp()
SCENES: tuple[Scene, ...] = (
    (0.0, "prices.txt - Mousepad", ("Mooring costs 48 euro a night",)),
    (120.0, "Ferries - Firefox", ("The ferry to Helsinki leaves at 18:40",)),
)
MOORING = "What does the mooring cost a night?"


def ask(folder: Path, verifier: Verifier, script: Script | None, question: str, **engine: Any) -> Answer:
    """script: None is an address at which nobody answers."""

    async def main() -> Answer:
        async with AsyncExitStack() as stack:
            memory, compute = await stack.enter_async_context(remembered(folder, (FRIDAY, SCENES)))
            url = "http://127.0.0.1:9/v1"
            if script is not None:
                url = await stack.enter_async_context(serving(script))
            settings = EngineSettings.model_validate({"mode": "remote", "url": url, "model": "m", **engine})
            one = await stack.enter_async_context(Engine(settings, print))
            answerer = ScreenAnswerer(
                memory, verifier, compute, AnswerSettings(), SystemClock(), lambda: FRIDAY + 3600, engine=one
            )
            return await answerer.answer(Query("q", question))

    return asyncio.run(main())


def test_it_gets_the_lines_with_their_wall_clock_times_and_is_cited(
    tmp_path: Path, verifier: Verifier
) -> None:
    script = Script(lambda prompt: saying(f"It costs 48 euro a night, as of 10:00 {prompt.cite('48 euro')}."))
    answer = ask(tmp_path, verifier, script, MOORING)
    (prompt,) = script.prompts
    assert any("17 May 2024 10:00 to 10:0" in line and "48 euro" in line for line in prompt.lines)
    assert "It is now 17 May 2024 11:00." in prompt.text
    assert answer.text == "It costs 48 euro a night, as of 10:00."
    assert answer.engine == "m"
    assert "48 euro" in answer.evidence[0].text


def test_what_does_not_stand_in_what_it_cites_is_not_said(tmp_path: Path, verifier: Verifier) -> None:
    def reply(prompt: Prompt) -> Any:
        return saying(f"It costs 55 euro a night {prompt.cite('48 euro')}.")

    answer = ask(tmp_path, verifier, Script(reply), MOORING)
    assert answer.note == NOT_BORNE_OUT
    assert "48 euro" in answer.text
    assert "55" not in answer.text


def test_what_it_does_not_find_is_not_known(tmp_path: Path, verifier: Verifier) -> None:
    answer = ask(tmp_path, verifier, Script(lambda _: saying("NOT IN MEMORY")), MOORING)
    assert answer.abstained


@pytest.mark.parametrize(
    "question", ["What does the Oslo mooring cost?", "What does mooring 12 cost a night?"]
)
def test_another_name_or_number_is_no_answer(tmp_path: Path, verifier: Verifier, question: str) -> None:
    assert ask(tmp_path, verifier, None, question).abstained


def test_times_are_reckoned_and_no_model_is_asked_for_them(tmp_path: Path, verifier: Verifier) -> None:
    script = Script(lambda _: saying("At noon."))
    answer = ask(tmp_path, verifier, script, "When did I look at the ferries?")
    assert "10:02" in answer.text
    assert script.prompts == []


def test_without_it_the_evidence_is_the_answer(tmp_path: Path, verifier: Verifier) -> None:
    answer = ask(tmp_path, verifier, None, MOORING)
    assert "48 euro" in answer.text
    assert answer.note.endswith("the evidence itself is the answer")


@pytest.mark.parametrize(
    ("url", "wanted", "goes"),
    [
        ("http://127.0.0.1:8000/v1", False, True),
        ("https://models.example/v1", False, False),
        ("https://models.example/v1", True, True),
    ],
)
def test_nothing_of_the_screen_goes_to_another_machine_unless_it_is_wanted(
    url: str, wanted: bool, goes: bool
) -> None:
    wish = f"screen.remote_model={str(wanted).lower()}"
    settings = app_settings(None, ["engine.mode=remote", f"engine.url={url}", "engine.model=m", wish])
    assert model_allowed(settings) is goes
