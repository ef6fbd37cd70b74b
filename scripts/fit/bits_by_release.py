r"""How far off the bits model is on several releases of libvpx, and what alt-ref filters are worth there.

    python scripts/fit/bits_by_release.py CLIPS… -o FOLDER [--libvpx PATH] [--filters 3 3/15] [--every 8]

Encodes clips by the controller, at two targets each: as it is, and with each other temporal filter of
alt-refs, named by its strength, or by strength and frames (own/15: libvpx's strength, 15 frames). Run once
for each release; every run prints what FOLDER has of all of them by then. A frame's bits are compared with
what native/rate_control/bits_table.h expects of it at the steps that were coded, as log2 of their ratio; for
every release but the first also with what a table would say that was fitted to that release, on clips that
the fit did not see. One file a clip is written as it ends; the same command goes on where it was. Use
training clips. Needs the [train] extra.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
from fit_bits_model import FOLDS, TABLE, cross_validated

from encoder_bridge import _native, libvpx
from encoder_bridge.atomic_file import whole_file
from encoder_bridge.encode.batch import BatchResult, Job
from encoder_bridge.encode.first_pass_cache import cache_folder
from encoder_bridge.encode.layouts import LAYERS
from encoder_bridge.errors import BridgeError
from muzero_rc.config.schema import Config
from muzero_rc.corpus.clips import CorpusError, find_clips
from muzero_rc.corpus.instances import Instance
from muzero_rc.deploy.policy_names import CONTROLLER
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import libvpx_engine
from muzero_rc.evaluation.statistics import bootstrap_interval
from muzero_rc.shapes.scan import targets_of

KEEP = -1
LEAST_BITS = 8.0
LONGEST_GOP_COUNT = 200
CLASSES = {"key": ("key",), "alt-ref": ("top", "second", "third", "fourth"), "leaf": ("leaf",)}
ENCODE = np.dtype([("asked", "f8"), ("filter", "i4", 2), ("kbps", "f8"), ("psnr", "f8"), ("gain", "f8")])

Columns = dict[str, np.ndarray]
Filter = tuple[int, int]
"""Strength and frames; KEEP: libvpx's."""

PLAIN: Filter = (KEEP, KEEP)


def jobs_of(store: ClipStore, instance: Instance, options: argparse.Namespace) -> Iterator[Job]:
    """A clip's encodes."""
    policy = _native.Policy(CONTROLLER)
    for kbps in targets_of(store, instance, options.places):
        for strength, frames in (PLAIN, *options.filters):
            shapes = np.array([(0, KEEP, strength, frames)] * LONGEST_GOP_COUNT, np.int32)
            yield store.job(
                f"{instance.name}|{kbps}|{strength}|{frames}",
                instance,
                kbps,
                mode="policy",
                policy=policy,
                shapes=None if (strength, frames) == PLAIN else shapes,
                extra=(instance, (strength, frames)),
            )


def encode_row(store: ClipStore, done: BatchResult) -> tuple[float, ...]:
    """A row of `ENCODE`; the gain is in per cent of rate over this release's constant quality."""
    instance, with_filter = done.job.extra
    result, anchor = done.result, store.anchor(instance)
    gain = anchor.percent_of(result.psnr_y_db - anchor.psnr_at(result.kbps), result.kbps)
    return result.config.target_kbps, with_filter, result.kbps, result.psnr_y_db, gain


def frames_of(store: ClipStore, done: BatchResult, number: int) -> Columns:
    """What the bits model sees of every coded frame, and what the frame took."""
    config, records = done.result.config, np.ascontiguousarray(done.result.records)
    inputs = np.zeros((len(records), _native.BITS_INPUTS), np.float32)
    stats = store.frame_stats(done.job.extra[0].name)
    _native.bits_inputs(config.width, config.height, config.target_kbps, stats, records, inputs)
    asked = records["frame_type"] >= 0
    count = int(asked.sum())
    return {
        "inputs": inputs[asked],
        "layer": records["layer"][asked],
        "bits": records["bits"][asked].astype(np.float64),
        "log_pixels": np.full(count, np.log2(config.width * config.height)),
        "episode": np.full(count, number),
    }


