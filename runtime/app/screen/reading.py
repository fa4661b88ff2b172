"""The text reader as a screen needs it."""

from __future__ import annotations

from perception.screen.settings import ScreenReadSettings
from perception.settings import ReadSettings
from perception.vision.ocr import RapidTextReader
from runtime.app.context import App

_LINES = 4096


async def open_reader(app: App, settings: ScreenReadSettings) -> RapidTextReader:
    """Text on a screen is read at its own size: nothing is scaled up to be found. Raises ModelError."""
    read = ReadSettings(
        threads=settings.threads, min_confidence=settings.min_confidence, detect_side=64, kept_lines=_LINES
    )
    return await app.compute.run("ocr", RapidTextReader, read)
