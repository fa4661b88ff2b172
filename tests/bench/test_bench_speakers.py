"""The diarisation error rate, on cases that can be counted by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.bench_speakers import Rates, Turn, error_rates, read_rttm

TRUTH = [Turn(0.0, 4.0, "a"), Turn(4.0, 10.0, "b")]


def test_the_same_turns_under_other_names_are_no_error() -> None:
    assert error_rates(TRUTH, [Turn(0.0, 4.0, "x"), Turn(4.0, 10.0, "y")], 0.0) == Rates(0.0, 0.0, 0.0)


def test_each_kind_of_error_is_a_share_of_the_speech() -> None:
    assert error_rates(TRUTH, TRUTH[:1], 0.0).missed == pytest.approx(0.6)
    assert error_rates(TRUTH, [*TRUTH, Turn(10.0, 12.0, "b")], 0.0).false_alarm == pytest.approx(0.2)
    one_for_both = error_rates(TRUTH, [Turn(0.0, 10.0, "x")], 0.0)
    assert (one_for_both.missed, one_for_both.false_alarm) == (0.0, 0.0)
    assert one_for_both.confusion == pytest.approx(0.4)
    assert one_for_both.der == pytest.approx(0.4)


def test_one_voice_as_two_people_is_confusion() -> None:
    split = [Turn(0.0, 4.0, "x"), Turn(4.0, 8.0, "y"), Turn(8.0, 10.0, "z")]
    rates = error_rates(TRUTH, split, 0.0)
    assert (rates.missed, rates.false_alarm) == (0.0, 0.0)
    assert rates.confusion == pytest.approx(0.2)


def test_two_who_speak_at_once_count_twice() -> None:
    both = [Turn(0.0, 10.0, "a"), Turn(5.0, 10.0, "b")]
    assert error_rates(both, [Turn(0.0, 10.0, "x")], 0.0).missed == pytest.approx(5 / 15)


def test_near_a_boundary_nothing_is_scored() -> None:
    late = [Turn(0.0, 4.2, "x"), Turn(4.2, 10.0, "y")]
    assert error_rates(TRUTH, late, 0.0).confusion == pytest.approx(0.02)
    assert error_rates(TRUTH, late, 0.25) == Rates(0.0, 0.0, 0.0)


def test_a_reference_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.rttm"
    file.write_text("SPEAKER sample 1 6.690 0.430 <NA> <NA> speaker90 <NA> <NA>\n;; a remark\n")
    assert read_rttm(file) == [Turn(6.69, 6.69 + 0.43, "speaker90")]
