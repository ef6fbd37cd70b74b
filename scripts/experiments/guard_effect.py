r"""Effect of the guard: clips encoded by policies with and without it, through the C runtime.

    python scripts/experiments/guard_effect.py CLIPS [POLICY …] [--cpu-used 4] [--auto-alt-ref 6] \
        [--jobs 2] [--limit N]

CLIPS is a folder of videos with a ladder of five targets each (ladder-pyramid.csv, or ladder.csv when
auto-alt-ref is 0 or 1); POLICY is what rc-encode takes (default: controller and all that ship). Every
clip is encoded at every target, twice by each policy. Prints a table in Markdown: how many encodes end
over their target, how well it is filled, how many frames the guard made coarser, and the BD-rate of the
encodes without guard to those with it, mean over clips and its 95 % interval: below 0, the guard costs
so much. Of a clip the first 140 frames count, as in training. Needs the [train] extra; frames, first
passes and constant-quality curves are kept in the cache.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from encoder_bridge.encode.batch import BatchResult, Job
from encoder_bridge.encode.first_pass_cache import cache_folder
from encoder_bridge.errors import BridgeError
from muzero_rc.config.schema import Config
from muzero_rc.corpus.clips import CorpusError, find_clips
from muzero_rc.corpus.instances import Instance, build_instances
from muzero_rc.deploy.policy_names import CONTROLLER, PolicyRef, UnknownPolicy, resolve, shipped
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import libvpx_engine
from muzero_rc.evaluation.bd_rate import RatePoint, bd_rate
from muzero_rc.evaluation.statistics import BdSummary, summarise
from muzero_rc.training.validation import targets_of

TARGETS = 5
HEAD = (
    "| policy | guard | encodes | > 1 % over | worst | mean fill | frames made coarser "
    "| BD-rate to the run with guard, % | 95 % interval |\n" + "| --- " * 9 + "|"
)


@dataclass(frozen=True)
class Run:
    """A policy, with or without guard."""

    policy: str
    guard: bool


@dataclass(frozen=True)
class Point:
    """One encode.

    Attributes:
      fill: rate over target.
      coarser: coded frames that the guard made coarser than the policy asked.
      frames: coded frames.
    """

    rate: RatePoint
    fill: float
    coarser: int
    frames: int


Points = dict[Run, dict[str, list[Point]]]
"""By run and clip."""


def encode_all(store: ClipStore, instances: Sequence[Instance], policies: Sequence[PolicyRef]) -> Points:
    """Runs every encode; says on stderr how far it is and what failed."""
    targets = {one.name: targets_of(store, one, TARGETS) for one in instances}
    opened = {one.name: store.engine.native.Policy(one.native) for one in policies}
    jobs = [
        store.job(
            f"{run.policy}: {clip.name} {target}k",
            clip,
            target,
            mode="policy",
            policy=opened[run.policy],
            guard=run.guard,
            extra=(run, clip.name),
        )
        for run in (Run(policy, guard) for policy in opened for guard in (True, False))
        for clip in instances
        for target in targets[clip.name]
    ]
    points: Points = {}
    for number, done in enumerate(store.play(jobs), 1):
        if number % TARGETS == 0:
            print(f"{number} of {len(jobs)} encodes", file=sys.stderr, flush=True)
        if done.error:
            raise BridgeError(f"{done.job.name}: {done.error}")
        run, clip_name = done.job.extra
        points.setdefault(run, {}).setdefault(clip_name, []).append(point_of(done.job, done))
    return points


def point_of(job: Job, done: BatchResult) -> Point:
    """An encode's figures."""
    records = done.result.records[done.result.records["frame_type"] >= 0]
    coarser = int(np.sum(records["qindex"] > np.clip(records["asked"], 1, 255)))
    fill = done.result.fill
    return Point(RatePoint(done.result.kbps, done.result.psnr_y_db), fill, coarser, len(records))


def row(run: Run, of_run: dict[str, list[Point]], bd: BdSummary | None) -> str:
    """One line of the table."""
    points = [point for of_clip in of_run.values() for point in of_clip]
    fills = np.array([point.fill for point in points])
    over = int(np.sum(fills > 1.01))
    coarser = sum(point.coarser for point in points) / sum(point.frames for point in points)
    cells = [run.policy, "with" if run.guard else "without", str(len(points))]
    cells += [f"{over} ({over / len(points):.1%})", f"{fills.max() - 1.0:+.1%}", f"{fills.mean():.3f}"]
    cells.append(f"{coarser:.1%}" if run.guard else "–")
    if bd is None or bd.mean is None:
        cells += ["–", "–"]
    else:
        interval = "–" if bd.low is None else f"{bd.low:+.2f} … {bd.high:+.2f}"
        cells += [f"{bd.mean:+.2f} ({bd.clips} clips)", interval]
    return f"| {' | '.join(cells)} |"


def table(points: Points) -> Iterable[str]:
    """The lines of the table."""
    yield HEAD
    for run, of_run in points.items():
        with_guard = points[replace(run, guard=True)]
        curves = [(rates(with_guard[name]), rates(of_run[name])) for name in sorted(with_guard)]
        bd = None if run.guard else summarise([bd_rate(*pair) for pair in curves])
        yield row(run, of_run, bd)


def rates(points: Sequence[Point]) -> list[RatePoint]:
    """A clip's curve."""
    return [point.rate for point in points]


def config_of(options: argparse.Namespace) -> Config:
    """The defaults, with what was asked for."""
    config = Config()
    return replace(
        config,
        data=replace(config.data, augment=False),
        encode=replace(config.encode, cpu_used=options.cpu_used, auto_alt_ref=options.auto_alt_ref),
        actor=replace(config.actor, encoders=options.jobs),
    )


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path)
    parser.add_argument("policies", nargs="*", default=[CONTROLLER, *shipped()], metavar="policy")
    parser.add_argument("--cpu-used", type=int, default=4)
    parser.add_argument("--auto-alt-ref", type=int, default=6)
    parser.add_argument("--jobs", type=int, default=2, help="encodes at a time (default: %(default)s)")
    parser.add_argument("--limit", type=int, help="only the first so many clips")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; status 2 for clips or policies that are none, 1 when an encode fails."""
    options = arguments(argv)
    try:
        policies = [resolve(name) for name in dict.fromkeys(options.policies)]
        if any(one.native is None for one in policies):
            raise UnknownPolicy("libvpx's own rate control has no guard: name policies only")
        clips = find_clips(options.clips)[: options.limit]
    except (UnknownPolicy, CorpusError) as error:
        print(f"guard_effect: {error}", file=sys.stderr)
        return 2
    config = config_of(options)
    try:
        with ClipStore(libvpx_engine(), config, cache_folder() / "training") as store:
            instances = store.prepared(build_instances(clips, config.data, config.seed))
            print("\n".join(table(encode_all(store, instances, policies))))
    except BridgeError as error:
        print(f"guard_effect: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
