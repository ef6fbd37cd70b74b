"""What each part of the learning is worth on the real encoder, in miniature: one change at a time.

    python scripts/experiments/learning_ablations.py TRAIN LEFT_OUT -o rows.jsonl [--seeds 1,2,3]
        [--only NAME,NAME] [--episodes 576] [--run-dirs DIR]

TRAIN and LEFT_OUT are folders of miniatures, 96 pixels wide and 48 frames long:

    ffmpeg -i CLIP -an -vf scale=96:-2 -frames:v 48 -pix_fmt yuv420p -c:v ffv1 TRAIN/NAME.mkv

Every variant and seed is a run of configs/base.toml as MINIATURE changes it, whose last policy then encodes
the clips left out at four targets each, in C. A gain is over the controller's encode of the same clip and
target, at the rates that both had, in per cent of rate. Rows are added to the file as runs end, and the same
command goes on where it was. Printed: means over clips and seeds with 95 % intervals that draw clips, each
seed's own mean, and the differences to imitation alone and to self-play with search. Needs the [train] extra.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from encoder_bridge import _native
from encoder_bridge.encode.first_pass_cache import cache_folder
from muzero_rc.config.schema import Config
from muzero_rc.config.toml_io import load_config, override
from muzero_rc.corpus.clips import find_clips
from muzero_rc.corpus.instances import Instance
from muzero_rc.deploy.policy_names import CONTROLLER
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import Engine, libvpx_engine
from muzero_rc.encoding.targets import instance_targets
from muzero_rc.evaluation.statistics import bootstrap_interval
from muzero_rc.reward.outcome import gain_percent
from muzero_rc.training.train import train

BASE = Path(__file__).parents[2] / "configs" / "base.toml"
MINIATURE = (
    *("encode.cpu_used=5", "data.max_frames=48", "data.augment=false", "actor.encoders=2"),
    *("replay.engine=memory", "imitation.steps=300", "learner.batch_size=16", "learner.windows=8"),
    *("learner.unroll_steps=3", "search.depth=8", "validation.corpus="),
)
IMITATION = "imitation alone"
SEARCH = "self-play with search"
BLIND = "without the lookahead's analysis"
VARIANTS: dict[str, tuple[str, ...]] = {
    IMITATION: ("budget.episodes=1", "learner.selfplay_learning_rate=1e-12"),
    SEARCH: (),
    "self-play without search": ("search.enabled=false",),
    "without imitation": ("imitation.steps=0", "replay.demonstration_share=0"),
    "without the look-ahead network": ("network.look_ahead=false",),
    BLIND: (),
    "reward: the paper's rule": ("reward.rule=paper",),
    "reward: fixed opponent": ("reward.rule=fixed",),
    "reward: Lagrangian": ("reward.rule=lagrangian",),
}
TARGETS = 4
STATS_FIELDS = 25
FRAME, INACTIVE_COLUMNS, DURATION, COUNT = 0, 15, 23, 24
"""Columns of a frame's statistics that notes of the lookahead lie in."""

Row = dict[str, Any]


class BlindPool:
    """libvpx's encoders, whose first passes say nothing of the lookahead."""

    def __init__(self, slots: int) -> None:
        self._pool = _native.Pool(slots)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    def stats(self, slot: int) -> bytes:
        """Of a first pass, without the notes, which lie where libvpx reads nothing."""
        blob = bytearray(self._pool.stats(slot))
        frames = len(self._pool.frame_stats(bytes(blob))) // (8 * STATS_FIELDS)
        rows = np.frombuffer(blob, np.float64).reshape(frames + 1, -1)
        rows[:-1, FRAME] = np.arange(frames)
        rows[:-1, INACTIVE_COLUMNS] = 0.0
        rows[:-1, DURATION] = np.rint(rows[:-1, DURATION])
        rows[:-1, COUNT] = 1.0
        return bytes(blob)


class BlindNative:
    """The extension with such encoders."""

    Pool = BlindPool

    def __getattr__(self, name: str) -> Any:
        return getattr(_native, name)


def engine_of(variant: str) -> Engine:
    """The encoders that a variant trains with, and is measured with."""
    engine = libvpx_engine()
    return replace(engine, native=BlindNative()) if variant == BLIND else engine


def cache_of(variant: str) -> Path:
    """Frames, first passes, anchors and demonstrations; apart where first passes are others."""
    return cache_folder() / ("training-blind" if variant == BLIND else "training")


