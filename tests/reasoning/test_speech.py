"""What is read aloud of an answer, and how its sentences come one by one while it is still being written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from reasoning.settings import SpeechSettings
from reasoning.speech import LATER_CHARACTERS, Sound, read_aloud, sentences, speakable
from runtime.clock import VirtualClock, run_virtual
from runtime.errors import VoiceError
from tests.conftest import Run

SETTINGS = SpeechSettings(patience_s=5.0)


async def in_pieces(text: str, size: int) -> AsyncIterator[str]:
    for start in range(0, len(text), size):
        yield text[start : start + size]


def cut(text: str, size: int = 4) -> list[str]:
    async def main() -> list[str]:
        return [sentence async for sentence in sentences(in_pieces(text, size))]

    return run_virtual(main())


@pytest.mark.parametrize("size", [1, 4, 1000])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is blue. It was red.", ["It is blue.", "It was red."]),
        ("Really? Yes! Good.", ["Really?", "Yes!", "Good."]),
        ("It costs 3.50 at 8:53. Then more.", ["It costs 3.50 at 8:53.", "Then more."]),
        ("Dr. Smith met J. Doe. They left.", ["Dr. Smith met J. Doe.", "They left."]),
        ("It is No. 5. No. It is six.", ["It is No. 5.", "No.", "It is six."]),
        ("At 5 p.m. today. At 6 p.m. Ana left.", ["At 5 p.m. today.", "At 6 p.m.", "Ana left."]),
        ("1. Buy milk\n2. Buy bread\n", ["1. Buy milk", "2. Buy bread"]),
        ("A bottle. [1] A cup (seen at 0:07). Fine.", ["A bottle. [1]", "A cup (seen at 0:07).", "Fine."]),
        ("Six. “It opens. At six.” (said at 8:53)", ["Six.", "“It opens. At six.” (said at 8:53)"]),
        ("Open (never closed. And on.", ["Open (never closed.", "And on."]),
        ("他说好。我也好。", ["他说好。", "我也好。"]),
        ("no full stop", ["no full stop"]),
        ("Wait... what? ...", ["Wait...", "what?"]),
        ("  \n \n", []),
        ("", []),
    ],
)
def test_sentences_end_where_a_reader_pauses(text: str, expected: list[str], size: int) -> None:
    assert cut(text, size) == expected


def test_a_long_first_sentence_is_cut_at_a_clause() -> None:
    text = "The bakery on Elm Street, which Ana mentioned, opens at half past six on weekdays, but on Sundays it is shut"
    assert cut(text) == [
        "The bakery on Elm Street, which Ana mentioned,",
        "opens at half past six on weekdays, but on Sundays it is shut",
    ]


def test_a_later_sentence_has_more_room() -> None:
    clause = "and this goes on with many words, "
    text = "Short. " + clause * 5 + "to its end."
    assert cut(text) == ["Short.", clause * 5 + "to its end."]


def test_without_any_mark_words_stay_whole() -> None:
    pieces = cut("word " * 200)
    assert " ".join(pieces).split() == ["word"] * 200
    assert all(len(piece) <= 2 * LATER_CHARACTERS for piece in pieces)


@given(st.text(alphabet="ab1. ,?!\n“”()[]:ABC", max_size=300), st.integers(1, 50))
def test_no_word_is_lost_however_the_text_comes(text: str, size: int) -> None:
    def letters(pieces: Sequence[str]) -> str:
        return "".join(ch for piece in pieces for ch in piece if ch.isalnum())

    assert letters(cut(text, size)) == letters([text])


def test_a_sentence_comes_as_soon_as_the_next_one_begins(run_virtual: Run) -> None:
    clock = VirtualClock()

    async def slow() -> AsyncIterator[str]:
        for word in "It is blue. The rest takes long.".split(" "):
            yield word + " "
            await clock.sleep(1.0)

    async def main() -> list[tuple[float, str]]:
        return [(clock.now(), sentence) async for sentence in sentences(slow())]

    assert run_virtual(main()) == [(3.0, "It is blue."), (7.0, "The rest takes long.")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The cat is black [2]. [1, 3]", "The cat is black."),
        ("“It opens at six.” (said at 8:53)", "It opens at six, said at eight minutes fifty-three"),
        ("At 8:53: “Deploy / failed” (on screen).", "At eight minutes fifty-three: Deploy, failed, on screen."),
        ("Also at 9:10 and 1:03:07.", "Also at nine minutes ten and one hour three minutes seven."),
        (
            "Most likely at 0:07, going by the picture; otherwise at 12:00.",
            "Most likely at seven seconds, going by the picture; otherwise at twelve minutes.",
        ),
        ("At 10:30 the train leaves, at 9:05 the bus.", "At ten thirty the train leaves, at nine oh five the bus."),
        ("It opens at 17:00.", "It opens at seventeen o'clock."),
        ("At 9:00 am.", "At nine am."),
        ("See https://example.com/x?y=1 for **details** — e.g. `foo_bar`.", "See example.com for details, for example foo bar."),
        ("[the notes](https://example.com)", "the notes"),
        ("# Title\n- one\n- two", "Title. one. two"),
        ("Dr. Smith & Mrs. Doe (both here) left 🙂.", "Doctor Smith and Missus Doe, both here, left."),
        ("Clip 3f9a8b7c6d5e4f3a2b1c shows it.", "Clip shows it."),
        ("It’s 3.5 km/h at 20 °C, or 90°.", "It's 3.5 km/h at 20 degrees Celsius, or 90 degrees."),
        ("[1]", ""),
        ("…", ""),
    ],
)  # fmt: skip
def test_what_is_read_aloud(text: str, expected: str) -> None:
    assert speakable(text) == expected


def test_a_long_quotation_is_read_up_to_a_pause() -> None:
    said = "So the bakery on Elm Street opens at half past six, but the one by the station doesn't open until eight"
    assert speakable(f"“{said}.” (said at 0:05)") == (
        "So the bakery on Elm Street opens at half past six, said at five seconds"
    )
    assert speakable("“" + "word " * 40 + "”").split() == ["word"] * 18


@given(st.text(max_size=200))
def test_nothing_unspeakable_is_left(text: str) -> None:
    assert not set(speakable(text)) & set('[]{}()“”"*`\n\\<>')


class Tone:
    """A voice that hums as many thousand samples as a text has words, a thousand at a time."""

    name = "tone"
    sample_rate_hz = 24_000

    def __init__(
        self, clock: VirtualClock, piece_s: float = 0.1, fails_at: str = "", hangs_at: str = ""
    ) -> None:
        self._clock, self._piece_s = clock, piece_s
        self._fails_at, self._hangs_at = fails_at, hangs_at
        self.asked: list[str] = []
        self.at_work = 0

    async def speak(self, text: str) -> AsyncGenerator[NDArray[np.int16], None]:
        self.asked.append(text)
        self.at_work += 1
        try:
            for _ in text.split():
                await self._clock.sleep(1e6 if self._hangs_at and self._hangs_at in text else self._piece_s)
                yield np.full(1000, 8000, np.int16)
                if self._fails_at and self._fails_at in text:
                    raise VoiceError("the voice tone broke")
        finally:
            self.at_work -= 1


def aloud(run: Run, text: str, voice: Tone | None) -> list[Sound]:
    async def main() -> list[Sound]:
        return [sound async for sound in read_aloud(in_pieces(text, 5), voice, SETTINGS)]

    return run(main())


def test_each_sentence_is_spoken_at_the_rate_of_the_track(run_virtual: Run) -> None:
    voice = Tone(VirtualClock())
    sounds = aloud(run_virtual, "It is blue. [1] So it was.", voice)
    assert voice.asked == ["It is blue.", "So it was."]
    for text in voice.asked:
        spoken = np.concatenate([s.samples for s in sounds if s.text == text])
        assert abs(len(spoken) - 6000) < 50
        assert abs(int(np.median(spoken)) - 8000) < 50
        assert spoken.dtype == np.int16


def test_without_a_voice_the_sentences_are_left_to_the_browser(run_virtual: Run) -> None:
    sounds = aloud(run_virtual, "It is blue. [1] So it was.", None)
    assert [(s.text, len(s.samples), s.error) for s in sounds] == [
        ("It is blue.", 0, ""),
        ("So it was.", 0, ""),
    ]


def test_a_voice_that_fails_leaves_the_rest_to_the_browser(run_virtual: Run) -> None:
    voice = Tone(VirtualClock(), fails_at="red")
    sounds = aloud(run_virtual, "It is blue. It was red. It will be green.", voice)
    silent = [(s.text, s.error) for s in sounds if not len(s.samples)]
    assert silent == [("It was red.", "the voice tone broke"), ("It will be green.", "")]
    assert voice.asked == ["It is blue.", "It was red."]
    assert voice.at_work == 0


def test_a_voice_that_hangs_is_given_up_after_its_time(run_virtual: Run) -> None:
    clock = VirtualClock()
    voice = Tone(clock, hangs_at="red")

    async def main() -> tuple[float, list[Sound]]:
        sounds = [s async for s in read_aloud(in_pieces("It was red. It is blue.", 5), voice, SETTINGS)]
        return clock.now(), sounds

    ended_s, sounds = run_virtual(main())
    assert ended_s == SETTINGS.patience_s
    assert [s.error for s in sounds] == ["the voice tone gave no sound for 5 s", ""]
    assert voice.at_work == 0


def test_a_cancelled_reader_stops_its_voice_at_once(run_virtual: Run) -> None:
    clock = VirtualClock()
    voice = Tone(clock)
    heard = 0

    async def read() -> None:
        nonlocal heard
        async for _ in read_aloud(in_pieces("one two three four five six seven", 5), voice, SETTINGS):
            heard += 1

    async def main() -> float:
        reading = asyncio.create_task(read())
        await clock.sleep(0.35)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        return clock.now()

    assert run_virtual(main()) == 0.35
    assert heard == 3
    assert voice.at_work == 0


def test_one_who_stops_listening_stops_the_voice(run_virtual: Run) -> None:
    voice = Tone(VirtualClock())

    async def main() -> None:
        async with aclosing(read_aloud(in_pieces("one two three four", 5), voice, SETTINGS)) as sounds:
            async for _ in sounds:
                break
        assert voice.at_work == 0

    run_virtual(main())
