"""Search at inference: the same weights by the policy head alone and with search.

    scripts/experiments/search_at_use.py RUN_DIR CLIPS --simulations 0,16,32

Plays the averaged weights of RUN_DIR's newest checkpoint without noise on CLIPS, at the targets of the
ladder beside them, one encode each: 0 simulations is the policy head as it is deployed. Search is told
the GOPs that the first of these runs had, which at use would take an encode more: it is an upper bound.
Prints BD-rate to VBR and to constant quality, how the budget was kept, and how long it all took.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from critic_check import parser_of, restored

from encoder_bridge.encode.first_pass_cache import cache_folder
from muzero_rc.acting.actor import Actor
from muzero_rc.acting.assignment import Assignment
from muzero_rc.agent.networks import make_networks
from muzero_rc.config.schema import Config
from muzero_rc.corpus.clips import find_clips
from muzero_rc.corpus.instances import Instance
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import libvpx_engine
from muzero_rc.experience.episode import PAIRED
from muzero_rc.experience.known_schedules import KnownSchedules
from muzero_rc.experience.opponents import Opponents
from muzero_rc.experience.paired import PairedEncodes
from muzero_rc.reward.rules import rule_of
from muzero_rc.training.run_dir import load_run_config
from muzero_rc.training.validation import VBR, Points, Validation, figures
from muzero_rc.types import Params


def with_simulations(config: Config, simulations: int) -> Config:
    """The run's config with so much search; none for 0."""
    if simulations == 0:
        return replace(config, search=replace(config.search, enabled=False))
    return replace(config, search=replace(config.search, enabled=True, simulations=simulations))


def played(
    store: ClipStore, validation: Validation, config: Config, params: Params, schedules: KnownSchedules
) -> Points:
    """Every trial of the validation, played without noise; adds their GOPs to `schedules`."""
    networks, pairs = make_networks(config.network, store.engine.widths), PairedEncodes(store.anchor)
    networks, pairs = make_networks(config.network, store.engine.widths), PairedEncodes(store.anchor)
    actor = Actor(store, networks, config, schedules, pairs)
    actor.set_weights(params, 0)
    work = (Assignment(i, t.instance, t.target_kbps, True) for i, t in enumerate(validation.trials))
    points: Points = {}
    for episode in actor.play(work, Opponents(rule_of(config.reward)), ""):
        if episode.source == PAIRED:
            continue
        points.setdefault(episode.instance, []).append(
            (episode.target_kbps, episode.rate_kbps, episode.psnr_y_db)
        )
        schedules.add(episode)
    return {name: sorted(of_clip) for name, of_clip in points.items()}


def measure(run_dir: Path, corpus: Path, simulations: Sequence[int]) -> None:
    """Plays with each number of simulations and prints a table as it goes."""
    config = load_run_config(run_dir)
    config = replace(config, data=replace(config.data, augment=False))
    cache = cache_folder() / "training"
    with ClipStore(libvpx_engine(), config, cache) as store:
        params, step = restored(run_dir, config, store)
        clips = [Instance(f"validation/{path.stem}", path.stem, (path,)) for path in find_clips(corpus)]
        validation = Validation(store, store.prepared(clips), config, cache)
        vbr, schedules = validation.baseline(VBR), KnownSchedules()
        print(f"Weights of step {step}, {len(validation.trials)} encodes a row.\n")
        print("| simulations | to VBR | to constant quality | worse clips | over | fill | wall time, s |")
        print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
        for count in simulations:
            began = time.monotonic()
            points = played(store, validation, with_simulations(config, count), params, schedules)
            found, seconds = figures(store, points, vbr), time.monotonic() - began
            print(
                f"| {count} | {found['bd_vbr']:+.2f} % | {found['bd_quality']:+.2f} % | "
                f"{found['worse_clips']:.0f} of {found['clips']:.0f} | {100 * found['over']:.1f} % | "
                f"{found['fill']:.3f} | {seconds:.0f} |",
                flush=True,
            )
        for name, why in store.failures.items():
            print(f"{name}: {why}", file=sys.stderr)


def main() -> None:
    """The command."""
    parser = parser_of(str(__doc__))
    parser.add_argument(
        "--simulations",
        type=lambda text: [int(part) for part in text.split(",")],
        default=[0, 16, 32],
        metavar="N,N",
        help="a row of the table for each (default: 0,16,32)",
    )
    options = parser.parse_args()
    measure(options.run_dir, options.clips, options.simulations)


if __name__ == "__main__":
    main()
