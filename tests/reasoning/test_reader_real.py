"""The model that reads, with its real weights in a real vLLM. Skipped where they are not here: nobody needs them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from reasoning.engine_client import EngineClient
from reasoning.engine_models import READER, reader_here
from reasoning.engine_settings import EngineSettings
from reasoning.engine_state import EngineAddress
from reasoning.judge import Candidate
from reasoning.question import parse_question
from reasoning.reader import Reading, passage_of, read, weighed
from reasoning.settings import AnswerSettings
from reasoning.support import Verifier
from runtime.messages import Evidence
from runtime.weights import Registry
from tests.reasoning.engine_for_tests import real_server

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(600)]

SETTINGS = EngineSettings(model=READER, device="cpu", first_token_timeout_s=60.0)
LAMP = "The harbour master has sold the old lamp to a collector from Genoa."


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineAddress]:
    if not reader_here(Registry.load()):
        pytest.skip(f"{READER} is not here: hearsight models pull {READER}")
    with real_server(SETTINGS, tmp_path_factory.mktemp("engine")) as address:
        yield address


def test_it_tells_an_answer_from_a_near_miss(address: EngineAddress, verifier: Verifier) -> None:
    assert address.model == READER and address.weak

    async def asked(client: EngineClient, text: str) -> tuple[Reading, float, float]:
        question = parse_question(text, verifier.language)
        evidence = Evidence("e", "film", "said", LAMP, 0.0, 4.0, 1.0)
        candidate = Candidate(evidence, verifier.judge(question, LAMP, "said"), 1.0)
        reading, usage = await read(client, text, passage_of(candidate, 250), AnswerSettings())
        assert usage.completion_tokens > 0
        return reading, candidate.support.probability, weighed(candidate, reading).support.probability

    async def main() -> None:
        async with EngineClient(address, SETTINGS) as client:
            told, _, after = await asked(client, "Which city does the lamp's buyer come from?")
            assert told.words is not None and "Genoa" in told.words and after > 0.5
            missing, _, after = await asked(client, "How much money was paid for the lamp?")
            assert missing.words is None and after < 0.28

    asyncio.run(main())
