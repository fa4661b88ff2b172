"""Which stretches share a transcription, and whose word is whose."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perception.audio.grouping import Group, Grouper, transcribe_after, transcribe_group
from perception.audio.second_hearing import SecondHearing
from perception.audio.sentences import split_utterance
from perception.audio.settings import GroupSettings
from runtime.compute import Compute
from runtime.messages import SAMPLE_RATE_HZ, Samples, SpeechEnd, Utterance, Word
from tests.conftest import Run

SETTINGS = GroupSettings(max_s=28, span_s=120, gap_s=0.5, retry_below=0.5, second_below=0.5)


def stretch(start_s: float, length_s: float, value: float = 0.1) -> SpeechEnd:
    samples = np.full(round(length_s * SAMPLE_RATE_HZ), value, np.float32)
    return SpeechEnd(start_s, start_s + length_s, samples)


def starts(groups: list[Group]) -> list[list[float]]:
    return [[s.t_start_s for s in group] for group in groups]


class Scripted:
    """Says one word for each piece of sound of the same level, "w10" for 0.10."""

    name = "scripted"

    def __init__(self, unsure_together: tuple[str, ...] = (), deaf_together: tuple[str, ...] = ()) -> None:
        self.unsure, self.deaf = unsure_together, deaf_together
        self.calls: list[float] = []

    def transcribe(self, samples: Samples, t_start_s: float) -> tuple[Utterance, ...]:
        self.calls.append(len(samples) / SAMPLE_RATE_HZ)
        edges = np.flatnonzero(np.diff(samples)) + 1
        pieces = np.split(np.arange(len(samples)), edges)
        alone = sum(samples[p[0]] != 0 for p in pieces) == 1
        words = []
        for piece in pieces:
            level = round(float(samples[piece[0]]) * 100)
            text = f" w{level}"
            if not level or (not alone and text.strip() in self.deaf):
                continue
            probability = 0.2 if not alone and text.strip() in self.unsure else 0.9
            a, b = (piece[0] / SAMPLE_RATE_HZ, (piece[-1] + 1) / SAMPLE_RATE_HZ)
            # as alignment does: the word begins in the pause before it
            words.append(Word(text, t_start_s + max(0.0, a - 0.4), t_start_s + b, probability))
        if not words:
            return ()
        text = "".join(w.text for w in words).strip()
        return (Utterance(text, words[0].t_start_s, words[-1].t_end_s, tuple(words), language="en"),)


def reading(text: str, confidence: float, *alternatives: str) -> Utterance:
    words = tuple(Word(f" {w}", 0.0, 1.0, confidence) for w in text.split())
    return Utterance(text, 0.0, 1.0, words, confidence=confidence, language="en", alternatives=alternatives)


class Unsure:
    """Hears one thing alone, with other readings, and another in company."""

    name = "unsure"

    def __init__(self, alone: Utterance, together: Utterance) -> None:
        self.alone, self.together = alone, together

    def transcribe(self, samples: Samples, t_start_s: float) -> tuple[Utterance, ...]:
        return (self.alone if len(samples) <= SAMPLE_RATE_HZ else self.together,)


def test_what_is_heard_alone_keeps_its_other_readings() -> None:
    alone = reading("the treasurer", 0.9, "the treasure")
    (utterance,) = transcribe_group(Unsure(alone, alone), (stretch(0, 1),), SETTINGS)
    assert utterance is not None and utterance.alternatives == ("the treasure",)


@pytest.mark.parametrize(
    ("sure", "language", "kept"),
    [
        (0.4, "en", ("the tenants", "the treasure", "the tenant")),
        (0.4, "fr", ("the treasure",)),
        (0.95, "en", ("the treasure",)),
    ],
    ids=["unsure", "another language", "sure"],
)
def test_what_a_second_one_hears_is_kept_where_the_first_is_not_sure(
    sure: float, language: str, kept: tuple[str, ...]
) -> None:
    first = reading("the treasurer", sure, "the treasure")
    other = replace(reading("the tenants", 0.9, "The treasurer!", "the tenant"), language=language)
    (utterance,) = transcribe_group(
        Unsure(first, first), (stretch(0, 1),), SETTINGS, second=Unsure(other, other)
    )
    assert utterance is not None and (utterance.text, utterance.alternatives) == ("the treasurer", kept)


@pytest.mark.parametrize(
    ("alone", "expected"),
    [(0.45, "the tent is"), (0.3, "the tenth is")],
    ids=["surer alone", "surer together"],
)
def test_of_two_hearings_the_other_one_is_kept(alone: float, expected: str) -> None:
    ear = Unsure(reading("the tent is", alone, "The tent is!", "the tenants"), reading("the tenth is", 0.4))
    first, second = transcribe_group(ear, (stretch(0, 1), stretch(2, 1)), SETTINGS)
    utterance = first or second
    assert utterance is not None and utterance.text == expected
    texts = {utterance.text, *utterance.alternatives}
    assert texts == {"the tent is", "the tenth is", "the tenants"} and len(utterance.alternatives) == 2


@pytest.mark.parametrize(
    ("confidence", "text", "others"), [(0.5, "w20", ("a guess",)), (0.95, "a guess", ("w20",))]
)
def test_after_another_stretch_only_its_own_words_are_heard(
    confidence: float, text: str, others: tuple[str, ...]
) -> None:
    alone = reading("a guess", confidence)
    heard = transcribe_after(Scripted(), stretch(0, 2), stretch(60, 3, 0.2), alone, SETTINGS)
    assert (heard.text, heard.alternatives) == (text, others)
    if text == "w20":
        assert 60 <= heard.words[0].t_start_s < heard.words[-1].t_end_s <= 63


@pytest.mark.parametrize("case", ["nothing", "another language", "a word over both"])
def test_what_cannot_be_told_apart_stays_as_it_was_heard(case: str) -> None:
    class Ear:
        name = "ear"

        def transcribe(self, samples: Samples, t_start_s: float) -> tuple[Utterance, ...]:
            words = (
                (Word(" both", 1.0, 4.0, 0.99),)
                if case == "a word over both"
                else (Word(" her", 3, 4, 0.99),)
            )
            return (
                ()
                if case == "nothing"
                else (Utterance("her", 3, 4, words, language="de" if case == "another language" else "en"),)
            )

    alone = reading("hers", 0.3)
    assert transcribe_after(Ear(), stretch(0, 2), stretch(60, 3, 0.2), alone, SETTINGS) == alone


def test_a_second_hearing_takes_the_end_of_what_was_before(run_virtual: Run) -> None:
    async def main() -> tuple[list[str], list[float]]:
        ear = Scripted()
        again = SecondHearing(Compute(), ear, SETTINGS)
        texts = [
            (await again.hear(reading("alone", 0.5), stretch(60.0 * i, length, 0.1 * (i + 1)))).text
            for i, length in enumerate((20.0, 2.0, 12.0))
        ]
        return texts, ear.calls

    assert run_virtual(main()) == (["alone", "w20", "alone"], [8.0 + 0.5 + 2.0])


def test_a_group_closes_when_the_next_would_not_fit() -> None:
    grouper = Grouper(SETTINGS)
    assert grouper.add(stretch(0, 10)) == []
    assert grouper.add(stretch(11, 17)) == []
    assert starts(grouper.add(stretch(29, 1))) == [[0, 11]]
    assert starts(grouper.advance(float("inf"))) == [[29]]
    assert grouper.mark_s == float("inf")


def test_a_group_closes_when_its_span_is_over() -> None:
    grouper = Grouper(SETTINGS)
    grouper.add(stretch(10, 2))
    assert grouper.mark_s == 10
    assert grouper.advance(129.9) == []
    assert starts(grouper.advance(130)) == [[10]]


def test_without_a_span_each_is_by_itself_at_once() -> None:
    grouper = Grouper(GroupSettings(span_s=0))
    assert starts(grouper.add(stretch(1, 2))) == [[1]]
    assert starts(grouper.add(stretch(4, 2))) == [[4]]


@given(
    layout=st.lists(st.tuples(st.floats(0.1, 90), st.floats(0.2, 28)), max_size=20),
    watermarks=st.booleans(),
)
def test_groups_depend_on_the_stretches_alone(layout: list[tuple[float, float]], watermarks: bool) -> None:
    stretches, t = [], 0.0
    for pause, length in layout:
        stretches.append(stretch(t + pause, length))
        t += pause + length
    plain, marked = Grouper(SETTINGS), Grouper(SETTINGS)
    expected = [g for s in stretches for g in plain.add(s)] + plain.advance(float("inf"))
    groups: list[Group] = []
    for s in stretches:
        if watermarks:
            groups += marked.advance(s.t_start_s - 0.05) + marked.advance(s.t_start_s)
        groups += marked.add(s)
    groups += marked.advance(float("inf"))
    assert starts(groups) == starts(expected)
    assert [s for g in groups for s in g] == stretches
    for group in groups:
        sound_s = sum(len(s.samples) for s in group) / SAMPLE_RATE_HZ
        assert sound_s + 0.5 * (len(group) - 1) <= 28.001


def test_each_word_goes_home_to_its_stretch_and_its_time() -> None:
    whisper = Scripted()
    group = (stretch(100, 2, 0.10), stretch(130, 3, 0.20), stretch(180, 1, 0.30))
    heard = transcribe_group(whisper, group, SETTINGS)
    assert [u.text for u in heard if u] == ["w10", "w20", "w30"]
    assert [(u.t_start_s, u.t_end_s) for u in heard if u] == [(100, 102), (130, 133), (180, 181)]
    for utterance, home in zip(heard, group, strict=True):
        assert utterance is not None
        assert utterance.words[0].t_start_s == pytest.approx(home.t_start_s)
        assert utterance.words[0].t_end_s == pytest.approx(home.t_end_s)
    assert whisper.calls == [7.0]


def test_a_stretch_that_got_lost_in_the_group_is_heard_again_alone() -> None:
    whisper = Scripted(deaf_together=("w20",), unsure_together=("w30",))
    group = (stretch(0, 2, 0.10), stretch(5, 2, 0.20), stretch(9, 2, 0.30))
    heard = transcribe_group(whisper, group, SETTINGS)
    assert [u.text for u in heard if u] == ["w10", "w20", "w30"]
    assert heard[2] is not None and heard[2].confidence == pytest.approx(0.9)
    assert whisper.calls == [7.0, 2.0, 2.0]


def test_a_stretch_without_words_is_none() -> None:
    assert transcribe_group(Scripted(), (stretch(0, 2, 0.0),), SETTINGS) == (None,)


def test_half_a_word_stays_with_its_other_half() -> None:
    class Clock(Scripted):
        def transcribe(self, samples: Samples, t_start_s: float) -> tuple[Utterance, ...]:
            words = (
                Word(" ten", 0.0, 1.0, 0.9),
                Word(" o", 1.0, 2.0, 0.9),
                Word("'clock.", 2.4, 3.0, 0.9),
                Word(" Bye.", 3.0, 3.4, 0.9),
            )
            return (Utterance("ten o'clock. Bye.", 0.0, 3.4, words, language="en"),)

    heard = transcribe_group(Clock(), (stretch(0, 2), stretch(10, 1)), SETTINGS)
    assert [u.text for u in heard if u] == ["ten o'clock.", "Bye."]


class Smeared(Scripted):
    """As Whisper did with two stretches of noise before a sentence: its first words fill the noise as well."""

    def __init__(self, alone: str) -> None:
        super().__init__()
        self.alone = alone

    def transcribe(self, samples: Samples, t_start_s: float) -> tuple[Utterance, ...]:
        self.calls.append(len(samples) / SAMPLE_RATE_HZ)
        if len(self.calls) == 1:
            times = [0.0, 0.8, 1.6, 4.18, 6.68, 9.12, 9.42]
            texts = " We counted it. Grandmother arrives on Saturday.".split()
            spans = zip(texts, times, [*times[1:3], 2.0, *times[4:], 10.0], strict=True)
            words = tuple(Word(f" {text}", a, b, 0.6) for text, a, b in spans)
        else:
            level = round(float(samples[0]) * 100)
            words = tuple(
                Word(f" {w}", t_start_s, t_start_s + 1, 0.9) for w in self.alone.split() if level == 50
            )
        if not words:
            return ()
        return (Utterance("", words[0].t_start_s, words[-1].t_end_s, words, language="en"),)


NOISY = (stretch(523, 3.81), stretch(534, 1.34, 0.3), stretch(537, 1.47, 0.3), stretch(540, 5.0, 0.5))


def test_a_word_that_reaches_over_noise_into_its_stretch_goes_home() -> None:
    whisper = Smeared("Grandmother arrives on Saturday.")
    heard = transcribe_group(whisper, NOISY, SETTINGS)
    assert [u and u.text for u in heard] == ["We counted it.", None, None, "Grandmother arrives on Saturday."]
    # Only what the word touches is heard again.
    assert sorted(whisper.calls[1:]) == [1.34, 1.47, 5.0]


def test_how_many_words_each_has_alone_tells_where_to_cut() -> None:
    group = (stretch(523, 3.81), stretch(534, 1.34, 0.5), stretch(537, 1.47, 0.3), stretch(540, 5.0, 0.5))
    heard = transcribe_group(Smeared("Big mother"), group, SETTINGS)
    assert [u and u.text for u in heard] == ["We counted it.", "Grandmother arrives", None, "on Saturday."]


@pytest.mark.parametrize("alone", ["Friend mother arrives on Saturday.", "Saturday."])
def test_no_word_is_lost_or_changed_by_hearing_again(alone: str) -> None:
    heard = transcribe_group(Smeared(alone), NOISY, SETTINGS)
    assert [u and u.text for u in heard] == ["We counted it.", None, None, "Grandmother arrives on Saturday."]
    assert heard[3] is not None
    assert all(540 <= w.t_start_s <= w.t_end_s <= 545 for w in heard[3].words)


def utterance(*words: tuple[str, float, float]) -> Utterance:
    said = tuple(Word(text, a, b, 0.8) for text, a, b in words)
    return Utterance(
        "".join(w.text for w in said).strip(), said[0].t_start_s - 0.2, said[-1].t_end_s + 0.2, said
    )


LONG = utterance(
    (" Dr.", 0, 1), (" Wu", 1, 2), (" came.", 2, 7), (" He", 7, 8), (" left", 8, 12), (" again.", 12, 14)
)


def test_a_long_utterance_becomes_its_sentences() -> None:
    parts = split_utterance(LONG, 12)
    assert [p.text for p in parts] == ["Dr. Wu came.", "He left again."]
    assert [(p.t_start_s, p.t_end_s) for p in parts] == [(-0.2, 7), (7, 14.2)]


def test_a_short_utterance_stays_whole() -> None:
    assert split_utterance(LONG, 15) == (LONG,)


def test_speech_without_full_stops_is_cut_at_its_widest_pause() -> None:
    parts = split_utterance(utterance((" a", 0, 3), (" b", 3, 6), (" c", 7, 10), (" d", 10, 14)), 12)
    assert [p.text for p in parts] == ["a b", "c d"]


@given(
    st.lists(
        st.tuples(st.sampled_from([" a", " b.", " c,", "。"]), st.floats(0, 3), st.floats(0.01, 5)),
        min_size=1,
    )
)
def test_splitting_loses_no_word_and_no_second(layout: list[tuple[str, float, float]]) -> None:
    words, t = [], 0.0
    for text, pause, length in layout:
        words.append((text, t + pause, t + pause + length))
        t += pause + length
    whole = utterance(*words)
    parts = split_utterance(whole, 12)
    assert [w for p in parts for w in p.words] == list(whole.words)
    assert (parts[0].t_start_s, parts[-1].t_end_s) == (whole.t_start_s, whole.t_end_s)
    assert all(p.t_start_s <= p.t_end_s for p in parts)