def encode_clip(store: ClipStore, instance: Instance, path: Path, options: argparse.Namespace) -> None:
    """Encodes a clip and keeps what came out; nothing where an encode failed."""
    jobs = list(jobs_of(store, instance, options))
    ended = list(store.played(jobs))
    if len(ended) < len(jobs):
        return
    parts = [frames_of(store, done, number) for number, done in enumerate(ended)]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    encodes = np.array([encode_row(store, done) for done in ended], ENCODE)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, encodes=encodes, **columns)


def table() -> np.ndarray:
    """f8[2, layers, inputs]: the model's coefficients, without and with probe encodes."""
    body = TABLE.read_text(encoding="utf-8").partition("= {")[2]
    numbers = [float(word) for word in re.findall(r"(-?\d[\d.]*(?:e[+-]?\d+)?)f", body)]
    return np.array(numbers).reshape(2, len(LAYERS), _native.BITS_INPUTS)


def read_release(folder: Path, names: Sequence[str]) -> tuple[Columns, dict[str, np.ndarray]]:
    """The frames of the plain encodes of these clips, and all encodes by clip."""
    parts: list[Columns] = []
    encodes = {}
    for number, name in enumerate(names):
        with np.load(folder / f"{name}.npz") as file:
            columns = dict(file)
        encodes[name] = columns.pop("encodes")
        plain = is_filtered_by(encodes[name], PLAIN)[columns["episode"]]
        columns["clip"] = np.full(len(plain), number)
        columns["episode"] = columns["episode"] + 100 * number
        parts.append({key: column[plain] for key, column in columns.items()})
    joined = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    return joined, encodes


def errors_of(rows: Columns, expected: np.ndarray) -> str:
    """Mean and RMS of log2(bits / expected) by class of frame, and of whole encodes."""
    off = target_of(rows) - expected
    words = []
    for name, layers in CLASSES.items():
        here = np.isin(rows["layer"], [LAYERS.index(layer) for layer in layers])
        words.append(f"{name} {off[here].mean():+.3f} / {np.sqrt(np.mean(off[here] ** 2)):.3f}")
    _, episode = np.unique(rows["episode"], return_inverse=True)
    said = np.bincount(episode, 2.0 ** (expected + rows["log_pixels"]))
    whole = np.log2(np.bincount(episode, rows["bits"]) / said)
    words.append(f"whole encodes {whole.mean():+.3f} / {np.sqrt(np.mean(whole**2)):.3f}")
    return ", ".join(words)


def target_of(rows: Columns) -> np.ndarray:
    """log2 of bits a pixel."""
    return np.log2(np.maximum(rows["bits"], LEAST_BITS)) - rows["log_pixels"]


def expected_now(rows: Columns) -> np.ndarray:
    """What the shipped table says, of frames with probe encodes."""
    return np.einsum("ni,ni->n", rows["inputs"].astype(np.float64), table()[1][rows["layer"]])


def shifted(rows: Columns, expected: np.ndarray) -> np.ndarray:
    """The same with one constant a layer, fitted on the other folds of clips."""
    result, off = expected.copy(), target_of(rows) - expected
    for fold in range(FOLDS):
        left_out = rows["clip"] % FOLDS == fold
        for layer in range(len(LAYERS)):
            here = rows["layer"] == layer
            if (here & ~left_out).any():
                result[here & left_out] += off[here & ~left_out].mean()
    return result


