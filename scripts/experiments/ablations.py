"""Ablations on a toy whose best plan is known: what each part of the learning is worth, one at a time.

    python scripts/experiments/ablations.py [--episodes 640] [--seeds 1,2] [--only NAME,NAME]

The toy is a budget to be split between easy and hard scenes on the fake encoder, one clip, any target (the
one of tests/training). For every variant: how far the noise-free episodes stay under the best plan's PSNR,
among the first and the last of them, mean over seeds; a minute or two of one core for each run.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from support.learn_samples import fake_engine, toy_config, toy_corpus

from encoder_bridge.testing.knapsack_optimum import TOY_CONFIG, toy_optimum
from muzero_rc.experience.episode import Episode
from muzero_rc.experience.episode_log import read_log
from muzero_rc.training.train import train

VARIANTS: dict[str, tuple[str, ...]] = {
    "as it is": (),
    "search off": ("search.enabled=false",),
    "reward: paper": ("reward.rule=paper",),
    "reward: fixed opponent": ("reward.rule=fixed",),
    "reward: Lagrangian": ("reward.rule=lagrangian",),
    "absolute actions": ("network.action_mode=absolute",),
    "no look-ahead": ("network.look_ahead=false",),
}
AT_EITHER_END = 20  # noise-free episodes


def run(changes: Sequence[str], seed: int, episodes: int) -> tuple[float, float, float]:
    """Shortfall in dB of the first and of the last noise-free episodes, share of those that went over."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frames = toy_corpus(folder / "corpus", 1)
        config = toy_config(*changes, f"seed={seed}", f"budget.episodes={episodes}")
        train(
            config,
            folder / "corpus",
            folder / "run",
            engine=fake_engine(),
            cache=folder / "cache",
            report=lambda _: None,
        )
        greedy = [episode for episode in read_log(folder / "run" / "episodes") if episode.greedy]
    ends = greedy[:AT_EITHER_END], greedy[-AT_EITHER_END:]
    first, last = (float(np.mean([shortfall_db(frames, one) for one in end])) for end in ends)
    return first, last, float(np.mean([one.outcome.overshoot > 0.0 for one in ends[1]]))


def shortfall_db(frames: dict[str, Any], episode: Episode) -> float:
    """The best plan's PSNR at the episode's target, less its own."""
    best = toy_optimum(frames[episode.clip], TOY_CONFIG.replace(target_kbps=episode.target_kbps))
    return float(best.psnr_y_db - episode.psnr_y_db)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--episodes", type=int, default=640)
    parser.add_argument("--seeds", default="1,2")
    parser.add_argument("--only", default=",".join(VARIANTS))
    options = parser.parse_args()
    print("| change | first, dB | last, dB | over | CPU s |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name in options.only.split(","):
        began = time.process_time()
        found = [run(VARIANTS[name], int(seed), options.episodes) for seed in options.seeds.split(",")]
        first, last, over = np.mean(found, axis=0)
        each = " / ".join(f"{last:.2f}" for _, last, _ in found)
        seconds = (time.process_time() - began) / len(found)
        print(f"| {name} | {first:.2f} | {last:.2f} ({each}) | {over:.0%} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
