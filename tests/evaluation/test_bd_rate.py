"""BD-rate: known answers, symmetries, and the curves it must refuse."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muzero_rc.evaluation.bd_rate import RatePoint, Refusal, bd_rate, relative_rate


def curve(rates_kbps: list[float], qualities_db: list[float]) -> list[RatePoint]:
    return [RatePoint(r, q) for r, q in zip(rates_kbps, qualities_db, strict=True)]


PLAIN = curve([100, 150, 220, 330, 500], [32, 34.5, 36.8, 39, 41])


@st.composite
def curves(draw: st.DrawFn) -> list[RatePoint]:
    """Curves that rise in rate and quality without a gap."""
    n = draw(st.integers(4, 8))
    rate = draw(st.floats(10, 1000))
    quality = draw(st.floats(25, 40))
    points = []
    for _ in range(n):
        points.append(RatePoint(rate, quality))
        rate *= draw(st.floats(1.05, 2.5))
        quality += draw(st.floats(0.1, 5.5))
    return points


@given(curves())
def test_a_curve_against_itself_is_zero(points: list[RatePoint]) -> None:
    result = bd_rate(points, points)
    assert result.refusal is None
    assert result.percent == pytest.approx(0, abs=1e-9)
    assert result.overlap == 1


@given(curves(), st.floats(0.2, 5))
def test_scaled_rates_give_the_scale(points: list[RatePoint], scale: float) -> None:
    scaled = [RatePoint(p.rate_kbps * scale, p.quality) for p in points]
    assert bd_rate(points, scaled).percent == pytest.approx(100 * (scale - 1), rel=1e-6, abs=1e-6)


@given(curves(), curves())
def test_swapping_the_curves_inverts_the_ratio(a: list[RatePoint], b: list[RatePoint]) -> None:
    forth, back = bd_rate(a, b), bd_rate(b, a)
    assert forth.refusal == back.refusal
    if forth.percent is not None and back.percent is not None:
        assert (1 + forth.percent / 100) * (1 + back.percent / 100) == pytest.approx(1)


@given(curves(), curves(), st.randoms(use_true_random=False))
def test_order_and_duplicates_do_not_matter(
    a: list[RatePoint], b: list[RatePoint], shuffler: random.Random
) -> None:
    mixed = [*a, a[0], a[-1]]
    shuffler.shuffle(mixed)
    assert bd_rate(mixed, b) == bd_rate(a, b)


def test_fewer_bits_is_negative() -> None:
    better = [RatePoint(0.9 * p.rate_kbps, p.quality) for p in PLAIN]
    assert bd_rate(PLAIN, better).percent == pytest.approx(-10)


@pytest.mark.parametrize(
    ("points", "refusal"),
    [
        (PLAIN[:3], Refusal.TOO_FEW_POINTS),
        ([], Refusal.TOO_FEW_POINTS),
        ([*PLAIN[:3], PLAIN[0]], Refusal.TOO_FEW_POINTS),
        (curve([100, 150, 220, 330], [32, 34, 33, 36]), Refusal.NOT_MONOTONE),
        (curve([100, 150, 220, 330], [32, 34, 34, 36]), Refusal.NOT_MONOTONE),
        (curve([100, 150, 150, 330], [32, 34, 35, 36]), Refusal.NOT_MONOTONE),
        (curve([100, 150, 220, 330], [30, 32, 39, 41]), Refusal.GAP),
        (curve([100, 150, 220, 330], [40, 42, 44, 46]), Refusal.LITTLE_OVERLAP),
        (curve([100, 150, 220, 330], [50, 52, 54, 56]), Refusal.LITTLE_OVERLAP),
        (curve([100, 150, 220, math.nan], [32, 34, 36, 38]), Refusal.NOT_FINITE),
        (curve([100, 150, 220, 330], [32, 34, 36, math.inf]), Refusal.NOT_FINITE),
        (curve([0, 150, 220, 330], [32, 34, 36, 38]), Refusal.NOT_FINITE),
    ],
)
def test_unfit_curves_are_refused_either_way_round(points: list[RatePoint], refusal: Refusal) -> None:
    for result in (bd_rate(PLAIN, points), bd_rate(points, PLAIN)):
        assert result.percent is None
        assert result.refusal == refusal
        assert result.detail


def test_relative_rate_of_a_scaled_curve_is_flat() -> None:
    better = [RatePoint(0.9 * p.rate_kbps, p.quality) for p in PLAIN]
    curve_of_difference = relative_rate(PLAIN, better)
    assert curve_of_difference[0][0] == PLAIN[0].quality and curve_of_difference[-1][0] == PLAIN[-1].quality
    assert all(percent == pytest.approx(-10) for _, percent in curve_of_difference)
    assert relative_rate(PLAIN, PLAIN[:2]) == []


def test_a_wider_gap_may_be_allowed() -> None:
    points = curve([100, 150, 220, 330], [30, 32, 39, 41])
    assert bd_rate(points, points, max_gap=10).percent == pytest.approx(0)