def bits_lines(folders: Sequence[Path], names: Sequence[str]) -> Iterator[str]:
    """How far off the model is on each release."""
    for number, folder in enumerate(folders):
        rows, _ = read_release(folder, names)
        expected = expected_now(rows)
        yield f"{folder.name}: {len(expected)} frames, log2 off, mean / RMS"
        yield f"  as shipped: {errors_of(rows, expected)}"
        if number:
            yield f"  and a constant a layer: {errors_of(rows, shifted(rows, expected))}"
            refitted = cross_validated(rows, _native.BITS_INPUTS, target_of(rows))
            yield f"  refitted: {errors_of(rows, refitted)}"


def is_filtered_by(encodes: np.ndarray, one: Filter) -> np.ndarray:
    """bool[N]: which encodes have this filter."""
    return np.all(encodes["filter"] == one, axis=1)


def filter_lines(folder: Path, names: Sequence[str]) -> Iterator[str]:
    """What other filters gain, in per cent of rate, a clip's targets counting as one."""
    _, encodes = read_release(folder, names)
    for one in sorted({(int(s), int(f)) for each in encodes.values() for s, f in each["filter"]} - {PLAIN}):
        gains = []
        for each in encodes.values():
            plain, other = (each[is_filtered_by(each, which)] for which in (PLAIN, one))
            if len(plain) == len(other):
                gains.append(float(np.mean(other["gain"] - plain["gain"])))
        low, high = bootstrap_interval(gains)
        better = sum(gain > 0 for gain in gains)
        yield (
            f"{folder.name}, strength {one[0]}, frames {one[1]}: {np.mean(gains):+.2f} % ({low:+.2f} … "
            f"{high:+.2f}), median {np.median(gains):+.2f}, worst {min(gains):+.2f}, "
            f"{better} of {len(gains)} clips better"
        )


def filter_named(word: str) -> Filter:
    """STRENGTH, or STRENGTH/FRAMES; `own` is libvpx's."""
    strength, _, frames = (KEEP if part == "own" else part for part in word.partition("/"))
    return int(strength), int(frames or KEEP)


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True, help="a folder for each release")
    parser.add_argument("--libvpx", help="that encodes (default: MUZERO_RC_LIBVPX, or the newest here)")
    parser.add_argument(
        "--filters", type=filter_named, nargs="*", default=[], metavar="STRENGTH[/FRAMES]", help="besides it"
    )
    parser.add_argument("--places", type=float, nargs="+", default=[0.3, 0.7], help="of the targets")
    parser.add_argument("--cq-levels", type=int, nargs="+", default=[46, 26], help="of the curve")
    parser.add_argument("--every", type=int, default=1, help="only each so-manieth clip")
    parser.add_argument("--jobs", type=int, default=1, help="encodes at a time (default: %(default)s)")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; status 2 for a folder without clips, or a libvpx that cannot be used."""
    options = arguments(argv)
    try:
        clips = [clip for folder in options.corpus for clip in find_clips(folder)][:: options.every]
        libvpx.choose(options.libvpx) if options.libvpx else libvpx.load()
    except (CorpusError, BridgeError) as error:
        print(f"bits_by_release: {error}", file=sys.stderr)
        return 2
    config = Config()
    config = replace(
        config,
        actor=replace(config.actor, encoders=options.jobs),
        data=replace(config.data, anchor_cq_levels=tuple(options.cq_levels)),
    )
    engine = libvpx_engine()
    own = options.output / engine.libvpx
    with ClipStore(engine, config, cache_folder() / "training") as store:
        for number, path in enumerate(clips, 1):
            kept = own / f"{path.stem}.npz"
            if not kept.exists():
                for instance in store.prepared([Instance(path.stem, path.stem, (path,))]):
                    encode_clip(store, instance, kept, options)
            print(f"{number} of {len(clips)} clips", file=sys.stderr, flush=True)
    folders = sorted(folder for folder in options.output.iterdir() if folder.is_dir())
    common = set.intersection(*({path.stem for path in folder.glob("*.npz")} for folder in folders))
    names = sorted(common & {path.stem for path in clips})
    for line in chain(bits_lines(folders, names), *(filter_lines(folder, names) for folder in folders)):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
