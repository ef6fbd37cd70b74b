r"""What a policy of GOP shapes learns from: its fit without each part, and with less of everything.

    python scripts/experiments/shapes_ablations.py CLIPS… --scans scans.jsonl… -o ablations.jsonl

The clips of the scans are dealt into five folds, those of one original together; each variant is fitted to
four and foresees the fifth. Three networks a variant, at seeds 0, 1 and 2: their mean is judged, and each
alone. Printed are the correlation inside a clip, R2, and their differences to the whole fit, with bootstrap
95 % intervals over clips; then what a doubling of clips, encodes and width adds, with its standard error. One
line a variant is added to the file as it ends; the same command goes on where it was, and with nothing but -o
only prints. Encodes nothing. Needs the [train] extra; boosting also scikit-learn, and is left out without.
"""

import argparse
import importlib.util
import json
import sys
import time
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from shapes_peers import learn_boosted
from shapes_variants import AMOUNTS, NAMES, PARTS, WHOLE, Variant, all_variants, name_of

from encoder_bridge.encode.first_pass_cache import cache_folder
from muzero_rc.corpus.clips import CorpusError, find_clips
from muzero_rc.errors import RunError
from muzero_rc.shapes.credits import LEAST_TRIALS, TRIALS, Sequences, read_sequences
from muzero_rc.shapes.fit import FitSettings, fit, gains_said, norm_of
from muzero_rc.shapes.left_out import Foresight, correlations, drawn, said_by_folds, squares
from muzero_rc.shapes.scan_file import read_rows
from muzero_rc.types import Array

FOLDS = 5
RESAMPLES = 2000


def columns_of(variant: Variant) -> list[int]:
    """Of the features that it sees."""
    return [i for i, name in enumerate(NAMES) if name in variant.only and name not in variant.without]


def of_columns(data: Sequences, columns: Sequence[int]) -> Sequences:
    """The same with fewer features."""
    return replace(data, features=data.features[:, list(columns)])


def fewer(rows: Sequence[Mapping[str, Any]], others: int, draw: int) -> list[Mapping[str, Any]]:
    """Of each clip at a target, libvpx's own lengths and so many other sequences, drawn."""
    groups = defaultdict(list)
    for row in rows:
        if row["trial"].startswith(TRIALS):
            groups[row["clip"], row["kbps_asked"]].append(row)
    kept = []
    for (clip, kbps), found in groups.items():
        if len(found) < LEAST_TRIALS:
            continue
        rng = np.random.default_rng([draw, kbps, zlib.crc32(clip.encode())])
        rest = sorted((row for row in found if row["trial"] != "own"), key=lambda row: str(row["trial"]))
        kept += [row for row in found if row["trial"] == "own"]
        kept += [rest[i] for i in rng.permutation(len(rest))[:others]]
    return kept


def learn_networks(seen: Sequences, settings: FitSettings) -> Foresight:
    """f8[N, networks] of what each says."""
    mean, scale = norm_of(seen)
    found = [fit(seen, mean, scale, seed, settings) for seed in range(settings.networks)]
    return lambda test: np.stack([gains_said(one, mean, scale, test) for one in found], 1)


def said_of(variant: Variant, data: Sequences, lessons: Sequences) -> Array:
    """f8[N, K]: what each of its networks says of each encode."""
    columns = columns_of(variant)

    def learn(seen: Sequences) -> Foresight:
        some = seen if variant.clips is None else drawn(seen, variant.clips, variant.draw)
        return variant.learn(some) if variant.learn else learn_networks(some, variant.settings)

    said = said_by_folds(of_columns(data, columns), FOLDS, learn, of_columns(lessons, columns))
    return said.reshape(len(data.gain), -1)


def row_of(name: str, said: Array, data: Sequences) -> dict[str, Any]:
    """What is kept of a variant: of the mean of its networks, and of each; by group."""
    each = {"mean": said.mean(1)} | {f"seed {i}": said[:, i] for i in range(said.shape[1])}
    found = {"variant": name}
    for who, values in each.items():
        columns = {"correlation": correlations(values, data), "rest": squares(values, data)[0]}
        found |= {f"{what}, {who}": np.round(v, 3).tolist() for what, v in columns.items()}
    return found


