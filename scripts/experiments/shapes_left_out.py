r"""What a policy of GOP shapes brings on clips that its fit left out: refitted by folds, encoded under each.

    python scripts/experiments/shapes_left_out.py CLIPS… --scans scans.jsonl… -o left-out.jsonl

The clips of the scans are dealt into folds, those of one original together. For each fold a policy is fitted
to the other folds, and its own clips are encoded under that policy and under the controller, at the target of
their scan, once each. What is printed is the gain at equal rate in per cent of rate, mean over clips with a
bootstrap 95 % interval. One line a clip is added to the file as it ends; the same command goes on where it
was. `--careful` adds the same policies where strange GOPs are left to libvpx. `--kinds screen game` leaves
out all clips of a kind, in place of folds. `--plans FILE` keeps the encodes under policies as a scan, which
the next fit may learn from: give it among its scans. `--clips N` first prints how well fits to N clips of the
other folds foresee the scans, and encodes nothing. Needs the [train] extra.
"""

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from encoder_bridge import _native
from encoder_bridge.encode.first_pass_cache import cache_folder
from muzero_rc.cli.scans import ANCHOR_LEVELS
from muzero_rc.config.schema import Config
from muzero_rc.corpus.clips import CorpusError, find_clips
from muzero_rc.corpus.instances import Instance
from muzero_rc.deploy.policy_names import CONTROLLER
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import libvpx_engine
from muzero_rc.errors import RunError
from muzero_rc.evaluation.statistics import bootstrap_interval
from muzero_rc.shapes.credits import Sequences, read_sequences, slope_db
from muzero_rc.shapes.fit import GREATEST_GAIN, fit_all, strange_most, write_fit
from muzero_rc.shapes.left_out import folds_of, left_out
from muzero_rc.shapes.scan import row_of
from muzero_rc.shapes.scan_file import append_row, clip_hash, read_rows
from muzero_rc.shapes.trials import Trial
from muzero_rc.types import Array


def slopes_of(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, int], float]:
    """What e times the rate brings in dB, by clip and target."""
    groups = defaultdict(list)
    for row in rows:
        groups[row["clip"], row["kbps_asked"]].append(row)
    return {key: slope_db(group) for key, group in groups.items()}


def encoded(
    store: ClipStore, instance: Instance, kbps: int, policies: Mapping[str, Any], plans: Path | None
) -> dict[str, tuple[float, float]]:
    """Rate and PSNR of one encode under each policy; those of GOP shapes are kept in `plans`."""
    content, found = clip_hash(instance.paths, instance.changes), {}
    jobs = [
        store.job(
            name,
            instance,
            kbps,
            mode="policy",
            policy=policy,
            extra=(instance, Trial(f"plan-{plans.stem if plans else ''}-{name}", ()), content),
        )
        for name, policy in policies.items()
    ]
    for done in store.played(iter(jobs)):
        found[done.job.name] = (done.result.kbps, done.result.psnr_y_db)
        if plans is not None and done.job.name != CONTROLLER:
            append_row(plans, row_of(store, done))
    return found


