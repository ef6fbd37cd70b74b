"""The quality metrics of a report, declared once.

Options, cache keys, tables, results.json and BD-rates go through METRICS. A new metric is a field of
`encoder_bridge.media.quality.Quality`, with its measurement, and a line here.
"""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # this module stays light: rc-report --help reads it
    from encoder_bridge.media.quality import Quality

MAX_SSIM_DB = 60.0


@dataclass(frozen=True)
class Metric:
    """A quality that is measured, shown and compared at.

    Attributes:
        key: names its BD-rates, in results.json and here.
        name: names its value in an encode, in results.json and here.
        option: what --metrics calls it; several may share one.
        label: heads a table of BD-rates.
        column: heads a table of encodes, with the unit.
        digits: after the point in that table.
        measured: reads it from a measurement; None if that has not got it.
        on_curve: from its value to the scale on which rate curves are smooth.
        max_gap: widest step between neighbours of a rate curve that may be interpolated, on that scale.
        optional: its name in `encoder_bridge.media.quality_filters.OPTIONAL`, if it is measured only where
            it is asked for.
    """

    key: str
    name: str
    option: str
    label: str
    column: str
    digits: int
    measured: "Callable[[Quality], float | None]"
    max_gap: float
    on_curve: Callable[[float], float] = float
    optional: str = ""


def ssim_db(ssim: float) -> float:
    """SSIM as -10 log10(1 - SSIM), at most 60: near 1 the plain figure hardly moves."""
    return min(-10 * math.log10(max(1 - ssim, 1e-12)), MAX_SSIM_DB)


PSNR_Y = Metric(
    key="psnr_y",
    name="psnr_y_db",
    option="psnr",
    label="PSNR-Y",
    column="PSNR-Y, dB",
    digits=3,
    measured=lambda quality: quality.psnr_y_db,
    max_gap=6.0,
)
PSNR_Y_SUM = Metric(
    key="psnr_y_sum",
    name="psnr_y_sum_db",
    option="psnr",
    label="PSNR-Y, summed error",
    column="summed, dB",
    digits=3,
    measured=lambda quality: quality.psnr_y_sum_db,
    max_gap=6.0,
)
PSNR_Y_P5 = Metric(
    key="psnr_y_p5",
    name="psnr_y_p5_db",
    option="psnr",
    label="PSNR-Y, 5th percentile",
    column="5th percentile, dB",
    digits=3,
    measured=lambda quality: quality.psnr_y_p5_db,
    max_gap=6.0,
)
PSNR_611 = Metric(
    key="psnr_611",
    name="psnr_611_db",
    option="psnr",
    label="PSNR 6:1:1",
    column="6:1:1, dB",
    digits=3,
    measured=lambda quality: quality.psnr_611_db,
    max_gap=6.0,
)
SSIM = Metric(
    key="ssim",
    name="ssim",
    option="ssim",
    label="SSIM",
    column="SSIM",
    digits=5,
    measured=lambda quality: quality.ssim,
    max_gap=6.0,
    on_curve=ssim_db,
)
VMAF = Metric(
    key="vmaf",
    name="vmaf",
    option="vmaf",
    label="VMAF",
    column="VMAF",
    digits=2,
    measured=lambda quality: quality.vmaf,
    max_gap=25.0,
    optional="vmaf",
)
VMAF_NEG = Metric(
    key="vmaf_neg",
    name="vmaf_neg",
    option="vmaf",
    label="VMAF NEG",
    column="VMAF NEG",
    digits=2,
    measured=lambda quality: quality.vmaf_neg,
    max_gap=25.0,
    optional="vmaf-neg",
)
MS_SSIM = Metric(
    key="ms_ssim",
    name="ms_ssim",
    option="ms-ssim",
    label="MS-SSIM",
    column="MS-SSIM",
    digits=5,
    measured=lambda quality: quality.ms_ssim,
    max_gap=6.0,
    on_curve=ssim_db,
    optional="ms-ssim",
)
XPSNR_Y = Metric(
    key="xpsnr_y",
    name="xpsnr_y_db",
    option="xpsnr",
    label="XPSNR-Y",
    column="XPSNR-Y, dB",
    digits=3,
    measured=lambda quality: quality.xpsnr_y_db,
    max_gap=6.0,
    optional="xpsnr",
)
METRICS = (PSNR_Y, PSNR_Y_SUM, PSNR_Y_P5, PSNR_611, SSIM, VMAF, VMAF_NEG, MS_SSIM, XPSNR_Y)
"""In the order of the tables; BD-rates on the first are the headline."""
OPTIONS = tuple(dict.fromkeys(metric.option for metric in METRICS))
ALWAYS = tuple(dict.fromkeys(metric.option for metric in METRICS if not metric.optional))
ALL = "all"
"""The option that stands for every other one."""


def wanted(options: Collection[str]) -> list[Metric]:
    """The metrics that a report with these --metrics has: those that are always measured, and these."""
    return [m for m in METRICS if not m.optional or m.option in options or ALL in options]


def optional_of(metrics: Collection[Metric]) -> list[str]:
    """The optional ones among `metrics`, as `encoder_bridge.media.quality.measure` takes them."""
    return [metric.optional for metric in metrics if metric.optional]


def measurable_here(metrics: Sequence[Metric]) -> tuple[list[Metric], list[str]]:
    """Those of `metrics` that an ffmpeg on this machine measures; a line that names the others, if any."""
    from encoder_bridge.media.quality_filters import OPTIONAL, filter_ffmpeg

    there = filter_ffmpeg()[1]
    missing = [metric for metric in metrics if metric.optional and metric.optional not in there]
    kept = [metric for metric in metrics if metric not in missing]
    if not missing:
        return kept, []
    labels = ", ".join(metric.label for metric in missing)
    filters = ", ".join(dict.fromkeys(OPTIONAL[metric.optional].filter for metric in missing))
    return kept, [
        f"Not measured: {labels}. No ffmpeg here has {filters}; pip install -U imageio-ffmpeg brings one."
    ]


def values_of(quality: "Quality") -> dict[str, float]:
    """What was measured, by `Metric.name`."""
    values = ((metric.name, metric.measured(quality)) for metric in METRICS)
    return {name: float(value) for name, value in values if value is not None}
