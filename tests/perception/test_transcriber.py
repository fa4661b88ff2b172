"""Whisper itself: it hears speech, and does not hear what is not there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from perception.audio.grouping import transcribe_group
from perception.audio.settings import AudioSettings, GroupSettings, TranscriberSettings
from perception.audio.stages import SpeechEvent, TranscribeStage, VadStage
from perception.audio.transcriber import WhisperTranscriber, compression_ratio, plain_words
from perception.audio.vad import SileroVad
from runtime.channel import Channel, Policy
from runtime.compute import Compute
from runtime.errors import ConfigError, ModelError
from runtime.messages import SAMPLE_RATE_HZ, AudioChunk, Observation, Samples, SpeechEnd, Watermark

SECONDS = 6
N = SECONDS * SAMPLE_RATE_HZ
T = np.arange(N) / SAMPLE_RATE_HZ


@pytest.fixture(scope="module")
def whisper(whisper_folder: Path) -> WhisperTranscriber:
    return WhisperTranscriber(whisper_folder, TranscriberSettings(threads=2))


def pink(rng: np.random.Generator) -> np.ndarray:
    spectrum = np.fft.rfft(rng.normal(size=N))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    noise = np.fft.irfft(spectrum, N)
    return np.asarray(0.1 * noise / noise.std())


def keyboard(rng: np.random.Generator) -> np.ndarray:
    sound = rng.normal(0, 1e-3, N)
    for at in np.cumsum(rng.uniform(0.08, 0.4, 60)):
        start, length = int(at * SAMPLE_RATE_HZ), SAMPLE_RATE_HZ // 50
        if start + length < N:
            sound[start : start + length] += rng.normal(0, 0.3, length) * np.exp(-np.arange(length) / 64)
    return sound


def clicks(_: np.random.Generator) -> np.ndarray:
    sound = np.zeros(N)
    sound[:: SAMPLE_RATE_HZ // 2] = 0.9
    return sound


SILENCE: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "digital silence": lambda _: np.zeros(N),
    "white noise": lambda rng: rng.normal(0, 0.05, N),
    "loud white noise": lambda rng: rng.normal(0, 0.3, N),
    "pink noise": pink,
    "pulsing noise": lambda rng: pink(rng) * (np.sin(2 * np.pi * 3 * T) > 0),
    "mains hum": lambda _: 0.1 * sum(np.sin(2 * np.pi * 50 * k * T) / k for k in (1, 2, 3, 5)),
    "440 Hz": lambda _: 0.3 * np.sin(2 * np.pi * 440 * T),
    "clicks": clicks,
    "keyboard": keyboard,
}


async def hear(whisper: WhisperTranscriber, samples: Samples) -> list[Observation]:
    """The whole way: voice activity, segments, groups, Whisper."""
    settings, compute = AudioSettings(), Compute()
    audio = Channel[AudioChunk]("audio", 10_000, Policy.BLOCK)
    speech = Channel[SpeechEvent]("speech", 10_000, Policy.BLOCK)
    out = Channel[Observation | Watermark]("out", 10_000, Policy.BLOCK)
    for i in range(0, len(samples), 8000):
        await audio.put(AudioChunk(i / SAMPLE_RATE_HZ, samples[i : i + 8000]))
    audio.close()
    await VadStage(compute, SileroVad(), settings).run(audio, speech)
    speech.close()
    await TranscribeStage(compute, whisper, settings, "test").run(speech, out)
    out.close()
    result = [item async for item in out if isinstance(item, Observation)]
    await compute.close(1)
    return result


@pytest.mark.slow
@pytest.mark.parametrize("kind", SILENCE)
def test_no_text_from_silence(whisper: WhisperTranscriber, kind: str) -> None:
    samples = SILENCE[kind](np.random.default_rng(5)).astype(np.float32)
    assert asyncio.run(hear(whisper, samples)) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", SILENCE)
def test_no_text_from_silence_that_was_taken_for_speech(whisper: WhisperTranscriber, kind: str) -> None:
    """Whisper's own measures hold where voice activity lets something through."""
    samples = SILENCE[kind](np.random.default_rng(6)).astype(np.float32)
    for length_s in (1, 3, SECONDS):
        assert whisper.transcribe(samples[: length_s * SAMPLE_RATE_HZ], 0.0) == ()


