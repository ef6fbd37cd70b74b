#!/usr/bin/env python3
r"""Gain by number of candidates: what every extra encode of `rc-encode --candidates N` brings.

    scripts/experiments/candidates_curve.py $MUZERO_RC_CORPUS/validation --candidates 16 \
        -o docs/results/0028/candidates.svg

Each clip at two targets, the second and the fourth of the ladder beside the clips (or spread over its
constant-quality curve where there is none). For n = 1 … N the best that the first n of N candidates can be
spliced into (only the last, from eight on the last two, play the best of them again): its luma
PSNR over the first one's, in dB and as per cent of rate (dB over the slope of the clip's constant-quality
curve there), the mean over all clips and targets. Part of a gain may be a target that is filled better;
what is left of it at equal rate stands beside. Prints a table; writes a chart, and the figures of every
candidate to a JSON file beside it. Frames, first passes and constant quality are made once and kept in
rc-train's cache.
"""

import argparse
import dataclasses
import json
import math
import os
import shlex
import statistics
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from html import escape
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from encoder_bridge.atomic_file import write_text  # noqa: E402
from encoder_bridge.encode.batch import BatchResult, Job  # noqa: E402
from encoder_bridge.encode.first_pass_cache import cache_folder  # noqa: E402
from muzero_rc.config.schema import Config  # noqa: E402
from muzero_rc.corpus.clips import CorpusError, find_clips  # noqa: E402
from muzero_rc.corpus.instances import Instance, build_instances  # noqa: E402
from muzero_rc.deploy.policy_names import LIBVPX, UnknownPolicy, default_name, resolve  # noqa: E402
from muzero_rc.encoding.candidate_search import CandidateSearch  # noqa: E402
from muzero_rc.encoding.clip_store import ClipStore  # noqa: E402
from muzero_rc.encoding.engine import libvpx_engine  # noqa: E402
from muzero_rc.encoding.gop_search import worth_of  # noqa: E402
from muzero_rc.encoding.qindex_plan import PlanFollower, QindexPlan, follow_plans  # noqa: E402
from muzero_rc.encoding.replays import Candidate  # noqa: E402
from muzero_rc.report.charts import Series, line_chart  # noqa: E402
from muzero_rc.report.versions import versions  # noqa: E402
from muzero_rc.training.validation import targets_of  # noqa: E402

RUNGS = (1, 3)
CHART_STYLE = (
    "text{font:11px system-ui,sans-serif;fill:#39434d}"
    ".axis,.zero{stroke:#9aa5b0}.grid{stroke:#edf0f3}.small{font-size:9px;fill:#6b7782}"
)
COLOURS = {"at the same target": "#c23b75", "at equal rate": "#0072b2"}


@dataclass
class Contest:
    """The candidates of one clip at one target.

    Attributes:
        slope_db: of the clip's constant quality at that rate, for each unit of log rate.
        best: after each candidate, the best splice of those so far.
        whole: the same without splicing, the best of them.
    """

    instance: Instance
    target_kbps: int
    slope_db: float
    search: CandidateSearch
    candidates: list[Candidate] = field(default_factory=list)
    best: list[Candidate] = field(default_factory=list)
    whole: list[Candidate] = field(default_factory=list)
    failed: bool = False

    def take(self, done: BatchResult) -> None:
        """The next candidate's encode."""
        number = len(self.candidates) + 1
        self.candidates.append(Candidate.of(number, done.result))
        self.search.tell(number, done.result)
        self.best.append(Candidate.of(number, self.search.best.result))
        last = self.whole[-1] if self.whole else self.candidates[0]
        self.whole.append(self.candidates[-1] if self.candidates[-1].beats(last) else last)

    def gain_db(self, n: int, *, equal_rate: bool = False, whole: bool = False) -> float:
        """The best of the first `n` over the first."""
        first, best = self.candidates[0], (self.whole if whole else self.best)[n - 1]
        more_rate_db = self.slope_db * math.log(best.kbps / first.kbps)
        return best.psnr_y_db - first.psnr_y_db - (more_rate_db if equal_rate else 0.0)

    def gain_percent(self, n: int, *, equal_rate: bool = False, whole: bool = False) -> float:
        """The same as per cent of rate."""
        return 100 * self.gain_db(n, equal_rate=equal_rate, whole=whole) / self.slope_db


def slope_db(store: ClipStore, instance: Instance, target_kbps: int) -> float:
    """What a unit of log rate is worth in constant quality about a target, in dB."""
    anchor, reach = store.anchor(instance), 1.25
    return (anchor.psnr_at(target_kbps * reach) - anchor.psnr_at(target_kbps / reach)) / (2 * math.log(reach))


