r"""Headroom: how much better a plan than the controller's search finds for a clip, and how much is luck.

    python scripts/experiments/headroom.py CLIPS -o headroom.jsonl [--clips 10] [--encodes 240] \
        [--repeats 8] [--jobs 4]

For some clips of the folder, evenly spread over its list, at two targets (0.3 and 0.7 of the way from the
lowest to the highest rate of the clip's constant-quality curve, on a log scale): the controller encodes,
and CMA-ES bends its plan for so many encodes (`muzero_rc/demonstrations/cma_search.py`). The best of hundreds
is in part the luckiest: a qindex changed by one somewhere changes the result a little at random.
Therefore the controller's plan, the best plan found and the mean of the search's last distribution are
each encoded some times more with every qindex moved by −1, 0 or 1 at random, and the means of these
repeats are compared. One line a search is added to the file as it ends; the same command goes on where it
was. Prints a table in Markdown. All gains are over the clip's constant-quality curve at the same rate, as
per cent of rate (dB of mean luma PSNR divided by the curve's slope there). Needs the [train] extra.
"""

import argparse
import json
import math
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from encoder_bridge.encode.batch import BatchResult
from encoder_bridge.encode.first_pass_cache import cache_folder
from muzero_rc.config.schema import Config
from muzero_rc.corpus.clips import CorpusError, find_clips
from muzero_rc.corpus.instances import Instance, build_instances
from muzero_rc.demonstrations.cma_search import KINDS, PlanSearch, controller_episodes, run_searches
from muzero_rc.deploy.policy_names import CONTROLLER
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import libvpx_engine
from muzero_rc.encoding.qindex_plan import PlanFollower, QindexPlan, follow_plans, plan_of_records
from muzero_rc.evaluation.statistics import bootstrap_interval
from muzero_rc.experience.episode import Episode
from muzero_rc.experience.hindsight import own_gain_db

PLACES = (0.3, 0.7)
TOGETHER = 2  # searches at a time


@dataclass(frozen=True)
class Found:
    """One search's outcome; gains in per cent of rate.

    Attributes:
      clip, target_kbps: what was searched.
      encodes: of the search.
      controller: the controller's own encode.
      best: the best encode of the search.
      repeats: of "controller", "best" and "centre" (the last distribution's mean), repeated with jitter.
      plans: their qindexes in coding order.
    """

    clip: str
    target_kbps: int
    encodes: int
    controller: float
    best: float
    repeats: dict[str, list[float]]
    plans: dict[str, list[int]]


def gain_of(store: ClipStore, instance: Instance, done: BatchResult) -> float:
    """An encode's gain in per cent of rate."""
    anchor = store.anchor(instance)
    return anchor.percent_of(done.result.psnr_y_db - anchor.psnr_at(done.result.kbps), done.result.kbps)


def jittered(plan: QindexPlan, seed: str) -> QindexPlan:
    """The plan with every qindex moved by −1, 0 or 1."""
    rng = random.Random(seed)
    return replace(plan, qindex=tuple(min(255, max(1, one + rng.choice((-1, 0, 1)))) for one in plan.qindex))


def targets_of(store: ClipStore, instance: Instance) -> list[int]:
    """The targets at `PLACES` of a clip's anchor curve."""
    rates = store.anchor(instance).rates_kbps
    return [max(1, round(rates[0] ** (1.0 - at) * rates[-1] ** at)) for at in PLACES]


def plans_of(search: PlanSearch) -> dict[str, QindexPlan]:
    """What it began with, the best that it found, and where it ended."""
    found = {
        CONTROLLER: plan_of_records(search.base.records),
        "best": search.best_plan,
        "centre": search.centre,
    }
    return {name: plan for name, plan in found.items() if plan is not None}


def repeat(store: ClipStore, search: PlanSearch, repeats: int) -> dict[str, list[float]]:
    """Gains of the search's plans with jitter, in per cent of rate."""
    plans = plans_of(search)
    target = search.target_kbps
    jobs = [
        store.job(
            f"{search.base.uid}/{name}/{i}",
            search.instance,
            target,
            guard=False,
            extra=(name, PlanFollower(jittered(plan, f"{search.base.uid}/{name}/{i}"))),
        )
        for name, plan in plans.items()
        for i in range(repeats)
    ]
    gains: dict[str, list[float]] = {name: [] for name in plans}
    for done in store.played(jobs, follow_plans):
        gains[done.job.extra[0]].append(gain_of(store, search.instance, done))
    return gains


