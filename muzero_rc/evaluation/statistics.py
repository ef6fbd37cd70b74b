"""From encodes to the numbers of a report: BD-rates against anchors, and how targets were kept."""

from collections.abc import Sequence
from dataclasses import dataclass

from muzero_rc.evaluation import bd_rate as bdrate
from muzero_rc.evaluation.bd_rate import BdRate, BdSummary, RatePoint
from muzero_rc.evaluation.results import METRICS, MeasuredEncode, Metric, ReportData


@dataclass(frozen=True)
class Comparison:
    """One method against one anchor on one metric: per clip, and over all clips."""

    method: str
    anchor: str
    metric: str
    clips: dict[str, BdRate]
    summary: BdSummary


@dataclass(frozen=True)
class Constraint:
    """How a method kept its targets.

    Attributes:
        encodes: with a target.
        over_1, over_5: share of them more than 1 % and 5 % over it, 0 to 1.
        worst_percent: the largest overshoot; negative when none went over.
        mean_fill: mean of rate over target.
        at_floor: encodes with qindex 255 throughout; they could not have been smaller.
    """

    method: str
    encodes: int
    over_1: float
    over_5: float
    worst_percent: float
    mean_fill: float
    at_floor: int


def curve(encodes: Sequence[MeasuredEncode], metric: Metric) -> list[RatePoint]:
    """The points of one clip and method on which the metric was measured."""
    values = ((encode.kbps, metric.value(encode)) for encode in encodes)
    return [RatePoint(kbps, value) for kbps, value in values if value is not None]


def by_clip_and_method(encodes: Sequence[MeasuredEncode]) -> dict[tuple[str, str], list[MeasuredEncode]]:
    """Encodes grouped by (clip, method), lowest rate first."""
    groups: dict[tuple[str, str], list[MeasuredEncode]] = {}
    for encode in sorted(encodes, key=lambda e: e.kbps):
        groups.setdefault((encode.clip, encode.method), []).append(encode)
    return groups


def measured(study: ReportData) -> list[Metric]:
    """The metrics that at least one encode carries."""
    return [metric for metric in METRICS if any(metric.value(e) is not None for e in study.encodes)]


def compare(study: ReportData, anchor: str) -> list[Comparison]:
    """Every other method against `anchor`, on every metric measured.

    Every clip counts: one that lacks encodes is refused with that reason, not silently left out.
    """
    groups = by_clip_and_method(study.encodes)
    comparisons = []
    for method in study.methods:
        if method == anchor:
            continue
        for metric in measured(study):
            clips = {
                clip.name: bdrate.bd_rate(
                    curve(groups.get((clip.name, anchor), []), metric),
                    curve(groups.get((clip.name, method), []), metric),
                    max_gap=metric.max_gap,
                )
                for clip in study.clips
            }
            summary = bdrate.summarise(list(clips.values()))
            comparisons.append(Comparison(method, anchor, metric.key, clips, summary))
    return comparisons


def constraints(study: ReportData) -> list[Constraint]:
    """One row for each method that had targets."""
    rows = []
    for method in study.methods:
        encodes = [e for e in study.encodes if e.method == method]
        fills = [e.fill for e in encodes if e.fill is not None]
        if not fills:
            continue
        rows.append(
            Constraint(
                method=method,
                encodes=len(fills),
                over_1=sum(fill > 1.01 for fill in fills) / len(fills),
                over_5=sum(fill > 1.05 for fill in fills) / len(fills),
                worst_percent=100 * (max(fills) - 1),
                mean_fill=sum(fills) / len(fills),
                at_floor=sum(e.at_floor for e in encodes if e.fill is not None),
            )
        )
    return rows