def two_targets(store: ClipStore, instance: Instance) -> list[int]:
    """A low and a high one of a clip's five, in kbps."""
    targets = targets_of(store, instance, 5)
    return list(dict.fromkeys(targets[min(rung, len(targets) - 1)] for rung in RUNGS))


def contests_of(store: ClipStore, instances: Sequence[Instance], policy: Any, count: int) -> list[Contest]:
    """Every clip at its two targets."""
    found = []
    for instance in instances:
        worth = worth_of(policy, store.frame_stats(instance.name))
        found += [
            Contest(instance, kbps, slope_db(store, instance, kbps), CandidateSearch(count, worth))
            for kbps in two_targets(store, instance)
        ]
    return found


def run_contests(store: ClipStore, contests: Sequence[Contest], policy: Any, count: int) -> float:
    """Makes all candidates, round after round; gives the encoders' CPU seconds.

    Args:
        store: with the contests' instances prepared.
        contests: filled.
        policy: `_native.Policy`.
        count: of candidates for each contest.
    """
    spent_s = 0.0
    for number in range(1, count + 1):
        running = [one for one in contests if not one.failed]
        for done in store.play(_jobs(store, running, policy, number), follow_plans):
            spent_s += done.result.encode_s
            contest: Contest = done.job.extra[0]
            if done.error:
                contest.failed = True
                store.fail(done.job.name, done.error)
            else:
                contest.take(done)
        print(f"candidate {number} of {count}: {len(running)} encodes", file=sys.stderr, flush=True)
    return spent_s


def _jobs(store: ClipStore, contests: Sequence[Contest], policy: Any, number: int) -> Iterator[Job]:
    for one in contests:
        name = f"{one.instance.name} {one.target_kbps}k #{number}"
        how: dict[str, Any]
        proposal = None if number == 1 else one.search.next(number)
        if isinstance(proposal, QindexPlan):
            how = {"shapes": proposal.shapes or None, "extra": (one, PlanFollower(proposal))}
        else:
            how = {"mode": "policy", "policy": policy, "shapes": proposal, "extra": (one,)}
        yield store.job(name, one.instance, one.target_kbps, **how)


