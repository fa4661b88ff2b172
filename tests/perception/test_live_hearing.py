"""Live hearing: turns, parts, partial transcripts, and what happens when a model is slow or absent."""

from __future__ import annotations

import asyncio
import math
from itertools import pairwise

import pytest
from pydantic import ValidationError

from perception.audio.live import Heard, Partial, TurnEnd
from perception.audio.settings import AudioSettings, LiveSettings
from runtime.messages import SAMPLE_RATE_HZ, Samples, SpeechStart, Watermark
from tests.conftest import Run
from tests.perception.live_ears import LONG_S, PAUSE_S, Ears, chunks
from tests.perception.scripted_ears import WORD_S, Endings, Language, Scribe, noise, quiet

# Turns


def test_a_turn_begins_at_once_and_ends_at_the_pause_that_the_model_takes_for_its_end(
    language: Language, run_virtual: Run
) -> None:
    sound = language.say("what is the time now?")
    ears = Ears(Scribe(language), Endings(language, "now?"))
    run_virtual(ears.hear(chunks(quiet(1), sound, quiet(LONG_S))))
    assert ears.turns_said == [("what is the time now?", "model")]
    assert 0 < ears.when(SpeechStart) - 1.0 <= 0.2
    end_s = 1.0 + 5 * WORD_S
    assert 0.19 < ears.when(TurnEnd) - end_s < 0.3
    (turn,) = ears.of(TurnEnd)
    assert turn.t_end_s == pytest.approx(end_s, abs=0.04)
    assert turn.speech_s == pytest.approx(5 * WORD_S, abs=0.2)
    assert turn.end_probability == 0.9 and not turn.doubtful and turn.earlier == ""
    assert (turn.vad_s, turn.end_of_turn_s, turn.asr_s) == (pytest.approx(0.192), 0, 0)
    assert ears.of(SpeechStart)[0].t_s == turn.t_start_s
    assert ears.said[-1][1] == Watermark("said", math.inf)


@pytest.mark.parametrize("model", [True, False], ids=["unsure", "absent"])
def test_without_a_model_that_is_sure_silence_ends_the_turn(
    language: Language, run_virtual: Run, model: bool
) -> None:
    ears = Ears(Scribe(language), Endings(language) if model else None)
    run_virtual(ears.hear(chunks(quiet(1), language.say("what is the time now?"), quiet(LONG_S))))
    assert ears.turns_said == [("what is the time now?", "silence")]
    (turn,) = ears.of(TurnEnd)
    assert ears.when(TurnEnd) - turn.t_end_s == pytest.approx(1.2, abs=0.1)
    assert turn.end_of_turn_s == pytest.approx(1.0, abs=0.1)
    assert turn.end_probability == (0.1 if model else None)


def test_the_model_is_asked_again_in_a_longer_pause(language: Language, run_virtual: Run) -> None:
    class Slow(Endings):
        def end_probability(self, samples: Samples) -> float:
            super().end_probability(samples)
            return 0.2 if len(self.lengths_s) == 1 else 0.9

    ears = Ears(Scribe(language), Slow(language))
    run_virtual(ears.hear(chunks(quiet(1), language.say("it is late."), quiet(LONG_S))))
    (turn,) = ears.of(TurnEnd)
    assert turn.reason == "model"
    assert ears.when(TurnEnd) - turn.t_end_s == pytest.approx(0.6, abs=0.1)


def test_a_pause_does_not_end_the_turn(language: Language, run_virtual: Run) -> None:
    ears = Ears(Scribe(language), Endings(language, "tea?"))
    first, second = language.say("when do we"), language.say("have our tea?")
    run_virtual(ears.hear(chunks(quiet(1), first, quiet(PAUSE_S), second, quiet(LONG_S))))
    assert ears.turns_said == [("when do we have our tea?", "model")]
    assert len(ears.of(SpeechStart)) == 1
    (turn,) = ears.of(TurnEnd)
    assert turn.earlier == "" and turn.speech_s < turn.t_end_s - turn.t_start_s - 0.2


def test_a_text_that_breaks_off_is_waited_for(language: Language, run_virtual: Run) -> None:
    ears = Ears(Scribe(language), Endings(language, "the", "tea?"))
    first, second = language.say("where is the"), language.say("green tea?")
    run_virtual(ears.hear(chunks(quiet(1), first, quiet(0.8), second, quiet(LONG_S))))
    assert [heard.utterance.text for heard in ears.of(Heard)] == ["where is the"]
    assert ears.turns_said == [("where is the green tea?", "model")]
    assert ears.of(TurnEnd)[0].utterance.text == "green tea?"


def test_a_text_that_breaks_off_for_good_ends_with_the_silence(language: Language, run_virtual: Run) -> None:
    ears = Ears(Scribe(language), Endings(language, "the"))
    run_virtual(ears.hear(chunks(quiet(1), language.say("where is the"), quiet(LONG_S))))
    assert ears.turns_said == [("where is the", "model")]
    (turn,) = ears.of(TurnEnd)
    assert ears.when(TurnEnd) - turn.t_end_s == pytest.approx(1.2, abs=0.1)
    assert turn.end_of_turn_s == pytest.approx(1.0, abs=0.1)


