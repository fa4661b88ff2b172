"""A sentence about a picture: from a model over real HTTP, or honest words for class names."""

from __future__ import annotations

import base64

import pytest

from reasoning.captions import PROMPT, Captioner, looks_like
from reasoning.engine_client import EngineClient
from reasoning.engine_settings import EngineSettings
from reasoning.engine_state import EngineAddress
from tests.conftest import Run
from tests.reasoning.scripted_engine import Handler, Model, Script, saying, serving, streaming

JPEG = b"\xff\xd8 a picture"


async def caption(handler: Handler, vision: bool = True, weak: bool = False) -> tuple[str, str] | None:
    settings = EngineSettings(first_token_timeout_s=5.0)
    async with serving(handler) as url:
        address = EngineAddress(url, "tiny-vlm", "", vision, weak, 4096)
        async with EngineClient(address, settings) as client:
            return await Captioner(Model(client, weak)).caption(JPEG)


def test_a_model_that_sees_is_shown_the_picture(run_real: Run) -> None:
    script = Script(lambda _: saying("A woman holds\n a red bottle."))
    assert run_real(caption(script)) == ("A woman holds a red bottle.", "tiny-vlm")
    (prompt,) = script.prompts
    assert prompt.text == PROMPT
    assert [base64.b64decode(url.partition(",")[2]) for url in prompt.images] == [JPEG]
    assert prompt.body["temperature"] == 0


@pytest.mark.parametrize(("vision", "weak"), [(False, False), (True, True)])
def test_a_model_that_cannot_is_asked_nothing(run_real: Run, vision: bool, weak: bool) -> None:
    script = Script(lambda _: saying("A bottle."))
    assert run_real(caption(script, vision, weak)) is None
    assert script.prompts == []


def test_without_a_model_or_an_answer_there_is_no_caption(run_real: Run) -> None:
    async def main() -> None:
        assert await Captioner(None).caption(JPEG) is None
        assert await Captioner(Model(None)).caption(JPEG) is None

    run_real(main())
    assert run_real(caption(streaming(cut=True))) is None
    assert run_real(caption(saying("  "))) is None


@pytest.mark.parametrize(
    ("tags", "text"),
    [
        ([("water bottle", 0.85), ("cup", 0.1)], "Looks like a water bottle."),
        ([("umbrella", 0.9)], "Looks like an umbrella."),
        ([("water bottle", 0.7), ("cup", 0.2), ("wine bottle", 0.1)], "Looks like a water bottle."),
        ([("cup", 0.4), ("vase", 0.3)], ""),
        ([("cup", 0.09), ("vase", 0.08)], ""),
        ([], ""),
    ],
)
def test_class_names_are_worded_by_how_sure_they_are(tags: list[tuple[str, float]], text: str) -> None:
    assert looks_like(tags) == text