def table(contests: Sequence[Contest], count: int) -> str:
    """Means over contests, one line for each number of encodes."""
    lines = [
        "| encodes | gain, dB | as rate | at equal rate | not spliced, at equal rate | mean fill | fit |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for n in range(1, count + 1):
        gain_db = statistics.fmean(one.gain_db(n) for one in contests)
        percent, equal = means_at(contests, n)
        whole = statistics.fmean(one.gain_percent(n, equal_rate=True, whole=True) for one in contests)
        fill = statistics.fmean(one.best[n - 1].fill for one in contests)
        fit = sum(one.best[n - 1].fits for one in contests)
        lines.append(
            f"| {n} | {gain_db:+.3f} | {percent:+.2f} % | {equal:+.2f} % | {whole:+.2f} % | {fill:.4f} "
            f"| {fit} of {len(contests)} |".replace("-", "−")
        )
    return "\n".join(lines)


def means_at(contests: Sequence[Contest], n: int) -> tuple[float, float]:
    """Mean gain with `n` encodes as per cent of rate: at the same target, and at equal rate."""
    same = statistics.fmean(one.gain_percent(n) for one in contests)
    equal = statistics.fmean(one.gain_percent(n, equal_rate=True) for one in contests)
    return same, equal


def chart(contests: Sequence[Contest], count: int, words: Sequence[str]) -> str:
    """The curves as an SVG file of its own, with `words` under it."""
    columns = zip(*(means_at(contests, n) for n in range(1, count + 1)), strict=True)
    series = []
    for (name, colour), column in zip(COLOURS.items(), columns, strict=True):
        points = [(float(n), value) for n, value in enumerate(column, 1)]
        labels = [f"{name}, {n:.0f} encodes: {value:+.2f} %" for n, value in points]
        series.append(Series(name, colour, name == "at equal rate", points, labels))
    plot = line_chart(series, x_label="encodes", y_label="mean gain, % of rate", zero_line=True)
    width, height, top, line = 460, 280, 22, 13
    whole = top + height + 8 + line * len(words)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {whole}" width="{width * 3 // 2}">'
        f'<style>{CHART_STYLE}</style><rect width="100%" height="100%" fill="#fff"/>',
        plot.replace("<svg ", f'<svg y="{top}" width="{width}" height="{height}" ', 1),
    ]
    for i, (name, colour) in enumerate(COLOURS.items()):
        x = 60 + 150 * i
        parts.append(f'<circle cx="{x}" cy="16" r="4" fill="{colour}"/>')
        parts.append(f'<text x="{x + 9}" y="20">{escape(name)}</text>')
    for i, text in enumerate(words):
        y = top + height + line * (i + 1)
        parts.append(f'<text class="small" x="10" y="{y}">{escape(text)}</text>')
    return "".join([*parts, "</svg>\n"])


def commit() -> str:
    """Of the working tree, with a mark where it has changes in the packages."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--exclude=*"]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    status = ["git", "-C", str(ROOT), "status", "--porcelain", "encoder_bridge", "muzero_rc", "native"]
    changed = subprocess.run(status, capture_output=True, text=True, check=False).stdout.strip()
    return (found or "unknown") + ("+" if changed else "")


def command_line(argv: Sequence[str]) -> str:
    """The command as others can type it: the corpus is $MUZERO_RC_CORPUS wherever it lies here."""
    corpus = os.environ.get("MUZERO_RC_CORPUS", str(ROOT.parent / "shared" / "corpus"))
    words = []
    for word in argv:
        inside = Path(word).exists() and Path(word).resolve().is_relative_to(Path(corpus).resolve())
        rest = Path(word).resolve().relative_to(Path(corpus).resolve()) if inside else None
        words.append(shlex.quote(word) if rest is None else f"$MUZERO_RC_CORPUS/{rest}")
    return " ".join(["scripts/experiments/candidates_curve.py", *words])


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path, metavar="FOLDER")
    parser.add_argument("--policy", default=default_name(), help="(default: %(default)s)")
    parser.add_argument("--candidates", type=int, default=16, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--only", help="clips by name, with commas between")
    parser.add_argument("--auto-alt-ref", type=int, default=6, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--cpu-used", type=int, default=4, metavar="N", help="(default: %(default)s)")
    frames = Config().data.max_frames  # as in training: what the cache has
    parser.add_argument("--max-frames", type=int, default=frames, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="encodes at a time")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.svg")
    return parser.parse_args(argv)


def settings_of(args: argparse.Namespace) -> Config:
    """The store's settings: clips as they are."""
    base = Config()
    return dataclasses.replace(
        base,
        data=dataclasses.replace(base.data, augment=False, max_frames=args.max_frames),
        encode=dataclasses.replace(base.encode, auto_alt_ref=args.auto_alt_ref, cpu_used=args.cpu_used),
        actor=dataclasses.replace(base.actor, encoders=args.jobs),
    )


def write(contests: Sequence[Contest], args: argparse.Namespace, argv: Sequence[str], spent_s: float) -> None:
    """Prints the table; writes the chart and the figures."""
    facts = versions()
    words = [
        command_line(argv),
        f"commit {commit()}, policy {args.policy}, {len(contests)} clips and targets, "
        f"libvpx {facts['libvpx'].split()[0]}, {facts['processor']}, {spent_s:.0f} CPU seconds of encodes",
    ]
    print(table(contests, args.candidates), *words, sep="\n")
    rows = [
        {
            "clip": one.instance.name,
            "target_kbps": one.target_kbps,
            "slope_db": round(one.slope_db, 4),
            "gain_percent": round(one.gain_percent(args.candidates), 3),
            "candidates": [
                {key: value for key, value in asdict(each).items() if key not in ("target_kbps", "guarded")}
                for each in one.candidates
            ],
        }
        for one in contests
    ]
    lines = ",\n".join(json.dumps(row) for row in rows)
    below = [line for text in words for line in textwrap.wrap(text, 90, break_on_hyphens=False)]
    write_text(args.output, chart(contests, args.candidates, below))
    write_text(
        args.output.with_suffix(".json"), f'{{"made by": {json.dumps(words)},\n"contests": [\n{lines}\n]}}\n'
    )


def main(argv: Sequence[str] | None = None) -> int:
    """The command; status 2 for arguments that cannot be used."""
    argv = list(sys.argv[1:] if argv is None else argv)
    args = parse(argv)
    try:
        policy = resolve(args.policy)
        only = set(args.only.split(",")) if args.only else None
        config = settings_of(args)
        paths = [path for path in find_clips(args.clips) if only is None or path.stem in only]
    except (CorpusError, UnknownPolicy, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    if policy.native is None or args.candidates < 1 or not paths:
        print(
            f"a policy other than {LIBVPX}, 1 candidate or more and 1 clip or more are needed",
            file=sys.stderr,
        )
        return 2
    with ClipStore(libvpx_engine(), config, cache_folder() / "training") as store:
        instances = store.prepared(build_instances(paths, config.data, config.seed))
        opened = store.engine.native.Policy(policy.native)
        contests = contests_of(store, instances, opened, args.candidates)
        spent_s = run_contests(store, contests, opened, args.candidates)
    whole = [one for one in contests if not one.failed]
    for name, reason in store.failures.items():
        print(f"failed: {name}: {reason}", file=sys.stderr)
    if not whole:
        print("no clip could be encoded", file=sys.stderr)
        return 1
    write(whole, args, argv, spent_s)
    return 0


if __name__ == "__main__":
    sys.exit(main())
