"""Which GOP lengths the first candidates should have: one encode with each, every order of them spliced.

    scripts/experiments/candidate_orders.py FILMS -o rows.jsonl [--lengths 0,16,20,12,8] [--cpu-used 5]
        [--order 20,12,16,8,0 …]

Every film at two targets (those of candidates_curve.py), one encode under the policy and one with GOPs of
each length throughout (0: as libvpx chooses them). Printed: gains over the policy's own encode at equal rate,
in per cent of rate, of the splice of it and the first lengths of each order. One line an encode is added to
the file as it ends; the same command goes on where it was. Needs the [train] extra.
"""

import argparse
import math
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from candidates_curve import slope_db, two_targets

from encoder_bridge.encode.first_pass_cache import cache_folder
from encoder_bridge.encode.gop_shapes import GopShape
from encoder_bridge.media.psnr import psnr_db
from muzero_rc.config.schema import Config
from muzero_rc.config.toml_io import override
from muzero_rc.corpus.clips import find_clips
from muzero_rc.corpus.instances import Instance
from muzero_rc.deploy.policy_names import UnknownPolicy, resolve_deciding
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import libvpx_engine
from muzero_rc.encoding.gop_search import key_frames_of
from muzero_rc.encoding.splicing import SegmentTable
from muzero_rc.shapes.scan_file import append_row, read_rows

POLICY = -1  # in place of a length: the policy's own GOPs
FIELDS = ("clip", "kbps_asked", "length", "kbps", "frames", "slope_db", "starts", "bits", "psnr_db")
"""Of a row; `starts` are key frames, `bits` and `psnr_db` sums over the frames from each to the next."""

Row = dict[str, Any]


def encodes(
    store: ClipStore, native: str, options: argparse.Namespace, ended: set[tuple[str, int, int]]
) -> Iterator[Row]:
    """Rows of the encodes that are still to be made."""
    policy = store.engine.policy(native)
    for clip in find_clips(options.films):
        instance = Instance(clip.stem, clip.stem, (clip,))
        if not store.ready(instance):
            continue
        for kbps in two_targets(store, instance):
            frames = len(store.raw_clip(instance))
            jobs = [
                store.job(
                    f"{clip.stem} {kbps} {length}",
                    instance,
                    kbps,
                    mode="policy",
                    policy=policy,
                    shapes=None if length == POLICY else [GopShape(length)] * frames,
                    extra=length,
                )
                for length in (POLICY, *options.lengths)
                if (clip.stem, kbps, length) not in ended
            ]
            for done in store.played(jobs):
                yield row_of(clip.stem, done.job.extra, slope_db(store, instance, kbps), done.result)


def row_of(clip: str, length: int, slope: float, result: Any) -> Row:
    """What is kept of an encode."""
    config, starts = result.config, list(key_frames_of(result))
    psnr = psnr_db(result.shown["sse_y"], config.width * config.height, config.bit_depth)
    sums = [np.add.reduceat(x, starts).tolist() for x in (8.0 * result.shown["bytes"], psnr)]
    values = (clip, config.target_kbps, length, result.kbps, result.frames, slope, starts, *sums)
    return dict(zip(FIELDS, values, strict=True))


def gain(rows: Sequence[Row]) -> float:
    """Of the best splice over the first of these encodes, at equal rate, in per cent of rate."""
    own = rows[0]
    starts = sorted(set.intersection(*(set(row["starts"]) for row in rows)))

    def whole(name: str) -> Any:
        return np.array([np.add.reduceat(row[name], np.searchsorted(row["starts"], starts)) for row in rows])

    bits, psnr = whole("bits"), whole("psnr_db")
    chosen = SegmentTable(bits, psnr).choose(bits[0].sum() * own["kbps_asked"] / own["kbps"])
    every = np.arange(len(starts))
    more_db = (psnr[chosen, every].sum() - psnr[0].sum()) / own["frames"]
    more_rate = math.log(bits[chosen, every].sum() / bits[0].sum())
    return float(100.0 * (more_db - own["slope_db"] * more_rate) / own["slope_db"])


def table(rows: Sequence[Row], orders: Sequence[Sequence[int]]) -> Iterator[str]:
    """The printed table, over the films and targets that have all lengths."""
    found: dict[tuple[str, int], dict[int, Row]] = defaultdict(dict)
    for row in rows:
        found[row["clip"], row["kbps_asked"]][row["length"]] = row
    lengths = {length for order in orders for length in order}
    whole = [one for one in found.values() if lengths | {POLICY} <= one.keys()]
    most = max(map(len, orders))
    yield f"| encodes, {len(whole)} films and targets | " + " | ".join(map(str, range(2, most + 2))) + " |"
    yield "| --- |" + " ---: |" * most
    for order in orders if whole else ():
        cells = []
        for count in range(1, len(order) + 1):
            gains = [gain([one[POLICY], *(one[length] for length in order[:count])]) for one in whole]
            cells.append(f"{np.mean(gains):+.2f} %")
        yield f"| {', '.join(map(str, order))} | " + " | ".join(cells) + " |"


def numbers(text: str) -> tuple[int, ...]:
    """Of an option."""
    return tuple(map(int, text.split(",")))


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("films", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--policy", default="shapes")
    parser.add_argument("--lengths", type=numbers, default=(0, 16, 20, 12, 8), metavar="N,N")
    parser.add_argument("--order", type=numbers, nargs="*", metavar="N,N", help="(default: --lengths)")
    parser.add_argument("--cpu-used", type=int, default=5)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    options = arguments(argv)
    try:
        ref = resolve_deciding(options.policy)
    except UnknownPolicy as error:
        print(f"candidate_orders: {error}", file=sys.stderr)
        return 2
    rows = list(read_rows(options.output, FIELDS, "run of lengths")) if options.output.exists() else []
    ended = {(row["clip"], row["kbps_asked"], row["length"]) for row in rows}
    changes = ("data.augment=false", "data.max_frames=100000", "actor.encoders=1", "encode.auto_alt_ref=6")
    config = override(Config(), (*changes, f"encode.cpu_used={options.cpu_used}"))
    with ClipStore(libvpx_engine(), config, cache_folder() / "training") as store:
        for row in encodes(store, ref.native, options, ended):
            append_row(options.output, row)
            rows.append(row)
    print("\n".join(table(rows, options.order or [options.lengths])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