def policies_of(data: Sequences, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The controller, and the fit to the data with its word taken by each of the trusts, also carefully."""
    fitted, policies = fit_all(data), {CONTROLLER: _native.Policy(CONTROLLER)}
    ways = {"": None} | ({", careful": strange_most(data, *fitted[1:])} if options.careful else {})
    for trust in options.trusts:
        for way, strange in ways.items():
            path = folder / f"{trust}{way}.safetensors"
            write_fit(path, fitted, {"fitted to": "other clips"}, trust, strange)
            policies[f"trust {trust}{way}"] = _native.Policy(str(path))
    return policies


def parts_of(data: Sequences, options: argparse.Namespace) -> list[Array]:
    """bool[N] each: what is left out of one fit."""
    if options.kinds:
        return [np.char.startswith(data.clip.astype(str), f"{kind}-") for kind in options.kinds]
    fold = folds_of(data, options.folds)
    return [fold == k for k in range(options.folds)]


def rows_of(
    data: Sequences,
    scans: Sequence[Mapping[str, Any]],
    clips: Mapping[str, Path],
    options: argparse.Namespace,
) -> Iterator[dict[str, Any]]:
    """What comes of each clip that is not in the output yet."""
    known = options.output.read_text().splitlines() if options.output.exists() else []
    ended = {json.loads(line)["clip"] for line in known}
    slopes = slopes_of(scans)
    config = Config()
    config = replace(config, data=replace(config.data, anchor_cq_levels=ANCHOR_LEVELS))
    with (
        ClipStore(libvpx_engine(), config, cache_folder() / "training") as store,
        tempfile.TemporaryDirectory() as folder,
    ):
        for part in parts_of(data, options):
            chosen = [clip for clip in sorted(set(data.clip[part]))[:: options.every] if clip not in ended]
            if not chosen:
                continue
            policies = policies_of(data.only(~part), options, Path(folder))
            for clip in chosen:
                kbps = min(target for name, target in slopes if name == clip)
                instance = Instance(clip, clip, (clips[clip],))
                if not store.prepared([instance]):
                    continue
                rates = encoded(store, instance, kbps, policies, options.plans)
                base = rates[CONTROLLER]
                gains = {
                    name: 100.0 * ((psnr - base[1]) / slopes[clip, kbps] - np.log(rate / base[0]))
                    for name, (rate, psnr) in rates.items()
                    if name != CONTROLLER
                }
                fill = {name: rate / kbps for name, (rate, _) in rates.items()}
                yield {"clip": clip, "kbps": kbps, "gain": gains, "fill": fill}


def report(path: Path) -> Iterator[str]:
    """The lines that are printed: all clips, then by category."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    kinds = sorted({row["clip"].split("-")[0] for row in rows})
    for kind in ("", *kinds):
        own = [row for row in rows if row["clip"].startswith(kind)]
        for name in own[0]["gain"]:
            gains = np.clip([row["gain"][name] for row in own], -GREATEST_GAIN, GREATEST_GAIN)
            low, high = bootstrap_interval(gains) if len(gains) > 1 else (np.nan, np.nan)
            yield (
                f"{kind or 'all':14s}{name:20s}{len(own):4d} clips {gains.mean():+.2f} % "
                f"({low:+.2f} … {high:+.2f}), median {np.median(gains):+.2f}, worst {gains.min():+.2f}"
            )


def main(argv: Sequence[str] | None = None) -> int:
    """The command; status 2 for clips or scans that cannot be used."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path, nargs="+")
    parser.add_argument("--scans", type=Path, nargs="+", required=True)
    parser.add_argument("-o", "--output", type=Path, required=True, help="a line for each clip")
    parser.add_argument("--plans", type=Path, help="keeps the encodes under policies, as a scan")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--every", type=int, default=3, help="only each so-manieth clip of a fold")
    parser.add_argument("--trusts", type=float, nargs="+", default=[0.5, 0.75, 1.0])
    parser.add_argument("--careful", action="store_true", help="also leave strange GOPs to libvpx")
    parser.add_argument("--kinds", nargs="+", help="how names of clips begin that are left out together")
    parser.add_argument("--clips", type=int, nargs="+", help="how many to fit to; encodes nothing")
    options = parser.parse_args(argv)
    try:
        clips = {path.stem: path for folder in options.corpus for path in find_clips(folder)}
        scans = [row for path in options.scans for row in read_rows(path) if row["clip"] in clips]
        data = read_sequences(scans, clips, cache_folder() / "training" / "frames")
    except (CorpusError, RunError) as error:
        print(f"shapes_left_out: {error}", file=sys.stderr)
        return 2
    print(f"{len(data.gain)} encodes of {len(set(data.clip))} clips", flush=True)
    for count in options.clips or ():
        print(f"{count} clips: {left_out(data, options.folds, count)}", flush=True)
    if options.clips:
        return 0
    for row in rows_of(data, scans, clips, options):
        with options.output.open("a") as file:
            file.write(json.dumps(row) + "\n")
    print("\n".join(report(options.output)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
