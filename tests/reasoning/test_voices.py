"""The voices: real espeak-ng, piper's format with a tiny network and with real weights, and which one is chosen."""

from __future__ import annotations

import asyncio
import difflib
import json
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from memory.text import tokens
from perception.audio.settings import TranscriberSettings
from perception.audio.transcriber import WhisperTranscriber
from reasoning.settings import SpeechSettings
from reasoning.speech import Sound, read_aloud
from reasoning.voices import choose_voice
from reasoning.voices.espeak import RATE_HZ, EspeakVoice
from reasoning.voices.piper import THREAD, PiperVoice
from runtime.clock import VirtualClock
from runtime.compute import Compute
from runtime.errors import ModelError, VoiceError
from runtime.messages import SAMPLE_RATE_HZ
from runtime.models import Voice
from runtime.weights import Registry
from tests.conftest import Run, require
from tests.reasoning import tiny_voice

SENTENCE = "The bakery on Elm Street opens at half past six."


@pytest.fixture
def espeak() -> EspeakVoice:
    require(shutil.which("espeak-ng"), "espeak-ng is not installed")
    return EspeakVoice()


async def all_of(voice: Voice, text: str) -> NDArray[np.int16]:
    async with aclosing(voice.speak(text)) as pieces:
        return np.concatenate([np.empty(0, np.int16), *[piece async for piece in pieces]])


def program(folder: Path, *lines: str) -> str:
    """A shell script that stands for espeak-ng."""
    path = folder / "speaker"
    path.write_text("\n".join(["#!/bin/sh", *lines]) + "\n")
    path.chmod(0o755)
    return str(path)


def children() -> list[int]:
    return [child.pid for child in psutil.Process().children(recursive=True)]


def with_compute(run: Run, work: Callable[[Compute], Awaitable[None]]) -> None:
    """Runs work(compute) and closes the compute, whose threads must all be free then."""

    async def main() -> None:
        compute = Compute()
        try:
            await work(compute)
        finally:
            assert await compute.close(5.0) == ()

    run(main())


# espeak-ng


def test_espeak_speaks(run_real: Run, espeak: EspeakVoice) -> None:
    sound = run_real(all_of(espeak, SENTENCE))
    assert sound.dtype == np.int16
    assert 1.5 < len(sound) / RATE_HZ < 6.0
    assert np.abs(sound).max() > 3000


def test_espeak_speaks_faster_when_told_to(run_real: Run, espeak: EspeakVoice) -> None:
    fast = EspeakVoice(words_per_minute=340)
    assert len(run_real(all_of(fast, SENTENCE))) < 0.7 * len(run_real(all_of(espeak, SENTENCE)))


@pytest.mark.parametrize("text", ["-v --help", "Grüße, 你好!", "<b>bold</b> &amp;", "a" * 3000])
def test_espeak_takes_any_text(run_real: Run, espeak: EspeakVoice, text: str) -> None:
    assert len(run_real(all_of(espeak, text))) > 1000


def test_nobody_reads_the_text_on_the_command_line(run_real: Run, tmp_path: Path) -> None:
    seen = tmp_path / "arguments"
    voice = EspeakVoice(program=program(tmp_path, f'echo "$@" > {seen}', "cat >/dev/null", "exit 1"))
    with pytest.raises(VoiceError):
        run_real(all_of(voice, "a secret"))
    assert seen.read_text().split() == ["-v", "en-us", "-s", "170", "--stdout", "--stdin"]


def test_an_accent_that_is_not_there_is_named(run_real: Run, espeak: EspeakVoice) -> None:
    with pytest.raises(VoiceError, match="espeak-ng voice does not exist"):
        run_real(all_of(EspeakVoice("xx-none"), "hello"))


def test_a_program_that_is_not_there_is_named(run_real: Run) -> None:
    with pytest.raises(VoiceError, match="no-such-speaker cannot be started: No such file"):
        run_real(all_of(EspeakVoice(program="no-such-speaker"), "hello"))


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (("cat >/dev/null", "echo it broke >&2", "exit 3"), "it broke"),
        (("cat >/dev/null", "exit 3"), "ended with status 3"),
        (("exit 0",), "gave no sound"),
        (("head -c 100 /dev/zero",), "no sound that can be read"),
        (("kill -9 $$",), "ended with status -9"),
    ],
)
def test_a_program_that_fails_is_one_clear_line(
    run_real: Run, tmp_path: Path, lines: tuple[str, ...], complaint: str
) -> None:
    voice = EspeakVoice(program=program(tmp_path, *lines))
    with pytest.raises(VoiceError, match=complaint) as raised:
        run_real(all_of(voice, "hello " * 20_000))
    assert "\n" not in str(raised.value)


def test_one_who_stops_listening_leaves_no_process(run_real: Run, espeak: EspeakVoice) -> None:
    async def main() -> None:
        async with aclosing(espeak.speak("many words to be spoken " * 2000)) as pieces:
            async for piece in pieces:
                assert len(piece)
                assert children()
                break
        assert not children()

    run_real(main())


