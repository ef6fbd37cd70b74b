#!/usr/bin/env python3
r"""Prints where a policy stands: BD-rates to each of several rate controls, by every metric of reports.

    scripts/docs/standing.py reports/validation reports/validation2 --policy shapes

Takes finished reports of any number of corpora, made with the same settings, and prints one line of a table
for each rate control that the policy is compared with and each metric: mean BD-rate over all clips (negative:
smaller files), bootstrap 95 % interval, median, clips that are worse, the worst clip. Below it how the target
was kept.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from finished_reports import WrongReports, read_results  # noqa: E402
from readme_table import number  # noqa: E402

from muzero_rc.evaluation.bd_rate import BdRate, RatePoint  # noqa: E402
from muzero_rc.evaluation.metrics import METRICS, Metric  # noqa: E402
from muzero_rc.evaluation.statistics import bd_rates, summarise, summarise_budget  # noqa: E402

HEAD = "| compared with | by | BD-rate, % | 95 % interval | median | worse clips | worst clip |"


def read_reports(folders: Sequence[Path], policy: str) -> list[dict[str, Any]]:
    """What is in their results.json.

    Raises:
        WrongReports: one is missing, lacks the policy, or has other settings.
    """
    reports = read_results(folders)
    for report in reports:
        if policy not in report["methods"]:
            raise WrongReports(f"a report has no {policy}: it has {', '.join(report['methods'])}")
    if len({json.dumps(report["settings"]) for report in reports}) > 1:
        raise WrongReports("the reports were made with different settings")
    return reports


def encodes(reports: Sequence[dict[str, Any]], method: str) -> list[dict[str, Any]]:
    """Those of one rate control."""
    return [e for report in reports for e in report["encodes"] if e["method"] == method]


def curves(reports: Sequence[dict[str, Any]], method: str, metric: Metric) -> dict[str, list[RatePoint]]:
    """By clip; points whose quality was not measured are left out."""
    found: dict[str, list[RatePoint]] = {}
    for one in encodes(reports, method):
        if one.get(metric.name) is not None:
            point = RatePoint(one["kbps"], metric.on_curve(one[metric.name]))
            found.setdefault(one["clip"], []).append(point)
    return found


def compared(reports: Sequence[dict[str, Any]], policy: str, other: str, metric: Metric) -> dict[str, BdRate]:
    """BD-rates of the policy to the other rate control, clip by clip."""
    test = curves(reports, policy, metric)
    anchor = curves(reports, other, metric)
    return bd_rates(anchor, test, [clip for clip in test if clip in anchor], max_gap=metric.max_gap)


def lines(reports: Sequence[dict[str, Any]], policy: str) -> Iterator[str]:
    """The table's."""
    shared = [m for m in reports[0]["methods"] if all(m in report["methods"] for report in reports)]
    yield HEAD
    yield "| --- | --- |" + " ---: |" * 5
    for other in shared:
        for metric in METRICS if other != policy else ():
            rates = compared(reports, policy, other, metric)
            measured = {clip: rate.percent for clip, rate in rates.items() if rate.percent is not None}
            summary = summarise(rates.values())
            if summary.mean is None or summary.low is None:
                continue
            worst = max(measured, key=lambda clip: measured[clip])
            yield (
                f"| {other} | {metric.label} | {number(summary.mean)} | {number(summary.low)} … "
                f"{number(summary.high)} | {number(summary.median)} | {summary.worse} of {summary.clips} "
                f"| {worst} {number(measured[worst])} |"
            )
    fills = [e["kbps"] / e["target_kbps"] for e in encodes(reports, policy)]
    kept = summarise_budget(fills)
    yield ""
    yield (
        f"{policy}: {kept.encodes} encodes of {sum(len(r['clips']) for r in reports)} clips, "
        f"{100 * kept.over_1:.1f} % more than 1 % over the target, worst {number(kept.worst_percent)} %, "
        f"mean fill {kept.mean_fill:.3f}."
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Prints; status 2 where the reports do not make a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("reports", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--policy", default="shapes", help="(default: %(default)s)")
    args = parser.parse_args(argv)
    try:
        reports = read_reports(args.reports, args.policy)
    except WrongReports as error:
        print(f"standing: {error}", file=sys.stderr)
        return 2
    print("\n".join(lines(reports, args.policy)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
