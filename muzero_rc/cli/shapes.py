"""rc-train shapes: trains a policy of GOP shapes on clips."""

import argparse
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from muzero_rc.cli.common import DONE, Usage, tell
from muzero_rc.cli.scans import add_scan_options, check_scan_options, run_folder, scan_config

if TYPE_CHECKING:
    from muzero_rc.config.schema import Config

PLACES = (0.4,)


def add_shapes(verbs: Any) -> None:
    """Adds the verb to rc-train's."""
    verb = verbs.add_parser(
        "shapes",
        help="train a policy of GOP shapes, the kind that runs by default",
        description="Encodes every clip under 12 sequences of GOP lengths, fits networks to what they were "
        "worth, and writes a policy file. Of a long clip the first frames are used (--set data.max_frames=N, "
        "140 unless changed). It may be killed at any moment: the same command goes on.",
    )
    add_scan_options(verb, "scan")
    verb.add_argument(
        "--scans",
        metavar="FILE",
        nargs="+",
        help="fit to scans of these clips that were made before, encode nothing",
    )
    verb.add_argument(
        "--places",
        metavar="X",
        type=float,
        nargs="+",
        default=PLACES,
        help="targets of each clip, between the lowest (0) and the highest rate (1) of its constant-quality "
        "curve (default: 0.4)",
    )
    verb.add_argument(
        "--folds",
        type=int,
        default=0,
        metavar="N",
        help="first try the fit on clips left out, in N parts; clips of one original (name-01, name-02) stay "
        "together",
    )
    verb.add_argument(
        "--careful",
        action="store_true",
        help="the policy leaves GOPs that are unlike those of the clips to libvpx",
    )
    verb.set_defaults(body=train_shapes)


def train_shapes(args: argparse.Namespace) -> int:
    """Scans, fits, writes the policy file, and prints its name."""
    from encoder_bridge.encode.first_pass_cache import cache_folder
    from muzero_rc.corpus.clips import find_clips
    from muzero_rc.shapes.left_out import originals
    from muzero_rc.shapes.train import check_folds, fit_policy

    output = Path(args.output)
    _check(args)
    config = scan_config(args)
    clips = {path.stem: path for path in find_clips(*map(Path, args.corpus))}
    if args.folds:
        check_folds(args.folds, originals(clips))
    scans = [Path(name) for name in args.scans or ()] or [_scanned(args, config, list(clips.values()))]
    fit_policy(
        scans,
        clips,
        output,
        metric=config.reward.metric,
        folds=args.folds,
        careful=args.careful,
        cache=cache_folder() / "training",
        report=tell,
    )
    print(output)
    return DONE


def _check(args: argparse.Namespace) -> None:
    check_scan_options(args)
    if args.folds < 0 or args.folds == 1:
        raise Usage(f"--folds {args.folds}: use 2 or more")
    wrong = [place for place in args.places if not 0.0 <= place <= 1.0]
    if wrong:
        raise Usage(f"--places {wrong[0]:g}: use numbers from 0 to 1")
    if args.scans and args.run_dir:
        raise Usage("--run-dir keeps a new scan, and with --scans there is none: leave one out")


def _scanned(args: argparse.Namespace, config: "Config", clips: list[Path]) -> Path:
    from encoder_bridge.encode.first_pass_cache import cache_folder
    from muzero_rc.distributed.farm import open_farm
    from muzero_rc.encoding.engine import libvpx_engine
    from muzero_rc.shapes.train import scan_clips

    with closing(open_farm(args.farm, args.jobs)) as farm:
        return scan_clips(
            clips,
            config,
            args.places,
            run_folder(args),
            engine=libvpx_engine(),
            cache=cache_folder() / "training",
            farm=farm,
            report=tell,
        )
