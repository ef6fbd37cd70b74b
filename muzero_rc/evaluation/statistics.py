"""Statistics over clips: BD-rates and how targets were kept. Reports and validation share these."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from muzero_rc.evaluation.bd_rate import MAX_GAP_DB, BdRate, Floats, RatePoint, bd_rate

RESAMPLES = 10_000


@dataclass(frozen=True)
class BdSummary:
    """BD-rates of many clips in a few numbers, all in per cent.

    Attributes:
        clips: how many clips had a BD-rate.
        refused: how many had none.
        worse: how many needed more bits than the anchor.
        mean, median: None without clips.
        low, high: bounds of the bootstrap 95 % interval of the mean; None with fewer than two clips.
    """

    clips: int
    refused: int
    worse: int
    mean: float | None
    median: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class BudgetSummary:
    """How targets were kept.

    Attributes:
        encodes: with a target, at least one.
        over_1, over_5: share of them more than 1 % and 5 % over it, 0 to 1.
        worst_percent: the largest overshoot; negative when none went over.
        mean_fill: mean of rate over target.
    """

    encodes: int
    over_1: float
    over_5: float
    worst_percent: float
    mean_fill: float


def bd_rates(
    anchor: Mapping[str, Sequence[RatePoint]],
    test: Mapping[str, Sequence[RatePoint]],
    clips: Iterable[str],
    *,
    max_gap: float = MAX_GAP_DB,
) -> dict[str, BdRate]:
    """BD-rate of `test` against `anchor`, clip by clip.

    Every clip counts: one that lacks a curve is refused with that reason, not silently left out.

    Args:
        anchor: curves by clip.
        test: likewise.
        clips: which ones to compare.
        max_gap: see `bd_rate`.
    """
    return {clip: bd_rate(anchor.get(clip, ()), test.get(clip, ()), max_gap=max_gap) for clip in clips}


def summarise(results: Iterable[BdRate], *, resamples: int = RESAMPLES, seed: int = 0) -> BdSummary:
    """Mean, median, interval and number of worse clips; each clip counts once.

    Args:
        results: one per clip, refused ones among them.
        resamples: draws of the bootstrap over clips.
        seed: of those draws; the same results and seed give the same interval.
    """
    percents = [result.percent for result in results]
    values = np.array([percent for percent in percents if percent is not None], dtype=np.float64)
    refused = len(percents) - len(values)
    worse = int(np.sum(values > 0))
    if len(values) == 0:
        return BdSummary(0, refused, 0, None, None, None, None)
    mean, median = float(np.mean(values)), float(np.median(values))
    if len(values) == 1:
        return BdSummary(1, refused, worse, mean, median, None, None)
    low, high = bootstrap_interval(values, resamples=resamples, seed=seed)
    return BdSummary(len(values), refused, worse, mean, median, low, high)


def bootstrap_interval(
    values: Sequence[float] | Floats, *, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap 95 % interval of the mean.

    Args:
        values: at least one, one per clip; their order does not matter.
        resamples: draws, with replacement.
        seed: of the draws.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    draws = np.random.default_rng(seed).integers(0, len(ordered), size=(resamples, len(ordered)))
    low, high = np.percentile(ordered[draws].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def summarise_budget(fills: Sequence[float]) -> BudgetSummary | None:
    """How targets were kept; None without encodes.

    Args:
        fills: rate over target, one an encode.
    """
    if not fills:
        return None
    return BudgetSummary(
        encodes=len(fills),
        over_1=sum(fill > 1.01 for fill in fills) / len(fills),
        over_5=sum(fill > 1.05 for fill in fills) / len(fills),
        worst_percent=100 * (max(fills) - 1),
        mean_fill=sum(fills) / len(fills),
    )
