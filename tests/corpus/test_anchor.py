"""Anchor curves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muzero_rc.corpus.anchor import anchor_of


def test_an_anchor_by_hand():
    anchor = anchor_of([(400.0, 42.0), (100.0, 36.0), (200.0, 40.0)])
    assert anchor.rates_kbps == (100.0, 200.0, 400.0)
    for rate, expected in ((100, 36), (200, 40), (np.sqrt(100 * 200), 38), (800, 44), (50, 32)):
        assert anchor.psnr_at(rate) == pytest.approx(expected)


def test_points_that_cost_more_for_nothing_are_left_out():
    assert anchor_of([(100.0, 36.0), (110.0, 35.0), (200.0, 40.0)]).rates_kbps == (100.0, 200.0)
    with pytest.raises(ValueError, match="no curve"):
        anchor_of([(100.0, 36.0), (100.0, 36.0)])
    with pytest.raises(ValueError, match="no curve"):
        anchor_of([(1.0, 20.0), (3.0, 20.000000000000004)])


@given(st.lists(st.tuples(st.floats(1, 1e5), st.floats(20, 60)), min_size=2, max_size=9), st.floats(0.1, 1e6))
def test_an_anchor_rises(points, rate):
    try:
        anchor = anchor_of(points)
    except ValueError:
        return
    assert anchor.psnr_at(rate * 1.5) > anchor.psnr_at(rate)