def run(variant: str, seed: int, options: argparse.Namespace, folder: Path) -> Iterator[Row]:
    """Trains, and yields the encodes of the clips left out."""
    config = config_of(variant, seed, options.episodes)
    began = time.process_time()
    train(
        config,
        options.train,
        folder,
        engine=engine_of(variant),
        cache=cache_of(variant),
        report=lambda line: print(f"{variant}, seed {seed}: {line}", file=sys.stderr, flush=True),
    )
    spent_s = time.process_time() - began
    policies = sorted((folder / "policies").glob("*.safetensors"), key=lambda path: path.stat().st_mtime)
    for row in encodes(config, variant, options.left_out, str(policies[-1])):
        yield {"variant": variant, "seed": seed, "cpu_s": spent_s, **row}


def config_of(variant: str, seed: int, episodes: int) -> Config:
    """A variant's run."""
    changes = (*MINIATURE, f"budget.episodes={episodes}", *VARIANTS[variant], f"seed={seed}")
    return override(load_config(BASE), changes)


def encodes(config: Config, variant: str, corpus: Path, policy: str) -> Iterator[Row]:
    """Gains of a variant's policy file over the controller."""
    engine = engine_of(variant)
    with ClipStore(engine, config, cache_of(variant)) as store:
        instances = store.prepared([Instance(path.stem, path.stem, (path,)) for path in find_clips(corpus)])
        policies = {name: engine.policy(name) for name in (CONTROLLER, policy)}
        jobs = (
            store.job(f"{one.name} {kbps} {name}", one, kbps, mode="policy", policy=native, extra=(one, name))
            for one in instances
            for kbps in instance_targets(store, one, TARGETS)
            for name, native in policies.items()
        )
        found: dict[tuple[str, int], dict[str, Any]] = defaultdict(dict)
        for done in store.played(jobs):
            one, name = done.job.extra
            found[one.name, done.result.config.target_kbps][name] = done.result
        for (clip, kbps), both in found.items():
            if len(both) == len(policies):
                ours, theirs = both[policy], both[CONTROLLER]
                slope = store.anchor(clip).slope_db(theirs.kbps)
                gain = gain_percent(ours.kbps, ours.psnr_y_db, theirs.kbps, theirs.psnr_y_db, slope)
                yield {"clip": clip, "kbps_asked": kbps, "kbps": ours.kbps, "gain": gain}


def table(rows: Sequence[Row]) -> Iterator[str]:
    """The printed table."""
    by_clip: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    by_seed: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    cpu_s: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        by_clip[row["variant"]][row["clip"]].append(row["gain"])
        by_seed[row["variant"]][row["seed"]].append(row["gain"])
        cpu_s[row["variant"]].append(row["cpu_s"])
    yield f"| variant | gain, % of rate | each seed | to {IMITATION} | to {SEARCH} | CPU s a run |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for variant in (name for name in VARIANTS if name in by_clip):
        mine = {clip: float(np.mean(gains)) for clip, gains in by_clip[variant].items()}
        seeds = " / ".join(f"{np.mean(gains):+.2f}" for _, gains in sorted(by_seed[variant].items()))
        against = [difference(mine, by_clip.get(other, {})) for other in (IMITATION, SEARCH)]
        cells = [_in_words(list(mine.values())), seeds, *against, f"{np.mean(cpu_s[variant]):.0f}"]
        yield f"| {variant} | {' | '.join(cells)} |"


def difference(mine: Mapping[str, float], theirs: Mapping[str, Sequence[float]]) -> str:
    """Clip by clip."""
    return _in_words([gain - float(np.mean(theirs[clip])) for clip, gain in mine.items() if clip in theirs])


def _in_words(values: Sequence[float]) -> str:
    if not values:
        return "–"
    low, high = bootstrap_interval(values)
    return f"{np.mean(values):+.2f} ({low:+.2f} … {high:+.2f})"


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("train", type=Path)
    parser.add_argument("left_out", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--only", default=",".join(VARIANTS))
    parser.add_argument("--episodes", type=int, default=576, help="of self-play (default: %(default)s)")
    parser.add_argument("--run-dirs", type=Path, help="keeps the runs there (default: nowhere)")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    options = arguments(argv)
    rows: list[Row] = []
    if options.output.exists():
        rows = [json.loads(line) for line in options.output.read_text().splitlines()]
    ended = {(row["variant"], row["seed"]) for row in rows}
    for seed in map(int, options.seeds.split(",")):
        for variant in options.only.split(","):
            if (variant, seed) in ended:
                continue
            with tempfile.TemporaryDirectory() as folder:
                parent = options.run_dirs or Path(folder)
                made = list(run(variant, seed, options, parent / f"{variant} {seed}"))
            rows += made
            with options.output.open("a") as file:
                file.writelines(json.dumps(row) + "\n" for row in made)
    print("\n".join(table(rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