def measure(store: ClipStore, episodes: Sequence[Episode], options: argparse.Namespace) -> Iterator[Found]:
    """Searches round each of the controller's episodes, a few at a time."""
    instances = {one.name: one for one in options.instances}
    for first in range(0, len(episodes), TOGETHER):
        searches = [
            PlanSearch(KINDS[CONTROLLER], instances[one.instance], one, options.encodes)
            for one in episodes[first : first + TOGETHER]
        ]
        for _ in run_searches(store, searches):
            pass  # its episodes are worth nothing here, only what the searches have found
        for search in searches:
            base, anchor = search.base, store.anchor(search.instance)
            own_db = own_gain_db(base, anchor)
            yield Found(
                base.instance,
                base.target_kbps,
                options.encodes,
                anchor.percent_of(own_db, base.rate_kbps),
                anchor.percent_of(search.best_db, base.rate_kbps),
                repeat(store, search, options.repeats),
                {name: list(plan.qindex) for name, plan in plans_of(search).items()},
            )


def table(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The lines of the table, a mean with a bootstrap 95 % interval at the end."""
    yield (
        "| clip | kbps | controller | its plan repeated | best of the search | repeated | centre repeated "
        "| scatter of repeats |"
    )
    yield "| --- " * 8 + "|"
    for row in rows:
        means = [float(np.mean(row["repeats"][name])) for name in (CONTROLLER, "best", "centre")]
        scatter = math.sqrt(float(np.mean([np.var(gains, ddof=1) for gains in row["repeats"].values()])))
        cells = [row["controller"], means[0], row["best"], means[1], means[2]]
        text = " | ".join(f"{cell:+.1f} %" for cell in cells)
        yield f"| {row['clip']} | {row['target_kbps']} | {text} | {scatter:.1f} % |"
    over = {
        "best, as found, over the controller's encode": [row["best"] - row["controller"] for row in rows],
        "best, repeated, over the controller's plan repeated": repeated_over(rows, "best"),
        "centre, repeated, over the controller's plan repeated": repeated_over(rows, "centre"),
    }
    yield ""
    clips = sorted({row["clip"] for row in rows})
    for name, values in over.items():
        values = [
            np.mean([v for v, row in zip(values, rows, strict=True) if row["clip"] == clip]) for clip in clips
        ]
        low, high = bootstrap_interval(values)
        yield f"{name}: {np.mean(values):+.2f} % ({low:+.2f} … {high:+.2f})"


def repeated_over(rows: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    """By how much a plan's repeats are better than those of the controller's plan."""
    return [float(np.mean(row["repeats"][name]) - np.mean(row["repeats"][CONTROLLER])) for row in rows]


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True, help="a line for each search")
    parser.add_argument("--clips", type=int, default=10)
    parser.add_argument("--encodes", type=int, default=240, help="of each search (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=8, help="of each plan (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=4, help="encodes at a time (default: %(default)s)")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; status 2 for a folder without clips."""
    options = arguments(argv)
    try:
        clips = find_clips(options.corpus)
    except CorpusError as error:
        print(f"headroom: {error}", file=sys.stderr)
        return 2
    chosen = clips[:: max(1, len(clips) // options.clips)][: options.clips]
    config = Config()
    config = replace(
        config,
        data=replace(config.data, augment=False),
        actor=replace(config.actor, encoders=options.jobs),
    )
    with ClipStore(libvpx_engine(), config, cache_folder() / "training") as store:
        options.instances = store.prepared(build_instances(chosen, config.data, config.seed))
        known = (
            [json.loads(line) for line in options.output.read_text().splitlines()]
            if options.output.exists()
            else []
        )
        ended = {(row["clip"], row["target_kbps"]) for row in known}
        work = [(one, kbps) for one in options.instances for kbps in targets_of(store, one)]
        waiting = [(one, kbps) for one, kbps in work if (one.name, kbps) not in ended]
        episodes = sorted(
            controller_episodes(store, waiting), key=lambda one: (one.instance, one.target_kbps)
        )
        for number, found in enumerate(measure(store, episodes, options), 1):
            known.append(asdict(found))
            with options.output.open("a") as file:
                file.write(json.dumps(known[-1]) + "\n")
            print(f"{number} of {len(episodes)} searches", file=sys.stderr, flush=True)
    print("\n".join(table(sorted(known, key=lambda row: (row["clip"], row["target_kbps"])))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