def made(options: argparse.Namespace) -> None:
    """Adds the variants that are not in the output yet."""
    clips = {path.stem: path for folder in options.corpus for path in find_clips(folder)}
    rows = [row for path in options.scans for row in read_rows(path) if row["clip"] in clips]
    cache = cache_folder() / "training" / "frames"
    data = read_sequences(rows, clips, cache)
    _, first = np.unique(data.group, return_index=True)
    header = {"clip": data.clip[first].tolist(), "all": squares(0 * data.gain, data)[1].round(3).tolist()}
    if not options.output.exists():
        options.output.write_text(json.dumps(header) + "\n")
    known = {json.loads(line).get("variant") for line in options.output.read_text().splitlines()}
    for name, variant in all_variants().items():
        no_boosting = variant.learn is learn_boosted and not importlib.util.find_spec("sklearn")
        if name in known or no_boosting:
            continue
        began, lessons = time.process_time(), data
        if variant.encodes is not None:
            lessons = read_sequences(fewer(rows, variant.encodes, variant.draw), clips, cache, 2)
        row = row_of(name, said_of(variant, data, lessons), data)
        with options.output.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(f"{name}: {time.process_time() - began:.0f} s", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Found:
    """What the output holds.

    Attributes:
      clip: str[G] of each clip at a target; all: f8[G], sum of squares of its gains.
      rows: of the variants, by name.
    """

    clip: Array
    all: Array
    rows: dict[str, dict[str, Any]]

    def resamples(self) -> Array:
        """f8[RESAMPLES, G]: how often each clip at a target is drawn; the first is all of them once."""
        clips, of = np.unique(self.clip, return_inverse=True)
        draws = np.random.default_rng(0).multinomial(
            len(clips), np.full(len(clips), 1 / len(clips)), RESAMPLES
        )
        return np.concatenate([np.ones((1, len(of))), draws[:, of]])

    def figures(self, weights: Array, names: Sequence[str], who: str) -> Array:
        """f8[2, draws]: correlation and R2, means over some variants."""
        found = []
        for name in names:
            correlation = np.array(self.rows[name][f"correlation, {who}"], float)
            rest = np.array(self.rows[name][f"rest, {who}"])
            known = np.isfinite(correlation)
            mean = weights[:, known] @ correlation[known] / weights[:, known].sum(1)
            found.append([mean, 1 - weights @ rest / (weights @ self.all)])
        return np.mean(found, 0)


def read_found(path: Path) -> Found:
    """The output, as it is."""
    header, *rows = [json.loads(line) for line in path.read_text().splitlines()]
    return Found(np.array(header["clip"]), np.array(header["all"]), {row["variant"]: row for row in rows})


def parts_table(found: Found) -> Iterator[str]:
    """What is lost without each part."""
    weights = found.resamples()
    whole = found.figures(weights, [WHOLE], "mean")
    yield "| fit | correlation | to the whole | R2 | to the whole | of one network |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for name in PARTS:
        if name not in found.rows:
            continue
        own = found.figures(weights, [name], "mean")
        cells = [f"{own[0, 0]:+.3f}", _difference(own[0] - whole[0]), f"{own[1, 0]:+.3f}"]
        cells.append(_difference(own[1] - whole[1]))
        alone = [key.split(", ")[1] for key in found.rows[name] if key.startswith("correlation, seed")]
        each = np.array([found.figures(weights[:1], [name], who)[:, 0] for who in alone])
        spread = [f"{m:+.3f} ± {sd:.3f}" for m, sd in zip(each.mean(0), each.std(0), strict=True)]
        yield f"| {name} | {' | '.join(cells)} | {', '.join(spread) if len(each) > 1 else '–'} |"


def _difference(draws: Array) -> str:
    """Of which the first is the estimate."""
    if not draws.any():
        return "–"
    low, high = np.percentile(draws[1:], [2.5, 97.5])
    return f"{draws[0]:+.3f} ({low:+.3f} … {high:+.3f})"


def laws(found: Found) -> Iterator[str]:
    """What a doubling adds: a line through the figures over log2 of the amount."""
    weights = found.resamples()
    for what, (whole, variants) in AMOUNTS.items():
        by_amount: dict[int, list[str]] = defaultdict(list)
        for amount, draw in variants:
            if (name := name_of(what, amount, draw)) in found.rows:
                by_amount[amount].append(name)
        by_amount[whole] = [WHOLE]
        amounts = sorted(by_amount)
        if len(amounts) < 3:
            continue
        figures = np.stack([found.figures(weights, by_amount[n], "mean") for n in amounts])
        x = np.log2(amounts)
        for i, measure in enumerate(("correlation", "R2")):
            slope, at_mean = np.polyfit(x - x.mean(), figures[:, i], 1)
            off = figures[:, i, 0] - at_mean[0] - slope[0] * (x - x.mean())
            at = ", ".join(f"{n}: {value:+.3f}" for n, value in zip(amounts, figures[:, i, 0], strict=True))
            yield (
                f"{what}, {measure}: {at}; a doubling adds {slope[0]:+.4f} ± {slope[1:].std():.4f}, "
                f"off the line by at most {np.abs(off).max():.3f}"
            )


def main(argv: Sequence[str] | None = None) -> int:
    """The command; status 2 for clips or scans that cannot be used."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path, nargs="*", help="none: only prints what is in the output")
    parser.add_argument("--scans", type=Path, nargs="+", default=[])
    parser.add_argument("-o", "--output", type=Path, required=True, help="a line for each variant")
    options = parser.parse_args(argv)
    try:
        if options.corpus:
            made(options)
    except (CorpusError, RunError) as error:
        print(f"shapes_ablations: {error}", file=sys.stderr)
        return 2
    found = read_found(options.output)
    print("\n".join((*parts_table(found), "", *laws(found))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
