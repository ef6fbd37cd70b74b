"""Whatever timestamps a file has, frames get a rate or times that can be used, or are refused."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder_bridge.media.timestamps import Ticks, constant_rate, show_times, timeline_of

UNKNOWN = np.iinfo(np.int64).min
TICKS = st.one_of(
    st.integers(0, 2000),
    st.integers(-(2**62), 2**62),
    st.integers(UNKNOWN, 2**63 - 1),
    st.just(UNKNOWN),
)
LISTS = st.lists(st.tuples(TICKS, st.one_of(st.just(0), st.integers(0, 2**40))), max_size=30)
BASES = st.one_of(
    st.sampled_from([Fraction(1, 90_000), Fraction(1, 1000), Fraction(1, 25)]),
    st.builds(Fraction, st.integers(1, 2**31 - 1), st.integers(1, 2**31 - 1)),
)
RATES = st.lists(st.builds(Fraction, st.integers(1, 2**31 - 1), st.integers(1, 2**31 - 1)), max_size=2)


def columns(rows):
    table = np.array(rows, np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


@pytest.mark.filterwarnings("error")
@given(LISTS, BASES, RATES, st.one_of(st.none(), st.builds(Fraction, st.integers(0, 10**9), st.just(1000))))
def test_any_timestamps_make_a_timeline(rows, base, rates, end_s):
    shown, durations = columns(rows)
    timeline = timeline_of(Ticks(shown, durations), base, rates, end_s=end_s)
    assert timeline.frames == len(rows)
    if timeline.times:
        assert len(timeline.times) == len(rows) + 1 and timeline.times[0] == 0
        assert all(np.diff(np.array(timeline.times, object)) > 0)
    if timeline.fps is not None:
        assert timeline.fps > 0


@pytest.mark.filterwarnings("error")
@given(LISTS, st.integers(0, 2**40))
def test_show_times_ascend(rows, last):
    shown, _ = columns(rows)
    times = show_times(shown, last)
    assert len(times) == len(rows) + 1
    assert all(later > earlier for earlier, later in pairwise(times))


@pytest.mark.filterwarnings("error")
@given(st.lists(TICKS, max_size=30), BASES, RATES)
def test_a_constant_rate_is_one_that_exists(ticks, base, rates):
    rate = constant_rate(np.array(ticks, np.int64), base, rates)
    assert rate is None or rate > 0
