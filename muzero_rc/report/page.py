"""report.html: a report as one static page that loads nothing, rendered from template.html.j2."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from encoder_bridge.encode import layouts
from muzero_rc.evaluation.bd_rate import BdRate, relative_rate
from muzero_rc.evaluation.comparison import (
    Comparison,
    by_clip_and_rate_control,
    compare,
    curve,
    mean_encode_s,
    target_keeping,
)
from muzero_rc.evaluation.corpus_level import compare_corpora
from muzero_rc.evaluation.metrics import METRICS, Metric
from muzero_rc.evaluation.rate_controls import LIBVPX_Q, LIBVPX_VBR_ARF1, base_name
from muzero_rc.evaluation.results import MeasuredEncode, ReportClip, ReportData
from muzero_rc.evaluation.statistics import BdSummary
from muzero_rc.report.charts import Series, line_chart
from muzero_rc.report.colours import colours_of
from muzero_rc.report.results_json import anchors

FRAME_TYPES = tuple("alt-ref" if name == "altref" else name for name in layouts.FRAME_TYPES)
MAIN = METRICS[0]


@dataclass(frozen=True)
class BdTable:
    """BD-rates of every other rate control against one anchor.

    Attributes:
        rows: by rate control, one summary for each of `metrics`.
        refused: each clip without a BD-rate, in which comparison, and why.
        encode_s: processor seconds of an encode, by rate control.
    """

    anchor: str
    metrics: list[Metric]
    rows: dict[str, list[BdSummary]]
    refused: list[tuple[str, Comparison, BdRate]]
    encode_s: Mapping[str, float]


@dataclass(frozen=True)
class ClipSection:
    """What the page shows of one clip.

    Attributes:
        charts: SVG and caption.
        encodes: of all rate controls.
        rungs: the most encodes that a rate control has.
    """

    clip: ReportClip
    rate_controls: list[str]
    charts: list[tuple[Markup, str]]
    encodes: list[MeasuredEncode]
    rungs: int


def render(data: ReportData) -> str:
    """The page as text."""
    colours = colours_of(data.rate_controls)
    comparisons = {anchor: compare(data, anchor) for anchor in anchors(data)}
    main = [c for c in comparisons[data.baseline] if c.metric is MAIN]
    keeping = target_keeping(data)
    return (
        _environment()
        .get_template("template.html.j2")
        .render(
            data=data,
            metrics=METRICS,
            lead=[c for c in main if c.rate_control in data.policies],
            main=main,
            bd_tables=[
                _bd_table(anchor, of_anchor, mean_encode_s(data))
                for anchor, of_anchor in comparisons.items()
                if of_anchor
            ],
            keeping=keeping,
            budgets=dict.fromkeys(data.rate_controls) | {row.rate_control: row.budget for row in keeping},
            sections=_clip_sections(data, colours),
            opened={data.baseline, *(data.policies or [LIBVPX_Q])},
            frames=_frames(data, colours),
            time_chart=time_chart(main, data, colours),
            corpora=compare_corpora(data, MAIN) if len(data.clips) > 1 else [],
        )
    )


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["signed"] = signed
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    return environment


def signed(number: float, digits: int = 2) -> str:
    """A signed number with a true minus."""
    return f"{number:+.{digits}f}".replace("-", "−")


def _bd_table(anchor: str, comparisons: Sequence[Comparison], encode_s: Mapping[str, float]) -> BdTable:
    rows: dict[str, list[BdSummary]] = {}
    for comparison in comparisons:
        rows.setdefault(comparison.rate_control, []).append(comparison.summary)
    return BdTable(
        anchor=anchor,
        encode_s=encode_s,
        metrics=list({c.metric.key: c.metric for c in comparisons}.values()),
        rows=rows,
        refused=[
            (clip, comparison, result)
            for comparison in comparisons
            for clip, result in comparison.clips.items()
            if result.refusal is not None
        ],
    )


def _clip_sections(data: ReportData, colours: Mapping[str, str]) -> list[ClipSection]:
    sections = []
    for clip, encodes in _by_clip(data):
        sections.append(
            ClipSection(
                clip=clip,
                rate_controls=list(encodes),
                charts=_charts(data, encodes, colours),
                encodes=[encode for group in encodes.values() for encode in group],
                rungs=max((len(group) for group in encodes.values()), default=0),
            )
        )
    return sections


def _by_clip(data: ReportData) -> list[tuple[ReportClip, dict[str, list[MeasuredEncode]]]]:
    """Every clip with its encodes by rate control, in the order of the tables."""
    groups = by_clip_and_rate_control(data.encodes)
    return [
        (clip, {name: groups[clip.name, name] for name in data.rate_controls if (clip.name, name) in groups})
        for clip in data.clips
    ]


def _charts(
    data: ReportData, encodes: Mapping[str, list[MeasuredEncode]], colours: Mapping[str, str]
) -> list[tuple[Markup, str]]:
    quality, difference, refused = [], [], []
    baseline = curve(encodes.get(data.baseline, []), MAIN)
    for name, group in encodes.items():
        dashed = name == LIBVPX_VBR_ARF1 or name != base_name(name)
        points = curve(group, MAIN)
        labels = [f"{name}: {point.rate_kbps:.1f} kbps, {point.quality:.2f} dB" for point in points]
        joined = [(point.rate_kbps, point.quality) for point in points]
        quality.append(Series(name, colours[name], dashed, joined, labels))
        relative = relative_rate(baseline, points)
        if name == data.baseline:
            continue
        if relative:
            difference.append(Series(name, colours[name], dashed, relative, []))
        else:
            refused.append(name)
    left = line_chart(quality, x_label="bitrate, kbps (log)", y_label=MAIN.column, log_x=True)
    right = line_chart(difference, x_label=MAIN.column, y_label="bits against baseline, %", zero_line=True)
    captions = (
        "Rate and quality: up and left is better.",
        f"Bits for the same {MAIN.label} against {data.baseline}: below 0 is smaller."
        + (f" Refused: {', '.join(refused)}." if refused else ""),
    )
    # The charts escape what they are given.
    return [(Markup(svg), caption) for svg, caption in zip((left, right), captions, strict=True)]


def time_chart(
    comparisons: Sequence[Comparison], data: ReportData, colours: Mapping[str, str]
) -> Markup | None:
    """Processor seconds of an encode against BD-rate, a line from speed to speed; None without BD-rates.

    Args:
        comparisons: with the baseline, on one metric.
        data: whose encodes took how long.
        colours: by rate control.
    """
    seconds = mean_encode_s(data)
    percents = {data.baseline: 0.0} | {
        c.rate_control: c.summary.mean for c in comparisons if c.summary.mean is not None
    }
    lines: dict[str, list[tuple[float, float, str]]] = {}
    for name, percent in percents.items():
        if name in seconds:
            label = f"{name}: {seconds[name]:.2f} s, {signed(percent)} %"
            lines.setdefault(base_name(name), []).append((max(seconds[name], 1e-3), percent, label))
    if len(lines) < 2:
        return None
    series = []
    for base, dots in lines.items():
        dots.sort()
        places = [(second, percent) for second, percent, _ in dots]
        series.append(Series(base, colours[base], False, places, [label for *_, label in dots]))
    # The chart escapes what it is given.
    return Markup(
        line_chart(
            series,
            x_label="processor seconds of an encode (log)",
            y_label=f"BD-rate to {data.baseline}, %",
            log_x=True,
            zero_line=True,
        )
    )


def _frames(data: ReportData, colours: Mapping[str, str]) -> dict[str, Any]:
    """What the page's script draws: per clip and rate control, one entry a rate, lowest first."""
    clips = [
        {
            "frames": clip.frames,
            "fps": clip.fps,
            "encodes": {name: [_frames_of(one) for one in group] for name, group in encodes.items()},
        }
        for clip, encodes in _by_clip(data)
    ]
    return {"clips": clips, "colours": colours, "frame_types": FRAME_TYPES}


def _frames_of(encode: MeasuredEncode) -> dict[str, Any]:
    coded = encode.coded
    return {
        "target_kbps": encode.target_kbps,
        "kbps": round(encode.kbps, 3),
        "type": coded.frame_type,
        "show": coded.coded_at,
        "layer": coded.layer,
        "q": coded.qindex,
        "bits": coded.bits,
    }
