"""What a slower `--cpu-used` brings, and what it costs: the other way to spend time.

    python scripts/experiments/slower_settings.py CLIPS -o rows.jsonl [--policy shapes] [--cpu-used 5,4,3,2,1]
        [--targets 2] [--limit N]

Every clip of a folder at a few targets, one encode each, in C. Gains are over the encode at cpu-used 4 of the
same clip and target, at the rate that both had, in per cent of rate; times are the second pass's CPU time
over that encode's. One line an encode is added to the file as it ends; the same command goes on where it was.
Needs the [train] extra.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from encoder_bridge.encode.first_pass_cache import cache_folder
from muzero_rc.config.schema import Config
from muzero_rc.config.toml_io import override
from muzero_rc.corpus.clips import find_clips
from muzero_rc.corpus.instances import Instance
from muzero_rc.deploy.policy_names import UnknownPolicy, resolve_deciding
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import libvpx_engine
from muzero_rc.encoding.targets import instance_targets
from muzero_rc.evaluation.statistics import bootstrap_interval
from muzero_rc.reward.outcome import gain_percent
from muzero_rc.shapes.scan_file import append_row, read_rows

USUAL = 4
SETTINGS = ("data.augment=false", "data.max_frames=100000", "actor.encoders=1", "encode.auto_alt_ref=6")

FIELDS = ("clip", "kbps_asked", "cpu_used", "kbps", "psnr_y_db", "slope_db", "encode_s")

Row = dict[str, Any]


def encodes(
    store: ClipStore, native: str, options: argparse.Namespace, ended: set[tuple[str, int, int]]
) -> Iterator[Row]:
    """Rows of the encodes that are still to be made."""
    policy = store.engine.policy(native)
    for clip in find_clips(options.clips)[: options.limit]:
        instance = Instance(clip.stem, clip.stem, (clip,))
        if not store.ready(instance):
            continue
        for kbps in instance_targets(store, instance, options.targets):
            settings = store.settings(instance, kbps)
            jobs = [
                store.job(
                    f"{clip.stem} {kbps} {speed}",
                    instance,
                    kbps,
                    settings=replace(settings, cpu_used=speed),
                    mode="policy",
                    policy=policy,
                    extra=speed,
                )
                for speed in sorted({USUAL, *options.cpu_used}, reverse=True)
                if (clip.stem, kbps, speed) not in ended
            ]
            for done in store.played(jobs):
                slope_db = store.anchor(instance).slope_db(done.result.kbps)
                yield row_of(done.job.extra, clip.stem, kbps, slope_db, done.result)


def row_of(speed: int, clip: str, kbps: int, slope_db: float, result: Any) -> Row:
    """What is kept of an encode."""
    values = (clip, kbps, speed, result.kbps, result.psnr_y_db, slope_db, result.encode_s)
    return dict(zip(FIELDS, values, strict=True))


def table(rows: Sequence[Row]) -> Iterator[str]:
    """The printed table."""
    found: dict[tuple[str, int], dict[int, Row]] = defaultdict(dict)
    for row in rows:
        found[row["clip"], row["kbps_asked"]][row["cpu_used"]] = row
    speeds = sorted({row["cpu_used"] for row in rows}, reverse=True)
    yield f"| cpu-used | gain over {USUAL} at equal rate | CPU time | clips |"
    yield "| ---: | ---: | ---: | ---: |"
    for speed in speeds:
        gains: dict[str, list[float]] = defaultdict(list)
        times: list[float] = []
        for (clip, _), by_speed in found.items():
            if speed not in by_speed or USUAL not in by_speed:
                continue
            ours, theirs = by_speed[speed], by_speed[USUAL]
            gains[clip].append(
                gain_percent(
                    ours["kbps"], ours["psnr_y_db"], theirs["kbps"], theirs["psnr_y_db"], theirs["slope_db"]
                )
            )
            times.append(ours["encode_s"] / theirs["encode_s"])
        means = [float(np.mean(each)) for each in gains.values()]
        low, high = bootstrap_interval(means)
        gain = f"{np.mean(means):+.2f} % ({low:+.2f} … {high:+.2f})"
        yield f"| {speed} | {gain} | {np.exp(np.mean(np.log(times))):.2f} | {len(means)} |"


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--policy", default="shapes")
    parser.add_argument(
        "--cpu-used",
        type=lambda text: tuple(map(int, text.split(","))),
        default=(5, 4, 3, 2, 1),
        metavar="N,N",
        help="(default: 5,4,3,2,1)",
    )
    parser.add_argument("--targets", type=int, default=2, help="of each clip (default: %(default)s)")
    parser.add_argument("--limit", type=int, help="takes so many clips only")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    options = arguments(argv)
    try:
        ref = resolve_deciding(options.policy)
    except UnknownPolicy as error:
        print(f"slower_settings: {error}", file=sys.stderr)
        return 2
    rows = list(read_rows(options.output, FIELDS, "run of settings")) if options.output.exists() else []
    ended = {(row["clip"], row["kbps_asked"], row["cpu_used"]) for row in rows}
    config = override(Config(), SETTINGS)
    with ClipStore(libvpx_engine(), config, cache_folder() / "training") as store:
        for row in encodes(store, ref.native, options, ended):
            append_row(options.output, row)
            rows.append(row)
    print("\n".join(table(rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
