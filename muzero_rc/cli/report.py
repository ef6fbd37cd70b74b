"""rc-report: policies and their peers over many clips, as a page and as results.json."""

import argparse
import os
import shlex
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from muzero_rc.cli.common import DONE, FAILED, Parser, Usage, add_encoder_options, encoder_config, run
from muzero_rc.deploy.policy_names import default_name
from muzero_rc.utils.bitrate import parse_kbps
from muzero_rc.utils.extras import require_extra

if TYPE_CHECKING:
    from muzero_rc.evaluation.results import MeasuredEncode, ReportData

PROGRAM = "rc-report"


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    args = _parser().parse(words)
    command = shlex.join([PROGRAM, *words])
    return run(PROGRAM, lambda: _report(args, command), interrupted="interrupted; finished encodes are kept")


def _parser() -> Parser:
    parser = Parser(
        prog=PROGRAM,
        description="Encode clips by policies and by libvpx's own rate controls, and write a page that "
        "compares them. Finished encodes are kept in DIR: a second run encodes only what is missing.",
        epilog="Methods: a policy's name or file, controller, libvpx-vbr (its two-pass VBR), libvpx-vbr-arf1 "
        "(the same with auto-alt-ref 1), libvpx-q (its constant quality, no target of its own), "
        "libvpx-q-replay (constant quality's plan through our hook).",
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
    add("--peers", default="libvpx-q,controller", help="stand beside, comma between (default: %(default)s)")
    targets = parser.add_mutually_exclusive_group()
    targets.add_argument("--bitrates", help="targets of every clip: 60k,100k,160k,250k,400k")
    targets.add_argument(
        "--ladder", metavar="FILE.csv", help="targets of each clip (default: the one beside the clips)"
    )
    add_encoder_options(parser, cpu_used=4)
    add("--max-frames", type=int, metavar="N", help="encode the first N frames of each clip only")
    add(
        "--metrics",
        default="psnr,ssim",
        help="psnr and ssim always; vmaf too where asked (default: %(default)s)",
    )
    add(
        "--jobs",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="encodes at a time (default: %(default)s)",
    )
    add("--quiet", action="store_true", help="no progress")
    return parser


def _report(args: argparse.Namespace, command: str) -> int:
    vmaf = _wants_vmaf(args.metrics)
    if args.jobs < 1:
        raise Usage(f"--jobs {args.jobs}: at least 1 is needed")
    peers = [name for name in args.peers.split(",") if name]
    bitrates = _bitrates(args.bitrates) if args.bitrates is not None else None
    require_extra("report", PROGRAM)

    from encoder_bridge.media.quality import vmaf_ffmpeg
    from muzero_rc.evaluation.rate_controls import choose_methods
    from muzero_rc.evaluation.runner import Evaluation
    from muzero_rc.report.build import build_report, find_clips, ladder_beside, plan_tasks

    if vmaf and vmaf_ffmpeg() is None:
        raise Usage("no ffmpeg with the libvmaf filter here: leave vmaf out of --metrics, or install one")
    settings = encoder_config(args)
    policies = args.policy or [default_name()]
    methods = choose_methods(policies, args.baseline, peers, auto_alt_ref=args.auto_alt_ref)
    paths = find_clips([Path(clip) for clip in args.clips])
    ladder = Path(args.ladder) if args.ladder else None
    if bitrates is None and ladder is None:
        ladder = ladder_beside(paths, pyramid=args.auto_alt_ref > 1)
    tasks, targets = plan_tasks(paths, bitrates=bitrates, ladder=ladder, max_frames=args.max_frames)
    output = Path(args.output)
    if output.exists() and not output.is_dir():
        raise Usage(f"{output} is a file; -o wants a folder")
    evaluation = Evaluation(tasks, methods, settings, vmaf)
    show = None if args.quiet else Progress(evaluation.size())
    study, page = build_report(
        evaluation,
        output,
        policies=policies,
        baseline=args.baseline,
        targets=targets,
        command=command,
        jobs=args.jobs,
        on_encode=show,
        ladder=ladder,
    )
    _print_summary(study)
    print(page)
    return FAILED if study.failures else DONE


def _wants_vmaf(text: str) -> bool:
    wanted = set(text.split(","))
    unknown = sorted(wanted - {"psnr", "ssim", "vmaf"})
    if unknown:
        raise Usage(f"unknown metric {unknown[0]!r}; there are psnr, ssim and vmaf")
    return "vmaf" in wanted


def _bitrates(text: str) -> list[int]:
    targets = sorted({parse_kbps(part) for part in text.split(",")})
    if len(targets) < 4:
        raise Usage(f"--bitrates {text}: at least 4 different targets are needed for a BD-rate")
    return targets


def _print_summary(study: "ReportData") -> None:
    """The main figures on stdout, as the page has them."""
    from muzero_rc.evaluation.statistics import compare, constraints

    kept = {row.method: row for row in constraints(study)}
    summaries = {c.method: c.summary for c in compare(study, study.baseline) if c.metric == "psnr_y"}
    print(
        f"{'method':<24}{'BD-rate':>10}{'over 1 %':>11}{'fill':>8}   (BD-rate on PSNR-Y, negative is smaller)"
    )
    for method in study.methods:
        mean = summaries[method].mean if method in summaries else 0.0
        bd = "–" if mean is None else f"{mean:+.2f} %" if method in summaries else "baseline"
        row = kept.get(method)
        over, fill = (f"{100 * row.over_1:.1f} %", f"{row.mean_fill:.3f}") if row else ("–", "–")
        print(f"{method:<24}{bd:>10}{over:>11}{fill:>8}")
    for failure in study.failures:
        print(f"{PROGRAM}: {failure.clip}, {failure.method}: {failure.reason}", file=sys.stderr)


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
                f"{self._done}/{self._total}  {encode.clip}  {encode.method}  {encode.kbps:.1f} kbps  "
                f"{encode.psnr_y_db:.2f} dB{self._left()}"
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
