"""rc-train offsets: fits the controller's constants to clips and a metric."""

import argparse
from contextlib import closing
from pathlib import Path
from typing import Any

from muzero_rc.cli.common import DONE, Usage, tell
from muzero_rc.cli.scans import add_scan_options, check_scan_options, run_folder, scan_config


def add_offsets(verbs: Any) -> None:
    """Adds the verb to rc-train's."""
    verb = verbs.add_parser(
        "offsets",
        help="fit the controller's constants to clips and a metric",
        description="Encodes clips with the constants of the controller moved at random, fits gains to the "
        "moves, goes on around the best ones, and writes a policy file. Of a long clip the first "
        "frames are used (--set data.max_frames=N, 140 unless changed). It may be killed at any moment: the "
        "same command goes on.",
    )
    add_scan_options(verb, "encodes")
    verb.add_argument(
        "--shapes", metavar="POLICY", help="a policy of GOP shapes that the new one decides them by"
    )
    verb.add_argument("--rounds", type=int, default=3, metavar="N", help="(default: %(default)s)")
    verb.add_argument(
        "--encodes",
        type=int,
        default=600,
        metavar="N",
        help="of a round, an even number (default: %(default)s)",
    )
    verb.set_defaults(body=train_moves)


def train_moves(args: argparse.Namespace) -> int:
    """Encodes, fits, writes the policy file, and prints its name."""
    from encoder_bridge.encode.first_pass_cache import cache_folder
    from muzero_rc.corpus.clips import find_clips
    from muzero_rc.distributed.farm import open_farm
    from muzero_rc.encoding.engine import libvpx_engine
    from muzero_rc.offsets.train import Rounds, train_offsets

    _check(args)
    config, shapes = scan_config(args), _shapes(args)
    with closing(open_farm(args.farm, args.jobs)) as farm:
        train_offsets(
            find_clips(*map(Path, args.corpus)),
            config,
            Rounds(args.rounds, args.encodes),
            run_folder(args),
            Path(args.output),
            shapes=shapes,
            engine=libvpx_engine(),
            cache=cache_folder() / "training",
            farm=farm,
            report=tell,
        )
    print(args.output)
    return DONE


def _check(args: argparse.Namespace) -> None:
    check_scan_options(args)
    if args.rounds < 1:
        raise Usage(f"--rounds {args.rounds}: at least 1 is needed")
    if args.encodes < 2 or args.encodes % 2:
        raise Usage(f"--encodes {args.encodes}: use an even number, at least 2")


def _shapes(args: argparse.Namespace) -> Path | None:
    from muzero_rc.deploy.policy_file import read_metadata
    from muzero_rc.deploy.policy_names import resolve

    if args.shapes is None:
        return None
    path = resolve(args.shapes).path
    if path is None or "shapes" not in read_metadata(path):
        raise Usage(f"--shapes {args.shapes}: it decides no GOP shapes")
    return path
