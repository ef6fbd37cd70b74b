"""Tunes the constants of native/rate_control/controller_params.c by random designs on training clips.

    python scripts/fit/tune_controller.py CORPUS [--config configs/base.toml] [--encodes 600] [--seed 1]
        [--metric psnr|ssim|vmaf|MIX] [--clips N] [--spread 1.0]

Every encode keeps a base step and moves the controller's offsets by random amounts, one per constant.
Its gain is luma PSNR, or what --metric says, over the clip's anchor (constant quality) at the rate that
it had, as per cent of rate. A ridge regression with an effect for each clip, linear and squared terms
gives the constants' best values; prints them with their effect. Nothing is written. Constants on what the
step features leave out (probe encodes, scenes) and of the pacing are not varied. Needs the [train] extra.
"""

import argparse
import dataclasses
import math
import random
from pathlib import Path
from typing import Any

import numpy as np

from encoder_bridge.encode.batch import Job
from encoder_bridge.encode.first_pass_cache import cache_folder
from encoder_bridge.encode.layouts import ALTREF, KEY, OVERLAY
from encoder_bridge.encode.objective import WORDS
from muzero_rc.config.toml_io import load_config, override
from muzero_rc.corpus.clips import find_clips
from muzero_rc.corpus.instances import build_instances
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import libvpx_engine

SPREAD = {  # standard deviations of the designs
    "key": 0.3,
    "key_importance": 0.12,
    "key_coarse": 0.15,
    "key_still": 0.5,
    "top": 0.25,
    "top_importance": 0.1,
    "top_coarse": 0.1,
    "top_still": 0.4,
    "second": 0.15,
    "deeper": 0.2,
    "gop_hardness": 0.12,
    "gop_still": 0.3,
    "frame_hardness": 0.12,
    "overlay": 0.4,
}
USUAL_STILL, USUAL_BASE = 0.6, 5.9  # as in controller_params.c
FEATURES = ("offset", "importance", "gop_still", "gop_hardness", "frame_hardness")


@dataclasses.dataclass
class Design:
    """One encode's changes to the constants, and how it answers frames."""

    change: dict[str, float]
    base: float
    columns: dict[str, int]
    steps: np.ndarray

    def answer(self, event: Any) -> int:
        """The qindex for a frame."""
        change, seen = self.change, {name: float(event["step"][i]) for name, i in self.columns.items()}
        importance, still = 4.0 * seen["importance"], seen["gop_still"] - USUAL_STILL
        offset = seen["offset"]
        if event["frame_type"] == KEY:
            offset += self._moved("key", importance, still)
        elif event["frame_type"] == ALTREF:
            depth = int(event["layer"]) - 1
            offset += self._moved("top", importance, still) * 0.6**depth
            offset *= math.exp(change["second"] * (depth > 0) + change["deeper"] * max(depth - 1, 0))
        elif event["frame_type"] == OVERLAY:
            offset += change["overlay"]
        else:
            offset += change["frame_hardness"] * 2.0 * seen["frame_hardness"]
        offset += change["gop_hardness"] * 2.0 * seen["gop_hardness"] + change["gop_still"] * still
        return int(np.argmin(np.abs(self.steps[1:] - self.base - offset))) + 1

    def _moved(self, frame: str, importance: float, still: float) -> float:
        change = self.change
        return (
            change[frame]
            - change[f"{frame}_importance"] * importance
            + change[f"{frame}_coarse"] * (self.base - USUAL_BASE)
            + change[f"{frame}_still"] * still
        )


def designs(
    store: ClipStore, instances: list[Any], count: int, rng: random.Random, spread: float
) -> list[Job]:
    """Random clips, bases and changes."""
    names = [name for name, _ in store.engine.native.feature_tables()["step"]]
    columns = {name: names.index(name) for name in FEATURES}
    steps = np.array(store.engine.native.quantizer_steps())
    jobs = []
    for number in range(count):
        instance = rng.choice(instances)
        encodes = store.quality[instance.name]
        bases = sorted((float(steps[max(e.plan.qindex)]), e.rate_kbps) for e in encodes)
        base = rng.uniform(bases[0][0], bases[-1][0])
        rates = np.interp(base, [b for b, _ in bases], np.log([rate for _, rate in bases]))
        change = {name: rng.gauss(0.0, spread * usual) for name, usual in SPREAD.items()}
        design = Design(change, base, columns, steps)
        target = max(1, round(math.exp(float(rates))))
        jobs.append(store.job(str(number), instance, target, guard=False, extra=(instance, design)))
    return jobs


