r"""A shape scan of everything: layers and filter strengths beside lengths, or miniatures of the clips.

    python scripts/experiments/shape_scans.py CLIPS… -o scans.jsonl [--lengths-only] [--jobs 1]
    python scripts/experiments/shape_scans.py CLIPS… -o half.jsonl --lengths-only --changes half
    python scripts/experiments/shape_scans.py CLIPS… -o stretch.jsonl --lengths-only --set data.max_frames=48

What `rc-train shapes` tries of each clip, one number of layers and one filter strength throughout, and one
random sequence of everything; at two targets. The same command goes on where it was. Rehearsals of such a
scan try the same sequences on the clips at half, a third, … of the size, on their beginnings, or at another
`encode.cpu_used`. Needs the [train] extra.
"""

import argparse
import random
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from encoder_bridge.encode.first_pass_cache import cache_folder
from encoder_bridge.errors import UserError
from muzero_rc.config.schema import Config
from muzero_rc.config.toml_io import override
from muzero_rc.corpus.clips import find_clips
from muzero_rc.corpus.instances import Instance
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import libvpx_engine
from muzero_rc.shapes.scan import ScanPlan, scan
from muzero_rc.shapes.trials import KEEP, Trial, gops_of, length_trials, random_trial

LAYERS, STRENGTHS, RANDOM_ALL = (1,), (3,), 1
LONGEST_CLIP = 512
"""Frames. Sequences are drawn as for a clip of so many, so that a stretch of a clip is given the same."""


def all_trials(name: str, frames: int) -> Iterator[Trial]:
    """Of lengths, layers and strengths."""
    gops, rng = gops_of(frames), random.Random(zlib.crc32(f"{name} all".encode()))
    yield from length_trials(name, frames)
    for layers in LAYERS:
        yield Trial(f"layers-{layers}", ((0, layers, KEEP, KEEP),) * gops)
    for strength in STRENGTHS:
        yield Trial(f"strength-{strength}", ((0, KEEP, strength, KEEP),) * gops)
    for i in range(RANDOM_ALL):
        lengths = random_trial(f"all-{i}", rng, gops)
        varied = (
            (length, rng.choice((KEEP, KEEP, 1, 2, 3)), rng.choice((KEEP, KEEP, 0, 2, 4)), KEEP)
            for length, *_ in lengths.shapes
        )
        yield Trial(lengths.name, tuple(varied))


def main(argv: Sequence[str] | None = None) -> int:
    """The command; status 2 for what cannot be scanned."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True, help="a line for each encode")
    parser.add_argument("--changes", default="", help="what is done to the clips first, as in training")
    parser.add_argument("--lengths-only", action="store_true", help="no layers, no filter strengths")
    parser.add_argument(
        "--set", nargs="+", default=[], metavar="KEY=VALUE", help="of a training run's settings"
    )
    parser.add_argument("--places", type=float, nargs="+", default=[0.3, 0.7], help="of the targets")
    parser.add_argument("--every", type=int, default=1, help="only each so-manieth clip")
    parser.add_argument("--jobs", type=int, default=1, help="encodes at a time (default: %(default)s)")
    options = parser.parse_args(argv)
    trials = length_trials if options.lengths_only else all_trials
    suffix = f"+{options.changes}" if options.changes else ""
    try:
        config = override(Config(), [f"actor.encoders={options.jobs}", *options.set])
        clips = find_clips(*options.corpus)[:: options.every]
        random.Random(0).shuffle(clips)  # so that a part of the scan is of all kinds
        instances = [Instance(f"{path.stem}{suffix}", path.stem, (path,), options.changes) for path in clips]
        with ClipStore(libvpx_engine(), config, cache_folder() / "training") as store:
            plan = ScanPlan(options.places, lambda name, _: trials(name.removesuffix(suffix), LONGEST_CLIP))
            scan(store, instances, plan, options.output, lambda line: print(line, file=sys.stderr))
    except UserError as error:
        print(f"shape_scans: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