def test_a_cancelled_speaker_is_killed(run_virtual: Run, tmp_path: Path) -> None:
    """Virtual time: the program never ends, and nothing here waits for it."""
    clock = VirtualClock()
    pid = tmp_path / "pid"
    os.mkfifo(pid)
    voice = EspeakVoice(program=program(tmp_path, f"echo $$ > {pid}", "exec sleep 1000"))

    async def main() -> None:
        speaking = asyncio.create_task(all_of(voice, "hello"))
        number = int(await asyncio.to_thread(pid.read_text))
        assert psutil.pid_exists(number)
        speaking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await speaking
        assert not psutil.pid_exists(number)
        assert clock.now() == 0

    run_virtual(main())


def test_a_program_that_hangs_is_given_up_and_the_text_goes_on(run_virtual: Run, tmp_path: Path) -> None:
    voice = EspeakVoice(program=program(tmp_path, "exec sleep 1000"))
    clock = VirtualClock()

    async def text() -> AsyncIterator[str]:
        yield "It is blue. It was red."

    async def main() -> list[Sound]:
        sounds = [sound async for sound in read_aloud(text(), voice, SpeechSettings(patience_s=4.0))]
        assert clock.now() == 4.0
        assert not children()
        return sounds

    sounds = run_virtual(main())
    assert [s.text for s in sounds] == ["It is blue.", "It was red."]
    assert [s.error for s in sounds] == ["the voice espeak-ng en-us gave no sound for 4 s", ""]


# piper


def test_a_piper_voice_gets_begin_padding_and_end_around_its_phonemes(run_real: Run, tmp_path: Path) -> None:
    require(shutil.which("espeak-ng"), "espeak-ng is not installed")

    async def work(compute: Compute) -> None:
        voice = PiperVoice(tiny_voice.write_voice(tmp_path), compute)
        assert voice.sample_rate_hz == tiny_voice.RATE_HZ
        pieces = [piece async for piece in voice.speak("See, no sea! Go")]
        # The last sentence has no mark of its own, and its first sign is one that the voice does not know.
        assert [hummed(piece) for piece in pieces] == ["^_s_ˈ_i_ː_,_ _n_ˈ_o_ʊ_ _s_ˈ_i_ː_!_$", "^_ˈ_o_ʊ_._$"]

    with_compute(run_real, work)


def hummed(piece: NDArray[np.int16]) -> str:
    """The signs that a tiny voice hummed, by their loudness."""
    hum = piece[: -round(0.2 * tiny_voice.RATE_HZ)]
    levels = hum.reshape(-1, tiny_voice.SAMPLES)[:, 0].astype(float)
    loudest = max(levels)
    # The scale is not known; the sign "$" stands last and is number 2.
    numbers = [round(level / levels[-1] * 2) for level in levels]
    assert loudest == pytest.approx(0.9 * 32767, abs=2)
    return "".join(tiny_voice.SIGNS[number] for number in numbers)


def test_one_who_stops_listening_frees_the_voices_thread(run_real: Run, tmp_path: Path) -> None:
    require(shutil.which("espeak-ng"), "espeak-ng is not installed")

    async def work(compute: Compute) -> None:
        voice = PiperVoice(tiny_voice.write_voice(tmp_path, endless=True), compute)
        await voice.load()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await all_of(voice, "This never ends.")
        async with asyncio.timeout(60.0):
            assert await compute.run(THREAD, int) == 0

    with_compute(run_real, work)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"phoneme_type": "pinyin"}, "its phonemes are not espeak-ng's"),
        ({"phoneme_id_map": {"a": [1]}}, "its phonemes are not espeak-ng's"),
        ({"audio": {}}, "sample_rate"),
        (None, "No such file"),
    ],
)
def test_a_voice_that_cannot_be_used_is_one_clear_line(
    tmp_path: Path, change: dict[str, object] | None, complaint: str
) -> None:
    path = tiny_voice.write_voice(tmp_path)
    facts = path.with_name(f"{path.name}.json")
    if change is None:
        facts.unlink()
    else:
        facts.write_text(json.dumps(json.loads(facts.read_text()) | change))
    with pytest.raises(ModelError, match=complaint):
        PiperVoice(path, Compute())


def test_a_damaged_network_is_one_clear_line(run_real: Run, tmp_path: Path) -> None:
    path = tiny_voice.write_voice(tmp_path)
    path.write_bytes(path.read_bytes()[:50])

    async def work(compute: Compute) -> None:
        with pytest.raises(ModelError, match="does not load") as raised:
            await PiperVoice(path, compute).load()
        assert "\n" not in str(raised.value)

    with_compute(run_real, work)


# What is heard


def whisper() -> WhisperTranscriber:
    here = {s.spec.name: s.where for s in Registry.load().status() if s.present}
    folder = here.get("whisper-base")
    require(folder, "whisper-base is not here: hearsight models pull")
    assert folder is not None
    return WhisperTranscriber(folder, TranscriberSettings())


