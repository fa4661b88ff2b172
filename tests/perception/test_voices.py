"""Where one voice ends and another begins, in the words of an utterance."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from perception.audio.settings import VoiceSettings
from perception.audio.voice_encoder import Ge2eEncoder
from perception.audio.voices import Spoken, by_voice
from runtime.messages import SAMPLE_RATE_HZ, Samples, SpeechEnd, Utterance, Word
from tests.perception.conftest import Speak

SETTINGS = VoiceSettings()
START_S = 20.0


class Loudness:
    """A VoiceEncoder: who speaks is the level of the sound, in tenths; two voices have nothing in common."""

    name = "loudness"
    dim = 11

    def encode(self, pieces: Sequence[Samples]) -> NDArray[np.float32]:
        levels = [round(float(np.median(piece)) * 10) for piece in pieces]
        return np.eye(self.dim, dtype=np.float32)[levels]


def scene(*sentences: tuple[str, int, float], pause_s: float = 0.1) -> tuple[Utterance, SpeechEnd]:
    """Sentences one after the other, each of a voice (a number from 1 on) and so many seconds."""
    words: list[Word] = []
    sound: list[Samples] = []
    t_s = START_S
    for text, voice, length_s in sentences:
        parts = text.split()
        for i, part in enumerate(parts):
            step_s = length_s / len(parts)
            words.append(Word(f" {part}", t_s + i * step_s, t_s + (i + 1) * step_s, 0.9))
        sound.append(np.full(round(length_s * SAMPLE_RATE_HZ), voice / 10, np.float32))
        sound.append(np.zeros(round(pause_s * SAMPLE_RATE_HZ), np.float32))
        t_s += length_s + pause_s
    stretch = SpeechEnd(START_S, t_s, np.concatenate(sound))
    text = "".join(w.text for w in words).strip()
    return Utterance(text, START_S, t_s, tuple(words), confidence=0.9), stretch


def split(*sentences: tuple[str, int, float]) -> tuple[Spoken, ...]:
    return by_voice(*scene(*sentences), Loudness(), SETTINGS)


def test_one_voice_is_one_utterance() -> None:
    utterance, stretch = scene(("The ferry is late.", 1, 2.0), ("It leaves at noon.", 1, 2.0))
    (one,) = by_voice(utterance, stretch, Loudness(), SETTINGS)
    assert one.utterance is utterance
    assert one.voice is not None
    assert one.voice.speech_s == pytest.approx(4.1, abs=0.15) and one.voice.quality == pytest.approx(1.0)
    assert one.voice.known_at_s == stretch.t_end_s and one.voice.model == "loudness"


def test_another_voice_is_another_utterance() -> None:
    spoken = split(("When does it leave?", 1, 1.5), ("At noon.", 2, 1.5), ("And from where?", 1, 1.5))
    assert [s.utterance.text for s in spoken] == ["When does it leave?", "At noon.", "And from where?"]
    first, second, third = (s.voice for s in spoken)
    assert first is third and first is not None and second is not None
    assert (first.stretch, second.stretch) == ("20000", "20000") and first.voice != second.voice
    assert float(first.vector @ second.vector) == pytest.approx(0.0)


def test_no_word_is_lost_and_the_times_are_kept() -> None:
    utterance, stretch = scene(("One two three.", 1, 2.0), ("Four five.", 3, 2.0), ("Six.", 1, 1.5))
    spoken = by_voice(utterance, stretch, Loudness(), SETTINGS)
    assert [w for s in spoken for w in s.utterance.words] == list(utterance.words)
    assert spoken[0].utterance.t_start_s == utterance.t_start_s
    assert spoken[-1].utterance.t_end_s == utterance.t_end_s
    for before, after in pairwise(spoken):
        assert before.utterance.t_end_s <= after.utterance.t_start_s


def test_a_word_too_short_to_have_a_voice_goes_with_what_is_nearest() -> None:
    spoken = split(("The price is forty euros.", 1, 2.5), ("Hm.", 5, 0.3), ("That is too much.", 2, 2.0))
    assert len(spoken) == 2
    assert (
        " ".join(s.utterance.text for s in spoken).split()
        == "The price is forty euros. Hm. That is too much.".split()
    )


def test_a_short_answer_goes_to_the_voice_that_it_is_like() -> None:
    spoken = split(
        ("Are you coming along?", 1, 2.0), ("No.", 2, 0.4), ("Why not?", 1, 2.0), ("I am tired.", 2, 2.0)
    )
    assert [s.utterance.text for s in spoken] == ["Are you coming along?", "No.", "Why not?", "I am tired."]


def test_without_words_there_is_no_voice() -> None:
    stretch = SpeechEnd(0.0, 1.0, np.zeros(SAMPLE_RATE_HZ, np.float32))
    (one,) = by_voice(Utterance("", 0.0, 1.0), stretch, Loudness(), SETTINGS)
    assert one.voice is None


def test_words_beyond_the_sound_are_no_error() -> None:
    utterance, stretch = scene(("All the words.", 1, 2.0))
    cut = SpeechEnd(stretch.t_start_s, stretch.t_end_s, stretch.samples[:100])
    assert len(by_voice(utterance, cut, Loudness(), SETTINGS)) == 1


@pytest.mark.slow
def test_two_voices_of_a_synthesiser_are_told_apart(voice_folder: Path, speak: Speak) -> None:
    """The real encoder, on sound that is cut by the words' times alone."""
    lines = (
        ("Good morning, the new budget is forty thousand euros.", "en-us"),
        ("That is far too much for a garden.", "en-us+f2"),
        ("Then let us meet again on Tuesday afternoon.", "en-us"),
        ("Fine, I will bring the plans and the list of plants.", "en-us+f2"),
    )
    words: list[Word] = []
    sound: list[Samples] = []
    t_s = 0.0
    for text, voice in lines:
        samples = speak(text, voice)
        length_s = len(samples) / SAMPLE_RATE_HZ
        parts = text.split()
        step_s = length_s / len(parts)
        words += [Word(f" {p}", t_s + i * step_s, t_s + (i + 1) * step_s, 0.9) for i, p in enumerate(parts)]
        sound.append(samples)
        t_s += length_s
    stretch = SpeechEnd(0.0, t_s, np.concatenate(sound))
    utterance = Utterance(" ".join(t for t, _ in lines), 0.0, t_s, tuple(words))
    spoken = by_voice(utterance, stretch, Ge2eEncoder(voice_folder), SETTINGS)
    assert [s.utterance.text for s in spoken] == [text for text, _ in lines]
    assert [s.voice.voice for s in spoken if s.voice is not None] == [0, 1, 0, 1]
