"""Writes a study as one static HTML page, which needs no network, and as results.json."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

from encoder_bridge.atomic_file import write_text
from muzero_rc.evaluation.bd_rate import relative_rate
from muzero_rc.evaluation.results import (
    LIBVPX_Q,
    LIBVPX_Q_REPLAY,
    LIBVPX_VBR,
    LIBVPX_VBR_ARF1,
    METRICS,
    MeasuredEncode,
    ReportClip,
    ReportData,
)
from muzero_rc.evaluation.statistics import Comparison, by_clip_and_method, compare, constraints, curve
from muzero_rc.report import tables as tables
from muzero_rc.report.charts import Series, line_chart

FORMAT = 1
FRAME_TYPES = ("key", "inter", "alt-ref", "overlay", "golden")
_PEER_COLOURS = {
    LIBVPX_VBR: "#6b7782",
    LIBVPX_VBR_ARF1: "#b3bcc4",
    LIBVPX_Q: "#d98200",
    LIBVPX_Q_REPLAY: "#8a5a00",
    "controller": "#0072b2",
}
_COLOURS = ("#c23b75", "#00835c", "#7a4fb5", "#b3361b", "#00808a", "#5c6b00")
_BD_RATE_TEXT = (
    "Bits for the same quality, in per cent; <b>negative = smaller files</b>. Each clip counts once; the "
    "interval is a bootstrap over clips. PSNR-Y: mean over frames of luma PSNR, each frame capped at 60 dB. "
    "BD-rates on SSIM use &minus;10 log<sub>10</sub>(1 &minus; SSIM)."
)
_CONSTRAINT_TEXT = (
    "Share of encodes over their target, lower is better; fill is rate over target, 1 is exact and below 1 "
    "leaves bits unused. At the floor: qindex 255 throughout, the clip cannot be smaller. Constant quality "
    "has no target and no row."
)
_TEMPLATE = Path(__file__).with_name("template.html")


def write_report(study: ReportData, folder: Path) -> Path:
    """Writes report.html and results.json into `folder`, each whole or not at all; returns the page."""
    write_text(folder / "results.json", json.dumps(results_json(study), indent=1, allow_nan=False) + "\n")
    page = folder / "report.html"
    write_text(page, render(study))
    return page


def anchors(study: ReportData) -> list[str]:
    """What BD-rates are taken against: the baseline, then constant quality and VBR as people run it."""
    others = (m for m in (LIBVPX_Q, LIBVPX_VBR_ARF1) if m in study.methods and m != study.baseline)
    return [study.baseline, *others]


def results_json(study: ReportData) -> dict[str, Any]:
    """The same figures as the page, for programs. Rates in kbps, BD-rates in per cent."""
    points = [{k: v for k, v in e.to_json().items() if k != "coded"} for e in study.encodes]
    return {
        "format": FORMAT,
        "command": study.command,
        "settings": study.settings,
        "versions": study.versions,
        "notes": study.notes,
        "baseline": study.baseline,
        "methods": study.methods,
        "policies": study.policies,
        "clips": [asdict(clip) for clip in study.clips],
        "bd_rate": [_comparison_json(c) for anchor in anchors(study) for c in compare(study, anchor)],
        "constraint": [asdict(row) for row in constraints(study)],
        "failures": [asdict(failure) for failure in study.failures],
        "encodes": points,
    }


def _comparison_json(comparison: Comparison) -> dict[str, Any]:
    clips = {name: asdict(result) for name, result in comparison.clips.items()}
    return {**asdict(comparison), "clips": clips, "summary": asdict(comparison.summary)}


def render(study: ReportData) -> str:
    """The page as text."""
    colours = colours_of(study.methods)
    parts = [_head(study), _against_baseline(study), _against_others(study), _constraint(study)]
    parts += [_clip_sections(study, colours), _provenance(study)]
    body = "\n".join(part for part in parts if part)
    data = json.dumps(_frames_json(study, colours), separators=(",", ":"), allow_nan=False).replace(
        "<", "\\u003c"
    )
    template = _TEMPLATE.read_text(encoding="utf-8")
    title = escape(f"muzero-rc: {', '.join(study.policies) or 'baselines'} against {study.baseline}")
    for mark, text in (("{{title}}", title), ("{{body}}", body), ("{{data}}", data)):
        template = template.replace(mark, text, 1)
    return template


def colours_of(methods: Sequence[str]) -> dict[str, str]:
    """A colour for each method; libvpx's own keep theirs from report to report."""
    others = [m for m in methods if m not in _PEER_COLOURS]
    mine = {method: _COLOURS[i % len(_COLOURS)] for i, method in enumerate(others)}
    return {method: _PEER_COLOURS.get(method) or mine[method] for method in methods}


