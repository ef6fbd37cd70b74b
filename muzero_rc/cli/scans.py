"""What rc-train's verbs that scan clips have in common: options, their checks, the config of a scan."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from muzero_rc.cli.common import Usage, add_farm, add_libvpx

if TYPE_CHECKING:
    from muzero_rc.config.schema import Config

ANCHOR_LEVELS = (46, 26)
"""Two encodes tell a curve's slope; a run of `rc-train run` uses more."""


def add_scan_options(verb: Any, keeps: str) -> None:
    """Adds clips, output, and how encodes are made.

    Args:
      verb: the parser.
      keeps: what the run folder keeps, in words.
    """
    verb.add_argument("corpus", metavar="CLIPS", nargs="+", help="folders of clips, or clips")
    verb.add_argument("-o", "--output", metavar="X.safetensors", required=True, help="the policy file")
    verb.add_argument(
        "--run-dir",
        metavar="DIR",
        help=f"keeps the {keeps} (default: the policy file's name, ending in .run)",
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


def check_scan_options(args: argparse.Namespace) -> None:
    """Raises Usage where they cannot be right."""
    output = Path(args.output)
    if not output.parent.is_dir():
        raise Usage(f"{output}: the folder {output.parent} does not exist")
    if output.is_dir():
        raise Usage(f"{output} is a folder: name a file")
    if args.jobs < 1:
        raise Usage(f"--jobs {args.jobs}: at least 1 is needed")


def scan_config(args: argparse.Namespace) -> "Config":
    """Of the encoder, the anchor curves and the metric."""
    from muzero_rc.config.schema import Config
    from muzero_rc.config.toml_io import override

    defaults = (f"data.anchor_cq_levels={list(ANCHOR_LEVELS)}", f'reward.metric="{args.metric}"')
    return override(Config(), (*defaults, *args.set))


def run_folder(args: argparse.Namespace) -> Path:
    """Where the scan is kept."""
    return Path(args.run_dir) if args.run_dir else Path(args.output).with_suffix(".run")
