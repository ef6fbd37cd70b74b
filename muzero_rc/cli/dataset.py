"""rc-train dataset: episodes as a Minari data set, for learning without an encoder."""

import argparse
import sys
from pathlib import Path
from typing import Any

from muzero_rc.cli.common import DONE, Usage, add_encoder_options, add_libvpx, encoder_config
from muzero_rc.utils.bitrate import parse_kbps


def add_dataset(verbs: Any) -> None:
    """Adds the verb to rc-train's."""
    verb = verbs.add_parser(
        "dataset",
        help="write episodes as a Minari data set, to learn from without an encoder",
        description="Writes episodes of Vp9Encode-v0 as a Minari data set: a run's own, encoded again "
        "decision by decision, or scans of clips: the controller, random GOP shapes, random offsets by layer "
        "and both.",
    )
    verb.add_argument("source", metavar="RUN_DIR|CORPUS", help="a run's folder, or clips to scan")
    verb.add_argument("-o", "--output", metavar="NAME", required=True, help="such as vp9/encode/scans-v0")
    verb.add_argument("--corpus", metavar="CLIPS", help="with RUN_DIR: the clips that the run learned on")
    verb.add_argument(
        "--folder", metavar="DIR", help="of all data sets (default: Minari's, $MINARI_DATASETS_PATH)"
    )
    verb.add_argument(
        "--bitrates", metavar="R,...", help="of every clip (default: two of ladder-pyramid.csv beside them)"
    )
    verb.add_argument(
        "--episodes", type=int, default=8, metavar="N", help="of each clip and target (default: %(default)s)"
    )
    verb.add_argument("--max-frames", type=int, metavar="N", help="of each clip (default: all)")
    verb.add_argument("--seed", type=int, default=0, metavar="N", help="of the scans (default: %(default)s)")
    add_encoder_options(verb, cpu_used=4)
    add_libvpx(verb)
    verb.set_defaults(body=write)


def write(args: argparse.Namespace) -> int:
    """Writes the data set; prints its folder."""
    from muzero_rc.experience.minari_writer import datasets_folder

    folder = datasets_folder() if args.folder is None else Path(args.folder)
    source = Path(args.source)
    if args.episodes < 1:
        raise Usage(f"--episodes {args.episodes}: use 1 or more")
    print((_run if (source / "run.json").exists() else _scans)(args, source, folder))
    return DONE


def _scans(args: argparse.Namespace, corpus: Path, folder: Path) -> Path:
    from muzero_rc.experience.offline_dataset import ScanPlan, scanned, write_dataset

    if args.corpus is not None:
        raise Usage("--corpus goes with a run's folder: name the clips once")
    bitrates = () if args.bitrates is None else tuple(parse_kbps(text) for text in args.bitrates.split(","))
    plan = ScanPlan(bitrates, args.episodes, args.max_frames, args.seed)
    config = encoder_config(args)
    words = f"Scans of {corpus.name}, {args.episodes} episodes a clip and target, seed {args.seed}."
    return write_dataset(scanned(corpus, config, plan), args.output, folder, words, _report)


def _run(args: argparse.Namespace, run_dir: Path, folder: Path) -> Path:
    from encoder_bridge.encode.first_pass_cache import cache_folder
    from muzero_rc.encoding.clip_store import ClipStore
    from muzero_rc.encoding.engine import libvpx_engine
    from muzero_rc.experience.offline_dataset import of_run, write_dataset
    from muzero_rc.training.run_dir import load_run_config

    if args.corpus is None:
        raise Usage("a run's folder needs --corpus: the clips that it learned on")
    config = load_run_config(run_dir)
    with ClipStore(libvpx_engine(), config, cache_folder() / "training") as store:
        episodes = of_run(run_dir, Path(args.corpus), config, store)
        return write_dataset(episodes, args.output, folder, f"Episodes of the run {run_dir.name}.", _report)


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