def _head(study: ReportData) -> str:
    count = f"{len(study.clips)} clip{'s' if len(study.clips) != 1 else ''}"
    parts = ["<h1>Rate control report</h1>"]
    parts.append(
        f'<p class="soft">{count}, {len(study.encodes)} encodes. {escape(study.settings["targets"])}.</p>'
    )
    lead = [c for c in compare(study, study.baseline) if c.metric == "psnr_y" and c.method in study.policies]
    parts += [f'<p class="lead">{_sentence(study, c)}</p>' for c in lead]
    parts += [f'<p class="note">{escape(note)}</p>' for note in study.notes]
    if study.failures:
        rows = [
            ("", [escape(f.clip), escape(f.method), f'<td class="text">{escape(f.reason)}</td>'])
            for f in study.failures
        ]
        parts.append("<h2>Encodes that failed</h2>")
        parts.append(
            tables.table([["<th>Clip</th>", "<th>Method</th>", '<th class="text">Reason</th>']], rows)
        )
    return "\n".join(parts)


def _sentence(study: ReportData, comparison: Comparison) -> str:
    name, summary = f"<b>{escape(comparison.method)}</b>", comparison.summary
    if summary.mean is None:
        return f"{name}: no clip has a BD-rate against {escape(comparison.anchor)}; the reasons are below."
    more = "more" if summary.mean > 0 else "fewer"
    anchor = escape(comparison.anchor)
    text = f"{name} needs <b>{abs(summary.mean):.2f}&nbsp;% {more} bits</b> than {anchor} at equal PSNR-Y"
    if summary.low is not None and summary.high is not None:
        text += f" (95 % interval {tables.plain(summary.low)} to {tables.plain(summary.high)}&nbsp;%)"
    row = next((r for r in constraints(study) if r.method == comparison.method), None)
    if row is not None:
        over = f"{100 * row.over_1:.1f} % of its encodes end more than 1 % over target"
        text += f"; {over}, mean fill {row.mean_fill:.3f}"
    return text + "."


def _against_baseline(study: ReportData) -> str:
    comparisons = compare(study, study.baseline)
    if not comparisons:
        return ""
    return "\n".join(
        [
            f"<h2>BD-rate against {escape(study.baseline)}</h2>",
            f'<p class="soft">{_BD_RATE_TEXT}</p>',
            tables.headline(study, study.baseline, comparisons),
            tables.refusals(comparisons),
        ]
    )


def _against_others(study: ReportData) -> str:
    parts = []
    for anchor in anchors(study)[1:]:
        comparisons = compare(study, anchor)
        if comparisons:
            parts.append(f"<h2>BD-rate against {escape(anchor)}</h2>")
            parts.append('<p class="soft">Negative = smaller files at the same quality.</p>')
            parts += [tables.headline(study, anchor, comparisons), tables.refusals(comparisons)]
    return "\n".join(parts)


def _constraint(study: ReportData) -> str:
    rows = constraints(study)
    if not rows:
        return ""
    return "\n".join(
        [
            "<h2>How targets were kept</h2>",
            f'<p class="soft">{_CONSTRAINT_TEXT}</p>',
            tables.constraint(study, rows),
        ]
    )


def _clip_sections(study: ReportData, colours: dict[str, str]) -> str:
    against = compare(study, study.baseline)
    parts = ["<h2>Clip by clip</h2>"]
    if against:
        text = f"BD-rate on PSNR-Y against {escape(study.baseline)}, %; negative = smaller files."
        parts.append(f'<p class="soft">{text}</p>')
        parts.append(tables.per_clip(study, against))
    swatches = (f'<span><i style="border-color:{c}"></i>{escape(m)}</span>' for m, c in colours.items())
    parts.append(f'<div class="legend sticky">{"".join(swatches)}</div>')
    groups = by_clip_and_method(study.encodes)
    for index, clip in enumerate(study.clips):
        mine = {m: groups[clip.name, m] for m in study.methods if (clip.name, m) in groups}
        parts.append(_clip_section(study, clip, index, mine, colours))
    return "\n".join(parts)