def understood(sound: NDArray[np.int16], rate_hz: int) -> list[str]:
    times = np.arange(0, len(sound) / rate_hz, 1 / SAMPLE_RATE_HZ)
    samples = np.interp(times, np.arange(len(sound)) / rate_hz, sound / 32768).astype(np.float32)
    return [t for u in whisper().transcribe(samples, 0.0) for t in tokens(u.text)]


@pytest.mark.slow
def test_espeak_is_understood(run_real: Run, espeak: EspeakVoice) -> None:
    words = understood(run_real(all_of(espeak, SENTENCE)), RATE_HZ)
    assert {"bakeri", "elm", "street", "open"} & set(words) >= {"street", "open"}


@pytest.mark.slow
def test_the_neural_voice_is_understood(run_real: Run) -> None:
    here = {s.spec.name: s.where for s in Registry.load().status() if s.present}
    folder = here.get("piper-joe")
    if folder is None:
        pytest.skip("piper-joe is not here: hearsight models pull piper-joe")
    require(shutil.which("espeak-ng"), "espeak-ng is not installed")

    async def work(compute: Compute) -> None:
        voice = PiperVoice(folder / "en_US-joe-medium.onnx", compute)
        words = understood(await all_of(voice, SENTENCE), voice.sample_rate_hz)
        said = tokens(SENTENCE)
        right = difflib.SequenceMatcher(a=said, b=words).get_matching_blocks()
        # The listener may take one rare word for another: "Elm" comes out as "Eln" on some processors.
        assert sum(block.size for block in right) >= len(said) - 1

    with_compute(run_real, work)


# Which one


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registry whose piper-joe is the tiny voice, once that is written to tmp_path / "voice"."""
    monkeypatch.setenv("HEARSIGHT_CACHE", str(tmp_path / "cache"))
    own = tmp_path / "models.toml"
    own.write_text(
        '[piper-joe]\nkind = "voice"\ndefault = false\nlicence = ""\ndownload_mb = 1\npurpose = ""\nwithout = ""\n'
        f'requires = ["**/tiny.onnx"]\n[[piper-joe.sources]]\npath = "{tmp_path / "voice"}"\n'
    )
    monkeypatch.setenv("HEARSIGHT_MODELS", str(own))
    return Registry.load()


def chosen(run: Run, settings: SpeechSettings, registry: Registry) -> tuple[str | None, list[str]]:
    async def main() -> tuple[str | None, list[str]]:
        compute = Compute()
        said: list[str] = []
        try:
            voice = await choose_voice(settings, registry, compute, said.append)
            return (voice.name if voice is not None else None), said
        finally:
            await compute.close(5.0)

    return run(main())


def test_without_weights_espeak_speaks(run_real: Run, catalogue: Registry, espeak: EspeakVoice) -> None:
    assert chosen(run_real, SpeechSettings(), catalogue) == ("espeak-ng en-us", [])


def test_with_weights_the_neural_voice_speaks(
    run_real: Run, catalogue: Registry, espeak: EspeakVoice, tmp_path: Path
) -> None:
    folder = tmp_path / "voice" / "deep"
    folder.mkdir(parents=True)
    path = tiny_voice.write_voice(folder)
    assert chosen(run_real, SpeechSettings(), catalogue) == ("piper tiny", [])
    assert chosen(run_real, SpeechSettings(voice="espeak"), catalogue) == ("espeak-ng en-us", [])
    assert chosen(run_real, SpeechSettings(voice="browser"), catalogue) == (None, [])
    assert chosen(run_real, SpeechSettings(model=str(path)), catalogue) == ("piper tiny", [])
    assert chosen(run_real, SpeechSettings(model=str(folder)), catalogue) == ("piper tiny", [])


def test_damaged_weights_are_told_and_espeak_speaks(
    run_real: Run, catalogue: Registry, espeak: EspeakVoice, tmp_path: Path
) -> None:
    (tmp_path / "voice").mkdir()
    tiny_voice.write_voice(tmp_path / "voice").write_bytes(b"no network")
    name, said = chosen(run_real, SpeechSettings(), catalogue)
    assert name == "espeak-ng en-us"
    assert len(said) == 1
    assert "does not load" in said[0]
    with pytest.raises(ModelError, match="does not load"):
        chosen(run_real, SpeechSettings(voice="neural"), catalogue)


def test_a_neural_voice_that_was_asked_for_and_is_missing_is_an_error(
    run_real: Run, catalogue: Registry, espeak: EspeakVoice, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="piper-joe cannot be had"):
        chosen(run_real, SpeechSettings(voice="neural"), catalogue)
    with pytest.raises(ModelError, match="has no voice"):
        chosen(run_real, SpeechSettings(voice="neural", model=str(tmp_path)), catalogue)


def test_without_espeak_the_browser_speaks(
    run_real: Run, catalogue: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    name, said = chosen(run_real, SpeechSettings(), catalogue)
    assert name is None
    assert len(said) == 1
    assert "espeak-ng is not installed" in said[0]
    with pytest.raises(VoiceError, match="espeak-ng is not installed"):
        chosen(run_real, SpeechSettings(voice="espeak"), catalogue)
