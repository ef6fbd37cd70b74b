r"""What GOP lengths are worth at most: the best of the sequences that a scan tried, by how many were tried.

    python scripts/experiments/shape_ceiling.py scans.jsonl… -o gains.jsonl

For each clip at its lowest target, the gain at equal rate of a scan's encodes over libvpx's own lengths, in
per cent of rate; a line a clip goes to the file. Printed: the mean gain of each kind of sequence (plans of
policies by name, where a scan has them: see shapes_left_out.py), and what choosing the best of n encodes
brings, libvpx's own among them, mean over clips with a bootstrap 95 % interval. Nothing is foreseen here: the
choice knows what it chooses from.
"""

import argparse
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from encoder_bridge.atomic_file import write_text
from muzero_rc.errors import RunError
from muzero_rc.evaluation.statistics import bootstrap_interval
from muzero_rc.shapes.credits import slope_db
from muzero_rc.shapes.fit import GREATEST_GAIN
from muzero_rc.shapes.scan_file import read_rows

OWN = "own"
KINDS = ("own", "length", "random", "plan")
DRAWS = 50
"""Orders in which a clip's encodes are drawn."""


def gains_of(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Of each of a clip's encodes at one target, by trial, over that with libvpx's own lengths."""
    own, slope = rows[OWN], slope_db([row for name, row in rows.items() if not name.startswith("plan")])
    return {
        name: 100.0 * (row["psnr_y_db"] - own["psnr_y_db"]) / slope
        - 100.0 * float(np.log(row["kbps"] / own["kbps"]))
        for name, row in rows.items()
    }


def clipped(gains: Sequence[float]) -> Any:
    """No clip rules."""
    return np.clip(gains, -GREATEST_GAIN, GREATEST_GAIN)


def best_of(gains: Mapping[str, float], count: int, rng: np.random.Generator) -> float:
    """What the best of so many encodes gains in the mean over their order; the first is libvpx's own."""
    others = np.array([gain for name, gain in gains.items() if name != OWN])
    drawn = [max(0.0, rng.permutation(others)[: count - 1].max(initial=0.0)) for _ in range(DRAWS)]
    return float(np.mean(drawn))


def line(name: str, gains: Sequence[float]) -> str:
    """Mean, interval, median."""
    shown = clipped(gains)
    low, high = bootstrap_interval(shown) if len(shown) > 1 else (np.nan, np.nan)
    interval = f"({low:+.2f} … {high:+.2f})"
    return f"{name:24s}{len(shown):4d} {shown.mean():+.2f} % {interval}, median {np.median(shown):+.2f}"


def lines(clips: Mapping[str, Mapping[str, float]], counts: Sequence[int]) -> Iterator[str]:
    """What is printed."""
    kinds: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for clip, gains in clips.items():
        for name, gain in gains.items():
            kinds[name if name.startswith("plan") else re.sub(r"-\d+$", "", name)][clip].append(gain)
    for kind in sorted(kinds):
        if kind != OWN:
            yield line(kind, [float(np.mean(clipped(gains))) for gains in kinds[kind].values()])
    rng = np.random.default_rng(0)
    for count in counts:
        usable = [gains for gains in clips.values() if len(gains) >= count]
        if usable:
            yield line(f"best of {count}", [best_of(gains, count, rng) for gains in usable])


def main(argv: Sequence[str] | None = None) -> int:
    """The command; status 2 for scans that cannot be used."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scans", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, help="the gains, a line a clip")
    parser.add_argument("--counts", type=int, nargs="+", default=[2, 3, 4, 6, 8, 12, 15])
    options = parser.parse_args(argv)
    groups: dict[tuple[str, int], dict[str, Any]] = defaultdict(dict)
    try:
        for path in options.scans:
            for row in read_rows(path):
                if row["trial"].startswith(KINDS):
                    groups[row["clip"], row["kbps_asked"]][row["trial"]] = row
    except RunError as error:
        print(f"shape_ceiling: {error}", file=sys.stderr)
        return 2
    clips: dict[str, dict[str, float]] = {}
    for (clip, _), rows in sorted(groups.items()):  # the lowest target of each clip
        if OWN in rows and len(rows) >= 10 and clip not in clips:
            clips[clip] = gains_of(rows)
    print("\n".join(lines(clips, options.counts)))
    if options.output:
        shown = [{"clip": c, "gains": {n: round(g, 3) for n, g in v.items()}} for c, v in clips.items()]
        write_text(options.output, "".join(json.dumps(one) + "\n" for one in shown))
    return 0


if __name__ == "__main__":
    sys.exit(main())
