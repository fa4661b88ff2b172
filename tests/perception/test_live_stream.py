"""Live hearing of a stream: chunks, marks, gaps, repeats, crashes and its end."""

from __future__ import annotations

import asyncio
import math

import pytest

from perception.audio.live import Heard, TurnEnd
from runtime.messages import SAMPLE_RATE_HZ, Watermark
from tests.conftest import Run
from tests.perception.live_ears import LONG_S, Ears, chunks
from tests.perception.scripted_ears import WORD_S, Endings, Language, Loudness, Scribe, noise, quiet


@pytest.mark.parametrize("size", [160, 512, 777, 1600, 16_000])
def test_chunks_do_not_matter(language: Language, run_virtual: Run, size: int) -> None:
    talk = (
        quiet(0.7),
        language.say("where is the"),
        quiet(0.5),
        language.say("green tea?"),
        quiet(LONG_S),
        noise(0.4),
        quiet(LONG_S),
        language.say(" ".join(f"w{i}" for i in range(60))),
        quiet(0.25),
        language.say("and that was it."),
        quiet(1.5),
    )

    def said(ears: Ears) -> list[tuple[object, ...]]:
        return [
            (e.t_start_s, e.t_end_s, e.text, e.reason, e.utterance)
            if isinstance(e, TurnEnd)
            else (e.utterance,)
            for _, e in ears.said
            if isinstance(e, TurnEnd | Heard)
        ]

    fine = Ears(Scribe(language), Endings(language, "the", "tea?", "it."))
    coarse = Ears(Scribe(language), Endings(language, "the", "tea?", "it."))
    run_virtual(fine.hear(chunks(*talk)))
    run_virtual(coarse.hear(chunks(*talk, size=size), at_once=size == 777))
    assert said(fine) == said(coarse)
    assert len(said(fine)) == 5


def test_marks_grow_and_nothing_is_said_from_before_them(language: Language, run_virtual: Run) -> None:
    talk = [sound for i in range(8) for sound in (language.say(f"a{i} b{i} c{i}."), quiet(0.3 + i / 4))]
    ears = Ears(Scribe(language), Endings(language, "c1.", "c4."))
    run_virtual(ears.hear(chunks(*talk)))
    mark_s = -math.inf
    for _, event in ears.said:
        if isinstance(event, Watermark):
            assert event.t_s >= mark_s
            mark_s = event.t_s
        elif isinstance(event, TurnEnd | Heard):
            assert event.utterance.t_start_s >= mark_s
    assert len(ears.of(Watermark)) > 5


def test_the_end_of_the_sound_ends_the_turn(language: Language, run_virtual: Run) -> None:
    ears = Ears(Scribe(language), Endings(language, "then"))
    run_virtual(ears.hear(chunks(quiet(1), language.say("and then I"))))
    assert ears.turns_said == [("and then I", "closed")]
    held = Ears(Scribe(language), Endings(language, "then"))
    run_virtual(held.hear(chunks(quiet(1), language.say("and then"), quiet(0.3))))
    assert held.turns_said == [("and then", "model")]
    empty = Ears(Scribe(language), Endings(language))
    run_virtual(empty.hear([]))
    assert [event for _, event in empty.said] == [Watermark("said", math.inf)]


def test_a_short_gap_is_silence_and_a_long_one_a_new_beginning(language: Language, run_virtual: Run) -> None:
    first, second = language.say("we have two"), language.say("cups of tea.")
    first_s = len(first) / SAMPLE_RATE_HZ
    for gap_s, turns in ((0.05, 1), (0.5, 1), (5.0, 2)):
        vad = Loudness()
        ears = Ears(Scribe(language), Endings(language, "tea."), vad)
        media = chunks(first) + chunks(second, quiet(LONG_S), t0=first_s + gap_s)
        run_virtual(ears.hear(media))
        assert " ".join(t.utterance.text for t in ears.of(TurnEnd)) == "we have two cups of tea."
        assert len(ears.of(TurnEnd)) == turns and vad.resets == turns + 1  # and at the end
        end_s = first_s + (gap_s if gap_s > 0.1 else 0) + 3 * WORD_S
        assert ears.of(TurnEnd)[-1].t_end_s == pytest.approx(end_s, abs=0.07)


def test_sound_that_comes_twice_is_heard_once(language: Language, run_virtual: Run) -> None:
    sound = language.say("we have two cups of tea.")
    half = round(3 * WORD_S * SAMPLE_RATE_HZ)
    media = chunks(sound[:half]) + chunks(sound[half - 4_000 :], quiet(LONG_S), t0=(half - 4_000) / 16_000)
    ears = Ears(Scribe(language), Endings(language, "tea."))
    run_virtual(ears.hear(media))
    assert ears.turns_said == [("we have two cups of tea.", "model")]


def test_a_crash_of_the_transcriber_loses_no_words(language: Language, run_virtual: Run) -> None:
    scribe = Scribe(language, failures=[1])
    ears = Ears(scribe, Endings(language, "one.", "two."))
    talk = (language.say("this was one."), quiet(LONG_S), language.say("here comes two."), quiet(LONG_S))

    async def first() -> None:
        for chunk in chunks(*talk):
            await ears.inbox.put(chunk)
        ears.inbox.close()
        await ears.hearing.run(ears.inbox, ears.outbox)

    async def main() -> None:
        with pytest.raises(RuntimeError, match="out of luck"):
            await first()
        await ears.hearing.run(ears.inbox, ears.outbox)
        ears.outbox.close()
        ears.said = [(0.0, event) async for event in ears.outbox]
        await ears.compute.close(1)

    run_virtual(main())
    assert [turn.utterance.text for turn in ears.of(TurnEnd)] == ["this was one.", "here comes two."]


def test_cancelled_hearing_leaves_nothing_behind(language: Language, run_virtual: Run) -> None:
    async def main() -> None:
        ears = Ears(Scribe(language), Endings(language))
        for chunk in chunks(language.say("and so on and on")):
            await ears.inbox.put(chunk)
        hearing = asyncio.create_task(ears.hearing.run(ears.inbox, ears.outbox))
        await ears.outbox.get()
        hearing.cancel()
        await asyncio.wait([hearing])
        assert hearing.cancelled()
        await ears.compute.close(1)

    run_virtual(main())
