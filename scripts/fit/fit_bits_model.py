"""Fits the bits model, native/rate_control/bits_table.h, to a corpus's cached demonstrations.

    python scripts/fit/fit_bits_model.py CORPUS… [--config configs/base.toml] [--episodes LOG…] [--write]

With --episodes to those of logs instead, of whole clips: scripts/experiments/ground_check.py keeps some.

Ridge regression of log2 bits per pixel on the inputs of bits_model.c, a row for each layer, once without
and once with those of the probe encodes, weighted towards frames that cost much and robust to outliers.
Prints how far off it is on clips that were left out (four folds over clips); --write replaces the table.
Needs the [train] extra.
"""

import argparse
import dataclasses
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from encoder_bridge import _native
from encoder_bridge.encode.first_pass_cache import cache_folder
from encoder_bridge.encode.layouts import LAYERS
from muzero_rc.config.schema import Config
from muzero_rc.config.toml_io import load_config
from muzero_rc.corpus.clips import find_clips
from muzero_rc.corpus.instances import build_instances
from muzero_rc.demonstrations.registry import known_demonstrations
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import libvpx_engine
from muzero_rc.experience.episode_log import read_log

TABLE = Path(__file__).parents[2] / "native" / "rate_control" / "bits_table.h"
OVERLAY = LAYERS.index("overlay")  # too few frames to learn from probe encodes
RIDGE = 5.0
WEIGHT_POWER = 0.6  # of a frame's bits
FOLDS = 4
WHOLE_CLIP = 100_000


def config_of(path: Path, *, whole: bool) -> Config:
    """The configuration without augmentation; clips in full length where `whole`."""
    config = load_config(path)
    frames = WHOLE_CLIP if whole else config.data.max_frames
    data = dataclasses.replace(config.data, augment=False, max_frames=frames)
    return dataclasses.replace(config, data=data)


def rows_of(corpus: Sequence[Path], config: Config, logs: Sequence[Path]) -> dict[str, np.ndarray]:
    """Inputs [N, BITS_INPUTS], layer, bits, log2 of luma pixels, clip and episode of all coded frames."""
    folder = cache_folder() / "training"
    columns: dict[str, list[np.ndarray]] = {
        name: [] for name in ("inputs", "layer", "bits", "log_pixels", "clip", "episode")
    }
    store = ClipStore(libvpx_engine(), config, folder)
    try:
        instances = store.prepared(build_instances(find_clips(*corpus), config.data, config.seed))
        by_name = {instance.name: instance for instance in instances}
        known = known_demonstrations(store, instances, folder / "demonstrations")
        episodes = chain.from_iterable(map(read_log, logs)) if logs else known
        for number, episode in enumerate(episodes):
            if episode.instance not in by_name:
                continue
            footage = store.raw_clip(by_name[episode.instance])
            records = np.ascontiguousarray(episode.records)
            inputs = np.zeros((len(records), _native.BITS_INPUTS), np.float32)
            stats = store.frame_stats(episode.instance)
            _native.bits_inputs(footage.width, footage.height, episode.target_kbps, stats, records, inputs)
            asked = records["frame_type"] >= 0
            count = int(asked.sum())
            columns["inputs"].append(inputs[asked].astype(np.float64))
            columns["layer"].append(records["layer"][asked])
            columns["bits"].append(records["bits"][asked].astype(np.float64))
            columns["log_pixels"].append(np.full(count, np.log2(footage.width * footage.height)))
            columns["clip"].append(np.full(count, episode.clip))
            columns["episode"].append(np.full(count, number))
    finally:
        store.close()
    return {name: np.concatenate(parts) for name, parts in columns.items()}


def fit(inputs: np.ndarray, target: np.ndarray, bits: np.ndarray, log_pixels: np.ndarray) -> np.ndarray:
    """[I] coefficients of inputs [N, I]: standardised ridge, Huber weights, total bits kept."""
    mean, deviation = inputs.mean(axis=0), inputs.std(axis=0)
    mean[0], deviation[0] = 0.0, 1.0
    deviation[deviation < 1e-4] = 1e9  # constant in this layer
    standard = (inputs - mean) / deviation
    prior = (bits + 200.0) ** WEIGHT_POWER
    prior /= prior.mean()
    penalty = RIDGE * np.diag([1e-6, *np.ones(inputs.shape[1] - 1)])
    weight, solution = prior, np.zeros(inputs.shape[1])
    for _ in range(4):
        left = (standard * weight[:, None]).T @ standard + penalty
        solution = np.linalg.solve(left, (standard * weight[:, None]).T @ target)
        weight = prior * np.minimum(1.0, 1.0 / np.maximum(np.abs(target - standard @ solution), 1e-6))
    expected = 2.0 ** (standard @ solution + log_pixels)
    result = solution / deviation
    total = np.clip(np.log2(bits.sum() / expected.sum()), -0.3, 0.3)
    result[0] = solution[0] - (solution[1:] * mean[1:] / deviation[1:]).sum() + total
    return result


