"""A corpus as if it were one clip: all bits over all seconds, against the mean quality.

BD-rates clip by clip do not show what a rate control gains by giving hard clips more than easy ones.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from muzero_rc.evaluation.bd_rate import BdRate, RatePoint, bd_rate
from muzero_rc.evaluation.comparison import by_clip_and_rate_control
from muzero_rc.evaluation.metrics import Metric
from muzero_rc.evaluation.results import MeasuredEncode, ReportData


@dataclass(frozen=True)
class CorpusComparison:
    """One rate control against the baseline, over all clips as one.

    Attributes:
        result: the BD-rate, or why there is none.
        clips: how many are in it: those of which both have an encode at every rung.
    """

    rate_control: str
    result: BdRate
    clips: int


def compare_corpora(data: ReportData, metric: Metric) -> list[CorpusComparison]:
    """Every other rate control against the report's baseline."""
    groups = by_clip_and_rate_control(data.encodes)
    counts = Counter(len(group) for (_, name), group in groups.items() if name == data.baseline)
    rungs = max(counts, key=lambda rung: (counts[rung], rung), default=0)

    def whole(clip: str, name: str) -> bool:
        encodes = groups.get((clip, name), [])
        return len(encodes) == rungs > 0 and all(metric.name in encode.metrics for encode in encodes)

    comparisons = []
    for name in data.rate_controls:
        if name == data.baseline:
            continue
        clips = [c.name for c in data.clips if whole(c.name, name) and whole(c.name, data.baseline)]
        curves = [corpus_curve(groups, clips, one, metric) for one in (data.baseline, name)]
        result = bd_rate(*curves, max_gap=metric.max_gap)
        comparisons.append(CorpusComparison(name, result, len(clips)))
    return comparisons


def corpus_curve(
    groups: Mapping[tuple[str, str], Sequence[MeasuredEncode]],
    clips: Sequence[str],
    rate_control: str,
    metric: Metric,
) -> list[RatePoint]:
    """One point for each rung of the ladder.

    Args:
        groups: encodes by (clip, rate control), lowest rate first, equally many for each of `clips`.
        clips: that count, each once.
        rate_control: whose.
        metric: whose mean over the clips is the quality.
    """
    points = []
    for rung in zip(*(groups[clip, rate_control] for clip in clips), strict=True):
        seconds = [encode.frames / encode.fps for encode in rung]
        kilobits = sum(encode.kbps * s for encode, s in zip(rung, seconds, strict=True))
        quality = sum(metric.on_curve(encode.metrics[metric.name]) for encode in rung) / len(rung)
        points.append(RatePoint(kilobits / sum(seconds), quality))
    return points
