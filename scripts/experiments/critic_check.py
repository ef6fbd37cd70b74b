"""What critic and model know, on clips that were not trained on.

    scripts/experiments/critic_check.py RUN_DIR CLIPS [--groups 16]

Plays groups round the controller's plan on CLIPS, a folder of clips none of which RUN_DIR was trained on
(`muzero_rc/demonstrations/perturbed_controller.py`; they are kept in the cache), and asks the averaged
weights of RUN_DIR's newest checkpoint. Prints, at 20, 40, 60 and 80 % of the coded frames, how what the
critic says of the final gain correlates within an instance and target with what came, and how the running
difference to the paired encode does; how often what came lies within the critic's 80 % interval; the Huber
loss of the model's log bits one frame ahead, and that of the controller's expectation less 1.1 octaves of
bits for each octave of the quantizer step; and the model's error of quality.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import jax

from encoder_bridge.encode.first_pass_cache import cache_folder
from muzero_rc.agent.learner import make_learner
from muzero_rc.agent.networks import make_networks
from muzero_rc.config.schema import Config
from muzero_rc.corpus.clips import find_clips
from muzero_rc.demonstrations.registry import demonstrations
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import libvpx_engine
from muzero_rc.errors import RunError
from muzero_rc.experience.episode import Episode
from muzero_rc.experience.paired import PairedEncodes, is_controllers
from muzero_rc.reward.rules import rule_of
from muzero_rc.training import checkpoint
from muzero_rc.training.checks import PARTS, Checks, critic_figures
from muzero_rc.training.run_dir import load_run_config
from muzero_rc.types import Params


def restored(run_dir: Path, config: Config, store: ClipStore) -> tuple[Params, int]:
    """The averaged weights of the newest whole checkpoint, and its step."""
    learner = make_learner(config, make_networks(config.network, store.engine.widths))
    found = checkpoint.load_latest(run_dir / "checkpoints", learner.init(jax.random.PRNGKey(0)))
    if found is None:
        raise RunError(f"run folder {run_dir} has no whole checkpoint")
    return found[0].average, int(found[0].step)


def parser_of(description: str) -> argparse.ArgumentParser:
    """Of a command that takes a run folder and clips for it."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run_dir", type=Path, metavar="RUN_DIR")
    parser.add_argument(
        "clips", type=Path, metavar="CLIPS", help="a folder of clips, none of them trained on"
    )
    return parser


def played(store: ClipStore, clips: Path, cache: Path, pairs: PairedEncodes) -> list[Episode]:
    """Groups round the controller's plan, measured against the paired encodes, which `pairs` learns."""
    instances = store.prepared_corpus(find_clips(clips))
    episodes = list(demonstrations(store, instances, cache / "demonstrations"))
    for episode in episodes:
        if is_controllers(episode):
            pairs.add(episode)
    return [pairs.paired(one) for one in episodes if not is_controllers(one)]


def told(figures: Mapping[str, float]) -> Iterator[str]:
    """The figures, as lines of Markdown."""
    parts = [f"{100 * part:.0f}" for part in PARTS]
    yield "| correlation within an instance | " + " | ".join(f"{part} %" for part in parts) + " |"
    yield "| --- |" + " ---: |" * len(parts)
    for name, words in (("running", "running difference alone"), ("critic", "critic")):
        yield f"| {words} | " + " | ".join(f"{figures[f'{name}_{part}']:.2f}" for part in parts) + " |"
    yield ""
    yield f"Came within the critic's 80 % interval: {100.0 * figures['critic_coverage']:.0f} %."
    yield (
        f"Model one frame ahead: Huber of log bits {figures['bits_huber']:.4f} (what it begins with "
        f"{figures['forecast_bits_huber']:.4f}), quality {figures['quality_rms_db']:.2f} dB RMS."
    )


def main() -> None:
    """The command."""
    parser = parser_of(str(__doc__))
    parser.add_argument("--groups", type=int, default=16, metavar="N", help="(default: %(default)s)")
    cache = cache_folder() / "training"
    parser.add_argument("--cache", type=Path, default=cache, metavar="DIR", help="the one of training")
    options = parser.parse_args()
    config = load_run_config(options.run_dir)
    asked = replace(config.demonstrations, controller_groups=options.groups, cq_levels=(), swept=0)
    config = replace(config, data=replace(config.data, augment=False), demonstrations=asked)
    with ClipStore(libvpx_engine(), config, options.cache) as store:
        pairs = PairedEncodes(store.anchor)
        episodes = played(store, options.clips, options.cache, pairs)
        params, step = restored(options.run_dir, config, store)
        print(f"{len(episodes)} episodes, weights of step {step}", file=sys.stderr, flush=True)
        checks = Checks(make_networks(config.network, store.engine.widths), config, store, pairs)
        figures = critic_figures(checks.critic(params, episodes, rule_of(config.reward)))
        print("\n".join(told(figures | checks.model(params, episodes))))


if __name__ == "__main__":
    main()
