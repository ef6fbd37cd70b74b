r"""What encodes in miniature tell of a clip's GOPs: the one encode that follows them, by their number.

    scripts/experiments/rehearsals.py $MUZERO_RC_CORPUS/validation -o rehearsals.jsonl --counts 4,8,16

Each clip at two targets, the second and the fourth of the ladder beside the clips (or spread over its
constant-quality curve where there is none). The clip is rehearsed as `rc-encode --effort` does it, the
greatest number of times; then it is encoded under the policy, and under the policy with the GOPs of the best
of the first so many rehearsals. Gains are over the policy's own encode at equal rate, in per cent of rate on
the clip's constant-quality curve, means over clips with bootstrap 95 % intervals; *at the target* counts no
difference in rate. Seconds are CPU seconds, decoders' too. One line an encode is added to the file; the same
command goes on where it was. Needs the [train] extra.
"""

import argparse
import math
import resource
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from candidates_curve import slope_db, two_targets

from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import clip_first_pass
from encoder_bridge.encode.first_pass_cache import cache_folder
from encoder_bridge.encode.gop_shapes import GopShape
from encoder_bridge.encode.result import EncodeResult
from encoder_bridge.errors import UserError
from encoder_bridge.media.decode import open_clip
from muzero_rc.config.schema import Config
from muzero_rc.config.toml_io import override
from muzero_rc.corpus.clips import find_clips
from muzero_rc.corpus.instances import Instance
from muzero_rc.deploy.policy_names import default_name, resolve_deciding
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import libvpx_engine
from muzero_rc.encoding.gop_search import worth_of
from muzero_rc.encoding.passes import NoPackets, open_policy, second_pass
from muzero_rc.encoding.rehearsal import SIDE, rehearsed_gops, rehearser
from muzero_rc.encoding.splicing import best_gops
from muzero_rc.evaluation.statistics import bootstrap_interval
from muzero_rc.shapes.scan_file import append_row, read_rows

FIELDS = ("clip", "kbps_asked", "rehearsals", "kbps", "psnr_y_db", "slope_db", "seconds", "rehearsal_s")
Row = dict[str, Any]


