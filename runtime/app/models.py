"""The models of a run: loaded when first needed, each in the thread that will use it, shared by all its videos."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from memory.text_encoder import MiniLMEncoder
from perception.audio.transcriber import WhisperTranscriber
from perception.audio.turns import SmartTurn
from perception.audio.voice_encoder import Ge2eEncoder
from perception.vision.faces import DlibFaces
from perception.vision.ocr import RapidTextReader
from reasoning.language import Language
from reasoning.lexicon import Lexicon
from reasoning.support import Verifier
from runtime.app.settings import AppSettings
from runtime.app.vision import VisionModels
from runtime.compute import Compute
from runtime.errors import ModelError
from runtime.weights import Registry

T = TypeVar("T")

FACES = "faces"


def face_obstacle(registry: Registry) -> str | None:
    """Why faces cannot be looked at, in words; None where they can. Uses no network."""
    try:
        registry.locate(FACES)
    except ModelError as error:
        return str(error)
    if find_spec("dlib") is None:
        return "dlib is not installed (pip install 'hearsight[faces]')"
    return None


class Models:
    """report gets one line for everything that takes long."""

    def __init__(
        self, settings: AppSettings, registry: Registry, compute: Compute, report: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._compute = compute
        self._report = report
        self.vision = VisionModels(settings.vision, registry, compute, report)
        self._lock = asyncio.Lock()
        self._loaded: dict[str, object] = {}

    async def text_encoder(self) -> MiniLMEncoder:
        return await self._once("text encoder", "minilm", MiniLMEncoder)

    async def transcriber(self) -> WhisperTranscriber:
        settings = self._settings.audio.transcriber
        return await self._once(
            "transcribe", settings.model, lambda folder: WhisperTranscriber(folder, settings, self._report)
        )

    async def second_transcriber(self) -> WhisperTranscriber | None:
        """None where it is not wanted, or cannot be had: then it is said that one has to do."""
        settings = self._settings.audio.second
        if settings is None:
            return None
        try:
            return await self._once(
                "transcribe again",
                settings.model,
                lambda folder: WhisperTranscriber(folder, settings, self._report),
            )
        except ModelError as error:
            self._report(f"hearsight: {error}: what is heard unsurely is not heard twice")
            return None

    async def voice_encoder(self) -> Ge2eEncoder | None:
        """None where it is not wanted, or cannot be had: then it is said that nobody is known by voice."""
        settings = self._settings.audio.voices
        if not settings.known:
            return None
        try:
            return await self._once("speaker", settings.model, Ge2eEncoder)
        except ModelError as error:
            self._report(f"hearsight: {error}: it is not known who speaks")
            return None

    async def face_encoder(self) -> DlibFaces | None:
        """None where it is not wanted, or not here: it is never fetched unasked, for prints of faces are biometric data."""
        settings = self._settings.vision.faces
        if settings.known == "off" or face_obstacle(self._registry) is not None:
            return None
        return await self._once("faces", FACES, lambda folder: DlibFaces(folder, settings))

    async def reader(self) -> RapidTextReader:
        return await self._once("ocr", None, lambda _: RapidTextReader(self._settings.read))

    async def turn_detector(self) -> SmartTurn:
        return await self._once("end of turn", "smart-turn", SmartTurn)

    async def verifier(self) -> Verifier:
        text = await self._registry.ensure("minilm", self._report)
        # A session of its own: an encoder serves one thread at a time.
        words = await self._lexicon()
        return await self._once(
            "answer",
            "en-core-web-sm",
            lambda folder: Verifier(
                Language(folder), MiniLMEncoder(text), None if words is None else Lexicon(words)
            ),
        )

    async def _lexicon(self) -> Path | None:
        """None where it cannot be had: then it is said that vectors of words have to do."""
        try:
            return await self._registry.ensure("wordnet", self._report)
        except ModelError as error:
            self._report(f"hearsight: {error}: fewer questions in other words are answered")
            return None

    async def _once(self, thread: str, model: str | None, load: Callable[..., T]) -> T:
        async with self._lock:
            if thread not in self._loaded:
                folder = await self._registry.ensure(model, self._report) if model else None
                self._loaded[thread] = await self._compute.run(f"load {thread}", load, folder)
            return self._loaded[thread]  # type: ignore[return-value]
