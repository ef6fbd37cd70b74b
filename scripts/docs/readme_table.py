#!/usr/bin/env python3
r"""Puts the figures of finished reports into README.md and docs/results.

    scripts/docs/readme_table.py --commit COMMIT pyramid=reports/validation-pyramid \
        arf1=reports/validation-arf1

For each NAME=REPORT-FOLDER the report itself goes to docs/results/NAME.html, its figures to NAME.json, a
chart of them to NAME.svg and one clip's rate-quality curves to NAME-curves.svg; the tables of all go into
README.md between the lines `<!-- results:begin -->` and `<!-- results:end -->`. The corpus is called
$MUZERO_RC_CORPUS there, wherever it lies here.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from encoder_bridge.atomic_file import whole_file, write_text  # noqa: E402
from muzero_rc.evaluation.rate_controls import LIBVPX_Q  # noqa: E402
from muzero_rc.report.charts import dot_chart  # noqa: E402
from muzero_rc.report.colours import colours_of  # noqa: E402

BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"
CORPUS = "$MUZERO_RC_CORPUS"
HEAD = (
    "| rate control | BD-rate, % | 95 % interval | median | worse clips | to libvpx-q | {arf1}by summed PSNR "
    "| by SSIM {vmaf}| {corpus}CPU, s | > 1 % over | > 5 % over | worst | mean fill |"
)
ARF1 = "libvpx-vbr-arf1"


def main(argv: Sequence[str] | None = None) -> int:
    """Reads the reports, writes the files; status 2 when something is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("reports", nargs="+", metavar="NAME=FOLDER")
    corpus = os.environ.get("MUZERO_RC_CORPUS", str(ROOT.parent / "shared" / "corpus"))
    parser.add_argument(
        "--corpus", default=corpus, help="what to call $MUZERO_RC_CORPUS (default: where tests look)"
    )
    parser.add_argument("--commit", required=True, help="that rc-report ran at")
    parser.add_argument("--clip", help="whose curves to draw (default: the last in the report)")
    args = parser.parse_args(argv)
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        print(f"{readme} has no lines {BEGIN} and {END}", file=sys.stderr)
        return 2
    sections = []
    for word in args.reports:
        name, _, folder = word.partition("=")
        source, page = Path(folder) / "results.json", Path(folder) / "report.html"
        missing = next((path for path in (source, page) if not path.is_file()), None)
        if missing is not None:
            print(f"{missing} does not exist: run rc-report first", file=sys.stderr)
            return 2
        results = json.loads(source.read_text(encoding="utf-8"))
        (ROOT / "docs" / "results").mkdir(parents=True, exist_ok=True)
        results["command"] = in_public_words(results["command"], args.corpus)
        write_text(ROOT / "docs" / "results" / f"{name}.json", compact(results))
        public = in_public_words(page.read_text(encoding="utf-8"), args.corpus)
        write_text(ROOT / "docs" / "results" / f"{name}.html", public)
        write_text(ROOT / "docs" / "results" / f"{name}.svg", chart(results))
        shown = args.clip or results["clips"][-1]["name"]
        curves(results, shown, ROOT / "docs" / "results" / f"{name}-curves.svg")
        sections.append(section(name, results, args.commit))
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    write_text(readme, f"{before}{BEGIN}\n" + "\n".join(sections) + f"{END}{after}")
    return 0


def in_public_words(command: str, corpus: str) -> str:
    """The command as others can type it."""
    for path in (corpus, os.path.relpath(corpus), os.path.relpath(corpus, ROOT)):
        command = command.replace(path, CORPUS)
    return command


