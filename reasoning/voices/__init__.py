"""The voices that speak answers, and which of them is taken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from reasoning.settings import SpeechSettings
from reasoning.voices.espeak import PROGRAM, EspeakVoice, espeak_is_here
from reasoning.voices.piper import PiperVoice
from runtime.compute import Compute
from runtime.errors import ModelError, VoiceError
from runtime.models import Voice
from runtime.weights import Registry


async def choose_voice(
    settings: SpeechSettings, registry: Registry, compute: Compute, report: Callable[[str], None]
) -> Voice | None:
    """The voice that the settings ask for, ready to speak. None: the browser is to speak.

    auto takes the best that is here, and reports in one line what is missing. Raises ModelError: the neural voice
    was asked for by name and cannot be had. VoiceError: espeak-ng was asked for and is not installed.
    """
    if settings.voice == "browser":
        return None
    if not espeak_is_here():
        missing = f"{PROGRAM} is not installed (most systems have a package of that name)"
        if settings.voice != "auto":
            raise VoiceError(f"speech.voice is {settings.voice}, but {missing}")
        report(f"voice: the browser's own, because {missing}")
        return None
    if settings.voice != "espeak":
        folder = await _weights(settings, registry, report)
        if folder is not None:
            try:
                voice = PiperVoice(_voice_file(folder, settings.model, registry), compute, settings.threads)
                await voice.load()
                return voice
            except ModelError as error:
                if settings.voice == "neural":
                    raise
                report(f"voice: {PROGRAM}, because {error}")
    return EspeakVoice(settings.accent, settings.words_per_minute)


async def _weights(
    settings: SpeechSettings, registry: Registry, report: Callable[[str], None]
) -> Path | None:
    """Where the neural voice lies. None: it is not here, and was not asked for by name."""
    if settings.model.endswith(".onnx"):
        return Path(settings.model)
    if settings.voice == "neural":
        return await registry.ensure(settings.model, report)
    try:
        return registry.locate(settings.model)
    except ModelError:
        return None


def _voice_file(place: Path, model: str, registry: Registry) -> Path:
    """place: the file itself, or a folder; in one that the registry knows it is the file that the model requires."""
    place = place.expanduser()
    if place.suffix == ".onnx":
        return place
    patterns = registry.spec(model).requires if model in registry.names() else ()
    pattern = next((p for p in patterns if p.endswith(".onnx")), "*.onnx")
    found = sorted(place.glob(pattern))
    if not found:
        raise ModelError(f"{place} has no voice ({pattern}) in it")
    return found[0]
