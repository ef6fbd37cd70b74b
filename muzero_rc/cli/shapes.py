"""rc-train shapes: trains a policy of GOP shapes on clips."""

import argparse
import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from muzero_rc.cli.common import DONE, Usage, add_farm, add_libvpx, tell

if TYPE_CHECKING:
    from muzero_rc.config.schema import Config

PLACES = (0.4,)
ANCHOR_LEVELS = (46, 26)
"""Two encodes tell a curve's slope; a run of `rc-train run` uses more."""


def add_shapes(verbs: Any) -> None:
    """Adds the verb to rc-train's."""
    verb = verbs.add_parser(
        "shapes",
        help="train a policy of GOP shapes, the kind that runs by default",
        description="Encodes every clip under 12 sequences of GOP lengths, fits networks to what they were "
        "worth, and writes a policy file. Of a long clip the first frames are used (--set data.max_frames=N, "
        "140 unless changed). It may be killed at any moment: the same command goes on.",
    )
    verb.add_argument("corpus", metavar="CLIPS", nargs="+", help="folders of clips, or clips")
    verb.add_argument("-o", "--output", metavar="X.safetensors", required=True, help="the policy file")
    verb.add_argument(
        "--scans",
        metavar="FILE",
        nargs="+",
        help="fit to scans of these clips that were made before, encode nothing",
    )
    verb.add_argument(
        "--run-dir", metavar="DIR", help="keeps the scan (default: the policy file's name, ending in .run)"
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
        "--metric",
        metavar="psnr|ssim|vmaf|MIX",
        default="psnr",
        help="what encodes are to gain at; a mix is written psnr:0.5,vmaf:0.5 (default: %(default)s)",
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
    verb.add_argument(
        "--set",
        metavar="A.B=C",
        action="append",
        default=[],
        help="change a setting of encodes, such as encode.cpu_used=2; may be given again",
    )
    verb.add_argument(
        "--jobs",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="encodes at a time (default: one a processor)",
    )
    add_farm(verb)
    add_libvpx(verb)
    verb.set_defaults(body=train_shapes)


def train_shapes(args: argparse.Namespace) -> int:
    """Scans, fits, writes the policy file, and prints its name."""
    from encoder_bridge.encode.first_pass_cache import cache_folder
    from muzero_rc.corpus.clips import find_clips
    from muzero_rc.shapes.left_out import originals
    from muzero_rc.shapes.train import check_folds, fit_policy

    output = Path(args.output)
    _check(args, output)
    config = _config(args)
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


def _check(args: argparse.Namespace, output: Path) -> None:
    if not output.parent.is_dir():
        raise Usage(f"{output}: the folder {output.parent} does not exist")
    if output.is_dir():
        raise Usage(f"{output} is a folder: name a file")
    if args.folds < 0 or args.folds == 1:
        raise Usage(f"--folds {args.folds}: use 2 or more")
    if args.jobs < 1:
        raise Usage(f"--jobs {args.jobs}: at least 1 is needed")
    wrong = [place for place in args.places if not 0.0 <= place <= 1.0]
    if wrong:
        raise Usage(f"--places {wrong[0]:g}: use numbers from 0 to 1")
    if args.scans and args.run_dir:
        raise Usage("--run-dir keeps a new scan, and with --scans there is none: leave one out")


def _config(args: argparse.Namespace) -> "Config":
    from muzero_rc.config.schema import Config
    from muzero_rc.config.toml_io import override

    defaults = (f"data.anchor_cq_levels={list(ANCHOR_LEVELS)}", f'reward.metric="{args.metric}"')
    return override(Config(), (*defaults, *args.set))


def _scanned(args: argparse.Namespace, config: "Config", clips: list[Path]) -> Path:
    from encoder_bridge.encode.first_pass_cache import cache_folder
    from muzero_rc.distributed.farm import open_farm
    from muzero_rc.encoding.engine import libvpx_engine
    from muzero_rc.shapes.train import scan_clips

    folder = Path(args.run_dir) if args.run_dir else Path(args.output).with_suffix(".run")
    with closing(open_farm(args.farm, args.jobs)) as farm:
        return scan_clips(
            clips,
            config,
            args.places,
            folder,
            engine=libvpx_engine(),
            cache=cache_folder() / "training",
            farm=farm,
            report=tell,
        )
