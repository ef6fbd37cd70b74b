#!/usr/bin/env python3
r"""Puts one table of both families of libvpx into README.md: releases up to 1.14, and from 1.15 on.

    scripts/docs/two_families.py --commit COMMIT --older reports/old-1 reports/old-2 \
        --newer reports/new-1 reports/new-2

Takes finished reports, of any number of corpora: the same ones for a libvpx of each family (rc-report
--libvpx PATH); rate controls that not all of them have are left out. BD-rates are to each family's own VBR,
means over the clips of all its reports. The table goes between the lines `<!-- families:begin -->` and
`<!-- families:end -->`, the figures clip by clip to docs/results/families.json. In the commands the corpus
is called $MUZERO_RC_CORPUS, and a libvpx lies where scripts/fetch_libvpx.sh puts it.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finished_reports import WrongReports, read_results
from readme_table import ROOT, compact, in_public_words, number

from encoder_bridge.atomic_file import write_text
from muzero_rc.evaluation.bd_rate import BdRate, RatePoint
from muzero_rc.evaluation.rate_controls import LIBVPX_VBR
from muzero_rc.evaluation.statistics import BdSummary, bd_rates, summarise, summarise_budget

BEGIN, END = "<!-- families:begin -->", "<!-- families:end -->"
FETCHED = "~/.cache/muzero-rc/libvpx"
FIRST_OF_NEWER = (1, 15)
HEAD = (
    "| libvpx | rate control | compared with | BD-rate, % | 95 % interval | median | worse clips "
    "| > 1 % over | mean fill |"
)


@dataclass(frozen=True)
class Family:
    """The reports of one family.

    Attributes:
        name: of the releases, in words.
        libvpx: the one that encoded, as "1.12.0".
        reports: what is in their results.json.
    """

    name: str
    libvpx: str
    reports: list[dict[str, Any]]

    @property
    def clips(self) -> list[str]:
        """Their names, in the reports' order."""
        return [clip["name"] for report in self.reports for clip in report["clips"]]

    def encodes(self, method: str) -> list[dict[str, Any]]:
        """Those of one rate control."""
        return [e for report in self.reports for e in report["encodes"] if e["method"] == method]

    def curves(self, method: str) -> dict[str, list[RatePoint]]:
        """Rate and PSNR-Y, by clip."""
        found: dict[str, list[RatePoint]] = {}
        for one in self.encodes(method):
            found.setdefault(one["clip"], []).append(RatePoint(one["kbps"], one["psnr_y_db"]))
        return found


def read_family(name: str, folders: Sequence[Path], *, newer: bool) -> Family:
    """The reports in these folders.

    Raises:
        WrongReports: one is missing, or they are of several releases, or of the other family.
    """
    reports = read_results(folders)
    releases = sorted({str(report["versions"]["libvpx"]).split()[0] for report in reports})
    if len(releases) > 1:
        raise WrongReports(f"the reports of a family are of libvpx {' and '.join(releases)}: of one, please")
    major_minor = tuple(int(part) for part in releases[0].split(".")[:2])
    if (major_minor >= FIRST_OF_NEWER) != newer:
        raise WrongReports(f"{folders[0]} is of libvpx {releases[0]}, which is no release {name}")
    family = Family(name, releases[0], reports)
    if len(set(family.clips)) < len(family.clips):
        raise WrongReports(f"a clip is in two reports of libvpx {family.libvpx}")
    return family


def check_same(older: Family, newer: Family) -> None:
    """Refuses families that cannot be laid side by side.

    Raises:
        WrongReports: other clips or settings.
    """
    if alone := sorted(set(older.clips) ^ set(newer.clips)):
        raise WrongReports(f"clips of one family only: {', '.join(alone)}")
    settings = {json.dumps(report["settings"]) for family in (older, newer) for report in family.reports}
    if len(settings) > 1:
        raise WrongReports("the reports were made with different settings")


def compared(test: Family, method: str, anchor: Family, anchor_method: str) -> dict[str, BdRate]:
    """BD-rates clip by clip; the clips are those of `test`."""
    return bd_rates(anchor.curves(anchor_method), test.curves(method), test.clips)


def shared_methods(*families: Family) -> list[str]:
    """The rate controls that all reports have, in the order of the first; VBR is among them.

    Raises:
        WrongReports: it is not.
    """
    reports = [report for family in families for report in family.reports]
    shared = [m for m in reports[0]["methods"] if all(m in report["methods"] for report in reports)]
    if LIBVPX_VBR not in shared:
        raise WrongReports(f"not all reports have {LIBVPX_VBR}")
    return shared


def comparisons(methods: Sequence[str], policies: Sequence[str]) -> list[tuple[str, str]]:
    """(rate control, anchor) of the table's rows: all to VBR, then policies to the first of them."""
    first, *others = [policy for policy in policies if policy in methods] or [LIBVPX_VBR]
    return [*((method, LIBVPX_VBR) for method in methods), *((policy, first) for policy in others)]