def inputs_of(layer: int, width: int) -> int:
    """How many inputs a layer's table reads when a model has `width`."""
    return min(width, _native.BITS_PLAIN) if layer == OVERLAY else width


def cross_validated(rows: dict[str, np.ndarray], width: int, target: np.ndarray) -> np.ndarray:
    """Predictions of every frame by a model of so many inputs that never saw its clip."""
    predicted = np.zeros(len(target))
    clips = np.unique(rows["clip"])
    for fold in range(FOLDS):
        left_out = np.isin(rows["clip"], clips[fold::FOLDS])
        for layer in range(len(LAYERS)):
            here = rows["layer"] == layer
            if (here & ~left_out).any() and (here & left_out).any():
                used = here & ~left_out
                inputs = rows["inputs"][:, : inputs_of(layer, width)]
                table = fit(inputs[used], target[used], rows["bits"][used], rows["log_pixels"][used])
                predicted[here & left_out] = inputs[here & left_out] @ table
    return predicted


def number(value: float) -> str:
    """A C float literal."""
    text = f"{value:.6g}"
    return (text if "." in text or "e" in text else text + ".0") + "f"


def table_text(table: np.ndarray) -> str:
    """One C initializer."""
    words = [number(value) for value in table]
    lines = [", ".join(words[i : i + 7]) for i in range(0, len(words), 7)]
    return "   {" + ",\n    ".join(lines) + "},\n"


def header(models: list[list[np.ndarray]], frames: int, clips: int) -> str:
    """bits_table.h."""
    rows = ["  {\n" + "".join(map(table_text, tables)) + "  },\n" for tables in models]
    return (
        "/* Made by scripts/fit/fit_bits_model.py; do not edit. Without and with probe encodes;\n"
        " * rows: layers; columns: inputs of bits_model.c. Fitted to\n"
        f" * {frames} coded frames of {clips} clips. */\n"
        "#ifndef MUZERO_RC_RATE_CONTROL_BITS_TABLE_H_\n#define MUZERO_RC_RATE_CONTROL_BITS_TABLE_H_\n\n"
        '#include "rate_control/bits_model.h"\n\n'
        "static const float kBitsTable[2][MUZERO_RC_LAYERS][MUZERO_RC_BITS_INPUTS] = {\n"
        + "".join(rows)
        + "};\n\n#endif /* MUZERO_RC_RATE_CONTROL_BITS_TABLE_H_ */\n"
    )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("corpus", type=Path, nargs="+")
    parser.add_argument("--episodes", type=Path, nargs="+", default=[], metavar="LOG")
    parser.add_argument("--config", type=Path, default=Path("configs/base.toml"))
    parser.add_argument("--write", action="store_true", help=f"replace {TABLE.name}")
    options = parser.parse_args()
    config = config_of(options.config, whole=bool(options.episodes))
    rows = rows_of(options.corpus, config, options.episodes)
    target = np.log2(np.maximum(rows["bits"], 8.0)) - rows["log_pixels"]
    models = []
    for width in (_native.BITS_PLAIN, _native.BITS_INPUTS):
        print(f"{width} inputs")
        report(rows, cross_validated(rows, width, target), target)
        if options.write:
            models.append(final_tables(rows, width, target))
    if options.write:
        TABLE.write_text(header(models, len(target), len(np.unique(rows["clip"]))))
        print(f"wrote {TABLE}")


def report(rows: dict[str, np.ndarray], predicted: np.ndarray, target: np.ndarray) -> None:
    """Prints how far off predictions are, by layer and for whole encodes."""
    for layer in range(len(LAYERS)):
        here = rows["layer"] == layer
        if here.any():
            print(f"  layer {layer}: {here.sum()} frames, off by {(target - predicted)[here].std():.3f} log2")
    expected = 2.0 ** (predicted + rows["log_pixels"])
    spent, said = (np.bincount(rows["episode"], bits) for bits in (rows["bits"], expected))
    totals = np.log2(spent[spent > 0] / said[spent > 0])
    print(f"  whole encodes: mean {np.mean(totals):+.3f}, off by {np.std(totals):.3f} log2")


def final_tables(rows: dict[str, np.ndarray], width: int, target: np.ndarray) -> list[np.ndarray]:
    """A table for each layer, of all clips; inputs beyond `width` count nothing."""
    tables = []
    for layer in range(len(LAYERS)):
        here = rows["layer"] == layer
        inputs, bits, log_pixels = (rows[name][here] for name in ("inputs", "bits", "log_pixels"))
        table = fit(inputs[:, : inputs_of(layer, width)], target[here], bits, log_pixels)
        tables.append(np.pad(table, (0, _native.BITS_INPUTS - len(table))))
    return tables


if __name__ == "__main__":
    main()