def cpu_seconds() -> float:
    """Of this process and of those that it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def encodes(
    path: Path, config: EncoderConfig, counts: Sequence[int], policy: Any, side: int, max_frames: int
) -> Iterator[tuple[int, EncodeResult, float, float]]:
    """Rehearsals, the encode that follows them, its CPU seconds and theirs; by their number.

    Args:
        path: of the clip.
        config: with the target.
        counts: of rehearsals, 0 first.
        policy: an opened one.
        side: of the clip's pixels that become one.
        max_frames: of the clip.
    """
    with open_clip(path, max_frames=max_frames) as clip:
        config = config.for_video(clip.width, clip.height, clip.fps, clip.bit_depth)
        first = clip_first_pass(clip, config)
        began, made, ended_s = cpu_seconds(), [], [0.0]
        with rehearser(clip, first, config, policy=policy, side=side) as rehearse:

            def kept(every: Sequence[tuple[GopShape, ...] | None]) -> Sequence[EncodeResult]:
                for shapes in every:
                    made.extend(rehearse([shapes]))
                    ended_s.append(cpu_seconds() - began)
                return made[-len(every) :]

            rehearsed_gops(kept, worth_of(policy, first.stats), max(counts), lag=config.lag_in_frames)
        for count in counts:
            shapes = best_gops(made[:count]).whole if count else None
            start = cpu_seconds()
            done = second_pass(clip, first, config, NoPackets(), policy=policy, shapes=shapes)
            yield count, done, cpu_seconds() - start, ended_s[count]


def rows_of(
    store: ClipStore, path: Path, policy: Any, options: argparse.Namespace, ended: set[Any]
) -> Iterator[Row]:
    """What is missing of one clip."""
    instance = Instance(path.stem, path.stem, (path,))
    if not store.prepared([instance]):
        return
    counts = [0, *options.counts]
    for kbps in two_targets(store, instance):
        if all((path.stem, kbps, count) in ended for count in counts):
            continue
        config = store.settings(instance, kbps)
        slope = slope_db(store, instance, kbps)
        for count, done, seconds, rehearsal_s in encodes(
            path, config, counts, policy, options.side, options.max_frames
        ):
            values = (path.stem, kbps, count, done.kbps, done.psnr_y_db, slope, seconds, rehearsal_s)
            yield dict(zip(FIELDS, values, strict=True))


def table(rows: Sequence[Row]) -> Iterator[str]:
    """The printed table."""
    found: dict[tuple[str, int], dict[int, Row]] = defaultdict(dict)
    for row in rows:
        found[row["clip"], row["kbps_asked"]][row["rehearsals"]] = row
    gains: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    same, times, fills = (defaultdict(list) for _ in range(3))
    for (clip, kbps), by_count in found.items():
        own = by_count[0]
        for count, row in by_count.items():
            at_target = 100 * (row["psnr_y_db"] - own["psnr_y_db"]) / own["slope_db"]
            gains[count][clip].append(at_target - 100 * math.log(row["kbps"] / own["kbps"]))
            same[count].append(at_target)
            times[count].append(row["rehearsal_s"] / own["seconds"])
            fills[count].append(row["kbps"] / kbps)
    yield "| rehearsals | gain | median | better | worst clip | at the target | fill | CPU, second passes |"
    yield "| ---: |" + 7 * " ---: |"
    for count in sorted(gains):
        means = [float(np.mean(values)) for values in gains[count].values()]
        low, high = bootstrap_interval(means)
        yield (
            f"| {count} | {np.mean(means):+.2f} % ({low:+.2f} … {high:+.2f}) | {np.median(means):+.2f} % "
            f"| {sum(mean > 0 for mean in means)} of {len(means)} | {min(means):+.2f} % "
            f"| {np.mean(same[count]):+.2f} % | {np.mean(fills[count]):.3f} | {np.mean(times[count]):.2f} |"
        ).replace("-", "−")


def counts_of(text: str) -> list[int]:
    """Of `--counts`."""
    return sorted(int(word) for word in text.split(","))


def main(argv: Sequence[str] | None = None) -> int:
    """The command; status 2 for what cannot be rehearsed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True, help="a line for each encode")
    parser.add_argument("--policy", default=default_name(), help="(default: %(default)s)")
    parser.add_argument("--counts", type=counts_of, default=[4, 8, 16], metavar="N,N")
    parser.add_argument(
        "--side", type=int, default=SIDE, help="pixels that become one (default: %(default)s)"
    )
    parser.add_argument("--cpu-used", type=int, default=4, help="(default: %(default)s)")
    frames = Config().data.max_frames  # as in training: what the cache has
    parser.add_argument("--max-frames", type=int, default=frames, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--every", type=int, default=1, help="only each so-manieth clip")
    options = parser.parse_args(argv)
    changes = (
        "data.augment=false",
        f"data.max_frames={options.max_frames}",
        "actor.encoders=1",
        f"encode.cpu_used={options.cpu_used}",
    )
    try:
        policy = open_policy(resolve_deciding(options.policy))
        config = override(Config(), changes)
        rows = list(read_rows(options.output, FIELDS, "run of rehearsals")) if options.output.exists() else []
        ended = {(row["clip"], row["kbps_asked"], row["rehearsals"]) for row in rows}
        with ExitStack() as stack:
            store = stack.enter_context(ClipStore(libvpx_engine(), config, cache_folder() / "training"))
            for path in find_clips(*options.clips)[:: options.every]:
                for row in rows_of(store, path, policy, options, ended):
                    append_row(options.output, row)
                    rows.append(row)
                print(path.stem, file=sys.stderr, flush=True)
    except UserError as error:
        print(f"rehearsals: {error}", file=sys.stderr)
        return 2
    print("\n".join(table(rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
