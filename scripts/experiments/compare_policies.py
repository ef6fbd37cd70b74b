r"""Policies against one of them, encode by encode: gains at equal rate, and how targets are kept.

    python scripts/experiments/compare_policies.py CLIPS… -o pairs.jsonl --policy shapes [--base controller]

Every clip of the folders (each with a ladder beside its clips) at the five targets of its ladder, one encode
each, in C. An encode's gain is over the clip's constant-quality curve at the rate that was reached, in per
cent of rate: by PSNR, or by what --metric names, measured on what is decoded. What is printed are
differences to the base's, means over clips with bootstrap 95 % intervals, and beside them the gain at the
target, which counts what an encode left unused. One line an encode is added to the file as it ends; the same
command goes on where it was (another metric wants another file). Needs the [train] extra.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from encoder_bridge.encode.batch import BatchResult, Job
from encoder_bridge.encode.first_pass_cache import cache_folder
from encoder_bridge.encode.objective import WORDS
from muzero_rc.cli.common import add_farm
from muzero_rc.config.schema import Config
from muzero_rc.config.toml_io import override
from muzero_rc.corpus.clips import CorpusError, find_clips
from muzero_rc.corpus.instances import Instance
from muzero_rc.corpus.ladder import LadderError, read_ladder
from muzero_rc.deploy.policy_names import CONTROLLER, resolve
from muzero_rc.distributed.farm import open_farm
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import libvpx_engine
from muzero_rc.evaluation.statistics import bootstrap_interval

LADDER = "ladder-pyramid.csv"
OVER = 1.01  # rate over target

Row = dict[str, Any]


def jobs_of(
    store: ClipStore,
    instance: Instance,
    targets: Sequence[int],
    policies: Mapping[str, Any],
    ended: set[tuple[str, int, str]],
) -> Iterator[Job]:
    """The encodes of a clip that are still to be made."""
    for kbps in targets:
        for name, policy in policies.items():
            if (instance.name, kbps, name) not in ended:
                extra = (instance, name)
                yield store.job(
                    f"{instance.name} {kbps} {name}",
                    instance,
                    kbps,
                    mode="policy",
                    policy=policy,
                    extra=extra,
                )


def row_of(store: ClipStore, done: BatchResult) -> Row:
    """What is kept of an encode; gains in per cent of rate over constant quality."""
    instance, name = done.job.extra
    result, anchor = done.result, store.anchor(instance)
    target = result.config.target_kbps

    def gain(at_kbps: float) -> float:
        return anchor.percent_of(done.quality_db - anchor.psnr_at(at_kbps), result.kbps)

    return {
        "clip": instance.name,
        "kbps_asked": target,
        "policy": name,
        "kbps": result.kbps,
        "psnr_y_db": result.psnr_y_db,
        "metric": store.config.reward.metric,
        "quality_db": done.quality_db,
        "gain": gain(result.kbps),
        "gain_at_target": gain(target),
        "encode_s": result.encode_s,
    }


def interval(values: Mapping[str, Sequence[float]]) -> str:
    """A mean over clips with its interval, median and worst clip."""
    means = [float(np.mean(each)) for each in values.values()]
    low, high = bootstrap_interval(means)
    mean = f"{np.mean(means):+.2f} % ({low:+.2f} … {high:+.2f})"
    return f"{mean}, median {np.median(means):+.2f}, worst {min(means):+.2f}"


def table(rows: Sequence[Row], base: str) -> Iterator[str]:
    """The printed lines."""
    by_policy: dict[str, dict[tuple[str, int], Row]] = defaultdict(dict)
    for row in rows:
        by_policy[row["policy"]][row["clip"], row["kbps_asked"]] = row
    for name, mine in by_policy.items():
        fills = [row["kbps"] / row["kbps_asked"] for row in mine.values()]
        seconds = sum(row["encode_s"] for row in mine.values())
        over = f"{sum(fill > OVER for fill in fills)} more than 1 % over, worst {max(fills):.4f}"
        yield f"{name}: {len(mine)} encodes, fill {np.mean(fills):.4f}, {over}, {seconds:.0f} s"
        for what, field in (("at equal rate", "gain"), ("at the target", "gain_at_target")):
            paired = defaultdict(list)
            for (clip, kbps), row in mine.items():
                if name != base and (clip, kbps) in by_policy[base]:
                    paired[clip].append(row[field] - by_policy[base][clip, kbps][field])
            if paired:
                yield f"  to {base}, {what}: {interval(paired)}, {len(paired)} clips"


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True, help="a line for each encode")
    parser.add_argument("--policy", action="append", default=[], help="beside the base; may be repeated")
    parser.add_argument("--base", default=CONTROLLER)
    parser.add_argument("--metric", default="psnr", help=f"{WORDS} (default: %(default)s)")
    parser.add_argument("--cpu-used", type=int, default=4)
    parser.add_argument("--jobs", type=int, default=1, help="encodes at a time (default: %(default)s)")
    add_farm(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; status 2 for a folder without clips or without a ladder."""
    options = arguments(argv)
    try:
        clips = [(clip, read_ladder(f / LADDER)[clip.stem]) for f in options.corpus for clip in find_clips(f)]
    except (CorpusError, LadderError, KeyError) as error:
        print(f"compare_policies: {error}", file=sys.stderr)
        return 2
    rows: list[Row] = []
    if options.output.exists():
        rows = [json.loads(line) for line in options.output.read_text().splitlines()]
    ended = {(row["clip"], row["kbps_asked"], row["policy"]) for row in rows}
    refs = [resolve(name) for name in dict.fromkeys([options.base, *options.policy])]
    engine = libvpx_engine()
    policies = {ref.name: engine.policy(ref.native) for ref in refs if ref.native is not None}
    settings = [f"reward.metric={options.metric}", f"encode.cpu_used={options.cpu_used}"]
    config = override(Config(), settings)
    with (
        closing(open_farm(options.farm, options.jobs)) as farm,
        ClipStore(engine, config, cache_folder() / "training", farm) as store,
    ):
        for number, (path, rungs) in enumerate(clips, 1):
            for instance in store.prepared([Instance(path.stem, path.stem, (path,))]):
                jobs = jobs_of(store, instance, rungs.targets_kbps, policies, ended)
                for done in store.played(jobs):
                    rows.append(row_of(store, done))
                    with options.output.open("a") as file:
                        file.write(json.dumps(rows[-1]) + "\n")
            print(f"{number} of {len(clips)} clips", file=sys.stderr, flush=True)
    print("\n".join(table(rows, options.base)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
