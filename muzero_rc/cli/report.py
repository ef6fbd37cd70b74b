"""rc-report: rate controls compared over many clips, as a page and as results.json."""

import argparse
import os
import shlex
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from encoder_bridge.encode.config import Offered, offered
from muzero_rc.cli.common import (
    DONE,
    FAILED,
    Parser,
    Usage,
    add_encoder_options,
    add_farm,
    add_libvpx,
    add_version,
    encoder_config,
    open_libvpx,
    run,
    tell,
)
from muzero_rc.deploy.policy_names import default_name
from muzero_rc.evaluation.metrics import ALL, ALWAYS, OPTIONS, PSNR_Y, Metric, measurable_here, wanted
from muzero_rc.utils.bitrate import parse_kbps
from muzero_rc.utils.extras import require_extra

if TYPE_CHECKING:
    from muzero_rc.evaluation.results import MeasuredEncode, ReportData

PROGRAM = "rc-report"


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    args = parser().parse(words)
    command = shlex.join([PROGRAM, *words])
    return run(PROGRAM, lambda: _report(args, command), interrupted="interrupted; finished encodes are kept")


def parser() -> Parser:
    """The options; man page and shell completion are made from it."""
    parser = Parser(
        prog=PROGRAM,
        description="Encode clips by policies and by libvpx's own rate controls, and write a page that "
        "compares them. Finished encodes are kept in DIR: a second run encodes only what is missing.",
        epilog="Rate controls: a policy's name or file, controller, libvpx-vbr (its two-pass VBR), "
        "libvpx-vbr-arf1 (the same with auto-alt-ref 1), libvpx-vbr-kf-filter (the same with key frames "
        "filtered, at cpu-used 0 and 1, from libvpx 1.15 on), libvpx-q (its constant quality, no target of "
        "its own), libvpx-q-replay (constant quality's qindexes through our callbacks), libvpx-per-title "
        "(VBR with the best of a small grid of settings for each clip, bisected to the rate), libvpx-corpus "
        "(corpus VBR, which shares one bitrate among all clips). NAME@2: with cpu-used 2.",
    )
    add = parser.add_argument
    add("clips", metavar="CLIP|FOLDER", nargs="+", help="videos, or folders of videos")
    add("-o", "--output", metavar="DIR", required=True, help="made if it is missing")
    add(
        "--policy",
        action="append",
        default=[],
        help=f"under test; may be given again (default: {default_name()})",
    )
    add("--baseline", default="libvpx-vbr", help="what BD-rates are taken against (default: %(default)s)")
    add(
        *("--compare-with", "--peers"),  # the second is the name of older versions
        metavar="NAMES",
        default="libvpx-q,controller",
        help="rate controls beside them, comma between (default: %(default)s)",
    )
    targets = parser.add_mutually_exclusive_group()
    targets.add_argument("--bitrates", help="targets of every clip: 60k,100k,160k,250k,400k")
    targets.add_argument(
        "--ladder", metavar="FILE.csv", help="targets of each clip (default: the one beside the clips)"
    )
    add_encoder_options(parser, leave_out=["cpu_used"])
    add(
        "--cpu-used",
        default="4",
        metavar="N[,N...]",
        help=f"{offered(Offered.OPTION)['cpu_used'].words}; more than one: policies and baseline at the "
        "others too, for the picture of time against BD-rate (default: %(default)s)",
    )
    add("--max-frames", type=int, metavar="N", help="encode the first N frames of each clip only")
    optional = [option for option in OPTIONS if option not in ALWAYS]
    add(
        "--metrics",
        default=ALL,
        help=f"{' and '.join(ALWAYS)} always; {', '.join(optional)} where an ffmpeg here has them "
        "(default: %(default)s)",
    )
    add(
        "--jobs",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="encodes at a time (default: one a processor)",
    )
    add_farm(parser)
    add_libvpx(parser)
    add("--quiet", action="store_true", help="no progress")
    add_version(parser)
    return parser