def rows(family: Family, methods: Sequence[str]) -> Iterator[str]:
    """A family's lines of the table."""
    policies = family.reports[0]["policies"]
    for method, anchor in comparisons(methods, policies):
        summary = None if method == anchor else summarise(compared(family, method, family, anchor).values())
        fills = [e["kbps"] / e["target_kbps"] for e in family.encodes(method) if e["target_kbps"]]
        kept = summarise_budget(fills) if anchor == LIBVPX_VBR else None
        name = f"**{method}**" if method in policies else method
        cells = [family.libvpx, name, anchor if summary else "", *summary_cells(summary)]
        cells += [f"{100 * kept.over_1:.1f} %", f"{kept.mean_fill:.3f}"] if kept else ["–", "–"]
        yield f"| {' | '.join(cells)} |"


def summary_cells(summary: BdSummary | None) -> list[str]:
    """Mean, interval, median and worse clips; for the baseline its zero."""
    if summary is None:
        return ["0", "", "", ""]
    refused = f" ({summary.refused} refused)" if summary.refused else ""
    interval = "" if summary.low is None else f"{number(summary.low)} … {number(summary.high)}"
    worse = f"{summary.worse} of {summary.clips}{refused}"
    return [number(summary.mean), interval, number(summary.median), worse]


def across(older: Family, newer: Family, methods: Sequence[str]) -> Iterator[str]:
    """What the newer release needs to the older one, by the same rate control."""
    for method in methods:
        summary = summarise(compared(newer, method, older, method).values())
        if summary.low is not None:
            interval = f"{number(summary.low)} … {number(summary.high)}"
            yield f"{method} {number(summary.mean)} % ({interval}, median {number(summary.median)})"


def section(older: Family, newer: Family, commit: str, corpus: str) -> str:
    """What stands between the markers."""
    settings, versions = older.reports[0]["settings"], older.reports[0]["versions"]
    methods = shared_methods(older, newer)
    commands = [
        public_command(report["command"], family.libvpx, corpus)
        for family in (older, newer)
        for report in family.reports
    ]
    lines = [
        f"{len(older.clips)} clips, auto-alt-ref {settings['auto-alt-ref']}, cpu-used "
        f"{settings['cpu-used']}, BD-rate on PSNR-Y (negative = smaller files). libvpx {older.libvpx} stands "
        f"for releases {older.name}, {newer.libvpx} for those {newer.name}. Commit {commit}, "
        f"{versions['processor']}, ffmpeg {versions['ffmpeg']}.",
        "",
        HEAD,
        "| --- | --- | --- |" + " ---: |" * 6,
        *rows(older, methods),
        *rows(newer, methods),
        "",
        f"{newer.libvpx} to {older.libvpx}, at equal PSNR-Y: {', '.join(across(older, newer, methods))}.",
        "",
        "```",
        *commands,
        "```",
        "",
        "Clip by clip: [docs/results/families.json](docs/results/families.json).",
    ]
    return "\n".join(lines)


def public_command(command: str, libvpx: str, corpus: str) -> str:
    """As others can type it."""
    there = f"--libvpx {FETCHED}/{libvpx}/libvpx.so"
    return re.sub(r"--libvpx[= ]\S+", there, in_public_words(command, corpus))


def figures(older: Family, newer: Family, commit: str) -> dict[str, Any]:
    """For docs/results/families.json."""
    methods = shared_methods(older, newer)
    return {
        "commit": commit,
        "bd_rate": [
            {
                "libvpx": family.libvpx,
                "method": method,
                "anchor": anchor,
                "clips": {
                    clip: one.percent for clip, one in compared(family, method, family, anchor).items()
                },
            }
            for family in (older, newer)
            for method, anchor in comparisons(methods, family.reports[0]["policies"])
            if method != anchor
        ],
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Reads the reports, writes the files; status 2 where they do not make a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--older", nargs="+", type=Path, required=True, metavar="FOLDER", help="up to 1.14")
    parser.add_argument(
        "--newer", nargs="+", type=Path, required=True, metavar="FOLDER", help="1.15 and newer"
    )
    parser.add_argument("--commit", required=True, help="that rc-report ran at")
    corpus = os.environ.get("MUZERO_RC_CORPUS", str(ROOT.parent / "shared" / "corpus"))
    parser.add_argument("--corpus", default=corpus, help="what to call $MUZERO_RC_CORPUS")
    parser.add_argument("--readme", type=Path, default=ROOT / "README.md", help="(default: %(default)s)")
    args = parser.parse_args(argv)
    text = args.readme.read_text(encoding="utf-8")
    try:
        if BEGIN not in text or END not in text:
            raise WrongReports(f"{args.readme} has no lines {BEGIN} and {END}")
        older = read_family("up to 1.14", args.older, newer=False)
        newer = read_family("from 1.15 on", args.newer, newer=True)
        check_same(older, newer)
    except WrongReports as error:
        print(f"two_families: {error}", file=sys.stderr)
        return 2
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    made = section(older, newer, args.commit, args.corpus)
    results = args.readme.parent / "docs" / "results"
    results.mkdir(parents=True, exist_ok=True)
    write_text(results / "families.json", compact(figures(older, newer, args.commit)))
    write_text(args.readme, f"{before}{BEGIN}\n{made}\n{END}{after}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
