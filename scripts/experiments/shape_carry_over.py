r"""What shape scans say: common settings, what carries over from rate to rate, and from a rehearsal.

    python scripts/experiments/shape_carry_over.py scans.jsonl [--rehearsal half.jsonl …]

Reads what scripts/experiments/shape_scans.py wrote. Gains are in per cent of rate at equal quality over
libvpx's own shapes at the same target, means over clips with bootstrap 95 % intervals; positive is
better. A rehearsal is another scan of the same clips, at half size or another speed: how its gains
correlate with those of the whole encode inside a clip, and what choosing by it brings.
"""

import argparse
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from muzero_rc.encoding.splicing import UNSPENT
from muzero_rc.evaluation.statistics import bootstrap_interval

OWN = "own"
LEAST_SLOPE_DB = 1.0  # that e times the rate brings: below it a clip's two points tell no slope
Gains = Mapping[tuple[str, int], Mapping[str, float]]
"""By clip and place of the target (0 the lower), then by trial."""


def read_gains(path: Path, metric: str, price: float = 1.0) -> dict[tuple[str, int], dict[str, float]]:
    """Gains over libvpx's own shapes; clips without both targets are left out.

    Args:
        path: of a scan.
        metric: of quality, in dB.
        price: of bits: 1 compares at equal rate, 0 at the target.
    """
    rows: dict[str, dict[int, dict[str, dict[str, float]]]] = defaultdict(lambda: defaultdict(dict))
    for line in path.read_text().splitlines():
        row = json.loads(line)
        clip = re.sub(r"\+(half|third|quarter)$", "", row["clip"])
        rows[clip][row["kbps_asked"]][row["trial"]] = row
    gains = {}
    for clip, by_target in rows.items():
        if len(by_target) != 2 or any(OWN not in one for one in by_target.values()):
            continue
        low, high = (by_target[kbps][OWN] for kbps in sorted(by_target))
        octaves = np.log(high["kbps"] / low["kbps"])
        slope = max((high[metric] - low[metric]) / octaves, LEAST_SLOPE_DB)  # dB per e-fold of rate
        for place, kbps in enumerate(sorted(by_target)):
            own = by_target[kbps][OWN]
            gains[clip, place] = {
                name: 100.0
                * ((one[metric] - own[metric]) / slope - price * np.log(one["kbps"] / own["kbps"]))
                for name, one in by_target[kbps].items()
            }
    return gains


def over_clips(values: Mapping[str, Sequence[float]]) -> str:
    """A mean with its interval, one value a clip."""
    means = [float(np.mean(each)) for each in values.values()]
    low, high = bootstrap_interval(means)
    return f"{np.mean(means):+.2f} ({low:+.2f} … {high:+.2f}), {len(means)} clips"


def common_settings(gains: Gains) -> Iterator[str]:
    """One line for each trial that is the same on every clip."""
    names = sorted({name for each in gains.values() for name in each})
    for name in names:
        if re.match(r"length|layers|strength", name):
            values = defaultdict(list)
            for (clip, _), each in gains.items():
                if name in each:
                    values[clip].append(each[name])
            yield f"{name}: {over_clips(values)}"


def chosen(by: Mapping[str, float], measured: Mapping[str, float], among: str) -> float:
    """What the best trial by one measurement brings in another; libvpx's own is among them."""
    names = [name for name in by if name in measured and (name == OWN or re.match(among, name))]
    return measured[max(names, key=lambda name: by[name])]


def carried(gains: Gains) -> Iterator[str]:
    """Chosen at one target, measured at the other; and at its own, which flatters."""
    for label, among in (
        ("lengths (uniform and random)", "length|random"),
        ("layers", "layers"),
        ("strength", "strength"),
        ("random lengths, layers and strengths", "all"),
        ("everything scanned", ""),
    ):
        own, other = defaultdict(list), defaultdict(list)
        for (clip, place), each in gains.items():
            own[clip].append(chosen(each, each, among))
            if (clip, 1 - place) in gains:
                other[clip].append(chosen(each, gains[clip, 1 - place], among))
        yield f"{label}: at its own target {over_clips(own)}; at the other {over_clips(other)}"


def correlations(first: Gains, second: Gains) -> dict[str, list[float]]:
    """Inside each clip and target, over the trials other than libvpx's own."""
    found = defaultdict(list)
    for key, each in first.items():
        names = [name for name in each if name in second.get(key, {}) and name != OWN]
        if len(names) >= 4:
            x, y = ([gains[name] for name in names] for gains in (each, second[key]))
            if np.std(x) > 0 and np.std(y) > 0:
                found[key[0]].append(float(np.corrcoef(x, y)[0, 1]))
    return found


def rehearsed(gains: Gains, at_target: Gains, rehearsal: Gains, by: Gains) -> Iterator[str]:
    """How a rehearsal agrees with the whole encodes, and what choosing by k of it brings.

    Args:
        gains: of the whole encodes, at equal rate.
        at_target: the same, without regard to rate.
        rehearsal: at equal rate.
        by: the same at the price that `best_gops` has for bits.
    """
    yield f"correlation inside a clip: {over_clips(correlations(gains, rehearsal))}"
    rng = np.random.default_rng(0)
    for k in (2, 4, 5, 8, 16):
        equal, same = defaultdict(list), defaultdict(list)
        for key, each in gains.items():
            names = [n for n in each if n in by.get(key, {}) and n != OWN]
            if not names:
                continue
            for _ in range(20 if len(names) > k else 1):
                tried = [OWN, *rng.choice(names, min(k, len(names)), replace=False)]
                best = max(tried, key=lambda n: by.get(key, {}).get(n, 0.0))
                equal[key[0]].append(each[best])
                same[key[0]].append(at_target[key][best])
        yield f"chosen by {k} rehearsals: {over_clips(equal)}; at the target {over_clips(same)}"


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scans", type=Path)
    parser.add_argument("--rehearsal", type=Path, nargs="*", default=[])
    parser.add_argument("--metric", default="psnr_y_db", choices=("psnr_y_db", "summed_psnr_y_db"))
    options = parser.parse_args(argv)
    gains = read_gains(options.scans, options.metric)
    at_target = read_gains(options.scans, options.metric, price=0.0)
    sections = {"One setting for every clip": common_settings(gains), "The best of a scan": carried(gains)}
    mirrored = {(clip, 1 - place): each for (clip, place), each in gains.items()}
    together = over_clips(correlations(gains, mirrored))
    sections["From target to target"] = iter([f"correlation inside a clip: {together}"])
    for path in options.rehearsal:
        both = (read_gains(path, options.metric, price) for price in (1.0, UNSPENT))
        sections[f"Rehearsal {path.stem}"] = rehearsed(gains, at_target, *both)
    for title, lines in sections.items():
        print(f"\n{title}\n" + "\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