def test_a_turn_taken_up_again_right_after_its_end_is_the_same_turn(
    language: Language, run_virtual: Run
) -> None:
    ears = Ears(Scribe(language), Endings(language, "time?", "Paris."))
    first, second = language.say("what is the time?"), language.say("I mean in Paris.")
    run_virtual(ears.hear(chunks(quiet(1), first, quiet(0.8), second, quiet(LONG_S))))
    assert ears.turns_said == [
        ("what is the time?", "model"),
        ("what is the time? I mean in Paris.", "model"),
    ]
    assert len(ears.of(SpeechStart)) == 2


def test_the_words_after_a_pause_are_heard_with_those_before_it(language: Language, run_virtual: Run) -> None:
    """A word alone is often not understood. Those before are not said twice."""
    scribe = Scribe(language)
    ears = Ears(scribe, Endings(language, "yes.", "please."))
    talk = (quiet(1), language.say("oh yes."), quiet(0.5), language.say("please."), quiet(LONG_S))
    run_virtual(ears.hear(chunks(*talk)))
    assert [turn.utterance.text for turn in ears.of(TurnEnd)] == ["oh yes.", "please."]
    assert ears.turns_said[-1] == ("oh yes. please.", "model")
    assert scribe.lengths_s[-1] > 3 * WORD_S + 0.5
    assert len(ears.of(TurnEnd)[-1].samples) / SAMPLE_RATE_HZ < 0.6


def test_the_next_turn_knows_nothing_of_the_last(language: Language, run_virtual: Run) -> None:
    ears = Ears(Scribe(language), Endings(language, "time?", "Paris."))
    first, second = language.say("what is the time?"), language.say("I mean in Paris.")
    run_virtual(ears.hear(chunks(first, quiet(1.5), second, quiet(LONG_S))))
    assert ears.turns_said == [("what is the time?", "model"), ("I mean in Paris.", "model")]


def test_the_model_hears_the_turn_and_nothing_before_it(language: Language, run_virtual: Run) -> None:
    endings = Endings(language, "one.", "two.")
    talk = (language.say("this is one."), quiet(3), language.say("here comes two."), quiet(LONG_S))
    run_virtual(Ears(Scribe(language), endings).hear(chunks(*talk)))
    assert all(0.9 < length_s < 1.3 for length_s in endings.lengths_s) and len(endings.lengths_s) == 2


# What is no speech


def test_silence_says_nothing(language: Language, run_virtual: Run) -> None:
    scribe = Scribe(language)
    ears = Ears(scribe, Endings(language))
    run_virtual(ears.hear(chunks(quiet(30))))
    assert {type(event) for _, event in ears.said} == {Watermark}
    assert scribe.lengths_s == []


@pytest.mark.parametrize("seconds", [0.1, 0.5, 3.0])
def test_noise_is_a_turn_without_words(language: Language, run_virtual: Run, seconds: float) -> None:
    ears = Ears(Scribe(language), Endings(language))
    run_virtual(ears.hear(chunks(quiet(1), noise(seconds), quiet(LONG_S))))
    assert [type(e) for _, e in ears.said if not isinstance(e, Watermark)] == [SpeechStart, TurnEnd]
    (turn,) = ears.of(TurnEnd)
    assert turn.text == "" and turn.doubtful and turn.utterance.confidence == 0


def test_a_click_is_nothing(language: Language, run_virtual: Run) -> None:
    ears = Ears(Scribe(language), Endings(language))
    run_virtual(ears.hear(chunks(quiet(1), noise(0.03), quiet(LONG_S))))
    assert {type(event) for _, event in ears.said} == {Watermark}


def test_words_that_are_few_or_improbable_are_doubtful(language: Language, run_virtual: Run) -> None:
    def doubtful(text: str, probability: float, ms: int) -> bool:
        settings = AudioSettings(live=LiveSettings(doubtful_speech_ms=ms))
        ears = Ears(Scribe(language, probability=probability), Endings(language, "yes."), settings=settings)
        run_virtual(ears.hear(chunks(quiet(1), language.say(text), quiet(LONG_S))))
        (turn,) = ears.of(TurnEnd)
        assert turn.utterance.text == text
        return turn.doubtful

    assert not doubtful("oh yes.", 0.9, 250)
    assert doubtful("oh yes.", 0.4, 250)
    assert doubtful("yes.", 0.9, 400)


# While somebody speaks


def test_what_is_being_said_is_shown_and_does_not_flicker(language: Language, run_virtual: Run) -> None:
    text = "a long sentence with many words that goes on and on for some time yet."
    ears = Ears(Scribe(language), Endings(language, "yet."))
    run_virtual(ears.hear(chunks(quiet(1), language.say(text), quiet(LONG_S))))
    partials = ears.of(Partial)
    assert len(partials) >= 4
    for before, after in pairwise(partials):
        assert text.startswith(after.text)
        assert len(after.text) > len(before.text) and after.stable >= before.stable
        assert after.text[: before.stable] == before.text[: before.stable]
        assert 0.4 < after.t_s - before.t_s < 0.9
    assert partials[-1].stable > 20
    assert all(p.t_start_s == ears.of(TurnEnd)[0].t_start_s for p in partials)
    assert ears.turns_said == [(text, "model")]


