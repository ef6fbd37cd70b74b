"""Statistics over clips: BD-rates, their interval, and how targets were kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muzero_rc.evaluation.bd_rate import BdRate, RatePoint, Refusal
from muzero_rc.evaluation.statistics import bd_rates, summarise, summarise_budget


def test_summary_counts_losers_and_refusals() -> None:
    results = [BdRate(-4.0), BdRate(1.0), BdRate(-6.0), BdRate(None, None, Refusal.GAP, "why")]
    summary = summarise(results)
    assert (summary.clips, summary.refused, summary.worse) == (3, 1, 1)
    assert summary.mean == pytest.approx(-3)
    assert summary.median == -4
    assert summary.low is not None and summary.high is not None
    assert -6 <= summary.low < -3 < summary.high <= 1


def test_summary_does_not_depend_on_the_order_of_clips() -> None:
    results = [BdRate(v) for v in (-4.0, 1.0, -6.0, 0.5, -2.0)]
    assert summarise(results) == summarise(results[::-1])


def test_summary_of_nothing_and_of_one() -> None:
    assert summarise([]).mean is None
    one = summarise([BdRate(-4.0)])
    assert (one.mean, one.median, one.low) == (-4.0, -4.0, None)


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=20))
def test_interval_lies_within_the_values(values: list[float]) -> None:
    summary = summarise([BdRate(v) for v in values], resamples=200)
    assert summary.low is not None and summary.high is not None
    assert min(values) - 1e-9 <= summary.low <= summary.high <= max(values) + 1e-9


def test_a_clip_without_encodes_is_refused_not_left_out() -> None:
    curve = [RatePoint(100 * 1.5**i, 30 + 2 * i) for i in range(5)]
    better = [RatePoint(0.9 * point.rate_kbps, point.quality) for point in curve]
    found = bd_rates({"a": curve, "b": curve}, {"a": better}, ["a", "b"])
    assert found["a"].percent == pytest.approx(-10)
    assert found["b"].refusal == Refusal.TOO_FEW_POINTS
    summary = summarise(found.values())
    assert (summary.clips, summary.refused, summary.worse) == (1, 1, 0)


def test_budgets() -> None:
    assert summarise_budget([]) is None
    kept = summarise_budget([0.9, 1.0, 1.02, 1.08])
    assert kept is not None
    assert (kept.encodes, kept.over_1, kept.over_5) == (4, 0.5, 0.25)
    assert kept.worst_percent == pytest.approx(8)
    assert kept.mean_fill == pytest.approx(1.0)
