r"""Shape scans: every clip encoded under many GOP shapes, at two targets each, on the controller's offsets.

    python scripts/experiments/shape_scans.py CLIPS… -o scans.jsonl [--changes half] [--jobs 1]

Of each clip: libvpx's own shapes; uniform lengths; random sequences of lengths, GOP by GOP; one number of
layers and one filter strength throughout. Targets lie at `--places` between the lowest and the highest rate
of the clip's constant-quality curve, on a log scale. `--lengths-only` leaves layers and strengths out. One
line an encode is added to the file as it ends; the same command goes on where it was. `--changes half`
scans the clips at half size. Needs the [train] extra.
"""

import argparse
import json
import random
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from encoder_bridge import _native
from encoder_bridge.encode.batch import BatchResult, Job
from encoder_bridge.encode.first_pass_cache import cache_folder
from encoder_bridge.media.psnr import psnr_db
from muzero_rc.config.schema import Config
from muzero_rc.corpus.clips import CorpusError, find_clips
from muzero_rc.corpus.instances import Instance
from muzero_rc.deploy.policy_names import CONTROLLER
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import libvpx_engine

OWN = "own"
UNIFORM = (8, 12, 16, 20)
LAYERS = (1,)
STRENGTHS = (3,)
RANDOM_LENGTHS, RANDOM_ALL = 7, 1
SHORTEST, LONGEST = 4, 23
KEEP = -1
"""In a shape: as the encoder is set."""

Shape = tuple[int, int, int, int]
"""Length (0: libvpx's own), layers, filter strength and frames (`KEEP`: as set)."""


@dataclass(frozen=True)
class Trial:
    """One sequence of shapes; the last one holds for the rest of the clip."""

    name: str
    shapes: tuple[Shape, ...]


def random_trial(name: str, rng: random.Random, gops: int, *, everything: bool) -> Trial:
    """Lengths round a mean of the sequence's own, so that long and short ones are both seen whole."""
    mean = rng.uniform(6.0, 22.0)
    shapes = []
    for _ in range(gops):
        length = round(min(LONGEST, max(SHORTEST, rng.gauss(mean, 4.0))))
        layers = rng.choice((KEEP, KEEP, 1, 2, 3)) if everything else KEEP
        strength = rng.choice((KEEP, KEEP, 0, 2, 4)) if everything else KEEP
        shapes.append((length, layers, strength, KEEP))
    return Trial(name, tuple(shapes))


def trials_of(instance: Instance, frames: int, *, everything: bool) -> Iterator[Trial]:
    """What is tried on a clip: the same for all its targets."""
    gops = frames // SHORTEST + 2
    rng = random.Random(zlib.crc32(instance.name.encode()))
    yield Trial(OWN, ())
    for length in UNIFORM:
        yield Trial(f"length-{length}", ((length, KEEP, KEEP, KEEP),) * gops)
    for i in range(RANDOM_LENGTHS):
        yield random_trial(f"random-{i}", rng, gops, everything=False)
    if not everything:
        return
    for layers in LAYERS:
        yield Trial(f"layers-{layers}", ((0, layers, KEEP, KEEP),) * gops)
    for strength in STRENGTHS:
        yield Trial(f"strength-{strength}", ((0, KEEP, strength, KEEP),) * gops)
    for i in range(RANDOM_ALL):
        yield random_trial(f"all-{i}", rng, gops, everything=True)


def targets_of(store: ClipStore, instance: Instance, places: Sequence[float]) -> list[int]:
    """The targets at some places of a clip's anchor curve."""
    rates = store.anchor(instance).rates_kbps
    return [max(1, round(rates[0] ** (1.0 - at) * rates[-1] ** at)) for at in places]


def jobs_of(
    store: ClipStore,
    instances: Sequence[Instance],
    done: set[tuple[str, int, str]],
    options: argparse.Namespace,
) -> Iterator[Job]:
    """The encodes that are still to be made, clip after clip."""
    policy = _native.Policy(CONTROLLER)
    for instance in instances:
        frames = len(store.raw_clip(instance))
        for kbps in targets_of(store, instance, options.places):
            for trial in trials_of(instance, frames, everything=not options.lengths_only):
                if (instance.name, kbps, trial.name) in done:
                    continue
                shapes = np.array(trial.shapes, np.int32).reshape(-1, 4)
                yield store.job(
                    f"{instance.name}|{kbps}|{trial.name}",
                    instance,
                    kbps,
                    mode="policy",
                    policy=policy,
                    shapes=shapes if len(shapes) else None,
                    extra=(instance, trial),
                )


def row_of(store: ClipStore, done: BatchResult) -> dict[str, Any]:
    """What is kept of an encode; the gain is in per cent of rate over constant quality's curve."""
    instance, trial = done.job.extra
    result, anchor = done.result, store.anchor(instance)
    gain_db = result.psnr_y_db - anchor.psnr_at(result.kbps)
    pixels = result.config.width * result.config.height
    columns = ("frame_type", "layer", "show_index", "gop_index", "qindex", "bits")
    return {
        "clip": instance.name,
        "kbps_asked": result.config.target_kbps,
        "trial": trial.name,
        "shapes": trial.shapes,
        "kbps": result.kbps,
        "psnr_y_db": result.psnr_y_db,
        "summed_psnr_y_db": float(psnr_db(np.mean(result.shown["sse_y"]), pixels)),
        "gain": anchor.percent_of(gain_db, result.kbps),
        "db_per_percent": gain_db / anchor.percent_of(gain_db, result.kbps) if gain_db else 0.0,
        "encode_s": result.encode_s,
        "frames": {name: result.records[name].tolist() for name in columns},
        "frame_psnr": np.round(psnr_db(result.shown["sse_y"], pixels), 3).tolist(),
    }


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True, help="a line for each encode")
    parser.add_argument("--changes", default="", help="what is done to the clips first, as in training")
    parser.add_argument("--places", type=float, nargs="+", default=[0.3, 0.7], help="of the targets")
    parser.add_argument("--lengths-only", action="store_true")
    parser.add_argument("--cq-levels", type=int, nargs="+", default=[52, 44, 36, 28, 20], help="of the curve")
    parser.add_argument("--every", type=int, default=1, help="only each so-manieth clip")
    parser.add_argument("--jobs", type=int, default=1, help="encodes at a time (default: %(default)s)")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; status 2 for a folder without clips."""
    options = arguments(argv)
    try:
        clips = [clip for folder in options.corpus for clip in find_clips(folder)][:: options.every]
    except CorpusError as error:
        print(f"shape_scans: {error}", file=sys.stderr)
        return 2
    random.Random(0).shuffle(clips)  # so that a part of the scan is of all kinds
    config = Config()
    config = replace(
        config,
        actor=replace(config.actor, encoders=options.jobs),
        data=replace(config.data, anchor_cq_levels=tuple(options.cq_levels)),
    )
    ended = set()
    if options.output.exists():
        rows = map(json.loads, options.output.read_text().splitlines())
        ended = {(row["clip"], row["kbps_asked"], row["trial"]) for row in rows}
    changes = f"+{options.changes}" if options.changes else ""
    instances = [Instance(f"{path.stem}{changes}", path.stem, (path,), options.changes) for path in clips]
    with ClipStore(libvpx_engine(), config, cache_folder() / "training") as store:
        for number, instance in enumerate(instances, 1):
            for done in store.played(jobs_of(store, store.prepared([instance]), ended, options)):
                with options.output.open("a") as file:
                    file.write(json.dumps(row_of(store, done)) + "\n")
            print(f"{number} of {len(instances)} clips", file=sys.stderr, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
