"""The tables of a report, as HTML text."""

from collections.abc import Iterable, Sequence
from html import escape

from muzero_rc.evaluation.bd_rate import BdRate, BdSummary
from muzero_rc.evaluation.results import METRICS, MeasuredEncode, ReportData
from muzero_rc.evaluation.statistics import Comparison, Constraint

NONE = '<span class="none">–</span>'
METRIC_LABELS = {metric.key: metric.label for metric in METRICS}


def signed(percent: float | None, digits: int = 2) -> str:
    """+1.23 or −1.23, coloured: fewer bits is good."""
    if percent is None:
        return NONE
    rounded = round(percent, digits) + 0.0
    kind = "good" if rounded < 0 else "bad" if rounded > 0 else "plain"
    return f'<span class="{kind}">{plain(rounded, digits)}</span>'


def plain(percent: float, digits: int = 2) -> str:
    """A signed number with a true minus."""
    return f"{percent:+.{digits}f}".replace("-", "−")


def interval(summary: BdSummary) -> str:
    """[low, high], or a dash."""
    if summary.low is None or summary.high is None:
        return NONE
    return f'<span class="interval">[{plain(summary.low)}, {plain(summary.high)}]</span>'


def table(head: Sequence[Sequence[str]], rows: Iterable[tuple[str, Sequence[str]]]) -> str:
    """A table from rows of ready cells; each row comes with its class, "" for none."""
    parts = ['<div class="scroll"><table><thead>']
    parts += [f"<tr>{''.join(cells)}</tr>" for cells in head]
    parts.append("</thead><tbody>")
    for kind, cells in rows:
        opening = f'<tr class="{kind}">' if kind else "<tr>"
        parts.append(
            opening + "".join(c if c.startswith("<td") else f"<td>{c}</td>" for c in cells) + "</tr>"
        )
    return "".join([*parts, "</tbody></table></div>"])


def headline(study: ReportData, anchor: str, comparisons: Sequence[Comparison]) -> str:
    """Every method against one anchor, on every metric."""
    metrics = list(dict.fromkeys(c.metric for c in comparisons))
    cells = {(c.method, c.metric): c.summary for c in comparisons}
    first = ['<th rowspan="2">Method</th>']
    first += [f'<th class="group" colspan="5">{escape(METRIC_LABELS[m])}, %</th>' for m in metrics[:1]]
    first += [f'<th rowspan="2">{escape(METRIC_LABELS[m])}<br>mean, %</th>' for m in metrics[1:]]
    second = [f"<th>{title}</th>" for title in ("mean", "95 % interval", "median", "worse clips", "refused")]
    rows = []
    for method in dict.fromkeys(c.method for c in comparisons):
        main = cells[method, metrics[0]]
        row = [escape(method), signed(main.mean), interval(main), signed(main.median)]
        row += [f"{main.worse} of {main.clips}", str(main.refused or "0")]
        row += [_mean_with_refused(cells[method, m]) for m in metrics[1:]]
        rows.append(("tested" if method in study.policies else "", row))
    return table([first, second], rows)


def _mean_with_refused(summary: BdSummary) -> str:
    refused = f' <span class="interval">({summary.refused} refused)</span>' if summary.refused else ""
    return signed(summary.mean) + refused


def constraint(study: ReportData, rows: Sequence[Constraint]) -> str:
    """How each method kept its targets."""
    titles = ("encodes", "over by &gt; 1 %", "over by &gt; 5 %", "worst, %", "mean fill", "at the floor")
    head = ["<th>Method</th>", *(f"<th>{title}</th>" for title in titles)]
    body = []
    for row in rows:
        cells = [
            escape(row.method),
            str(row.encodes),
            f"{100 * row.over_1:.1f} %",
            f"{100 * row.over_5:.1f} %",
        ]
        cells += [plain(row.worst_percent, 1), f"{row.mean_fill:.3f}", str(row.at_floor)]
        body.append(("tested" if row.method in study.policies else "", cells))
    return table([head], body)


def per_clip(study: ReportData, comparisons: Sequence[Comparison]) -> str:
    """PSNR-Y BD-rate of every clip and method against one anchor."""
    columns = [c for c in comparisons if c.metric == "psnr_y"]
    head = ["<th>Clip</th>", *(f"<th>{escape(c.method)}</th>" for c in columns)]
    rows = [
        ("", [escape(clip.name), *(_bd_cell(c.clips[clip.name]) for c in columns)]) for clip in study.clips
    ]
    return table([head], rows)


def _bd_cell(result: BdRate) -> str:
    if result.percent is not None:
        return signed(result.percent)
    return f'<span class="none" title="{escape(result.detail)}">refused</span>'


def refusals(comparisons: Sequence[Comparison]) -> str:
    """Each clip without a BD-rate, with the reason; "" when there is none."""
    rows = [
        ("", [escape(clip), escape(c.method), escape(METRIC_LABELS[c.metric]), _reason(result)])
        for c in comparisons
        for clip, result in c.clips.items()
        if result.refusal is not None
    ]
    if not rows:
        return ""
    head = ["<th>Clip</th>", "<th>Method</th>", "<th>Metric</th>", '<th class="text">Reason</th>']
    summary = f"<summary>{len(rows)} comparisons refused, with the reason</summary>"
    return f"<details>{summary}{table([head], rows)}</details>"


def _reason(result: BdRate) -> str:
    return f'<td class="text">{escape(f"{result.refusal}: {result.detail}")}</td>'


def encodes_table(encodes: Sequence[MeasuredEncode]) -> str:
    """The figures of one clip's encodes, one a row."""
    titles = ("target, kbps", "got, kbps", "fill", "PSNR-Y, dB", "summed, dB", "SSIM", "VMAF", "encode, s")
    head = ["<th>Method</th>", *(f"<th>{title}</th>" for title in titles)]
    rows = []
    for e in encodes:
        aim = str(e.target_kbps) if e.target_kbps is not None else f"cq {e.cq_level}"
        row = [escape(e.method), aim, f"{e.kbps:.2f}", NONE if e.fill is None else f"{e.fill:.3f}"]
        row += [f"{e.psnr_y_db:.3f}", f"{e.psnr_y_sum_db:.3f}"]
        row += [NONE if e.ssim is None else f"{e.ssim:.5f}", NONE if e.vmaf is None else f"{e.vmaf:.2f}"]
        rows.append(("", [*row, f"{e.encode_s:.2f}"]))
    return table([head], rows)
