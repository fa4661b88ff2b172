"""Images over the wire to a real server. The model is tiny and sees nothing, but counts what it gets."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from reasoning.captions import Captioner
from reasoning.engine_client import AnswerError, EngineClient
from reasoning.engine_settings import EngineSettings
from reasoning.engine_state import EngineAddress
from tests.conftest import Run
from tests.reasoning.engine_for_tests import engine_python, real_server, small_model
from tests.reasoning.scripted_engine import Model

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(600)]

MAKER = Path(__file__).with_name("make_tiny_vlm.py")
TOKENS_PER_IMAGE = 64
NEWLINE_AFTER_IMAGE = 1


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> EngineSettings:
    model = tmp_path_factory.mktemp("model") / "tiny-llava"
    command = [str(engine_python()), str(MAKER), str(small_model()), str(model)]
    subprocess.run(command, check=True, env={**os.environ, "HF_HUB_OFFLINE": "1"}, capture_output=True)
    return EngineSettings(device="cpu", threads=2, model=str(model), images=3)


@pytest.fixture(scope="module")
def address(settings: EngineSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineAddress]:
    with real_server(settings, tmp_path_factory.mktemp("engine")) as address:
        yield address


def jpegs(count: int) -> list[bytes]:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (count, 90, 160, 3), dtype=np.uint8)
    return [cv2.imencode(".jpg", image)[1].tobytes() for image in images]


def test_images_arrive_and_are_counted(
    address: EngineAddress, settings: EngineSettings, run_real: Run
) -> None:
    async def prompt_tokens(client: EngineClient, images: int) -> int:
        messages = [{"role": "user", "content": "What is this?"}]
        deltas = [d async for d in client.chat(messages, images=jpegs(images), max_tokens=2)]
        usage = deltas[-1].usage
        assert usage is not None
        return usage.prompt_tokens

    async def main() -> None:
        async with EngineClient(address, settings) as client:
            bare = await prompt_tokens(client, 0)
            for count in (1, 3):
                cost = await prompt_tokens(client, count) - bare
                assert cost == count * (TOKENS_PER_IMAGE + NEWLINE_AFTER_IMAGE)
            with pytest.raises(AnswerError, match="refuses the question"):
                await prompt_tokens(client, 4)
            with pytest.raises(AnswerError, match="refuses the question"):
                async for _ in client.chat(
                    [{"role": "user", "content": "?"}], images=[b"no jpeg"], max_tokens=2
                ):
                    pass

    run_real(main())
    assert address.vision


def test_a_picture_is_described_in_a_sentence(
    address: EngineAddress, settings: EngineSettings, run_real: Run
) -> None:
    async def main() -> tuple[str, str] | None:
        async with EngineClient(address, settings) as client:
            return await Captioner(Model(client)).caption(jpegs(1)[0])

    described = run_real(main())
    assert described is not None
    text, model = described
    assert text and "\n" not in text
    assert model == address.model