def compact(results: dict[str, Any]) -> str:
    """JSON with one line for each entry of the long lists, so that a difference can be read."""
    lines = []
    for key, value in results.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            inside = ",\n".join("  " + json.dumps(entry, ensure_ascii=False) for entry in value)
            lines.append(f' "{key}": [\n{inside}\n ]')
        else:
            lines.append(f' "{key}": {json.dumps(value, ensure_ascii=False)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def section(name: str, results: dict[str, Any], commit: str) -> str:
    """One report: how it was made, and its table."""
    settings, versions = results["settings"], results["versions"]
    clips = len(results["clips"])
    head = HEAD.format(
        arf1=f"to {ARF1} | " if ARF1 in results["methods"] else "",
        vmaf="| by VMAF " if "vmaf" in others(results) else "",
        corpus="all clips as one | " if "bd_rate_corpus" in results else "",
    )
    ruler = "| --- |" + " ---: |" * (head.count("|") - 2)
    lines = [
        f"{clips} clips, auto-alt-ref {settings['auto-alt-ref']}, cpu-used {settings['cpu-used']}, "
        f"libvpx {versions['libvpx'].split()[0]}, BD-rate on PSNR-Y to {results['baseline']} "
        f"(negative = smaller files). Commit {commit}, {versions['processor']}, ffmpeg {versions['ffmpeg']}.",
        "",
        head,
        ruler,
        *(row(method, results) for method in results["methods"]),
        "",
        f"![rate–quality curves of one clip](docs/results/{name}-curves.svg)",
        f"![BD-rate of every clip](docs/results/{name}.svg)",
        "",
        f"```\n{results['command']}\n```",
        "",
        f"The whole report: [docs/results/{name}.html](docs/results/{name}.html), its figures beside it.",
        "",
    ]
    return "\n".join(lines)


def row(method: str, results: dict[str, Any]) -> str:
    """One method's line of the table."""
    bd = summary(results, method, results["baseline"])
    to_q = summary(results, method, LIBVPX_Q)
    kept = next((c for c in results["constraint"] if c["method"] == method), None)
    cells = [f"**{method}**" if method in results["policies"] else method]
    if bd is None:
        cells += ["0 (baseline)", "", "", ""]
    else:
        interval = "" if bd["low"] is None else f"{number(bd['low'])} … {number(bd['high'])}"
        refused = f" ({bd['refused']} refused)" if bd["refused"] else ""
        cells += [
            number(bd["mean"]),
            interval,
            number(bd["median"]),
            f"{bd['worse']} of {bd['clips']}{refused}",
        ]
    cells.append(number(to_q["mean"]) if to_q else "0")
    if ARF1 in results["methods"]:
        to_arf1 = summary(results, method, ARF1)
        cells.append(number(to_arf1["mean"]) if to_arf1 else "0")
    for metric in others(results):
        other = summary(results, method, results["baseline"], metric)
        cells.append(number(other["mean"]) if other else "0")
    if "bd_rate_corpus" in results:
        as_one = next((b for b in results["bd_rate_corpus"] if b["method"] == method), None)
        cells.append(number(as_one["percent"]) if as_one else "0")
    cells.append(cpu_seconds(results, method))
    if kept is None:
        cells += ["–", "–", "–", "–"]
    else:
        cells += [f"{100 * kept['over_1']:.1f} %", f"{100 * kept['over_5']:.1f} %"]
        cells += [f"{number(kept['worst_percent'], 1)} %", f"{kept['mean_fill']:.3f}"]
    return f"| {' | '.join(cells)} |"


def cpu_seconds(results: dict[str, Any], method: str) -> str:
    """The mean of a method's encodes, second passes only; "–" where all failed."""
    seconds = [encode["encode_s"] for encode in results["encodes"] if encode["method"] == method]
    return f"{sum(seconds) / len(seconds):.1f}" if seconds else "–"


def others(results: dict[str, Any]) -> list[str]:
    """The metrics beside mean PSNR-Y that have a column: VMAF only where it was measured."""
    measured = {bd["metric"] for bd in results["bd_rate"]}
    return [metric for metric in ("psnr_y_sum", "ssim", "vmaf") if metric in measured or metric != "vmaf"]


def summary(
    results: dict[str, Any], method: str, anchor: str, metric: str = "psnr_y"
) -> dict[str, Any] | None:
    """The summary of `method` against `anchor`."""
    wanted = (method, anchor, metric)
    found = (b for b in results["bd_rate"] if (b["method"], b["anchor"], b["metric"]) == wanted)
    return next((dict(b["summary"]) for b in found), None)


def number(value: float | None, digits: int = 2) -> str:
    """Signed, with a true minus; "–" for none."""
    return "–" if value is None else f"{value:+.{digits}f}".replace("-", "−")


def chart(results: dict[str, Any]) -> str:
    """One dot for each clip and method, on the baseline's scale."""
    wanted = [b for b in results["bd_rate"] if b["anchor"] == results["baseline"] and b["metric"] == "psnr_y"]
    colours = colours_of(results["methods"])
    dots = {
        b["method"]: (colours[b["method"]], {c: r["percent"] for c, r in b["clips"].items()}) for b in wanted
    }
    label = f"BD-rate to {results['baseline']}, % (left is smaller)"
    return dot_chart([clip["name"] for clip in results["clips"]], dots, x_label=label)


def curves(results: dict[str, Any], clip: str, path: Path) -> None:
    """Rate and quality of one clip by every method."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "muzero-rc"  # the same picture is the same file
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.2), layout="constrained")
    colours = colours_of(results["methods"])
    for method in results["methods"]:
        encodes = [e for e in results["encodes"] if (e["clip"], e["method"]) == (clip, method)]
        points = sorted((e["kbps"], e["psnr_y_db"]) for e in encodes)
        width = 2.4 if method in results["policies"] else 1.2
        axes.plot(*zip(*points, strict=True), "o-", ms=4, lw=width, color=colours[method], label=method)
    axes.set(xscale="log", xlabel="kbps", ylabel="PSNR-Y, dB", title=clip)
    axes.xaxis.set_minor_formatter("{x:.0f}")
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.grid(alpha=0.3, which="both")
    axes.legend(frameon=False)
    with whole_file(path) as temporary:
        figure.savefig(temporary, metadata={"Date": None})
    pyplot.close(figure)


if __name__ == "__main__":
    sys.exit(main())
