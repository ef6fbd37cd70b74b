"""rc-train offsets: fits the controller's constants to clips and a metric."""

import argparse
import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from muzero_rc.cli.common import DONE, Usage, add_farm, add_libvpx, tell
from muzero_rc.cli.shapes import ANCHOR_LEVELS

if TYPE_CHECKING:
    from muzero_rc.config.schema import Config


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
    verb.add_argument("corpus", metavar="CLIPS", nargs="+", help="folders of clips, or clips")
    verb.add_argument("-o", "--output", metavar="X.safetensors", required=True, help="the policy file")
    verb.add_argument(
        "--shapes", metavar="POLICY", help="a policy of GOP shapes that the new one decides them by"
    )
    verb.add_argument(
        "--run-dir", metavar="DIR", help="keeps the encodes (default: the policy file's name, ending in .run)"
    )
    verb.add_argument("--rounds", type=int, default=3, metavar="N", help="(default: %(default)s)")
    verb.add_argument(
        "--encodes",
        type=int,
        default=600,
        metavar="N",
        help="of a round, an even number (default: %(default)s)",
    )
    verb.add_argument(
        "--metric",
        metavar="psnr|ssim|vmaf|MIX",
        default="psnr",
        help="what encodes are to gain at; a mix is written vmaf:0.5,vmaf-neg:0.5 (default: %(default)s)",
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
    verb.set_defaults(body=train_moves)


def train_moves(args: argparse.Namespace) -> int:
    """Encodes, fits, writes the policy file, and prints its name."""
    from encoder_bridge.encode.first_pass_cache import cache_folder
    from muzero_rc.corpus.clips import find_clips
    from muzero_rc.distributed.farm import open_farm
    from muzero_rc.encoding.engine import libvpx_engine
    from muzero_rc.offsets.train import Rounds, train_offsets

    output = Path(args.output)
    _check(args, output)
    config, shapes = _config(args), _shapes(args)
    folder = Path(args.run_dir) if args.run_dir else output.with_suffix(".run")
    with closing(open_farm(args.farm, args.jobs)) as farm:
        train_offsets(
            find_clips(*map(Path, args.corpus)),
            config,
            Rounds(args.rounds, args.encodes),
            folder,
            output,
            shapes=shapes,
            engine=libvpx_engine(),
            cache=cache_folder() / "training",
            farm=farm,
            report=tell,
        )
    print(output)
    return DONE


def _check(args: argparse.Namespace, output: Path) -> None:
    if not output.parent.is_dir():
        raise Usage(f"{output}: the folder {output.parent} does not exist")
    if output.is_dir():
        raise Usage(f"{output} is a folder: name a file")
    if args.rounds < 1:
        raise Usage(f"--rounds {args.rounds}: at least 1 is needed")
    if args.encodes < 2 or args.encodes % 2:
        raise Usage(f"--encodes {args.encodes}: use an even number, at least 2")
    if args.jobs < 1:
        raise Usage(f"--jobs {args.jobs}: at least 1 is needed")


def _config(args: argparse.Namespace) -> "Config":
    from muzero_rc.config.schema import Config
    from muzero_rc.config.toml_io import override

    levels = f"data.anchor_cq_levels={list(ANCHOR_LEVELS)}"
    return override(Config(), (levels, f'reward.metric="{args.metric}"', *args.set))


def _shapes(args: argparse.Namespace) -> Path | None:
    from muzero_rc.deploy.policy_file import read_metadata
    from muzero_rc.deploy.policy_names import resolve

    if args.shapes is None:
        return None
    path = resolve(args.shapes).path
    if path is None or "shapes" not in read_metadata(path):
        raise Usage(f"--shapes {args.shapes}: it decides no GOP shapes")
    return path
