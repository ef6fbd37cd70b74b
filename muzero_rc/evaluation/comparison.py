"""Rate controls compared: BD-rates against an anchor, and how targets were kept."""

from collections.abc import Sequence
from dataclasses import dataclass

from muzero_rc.evaluation.bd_rate import BdRate, RatePoint
from muzero_rc.evaluation.metrics import METRICS, Metric
from muzero_rc.evaluation.results import MeasuredEncode, ReportData
from muzero_rc.evaluation.statistics import BdSummary, BudgetSummary, bd_rates, summarise, summarise_budget


@dataclass(frozen=True)
class Comparison:
    """One rate control against one anchor on one metric: per clip, and over all clips."""

    rate_control: str
    anchor: str
    metric: Metric
    clips: dict[str, BdRate]
    summary: BdSummary


@dataclass(frozen=True)
class TargetKeeping:
    """How one rate control kept its targets.

    Attributes:
        at_floor: encodes with qindex 255 throughout; they could not have been smaller.
    """

    rate_control: str
    budget: BudgetSummary
    at_floor: int


def by_clip_and_rate_control(
    encodes: Sequence[MeasuredEncode],
) -> dict[tuple[str, str], list[MeasuredEncode]]:
    """Encodes grouped by (clip, rate control), lowest rate first."""
    groups: dict[tuple[str, str], list[MeasuredEncode]] = {}
    for encode in sorted(encodes, key=lambda e: e.kbps):
        groups.setdefault((encode.clip, encode.rate_control), []).append(encode)
    return groups


def curve(encodes: Sequence[MeasuredEncode], metric: Metric) -> list[RatePoint]:
    """The points of one clip and rate control on which the metric was measured, on its curve's scale."""
    return [
        RatePoint(encode.kbps, metric.on_curve(encode.metrics[metric.name]))
        for encode in encodes
        if metric.name in encode.metrics
    ]


def measured(encodes: Sequence[MeasuredEncode]) -> list[Metric]:
    """The metrics that at least one encode carries."""
    return [metric for metric in METRICS if any(metric.name in encode.metrics for encode in encodes)]


def compare(data: ReportData, anchor: str) -> list[Comparison]:
    """Every other rate control against `anchor`, on every metric measured."""
    groups = by_clip_and_rate_control(data.encodes)

    def curves(rate_control: str, metric: Metric) -> dict[str, list[RatePoint]]:
        return {clip: curve(group, metric) for (clip, name), group in groups.items() if name == rate_control}

    comparisons = []
    for rate_control in data.rate_controls:
        if rate_control == anchor:
            continue
        for metric in measured(data.encodes):
            clips = bd_rates(
                curves(anchor, metric),
                curves(rate_control, metric),
                [clip.name for clip in data.clips],
                max_gap=metric.max_gap,
            )
            comparisons.append(Comparison(rate_control, anchor, metric, clips, summarise(clips.values())))
    return comparisons


def mean_encode_s(data: ReportData) -> dict[str, float]:
    """Processor seconds of an encode, by rate control: the mean over all clips and targets."""
    seconds: dict[str, list[float]] = {}
    for encode in data.encodes:
        seconds.setdefault(encode.rate_control, []).append(encode.encode_s)
    return {name: sum(each) / len(each) for name, each in seconds.items()}


def target_keeping(data: ReportData) -> list[TargetKeeping]:
    """One row for each rate control that had targets."""
    rows = []
    for rate_control in data.rate_controls:
        encodes = [e for e in data.encodes if e.rate_control == rate_control and e.fill is not None]
        budget = summarise_budget([e.fill for e in encodes if e.fill is not None])
        if budget is not None:
            rows.append(TargetKeeping(rate_control, budget, sum(e.at_floor for e in encodes)))
    return rows