@pytest.mark.slow
def test_a_recorded_voice(whisper: WhisperTranscriber, jfk: Samples) -> None:
    observations = asyncio.run(hear(whisper, jfk))
    text = " ".join(re.findall(r"[a-z]+", " ".join(o.text for o in observations).lower()))
    assert "my fellow americans" in text
    assert "your country can do for you" in text
    assert "what you can do for your country" in text
    words = [w for o in observations for w in o.details["words"]]
    assert all(0 <= a <= b <= 11 for _, a, b, _ in words)
    assert words == sorted(words, key=lambda w: w[1])
    country = next(w for w in words if w[0].lower().startswith("country"))
    assert 5.2 < country[1] < 7.0
    assert all(o.confidence > 0.35 and o.details["language"] == "en" for o in observations)


@pytest.mark.slow
def test_other_readings_differ_in_words(whisper: WhisperTranscriber, jfk: Samples) -> None:
    (utterance,) = whisper.transcribe(jfk, 0.0)
    plain = [plain_words(text) for text in (utterance.text, *utterance.alternatives)]
    assert len(set(plain)) == len(plain) <= 1 + whisper.settings.alternatives


@pytest.mark.slow
def test_the_same_sound_gives_the_same_words(whisper: WhisperTranscriber, jfk: Samples) -> None:
    assert whisper.transcribe(jfk, 3.0) == whisper.transcribe(jfk, 3.0)


@pytest.mark.slow
def test_words_are_shifted_to_the_media_time(whisper: WhisperTranscriber, jfk: Samples) -> None:
    (zero,), (late,) = whisper.transcribe(jfk, 0.0), whisper.transcribe(jfk, 1000.0)
    assert zero.text == late.text
    assert [w.t_start_s + 1000 for w in zero.words] == pytest.approx([w.t_start_s for w in late.words])


@pytest.mark.slow
def test_together_each_sentence_stays_in_its_place(
    whisper: WhisperTranscriber, speak: Callable[..., Samples]
) -> None:
    sentences = [
        "The library closes at six o'clock on Fridays.",
        "Our flight to Chicago leaves from gate thirty six.",
        "My neighbour Oliver bought a red bicycle.",
    ]
    expected = ["library", "chicago", "oliver"]
    spoken = [speak(s) for s in sentences]
    group = tuple(
        SpeechEnd(t, t + len(s) / SAMPLE_RATE_HZ, s) for t, s in zip((10.0, 30.0, 60.0), spoken, strict=True)
    )
    heard = transcribe_group(whisper, group, GroupSettings())
    for utterance, stretch, name in zip(heard, group, expected, strict=True):
        assert utterance is not None
        assert [n for n in expected if n in utterance.text.lower()] == [name]
        assert stretch.t_start_s <= utterance.words[0].t_start_s
        assert utterance.words[-1].t_end_s <= stretch.t_end_s


@pytest.mark.slow
def test_more_than_whisper_hears_is_refused(whisper: WhisperTranscriber) -> None:
    with pytest.raises(ValueError, match="30 s"):
        whisper.transcribe(np.zeros(31 * SAMPLE_RATE_HZ, np.float32), 0.0)
    assert whisper.transcribe(np.zeros(0, np.float32), 0.0) == ()


@pytest.mark.slow
def test_an_unknown_language_or_type_is_a_config_error(whisper_folder: Path) -> None:
    with pytest.raises(ConfigError, match="language"):
        WhisperTranscriber(whisper_folder, TranscriberSettings(language="xx"))
    with pytest.raises(ConfigError, match="int3"):
        WhisperTranscriber(whisper_folder, TranscriberSettings(device="cpu", compute_type="int3"))


def test_a_folder_without_a_model_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.bin"):
        WhisperTranscriber(tmp_path)


def test_a_damaged_model_is_a_model_error(tmp_path: Path) -> None:
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(ModelError, match="cannot load"):
        WhisperTranscriber(tmp_path)


def test_text_that_repeats_itself_compresses_well() -> None:
    assert compression_ratio("thank you " * 30) > 2.4
    assert compression_ratio("The library closes at six o'clock on Fridays.") < 1.5
    assert compression_ratio("") == 0
