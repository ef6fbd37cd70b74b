"""Transfer of searched plans: how much of one belongs to the clip, and how much to the one encode.

    python scripts/experiments/plan_transfer.py CLIPS -o plan-transfer.jsonl [--jobs 2]

Reads the searches that training runs with `demonstrations.searched` keep in the cache: of each clip two,
at two targets. What a search changed in the controller's plan is put on the controller's plan at the clip's
*other* target, frame by frame (the mean change of the nearest frames of the same pyramid layer). A policy
that knew a clip perfectly could at best decide so; what only helps the encode that it was found for, it
cannot know beforehand. Encoded are the controller's plan, the plan found for this target and the
controller's with the other target's changes, whole and halved; every qindex is moved by −1, 0 or 1 at
random, so that luck of the search does not count. Prints the mean gains over the controller's plan, with
95 % intervals over clips, in per cent of rate, as scripts/experiments/headroom.py does. Needs the [train]
extra.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
from headroom import gain_of, jittered

from encoder_bridge.encode.batch import Job
from encoder_bridge.encode.first_pass_cache import cache_folder
from muzero_rc.config.schema import Config
from muzero_rc.corpus.clips import CorpusError, find_clips
from muzero_rc.corpus.instances import Instance, build_instances
from muzero_rc.demonstrations.cma_search import ended_searches
from muzero_rc.demonstrations.registry import known_demonstrations
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import libvpx_engine
from muzero_rc.encoding.qindex_plan import PlanFollower, follow_plans, plan_of_records
from muzero_rc.evaluation.statistics import bootstrap_interval
from muzero_rc.experience.episode import Episode
from muzero_rc.types import Array

NEAR_FRAMES = 3.0  # over which the weight of another frame's change falls to 1/e
BASE, OWN, OTHER, HALF = "controller's plan", "found for this target", "found for the other", "halved"

Search = tuple[Episode, Episode]


def coded(episode: Episode) -> Array:
    """The records of coded frames."""
    return episode.records[episode.records["frame_type"] >= 0]


def carried(search: Search, frames: Array) -> Array:
    """f8[N]: what a search changed, on the coded frames of another encode of the clip."""
    before, after = map(coded, search)
    change = after["qindex"].astype(float) - before["qindex"]
    moved = np.zeros(len(frames))
    for i, frame in enumerate(frames):
        same = before["layer"] == frame["layer"]
        if not same.any():
            continue
        distance = np.abs(before["show_index"][same].astype(float) - float(frame["show_index"]))
        weight = np.exp(-(distance - distance.min()) / NEAR_FRAMES)
        moved[i] = weight @ change[same] / weight.sum()
    share = frames["bits"] / max(1, frames["bits"].sum())
    return moved - float(share @ moved)  # to first order the rate stays


def jobs_of(
    store: ClipStore, instances: Sequence[Instance], by_name: Mapping[str, Sequence[Search]]
) -> Iterator[Job]:
    """Four encodes for each search."""
    for instance in instances:
        searches = by_name.get(instance.name, ())
        if not searches:
            continue
        for one, other in ((0, 1), (1, 0)):
            start, best = searches[one]
            frames, kbps = coded(start), start.target_kbps
            changes = carried(searches[other], frames)
            plans = {
                BASE: frames["qindex"],
                OWN: coded(best)["qindex"],
                OTHER: frames["qindex"] + changes,
                HALF: frames["qindex"] + 0.5 * changes,
            }
            for name, qindex in plans.items():
                place = f"{start.instance}|{kbps}"
                uid = f"{place}|{name}"
                plan = plan_of_records(start.records, qindex.astype(float))
                extra = (instance, place, name, PlanFollower(jittered(plan, uid)))
                yield store.job(uid, instance, kbps, guard=False, extra=extra)


def pairs(searches: Sequence[Search]) -> dict[str, list[Search]]:
    """Two searches of each clip that has them, where a plan and the best found have the same frames."""
    found: dict[str, list[Search]] = defaultdict(list)
    for start, best in searches:
        if np.array_equal(coded(start)["show_index"], coded(best)["show_index"]):
            found[start.instance].append((start, best))
    return {name: each[:2] for name, each in found.items() if len(each) >= 2}


def summary(gains: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """The printed lines; `gains` by instance|kbps and plan."""
    for name in (OWN, OTHER, HALF):
        by_clip: dict[str, list[float]] = defaultdict(list)
        for place, each in gains.items():
            if name in each and BASE in each:
                by_clip[place.partition("|")[0]].append(each[name] - each[BASE])
        if not by_clip:
            continue
        means = [float(np.mean(each)) for each in by_clip.values()]
        low, high = bootstrap_interval(means)
        yield f"{name}: {np.mean(means):+.2f} % ({low:+.2f} … {high:+.2f}), {len(means)} clips"


def main(argv: Sequence[str] | None = None) -> int:
    """The command; status 2 without clips or without searches of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True, help="a line for each encode")
    parser.add_argument("--jobs", type=int, default=2, help="encodes at a time (default: %(default)s)")
    options = parser.parse_args(argv)
    config = Config()
    config = replace(
        config,
        data=replace(config.data, augment=False),
        actor=replace(config.actor, encoders=options.jobs),
    )
    try:
        clips = find_clips(options.corpus)
    except CorpusError as error:
        print(f"plan_transfer: {error}", file=sys.stderr)
        return 2
    training = cache_folder() / "training"
    gains: dict[str, dict[str, float]] = defaultdict(dict)
    with closing(ClipStore(libvpx_engine(), config, training)) as store, options.output.open("w") as out:
        instances = store.prepared(build_instances(clips, config.data, config.seed))
        by_name = pairs(ended_searches(known_demonstrations(store, instances, training / "demonstrations")))
        for done in store.played(jobs_of(store, instances, by_name), follow_plans):
            instance, place, name = done.job.extra[:3]
            gains[place][name] = gain_of(store, instance, done)
            print(json.dumps({"at": place, "plan": name, "gain": gains[place][name]}), file=out, flush=True)
    if not gains:
        print("plan_transfer: no ended searches of these clips; run rc-train first", file=sys.stderr)
        return 2
    print("\n".join(summary(gains)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
