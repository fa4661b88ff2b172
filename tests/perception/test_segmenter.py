"""The segmenter on made-up probabilities: no model, every case by hand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from perception.audio.segmenter import WINDOW, WINDOW_S, Segmenter, SpeechEvent
from perception.audio.settings import SegmenterSettings
from runtime.messages import Samples, SpeechEnd, SpeechStart

# in windows of 32 ms: speech 4, silence 5, padding 2, at most 100
SMALL = SegmenterSettings(min_speech_ms=128, min_silence_ms=160, padding_ms=64, max_speech_s=100 * WINDOW_S)


def sound(windows: int) -> Samples:
    """Every sample says where it is."""
    return np.arange(windows * WINDOW, dtype=np.float32) / 1e7


def run(
    probabilities: list[float],
    *,
    cuts: list[int] | None = None,
    settings: SegmenterSettings = SMALL,
    t0: float = 0.0,
) -> list[SpeechEvent]:
    segmenter = Segmenter(settings, t0)
    samples, p = sound(len(probabilities)), np.array(probabilities, np.float32)
    events: list[SpeechEvent] = []
    for a, b in pairwise([0, *sorted(cuts or []), len(probabilities)]):
        events += segmenter.push(samples[a * WINDOW : b * WINDOW], p[a:b])
    return events + segmenter.flush()


def spans(events: list[SpeechEvent]) -> list[tuple[int, int]]:
    """First and last (exclusive) window of each stretch."""
    ends = [e for e in events if isinstance(e, SpeechEnd)]
    return [(round(e.t_start_s / WINDOW_S), round(e.t_end_s / WINDOW_S)) for e in ends]


def test_a_stretch_has_its_padding_and_its_samples() -> None:
    start, end = run([0.0] * 10 + [0.9] * 10 + [0.0] * 10)
    assert start == SpeechStart(8 * WINDOW_S)
    assert isinstance(end, SpeechEnd)
    assert spans([end]) == [(8, 22)]
    np.testing.assert_array_equal(end.samples, sound(30)[8 * WINDOW : 22 * WINDOW])


def test_times_count_from_the_first_sample() -> None:
    start, end = run([0.9] * 10 + [0.0] * 10, t0=100.0)
    assert start.t_s == 100.0
    assert end.t_end_s == pytest.approx(100.0 + 12 * WINDOW_S)


def test_a_click_is_not_speech() -> None:
    assert run([0.0] * 10 + [0.9] * 3 + [0.0] * 10) == []


def test_a_short_pause_does_not_end_a_stretch() -> None:
    assert spans(run([0.9] * 10 + [0.0] * 4 + [0.9] * 10 + [0.0] * 9)) == [(0, 26)]


def test_between_the_thresholds_speech_goes_on_but_does_not_begin() -> None:
    assert run([0.4] * 40) == []
    assert spans(run([0.9] * 5 + [0.4] * 20 + [0.0] * 9)) == [(0, 27)]


def test_the_end_of_the_sound_ends_the_stretch() -> None:
    assert spans(run([0.9] * 10)) == [(0, 10)]
    assert spans(run([0.9] * 10 + [0.0] * 3)) == [(0, 12)]
    assert run([0.9] * 2) == []


def test_too_long_speech_is_cut_at_its_least_speech_like_moment() -> None:
    probabilities = [0.99] * 250
    probabilities[78:83] = [0.6] * 5
    first, second, *_ = spans(run(probabilities))
    assert first == (0, 80)
    assert second[0] == 80


def test_a_cut_prefers_the_quiet_where_all_is_speech() -> None:
    segmenter = Segmenter(SMALL)
    samples = np.ones(120 * WINDOW, np.float32)
    samples[70 * WINDOW : 75 * WINDOW] = 0
    events = segmenter.push(samples, np.full(120, 0.99, np.float32)) + segmenter.flush()
    assert spans(events) == [(0, 72), (72, 120)]


def test_the_mark_never_passes_a_stretch_to_come() -> None:
    segmenter = Segmenter(SMALL)
    p = np.array([0.0] * 20 + [0.9] * 10 + [0.0] * 20, np.float32)
    marks = []
    for i in range(len(p)):
        events = segmenter.push(sound(50)[i * WINDOW : (i + 1) * WINDOW], p[i : i + 1])
        for event in events:
            if isinstance(event, SpeechEnd):
                assert marks[-1] <= event.t_start_s
        marks.append(segmenter.mark_s)
    assert marks == sorted(marks)
    assert marks[-1] == pytest.approx(48 * WINDOW_S)


def test_a_silent_hour_and_a_long_speech_keep_a_bounded_buffer() -> None:
    segmenter = Segmenter(SMALL)
    for level in (0.0, 0.99):
        for _ in range(20):
            segmenter.push(sound(100), np.full(100, level, np.float32))
            assert len(segmenter._kept) <= 100


probabilities_st = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.4, 0.6, 0.99]), st.integers(1, 60)), max_size=15
).map(lambda runs: [p for p, n in runs for _ in range(n)])


@given(probabilities=probabilities_st, cuts=st.lists(st.integers(0, 300), max_size=8))
def test_chunks_do_not_matter(probabilities: list[float], cuts: list[int]) -> None:
    cuts = [c for c in cuts if c <= len(probabilities)]
    whole, cut = run(probabilities), run(probabilities, cuts=cuts)
    assert spans(whole) == spans(cut)
    assert [type(e) for e in whole] == [type(e) for e in cut]


@given(probabilities=probabilities_st)
def test_starts_and_ends_alternate_and_stretches_do_not_overlap(probabilities: list[float]) -> None:
    events = run(probabilities)
    assert [type(e) for e in events] == [SpeechStart, SpeechEnd] * (len(events) // 2)
    samples = sound(len(probabilities))
    free = 0
    for start, end in zip(events[::2], events[1::2], strict=True):
        assert isinstance(start, SpeechStart) and isinstance(end, SpeechEnd)
        assert start.t_s == end.t_start_s
        first, last = spans([end])[0]
        assert free <= first < last <= len(probabilities)
        assert last - first <= 100
        np.testing.assert_array_equal(end.samples, samples[first * WINDOW : last * WINDOW])
        free = last


@given(probabilities=probabilities_st)
def test_no_clear_speech_is_lost(probabilities: list[float]) -> None:
    covered = {i for first, last in spans(run(probabilities)) for i in range(first, last)}
    run_length = 0
    for i, p in enumerate(probabilities):
        run_length = run_length + 1 if p >= SMALL.speech_on else 0
        if run_length >= 4:
            assert {i - 3, i - 2, i - 1, i} <= covered


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValidationError, match="speech_off"):
        SegmenterSettings(speech_on=0.3, speech_off=0.5)
    with pytest.raises(ValidationError, match="padding_ms"):
        SegmenterSettings(min_silence_ms=100, padding_ms=300)