def test_a_slow_transcriber_holds_up_neither_voice_activity_nor_the_queue(
    language: Language, run_virtual: Run
) -> None:
    scribe = Scribe(language)
    ears = Ears(scribe, Endings(language, "one.", "two.", "three."))
    talk = (
        language.say("this is a rather long turn which is number one."),
        quiet(LONG_S),
        language.say("here comes two."),
        quiet(LONG_S),
        language.say("and then three."),
        quiet(LONG_S),
    )

    async def blocked() -> None:
        scribe.gate.clear()
        hearing = asyncio.create_task(ears.hear(chunks(*talk), at_once=True))
        while len(ears.of(SpeechStart)) < 3:
            assert not hearing.done()
            await asyncio.wait([hearing], timeout=0)
        assert ears.of(TurnEnd) == [] and len(scribe.lengths_s) == 1
        scribe.gate.set()
        await hearing

    run_virtual(blocked())
    assert [turn.utterance.text for turn in ears.of(TurnEnd)] == [
        "this is a rather long turn which is number one.",
        "here comes two.",
        "and then three.",
    ]
    # After the partial that was under way nothing waited but whole turns.
    assert scribe.lengths_s[1:3] == pytest.approx([2.7, 1.05], abs=0.05)


def test_the_words_of_a_pause_are_not_transcribed_twice(language: Language, run_virtual: Run) -> None:
    scribe = Scribe(language)
    ears = Ears(scribe, Endings(language))
    run_virtual(ears.hear(chunks(quiet(1), language.say("oh yes."), quiet(LONG_S))))
    assert ears.turns_said == [("oh yes.", "silence")]
    assert len(scribe.lengths_s) == 1


def test_hearing_waits_when_too_many_parts_wait(language: Language, run_virtual: Run) -> None:
    scribe = Scribe(language)
    settings = AudioSettings(live=LiveSettings(waiting_parts=2))
    ears = Ears(scribe, Endings(language, "stop."), settings=settings)
    talk = [sound for _ in range(6) for sound in (language.say("now stop."), quiet(LONG_S))]

    async def blocked() -> None:
        scribe.gate.clear()
        hearing = asyncio.create_task(ears.hear(chunks(*talk), at_once=True))
        while len(ears.of(SpeechStart)) < 3:
            assert not hearing.done()
            await asyncio.wait([hearing], timeout=0)
        for _ in range(500):
            await asyncio.wait([hearing], timeout=0)
        assert len(ears.of(SpeechStart)) == 3
        scribe.gate.set()
        await hearing

    run_virtual(blocked())
    assert len(ears.of(TurnEnd)) == 6


# Long speech


@pytest.mark.parametrize("pause_s", [0.0, 0.3])
def test_a_monologue_is_heard_in_parts_and_nothing_of_it_is_lost(
    language: Language, run_virtual: Run, pause_s: float
) -> None:
    words = [f"w{i}" for i in range(350)] + ["end."]
    scribe = Scribe(language)
    ears = Ears(scribe, Endings(language, "end."))
    sentences = [language.say(" ".join(words[i : i + 20])) for i in range(0, len(words), 20)]
    sounds = [part for sentence in sentences for part in (sentence, quiet(pause_s))]
    run_virtual(ears.hear(chunks(quiet(1), *sounds, quiet(LONG_S), size=1600)))
    (turn,) = ears.of(TurnEnd)
    heard = [h.utterance.text for h in ears.of(Heard)]
    assert len(heard) >= 4
    all_words = " ".join([*heard, turn.utterance.text]).split()
    # A word is halved where speech without a pause is cut.
    assert len(all_words) >= len(words) - (0 if pause_s else len(heard))
    assert all_words == [w for w in words if w in set(all_words)]
    assert max(scribe.lengths_s) <= 28
    assert len(ears.of(SpeechStart)) == 1
    assert turn.earlier == " ".join(heard[-8:])


def test_a_turn_that_was_long_ends_though_nothing_more_is_said(language: Language, run_virtual: Run) -> None:
    text = " ".join(f"w{i}" for i in range(50))
    ears = Ears(Scribe(language), Endings(language))
    run_virtual(ears.hear(chunks(quiet(1), language.say(text), quiet(LONG_S))))
    assert ears.turns_said == [(text, "silence")]
    assert ears.of(Heard) == []


# Settings


def test_settings_that_do_not_fit_into_whisper_are_refused() -> None:
    with pytest.raises(ValidationError, match="28 s"):
        LiveSettings(part_s=15)
    with pytest.raises(ValidationError, match="max_silence_ms"):
        LiveSettings(max_silence_ms=200, segmenter={"min_silence_ms": 500})