def _report(args: argparse.Namespace, command: str) -> int:
    metrics = _metrics(args.metrics)
    if args.jobs < 1:
        raise Usage(f"--jobs {args.jobs}: at least 1 is needed")
    compare_with = [name for name in args.compare_with.split(",") if name]
    bitrates = _bitrates(args.bitrates) if args.bitrates is not None else None
    require_extra("report")

    from muzero_rc.corpus.clips import find_clips
    from muzero_rc.distributed.farm import open_farm
    from muzero_rc.evaluation.rate_controls import check_possible, choose_rate_controls
    from muzero_rc.evaluation.runner import Evaluation
    from muzero_rc.report.build import build_report, ladder_beside, plan_tasks

    open_libvpx(args)
    args.cpu_used, *more_cpu_used = _cpu_used(args.cpu_used)
    settings = encoder_config(args)
    policies = args.policy or [default_name()]
    rate_controls = choose_rate_controls(
        policies,
        args.baseline,
        compare_with,
        auto_alt_ref=args.auto_alt_ref,
        more_cpu_used=more_cpu_used,
    )
    check_possible(rate_controls, settings)
    paths = find_clips(*(Path(clip) for clip in args.clips))
    ladder = Path(args.ladder) if args.ladder else None
    if bitrates is None and ladder is None:
        ladder = ladder_beside(paths, pyramid=args.auto_alt_ref > 1)
    tasks, targets, unread = plan_tasks(paths, bitrates=bitrates, ladder=ladder, max_frames=args.max_frames)
    output = Path(args.output)
    if output.exists() and not output.is_dir():
        raise Usage(f"{output} is a file; -o wants a folder")
    metrics, notes = measurable_here(metrics)
    for note in notes:
        tell(f"{PROGRAM}: note: {note}")
    evaluation = Evaluation(tasks, rate_controls, settings, metrics)
    show = None if args.quiet else Progress(evaluation.size())
    with closing(open_farm(args.farm, args.jobs)) as farm:
        data, page = build_report(
            evaluation,
            output,
            policies=policies,
            baseline=args.baseline,
            targets=targets,
            command=command,
            farm=farm,
            on_encode=show,
            ladder=ladder,
            unread=unread,
            notes=notes,
        )
    _print_summary(data)
    print(page)
    return FAILED if data.failures else DONE


def _metrics(text: str) -> list[Metric]:
    options = set(text.split(","))
    unknown = sorted(options - {*OPTIONS, ALL})
    if unknown:
        raise Usage(f"unknown metric {unknown[0]!r}; there are {', '.join([*OPTIONS, ALL])}")
    return wanted(options)


def _cpu_used(text: str) -> list[int]:
    """The report's own, then the others."""
    setting = offered(Offered.OPTION)["cpu_used"]
    try:
        speeds = list(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError:
        raise Usage(f"--cpu-used {text}: use whole numbers, comma between") from None
    wrong = next((speed for speed in speeds if not setting.low <= speed <= setting.high), None)
    if wrong is not None:
        raise Usage(f"--cpu-used {wrong} is out of range: use {setting.low} to {setting.high}")
    return speeds


def _bitrates(text: str) -> list[int]:
    targets = sorted({parse_kbps(part) for part in text.split(",")})
    if len(targets) < 4:
        raise Usage(f"--bitrates {text}: at least 4 different targets are needed for a BD-rate")
    return targets


def _print_summary(data: "ReportData") -> None:
    """The main figures on stdout, as the page has them."""
    from muzero_rc.evaluation.comparison import compare, mean_encode_s, target_keeping

    encode_s = mean_encode_s(data)
    budgets = {row.rate_control: row.budget for row in target_keeping(data)}
    summaries = {c.rate_control: c.summary for c in compare(data, data.baseline) if c.metric is PSNR_Y}
    print(
        f"{'rate control':<24}{'BD-rate':>10}{'clips':>11}{'over 1 %':>11}{'fill':>8}{'CPU, s':>9}   "
        f"(BD-rate on {PSNR_Y.label}, negative is smaller)"
    )
    for name in data.rate_controls:
        mean = summaries[name].mean if name in summaries else 0.0
        bd = "–" if mean is None else f"{mean:+.2f} %" if name in summaries else "baseline"
        summary = summaries.get(name)
        clips = f"{summary.clips} of {summary.clips + summary.refused}" if summary else "–"
        budget, seconds = budgets.get(name), encode_s.get(name)
        over, fill = (f"{100 * budget.over_1:.1f} %", f"{budget.mean_fill:.3f}") if budget else ("–", "–")
        cpu = "–" if seconds is None else f"{seconds:.1f}"
        print(f"{name:<24}{bd:>10}{clips:>11}{over:>11}{fill:>8}{cpu:>9}")
    for failure in data.failures:
        print(f"{PROGRAM}: {failure.clip}, {failure.rate_control}: {failure.reason}", file=sys.stderr)


class Progress:
    """A line on stderr for each encode; on a terminal they overwrite one another."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._new = 0
        self._started = time.monotonic()
        self._lock = threading.Lock()
        self._terminal = sys.stderr.isatty()

    def __call__(self, encode: "MeasuredEncode", made_now: bool) -> None:
        """Counts one encode and shows it."""
        with self._lock:
            self._done += 1
            self._new += made_now
            self._total = max(self._total, self._done)
            if not made_now and not self._terminal:
                return
            text = (
                f"{self._done}/{self._total}  {encode.clip}  {encode.rate_control}  {encode.kbps:.1f} kbps  "
                f"{encode.metrics[PSNR_Y.name]:.2f} dB{self._left()}"
            )
            end = "" if self._terminal and self._done < self._total else "\n"
            sys.stderr.write(f"\r{text}\x1b[K{end}" if self._terminal else f"{text}\n")
            sys.stderr.flush()

    def _left(self) -> str:
        if not self._new:
            return ""
        each = (time.monotonic() - self._started) / self._new
        minutes = each * (self._total - self._done) / 60
        return f"  about {minutes:.0f} min left" if minutes >= 1 else ""


if __name__ == "__main__":
    sys.exit(main())
