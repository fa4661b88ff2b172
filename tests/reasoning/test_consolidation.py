"""Facts by a language model: what it says must stand in the turn it names, within so many calls an hour."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from memory import Memory, Message
from memory.consolidation.extractor import RuleExtractor
from memory.forgetting import Selection, forget
from memory.settings import ConsolidationSettings, MemorySettings
from reasoning.consolidation import extractors
from reasoning.consolidation.engine_extractor import PROMPT_HASH, EngineExtractor, assertions_in
from reasoning.engine_client import AnswerError, EngineClient
from reasoning.engine_settings import EngineSettings
from reasoning.engine_state import EngineAddress
from runtime.compute import Compute
from runtime.messages import Observation
from tests.conftest import Run
from tests.memory.test_consolidation import day, texts
from tests.memory.world import SETTINGS, HashEncoder
from tests.reasoning.scripted_engine import Model, Script, saying, serving

SETTINGS_ENGINE = EngineSettings(answer_timeout_s=20.0, first_token_timeout_s=20.0)


def fact(turn: int, subject: str, relation: str, value: str, ended: bool = False) -> dict[str, Any]:
    return {"turn": turn, "subject": subject, "relation": relation, "object": value, "ended": ended}


def record(number: int, speaker: str | None, text: str) -> Observation:
    return Observation(f"r{number}", "chat", "said", text, number, number, number, speaker=speaker)


RECORDS = [
    record(1, "Ana", "We finally settled: the fjord cabin in Voss is ours, and Mia has the key."),
    record(2, "Ben", "Congratulations!"),
]


@pytest.mark.parametrize(
    ("one", "held"),
    [
        (fact(1, "Ana", "has", "the fjord cabin in Voss"), True),
        (fact(1, "I", "has", "fjord cabin"), True),
        (fact(1, "Mia", "has", "the key"), True),
        (fact(1, "Ana", "has", "a yacht in Monaco"), False),  # made up
        (fact(1, "Zoe", "has", "the key"), False),  # nobody there is called that
        (fact(2, "Ben", "has", "the key"), False),  # that is another turn's
        (fact(7, "Ana", "has", "the key"), False),
        (fact(1, "Ana", "", "the key"), False),
        (fact(1, "Ana", "has", ""), False),
    ],
)
def test_what_a_model_says_must_stand_in_the_turn_it_names(one: dict[str, Any], held: bool) -> None:
    assert bool(assertions_in(json.dumps([one]), RECORDS)) is held


@pytest.mark.parametrize(
    "answer", ["", "Sure! Here are the facts:", "{}", "[1, null]", '[{"turn": "1"}]', "[[]]"]
)
def test_what_is_no_list_of_facts_says_nothing(answer: str) -> None:
    assert assertions_in(answer, RECORDS) == []


def client_of(url: str, weak: bool = False) -> EngineClient:
    return EngineClient(EngineAddress(url, "some/model", "", False, weak, 4096), SETTINGS_ENGINE)


def test_a_small_model_is_not_asked_nor_one_that_is_not_there(run_real: Run) -> None:
    async def names(reasoner: Model | None) -> list[str]:
        compute = Compute()
        found = await extractors(compute, SETTINGS, UTC, reasoner)
        await compute.close(5.0)
        return [one.name for one in found]

    rules = RuleExtractor.name
    url = "http://127.0.0.1:9/v1"
    assert run_real(names(None)) == [rules]
    assert run_real(names(Model(None))) == [rules]
    assert run_real(names(Model(client_of(url), weak=True))) == [rules]
    assert run_real(names(Model(client_of(url, weak=True)))) == [rules]
    assert run_real(names(Model(client_of(url)))) == [rules, "some-model/1"]


TALK = [
    ("Ana", "We finally settled, the fjord cabin in Voss is ours."),
    ("Ben", "Then Mia must give back the key to Ola."),
]


async def consolidated(
    folder: Path, script: Script, settings: MemorySettings, lines: Sequence[tuple[str, str]] = TALK
) -> tuple[list[str], list[bool]]:
    """What it came to with a model that plays a script, in as many runs as it has replies."""
    messages = [Message(text, day(n), "01", who) for n, (who, text) in enumerate(lines, 1)]
    async with (
        serving(script) as url,
        client_of(url) as client,
        await Memory.open(folder, HashEncoder(), settings=settings, read_only=False) as memory,
    ):
        await memory.add(messages, source="chat")
        runs = [await memory.consolidate(EngineExtractor(client, UTC)) for _ in range(2)]
        found = await memory.facts()
        for one in found:
            assert one.extractor == "some-model/1"
            assert one.prompt_hash == PROMPT_HASH
        return texts(found), [run.done for run in runs]


def test_facts_of_a_model_have_its_name_and_are_made_once(tmp_path: Path, run_real: Run) -> None:
    script = Script(lambda _: saying(json.dumps([fact(1, "Ana", "has", "the fjord cabin in Voss")])))
    found, done = run_real(consolidated(tmp_path / "m", script, SETTINGS))
    assert (found, done) == (["Ana has the fjord cabin in Voss"], [True, True])
    (prompt,) = script.prompts
    assert prompt.text.splitlines() == [
        f"[{n}] (2024-05-0{n}) {who}: {t}" for n, (who, t) in enumerate(TALK, 1)
    ]
    assert prompt.body["temperature"] == 0.0


def test_so_many_calls_an_hour_and_no_more(tmp_path: Path, run_real: Run) -> None:
    lines = [("Ana", f"The lamp number {n} is in the shed.") for n in range(40)]
    limits = ConsolidationSettings(calls_per_hour=2)
    script = Script(lambda _: saying("[]"))
    settings = SETTINGS.model_copy(update={"consolidation": limits})
    _, done = run_real(consolidated(tmp_path / "m", script, settings, lines))
    assert done == [False, False]
    assert len(script.prompts) == 2
    script = Script(lambda _: saying("[]", prompt=900))
    limits = ConsolidationSettings(tokens_per_hour=900)
    settings = SETTINGS.model_copy(update={"consolidation": limits})
    _, done = run_real(consolidated(tmp_path / "other", script, settings, lines))
    assert done == [False, False]
    assert len(script.prompts) == 1


def test_a_model_that_fails_loses_nothing(tmp_path: Path, run_real: Run) -> None:
    from aiohttp import web

    async def broken(_: web.Request) -> web.StreamResponse:
        return web.Response(status=500, text="out of memory")

    with pytest.raises(AnswerError):
        run_real(consolidated(tmp_path / "m", Script(lambda _: broken), SETTINGS))
    script = Script(lambda _: saying(json.dumps([fact(2, "Mia", "has", "the key")])))
    found, done = run_real(consolidated(tmp_path / "m", script, SETTINGS))
    assert (found, done) == (["Mia has the key"], [True, True])


def test_forgetting_one_turn_forgets_what_a_model_made_while_it_read_it(tmp_path: Path) -> None:
    """It may have gone into what it says of another; that is made again of what is left."""
    asked: list[str] = []

    async def main() -> None:
        script = Script(lambda _: saying(json.dumps([fact(1, "Ana", "has", "the fjord cabin in Voss")])))
        async with (
            serving(script) as url,
            client_of(url) as client,
            await Memory.open(tmp_path / "m", HashEncoder(), settings=SETTINGS, read_only=False) as memory,
        ):
            messages = [Message(text, day(n), "01", who) for n, (who, text) in enumerate(TALK, 1)]
            await memory.add(messages, source="chat")
            await memory.consolidate(EngineExtractor(client, UTC))
            await forget(memory.store, Selection(words="Mia Ola"), SETTINGS)
            assert await memory.facts() == []
            await memory.consolidate(EngineExtractor(client, UTC))
            assert texts(await memory.facts()) == ["Ana has the fjord cabin in Voss"]
        asked.extend(prompt.text for prompt in script.prompts)

    asyncio.run(main())
    assert [len(text.splitlines()) for text in asked] == [2, 1]


def test_what_was_spent_counts_though_what_was_made_is_forgotten(tmp_path: Path) -> None:
    async def main() -> list[bool]:
        script = Script(lambda _: saying(json.dumps([fact(1, "Ana", "has", "the fjord cabin in Voss")])))
        settings = SETTINGS.model_copy(update={"consolidation": ConsolidationSettings(calls_per_hour=1)})
        async with (
            serving(script) as url,
            client_of(url) as client,
            await Memory.open(tmp_path / "m", HashEncoder(), settings=settings, read_only=False) as memory,
        ):
            messages = [Message(text, day(n), "01", who) for n, (who, text) in enumerate(TALK, 1)]
            await memory.add(messages, source="chat")
            first = await memory.consolidate(EngineExtractor(client, UTC))
            await forget(memory.store, Selection(words="Mia Ola"), SETTINGS)
            again = await memory.consolidate(EngineExtractor(client, UTC))
            dropped = await memory.consolidate(EngineExtractor(client, UTC), rebuild=True)
        assert len(script.prompts) == 1
        return [first.done, again.done, dropped.done]

    assert asyncio.run(main()) == [True, False, False]
