"""How decided a granularity is, and what it then counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.router import decided, routed

SHARES = st.lists(st.floats(0.0, 1.0), min_size=2, max_size=40).map(np.array)


def test_one_that_stands_out_is_decided_and_none_is_not() -> None:
    assert decided(np.full(50, 0.4)) == pytest.approx(0.0)
    assert decided(np.array([100.0] + [0.0] * 49)) == pytest.approx(1.0)
    assert decided(np.array([0.3])) == 0.0


def test_the_entropy_is_of_so_many_candidates() -> None:
    """Two of four alike, far above the others: half of the choice is made. ln 2 / ln 4, whatever the logarithm."""
    assert decided(np.array([9.0, 9.0, 0.0, 0.0])) == pytest.approx(0.5)


@given(SHARES, st.floats(-5.0, 5.0))
def test_it_lies_between_0_and_1_and_does_not_see_a_shift(scores: np.ndarray, shift: float) -> None:
    one = decided(scores)
    assert 0.0 <= one <= 1.0
    assert decided(scores + shift) == pytest.approx(one, abs=1e-6)


@given(SHARES, st.floats(1.0, 4.0))
def test_what_lies_further_apart_is_more_decided(scores: np.ndarray, factor: float) -> None:
    assert decided(scores * factor) >= decided(scores) - 1e-9


def test_what_is_decided_counts_more_and_the_mean_factor_stays() -> None:
    sharp, flat = np.array([1.0, 0.0, 0.0, 0.0]), np.array([0.5, 0.5, 0.4, 0.5])
    up, down = routed([0.6, 0.6], [sharp, flat], 1.0)
    assert up > 0.6 > down >= 0.0
    assert up + down == pytest.approx(1.2)
    assert routed([0.6, 0.3], [sharp, flat], 0.0) == [0.6, 0.3]
    assert routed([0.6, 0.3], [flat * 0.0, flat * 0.0], 1.0) == [0.6, 0.3]
