"""BD-rate (Bjøntegaard): how many per cent more or fewer bits one encoder needs for another's quality.

The arithmetic is the `bjontegaard` package's: PCHIP over log rate. This module decides when a number means
something: curves that cannot carry one are refused, and the reason comes back as data.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MIN_POINTS = 4
MAX_GAP_DB = 6.0
MIN_OVERLAP = 0.5


class Refusal(StrEnum):
    """Why a clip has no BD-rate."""

    TOO_FEW_POINTS = "too few points"
    NOT_FINITE = "not finite"
    NOT_MONOTONE = "not monotone"
    GAP = "gap between neighbours"
    LITTLE_OVERLAP = "little overlap"


@dataclass(frozen=True)
class RatePoint:
    """One encode of a rate-quality curve; quality in dB, or another measure that rises with the rate."""

    rate_kbps: float
    quality: float


@dataclass(frozen=True)
class BdRate:
    """BD-rate of one clip, or the reason why there is none.

    Attributes:
        percent: size at equal quality against the anchor, minus 100 %; negative is smaller. None if refused.
        overlap: shared part of the two quality ranges, 0 to 1. None when a curve was refused before that.
        refusal: the reason, None when there is a number.
        detail: the reason with its figures, for a person; "" when there is a number.
    """

    percent: float | None
    overlap: float | None = None
    refusal: Refusal | None = None
    detail: str = ""


def bd_rate(anchor: Sequence[RatePoint], test: Sequence[RatePoint], *, max_gap: float = MAX_GAP_DB) -> BdRate:
    """BD-rate of `test` against `anchor`, on the rates given, in any order.

    Args:
        anchor: the curve that is compared with, one point an encode.
        test: the curve that is judged.
        max_gap: widest step in quality between neighbours that may be interpolated.
    """
    curves: list[tuple[Floats, Floats]] = []
    for name, points in (("anchor", anchor), ("test", test)):
        rates, qualities = _sorted_unique(points)
        refused = _check_curve(name, rates, qualities, max_gap)
        if refused is not None:
            return refused
        curves.append((rates, qualities))
    (anchor_rates, anchor_quality), (test_rates, test_quality) = curves
    overlap = _overlap(anchor_quality, test_quality)
    if overlap < MIN_OVERLAP:
        detail = (
            f"the curves share {100 * overlap:.0f} % of their quality range "
            f"({anchor_quality[0]:.2f} to {anchor_quality[-1]:.2f} and "
            f"{test_quality[0]:.2f} to {test_quality[-1]:.2f})"
        )
        return BdRate(None, overlap, Refusal.LITTLE_OVERLAP, detail)
    import bjontegaard  # brings matplotlib: only when a number is wanted

    percent = bjontegaard.bd_rate(
        anchor_rates,
        anchor_quality,
        test_rates,
        test_quality,
        method="pchip",
        require_matching_points=False,
        min_overlap=0,
    )
    return BdRate(float(percent), overlap)


def relative_rate(
    anchor: Sequence[RatePoint], test: Sequence[RatePoint], *, steps: int = 33
) -> list[tuple[float, float]]:
    """Difference in rate between two curves at equal quality: (quality, per cent) pairs.

    The mean of this curve, taken over log rate, is the BD-rate. Empty where `bd_rate` refuses.

    Args:
        anchor: the curve that is compared with.
        test: the curve that is judged.
        steps: how many pairs, evenly spaced over the quality that both have.
    """
    if bd_rate(anchor, test).percent is None:
        return []
    import bjontegaard

    (anchor_rates, anchor_quality), (test_rates, test_quality) = (_sorted_unique(p) for p in (anchor, test))
    _, anchor_log_rate, test_log_rate = bjontegaard.bd_rate(
        anchor_rates,
        anchor_quality,
        test_rates,
        test_quality,
        method="pchip",
        require_matching_points=False,
        interpolators=True,
        min_overlap=0,
    )
    low, high = max(anchor_quality[0], test_quality[0]), min(anchor_quality[-1], test_quality[-1])
    grid = np.linspace(low, high, steps)
    percent = 100 * (10 ** (test_log_rate(grid) - anchor_log_rate(grid)) - 1)
    return list(zip(grid.tolist(), percent.tolist(), strict=True))


def _sorted_unique(points: Sequence[RatePoint]) -> tuple[Floats, Floats]:
    """Rates and qualities, f8[N] each, by rate and then quality; exact duplicates dropped."""
    pairs = sorted({(float(p.rate_kbps), float(p.quality)) for p in points})
    table = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _check_curve(name: str, rates: Floats, qualities: Floats, max_gap: float) -> BdRate | None:
    if not (np.isfinite(rates).all() and np.isfinite(qualities).all() and (rates > 0).all()):
        detail = f"{name} curve: a rate or quality is not a finite number, or a rate is not above 0"
        return BdRate(None, None, Refusal.NOT_FINITE, detail)
    if len(rates) < MIN_POINTS:
        detail = f"{name} curve: {len(rates)} different points, {MIN_POINTS} are needed"
        return BdRate(None, None, Refusal.TOO_FEW_POINTS, detail)
    steps = np.diff(qualities)
    falls = np.flatnonzero((steps <= 0) | (np.diff(rates) <= 0))
    if len(falls):
        i = int(falls[0])
        detail = (
            f"{name} curve: more bits, no more quality ({rates[i]:.1f} kbps gives {qualities[i]:.3f}, "
            f"{rates[i + 1]:.1f} kbps {qualities[i + 1]:.3f})"
        )
        return BdRate(None, None, Refusal.NOT_MONOTONE, detail)
    if np.max(steps) > max_gap:
        i = int(np.argmax(steps))
        detail = (
            f"{name} curve: {steps[i]:.1f} between neighbours ({qualities[i]:.2f} and "
            f"{qualities[i + 1]:.2f}), {max_gap:g} at most can be interpolated"
        )
        return BdRate(None, None, Refusal.GAP, detail)
    return None


def _overlap(anchor_quality: Floats, test_quality: Floats) -> float:
    """Shared part of the two quality ranges as a fraction of their union."""
    shared = min(anchor_quality[-1], test_quality[-1]) - max(anchor_quality[0], test_quality[0])
    union = max(anchor_quality[-1], test_quality[-1]) - min(anchor_quality[0], test_quality[0])
    return float(max(shared, 0.0) / union)