def gains(store: ClipStore, jobs: list[Job]) -> tuple[list[Job], np.ndarray]:
    """The jobs that ended and their gains, per cent of rate, cut at 25."""
    done_jobs, found = [], []
    for done in store.played(jobs, _decide):
        anchor = store.anchor(done.job.extra[0])
        rates = np.log(anchor.rates_kbps)
        inside = rates[0] - 0.3 < math.log(max(done.result.kbps, 1e-3)) < rates[-1] + 0.3
        if not done.error and inside:
            gain_db = done.quality_db - anchor.psnr_at(done.result.kbps)
            done_jobs.append(done.job)
            found.append(float(np.clip(anchor.percent_of(gain_db, done.result.kbps), -25.0, 25.0)))
            if len(found) % 100 == 0:
                print(f"{len(found)} encodes, gain {np.mean(found):+.2f} % of rate", flush=True)
    return done_jobs, np.array(found)


def _decide(events: np.ndarray, jobs: list[Job]) -> np.ndarray:
    return np.array([job.extra[1].answer(e) for e, job in zip(events, jobs, strict=True)], np.int32)


def report(jobs: list[Job], gain: np.ndarray, spread: float) -> None:
    """Fits and prints."""
    names = list(SPREAD)
    clips = sorted({job.extra[0].name for job in jobs})
    place = np.array([clips.index(job.extra[0].name) for job in jobs])
    z = np.array([[job.extra[1].change[name] / (SPREAD[name] * spread) for name in names] for job in jobs])
    design = np.concatenate([np.ones((len(gain), 1)), np.eye(len(clips))[place], z, z**2 - 1.0], axis=1)
    penalty = np.array([1e-6, *[2.0] * len(clips), *[2.0] * len(names), *[8.0] * len(names)])
    solution = np.linalg.solve(design.T @ design + np.diag(penalty), design.T @ gain)
    linear, squared = np.split(solution[1 + len(clips) :], 2)
    error = np.std(gain - design @ solution) / math.sqrt(len(gain))
    print(f"{len(gain)} encodes of {len(clips)} clips, standard error about {error:.2f} % of rate")
    for i, name in enumerate(names):
        best = float(np.clip(linear[i] / (2.0 * max(-squared[i], 0.15)), -1.3, 1.3))
        worth = linear[i] * best + squared[i] * best**2
        print(f"{name:16s} change by {best * SPREAD[name] * spread:+.3f} (worth {worth:+.2f} %)")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("corpus", type=Path, nargs="+")
    parser.add_argument("--config", type=Path, default=Path("configs/base.toml"))
    parser.add_argument("--encodes", type=int, default=600)
    parser.add_argument("--metric", default="psnr", help=f"what gains are by: {WORDS}")
    parser.add_argument("--clips", type=int, default=0, help="as many, drawn by the seed (default: all)")
    parser.add_argument("--spread", type=float, default=1.0, help="of the moves, in those of SPREAD")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="encodes at a time (default: %(default)s)")
    options = parser.parse_args()
    config = override(load_config(options.config), [f"reward.metric={options.metric}"])
    config = dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, augment=False),
        actor=dataclasses.replace(config.actor, encoders=options.jobs),
    )
    store = ClipStore(libvpx_engine(), config, cache_folder() / "training")
    try:
        rng = random.Random(options.seed)
        clips = [clip for folder in options.corpus for clip in find_clips(folder)]
        clips = rng.sample(clips, options.clips) if options.clips else clips
        instances = store.prepared(build_instances(clips, config.data, config.seed))
        jobs = designs(store, instances, options.encodes, rng, options.spread)
        report(*gains(store, jobs), options.spread)
    finally:
        store.close()


if __name__ == "__main__":
    main()