def _clip_section(
    study: ReportData,
    clip: ReportClip,
    index: int,
    mine: dict[str, list[MeasuredEncode]],
    colours: dict[str, str],
) -> str:
    size = f"{clip.width}×{clip.height}, {clip.frames} frames at {clip.fps:.5g} fps"
    parts = [
        f'<section class="clip"><header><h3>{escape(clip.name)}</h3><span class="soft">{size}</span></header>'
    ]
    parts.append(f'<div class="charts">{_charts(study, mine, colours)}</div>')
    every = [encode for encodes in mine.values() for encode in encodes]
    parts.append(f"<details><summary>Figures of its encodes</summary>{tables.encodes_table(every)}</details>")
    rungs = max((len(encodes) for encodes in mine.values()), default=0)
    options = "".join(f'<option value="{i}">{i + 1} of {rungs}</option>' for i in range(rungs))
    boxes = "".join(
        f'<label><input type="checkbox" value="{escape(m)}"{_checked(study, m)}> {escape(m)}</label>'
        for m in mine
    )
    opened = " open" if len(study.clips) == 1 else ""
    parts.append(
        f'<details class="perframe" data-clip="{index}"{opened}>'
        "<summary>qindex and bits, frame by frame</summary>"
        f'<div class="controls"><label>rate, lowest first <select>{options}</select></label>{boxes}</div>'
        '<div class="frames"></div></details></section>'
    )
    return "".join(parts)


def _checked(study: ReportData, method: str) -> str:
    wanted = {study.baseline, *(study.policies or [LIBVPX_Q])}
    return " checked" if method in wanted else ""


def _charts(study: ReportData, mine: dict[str, list[MeasuredEncode]], colours: dict[str, str]) -> str:
    quality, difference = [], []
    psnr = METRICS[0]
    for method, encodes in mine.items():
        dashed = method == LIBVPX_VBR_ARF1
        labels = [f"{method}: {e.kbps:.1f} kbps, {e.psnr_y_db:.2f} dB" for e in encodes]
        points = [(e.kbps, e.psnr_y_db) for e in encodes]
        quality.append(Series(method, colours[method], dashed, points, labels))
        relative = relative_rate(curve(mine.get(study.baseline, []), psnr), curve(encodes, psnr))
        if method != study.baseline and relative:
            difference.append(Series(method, colours[method], dashed, relative, []))
    left = line_chart(quality, x_label="bitrate, kbps (log)", y_label="PSNR-Y, dB", log_x=True)
    right = line_chart(difference, x_label="PSNR-Y, dB", y_label="bits against baseline, %", zero_line=True)
    return "".join(
        f"<figure>{svg}<figcaption>{caption}</figcaption></figure>"
        for svg, caption in (
            (left, "Rate and quality: up and left is better."),
            (right, f"Bits for the same PSNR-Y against {escape(study.baseline)}: below 0 is smaller."),
        )
        if svg
    )


def _provenance(study: ReportData) -> str:
    def pairs(values: dict[str, str]) -> str:
        items = (f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in values.items())
        return f"<dl>{''.join(items)}</dl>"

    sums = "".join(f"<dt>{escape(c.name)}</dt><dd><code>{c.sha256}</code></dd>" for c in study.clips)
    return "\n".join(
        [
            "<h2>How it was made</h2>",
            f"<pre>{escape(study.command)}</pre>",
            "<h3>Settings</h3>",
            pairs(study.settings),
            "<h3>Versions</h3>",
            pairs(study.versions),
            f"<details><summary>SHA-256 of the clips</summary><dl>{sums}</dl></details>",
        ]
    )


def _frames_json(study: ReportData, colours: dict[str, str]) -> dict[str, Any]:
    """What the page's script draws: per clip and method, one entry a rate, lowest first."""
    groups = by_clip_and_method(study.encodes)
    clips = []
    for clip in study.clips:
        encodes = {
            m: [_encode_json(e) for e in groups[clip.name, m]]
            for m in study.methods
            if (clip.name, m) in groups
        }
        clips.append({"frames": clip.frames, "fps": clip.fps, "encodes": encodes})
    return {"clips": clips, "colours": colours, "frame_types": FRAME_TYPES}


def _encode_json(encode: MeasuredEncode) -> dict[str, Any]:
    c = encode.coded
    return {
        "target_kbps": encode.target_kbps,
        "kbps": round(encode.kbps, 3),
        "type": c.frame_type,
        "show": c.coded_at,
        "layer": c.layer,
        "q": c.qindex,
        "bits": c.bits,
    }
