"""A small memory of a made-up film, and an Answerer over it whose language model is a script."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reasoning.answer import Answerer
from reasoning.engine import Engine
from reasoning.engine_settings import EngineSettings
from reasoning.settings import AnswerSettings
from reasoning.support import Verifier
from reasoning.visual import Scenes
from runtime.compute import Compute
from runtime.messages import Answer, AnswerDelta, Observation, Query, Watermark
from runtime.models import ImageFeatures
from tests.memory.world import Message, frame, opened, read, remembered, said
from tests.reasoning.scripted_engine import Handler, Prompt, loop_clock, serving

FILM = "film"
RENT = "What does the boat house cost a day?"
KEY = "Who has the key to the boat house?"
NOTICE = "When was the ferry timetable on screen?"
SAID = (
    (10.0, 13.0, "The rent of the boat house is 40 euros a day."),
    (20.0, 23.0, "Take good care of the oars, they are made of ash."),
    (30.0, 33.0, "Helena Okafor has the key to the boat house."),
    (70.0, 73.0, "The harbour master wants all the old nets to be mended before the storm."),
    (84.0, 87.0, "The umbrella was found behind the piano."),
    (87.5, 90.0, "It belongs to Martin."),
    (100.0, 103.0, "The rent of the boat house is now 55 euros a day."),
)
SIGN = ("Ferry timetable", "Lisbon 09:40", "Platform 7")
SCENES = 4
SCENE_S = 30


async def remember_film(folder: Path) -> Path:
    """Two minutes: what SAID says (two of it in one go), a sign from 50 to 58 s, and a new scene every half minute."""
    messages: list[Message] = [said(FILM, start, end, text) for start, end, text in SAID]
    messages.append(read(FILM, 50.0, 58.0, 51.0, SIGN))
    messages += [frame(float(t), t // SCENE_S) for t in range(SCENES * SCENE_S)]
    messages.sort(key=_known_at_s)
    messages += [Watermark("vision", inf), Watermark("read", inf), Watermark("said", inf)]
    return await remembered(folder, messages)


def _known_at_s(message: Message) -> float:
    return message.known_at_s if isinstance(message, Observation) else message.t_s


class Eyes:
    """A VisionEncoder for whose questions all the scenes of the film look about equally right."""

    name = "eyes"
    dim = 8

    def encode_images(self, images: Sequence[Any]) -> ImageFeatures:
        raise AssertionError("nothing is looked at while a question is answered")

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        scenes = np.stack([frame(0.0, scene).vector for scene in range(SCENES)])
        apart = scenes - scenes.mean(axis=0)
        # The least-squares direction with the same dot product with every scene but the first.
        wanted = np.linalg.lstsq(apart[1:], np.ones(SCENES - 1), rcond=None)[0]
        return np.tile(wanted / np.linalg.norm(wanted), (len(texts), 1)).astype(np.float32)


@dataclass(frozen=True)
class World:
    folder: Path
    verifier: Verifier

    @asynccontextmanager
    async def answerer(self, engine: Engine | None = None, **answer: Any) -> AsyncIterator[Answerer]:
        compute = Compute()
        try:
            async with await opened(self.folder) as memory:
                scenes = Scenes(memory, Eyes(), compute)
                settings = AnswerSettings(**answer)
                yield Answerer(memory, self.verifier, scenes, compute, settings, loop_clock(), engine)
        finally:
            await compute.close(5.0)

    @asynccontextmanager
    async def scripted(
        self, script: Handler, *, engine: dict[str, Any] | None = None, **answer: Any
    ) -> AsyncIterator[Answerer]:
        """engine: further engine settings, of a remote one."""
        async with AsyncExitStack() as stack:
            url = await stack.enter_async_context(serving(script))
            usual = {"mode": "remote", "url": url, "model": "m", "first_token_timeout_s": 20.0}
            settings = EngineSettings.model_validate(usual | (engine or {}))
            one = await stack.enter_async_context(Engine(settings, print, loop_clock()))
            yield await stack.enter_async_context(self.answerer(one, **answer))

    async def ask(
        self,
        script: Handler,
        text: str,
        *,
        as_of_s: float | None = None,
        options: tuple[str, ...] = (),
        engine: dict[str, Any] | None = None,
        **answer: Any,
    ) -> Told:
        async with self.scripted(script, engine=engine, **answer) as answerer:
            return await told(answerer, Query("turn", text, as_of_s, options))


@dataclass(frozen=True)
class Told:
    """What came: the pieces as they were written, then the answer."""

    pieces: list[str]
    answer: Answer

    @property
    def streamed(self) -> str:
        return "".join(self.pieces)


async def told(answerer: Answerer, query: Query) -> Told:
    pieces: list[str] = []
    answers: list[Answer] = []
    async with aclosing(answerer.stream(query)) as parts:
        async for part in parts:
            assert part.turn_id == query.turn_id
            assert not answers, "nothing comes after the answer"
            if isinstance(part, AnswerDelta):
                assert part.text
                pieces.append(part.text)
            else:
                answers.append(part)
    return Told(pieces, answers[0])


def picture_times(prompt: Prompt) -> list[float]:
    """Media seconds of the pictures that were sent: the film's pictures say when they were taken."""
    data = [base64.b64decode(url.removeprefix("data:image/jpeg;base64,")) for url in prompt.images]
    return [int(jpeg.removeprefix(b"jpeg")) / 10 for jpeg in data]
