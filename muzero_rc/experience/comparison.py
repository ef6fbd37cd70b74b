"""How an encode compares with its paired one, result by result: what the critic alone sees.

Up to any result both have coded the same part of the clip, so the difference of quality of the frames
shown so far, at the clip's slope, less that of the bits so far is a running gain. What an encode has put
into frames that others refer to shows only later; the layers' own differences tell it.
"""

from typing import NamedTuple

import numpy as np

from encoder_bridge.encode.layouts import ALTREF
from encoder_bridge.media.psnr import psnr_db
from muzero_rc.agent.batch import PRIVILEGED, PRIVILEGED_OF_LAYER
from muzero_rc.experience.paired import PairedEncode
from muzero_rc.types import Array

_RECENT = 8  # shown frames
_LIMIT = 4.0  # of every input


class Progress(NamedTuple):
    """An encode up to each of its results: row i is before result i, row N after the last.

    Attributes:
      shown: i8[N+1] frames shown.
      bits: f8[N+1] spent.
      psnr_db: f8[n] luma PSNR of each shown frame.
      layer_bits: f8[N+1, L] spent on each layer.
      layer_step: f8[N+1, L] log2 quantizer step of each layer's last frame; NaN before the first.
      layer_db: f8[N+1, L] its PSNR of Y+U+V, NaN likewise.
    """

    shown: Array
    bits: Array
    psnr_db: Array
    layer_bits: Array
    layer_step: Array
    layer_db: Array


def progress_of(records: Array, shown: Array, steps: Array, layers: int, pixels: int) -> Progress:
    """The progress of an encode that may still run.

    Args:
      records: [N] of `layouts.RECORD`.
      shown: [n] of `layouts.SHOWN`.
      steps: [256] log2 quantizer steps.
      layers: L, how many there are.
      pixels: luma pixels of a frame.
    """
    count = len(records)
    bits = np.concatenate([[0.0], np.cumsum(records["bits"], dtype=float)])
    seen = np.concatenate([[0], np.cumsum(records["frame_type"] != ALTREF)])
    layer_bits, layer_step, layer_db = (np.full((count + 1, layers), x) for x in (0.0, np.nan, np.nan))
    step = np.asarray(steps)[np.clip(records["qindex"], 0, 255)]
    quality = psnr_db(records["sse"], 1) + 10.0 * np.log10(np.maximum(records["pixels"], 1))
    quality = np.minimum(quality, 60.0)
    coded = records["frame_type"] >= 0
    for layer in range(layers):
        mine = coded & (records["layer"] == layer)
        layer_bits[1:, layer] = np.cumsum(records["bits"] * mine)
        last = np.maximum.accumulate(np.where(mine, np.arange(count), -1)) if count else np.zeros(0, int)
        known = last >= 0
        layer_step[1:, layer][known] = step[last[known]]
        layer_db[1:, layer][known] = quality[last[known]]
    return Progress(seen, bits, psnr_db(shown["sse_y"], pixels), layer_bits, layer_step, layer_db)


def compared(own: Progress, paired: Progress, pair: PairedEncode) -> tuple[Array, Array]:
    """Compares an encode with its paired one.

    Args:
      own: of N results.
      paired: of the paired encode, whole.
      pair: its figures.

    Returns:
      f4[N+1] running gain in per cent of rate, and f4[N+1, P] inputs of the critic.
    """
    at = _places(own.shown, paired.shown)
    frames = len(paired.psnr_db)
    total_bits, share = paired.bits[-1], own.shown / frames
    both = min(len(own.psnr_db), frames)
    difference = np.nan_to_num(own.psnr_db[:both] - paired.psnr_db[:both])
    summed = np.concatenate([[0.0], np.cumsum(difference)])
    shown = np.minimum(own.shown, both)
    quality_db = summed[shown] / frames
    bits = (own.bits - paired.bits[at]) / total_bits
    running = 100.0 * (quality_db / pair.slope_db - bits)
    recent = (summed[shown] - summed[np.maximum(shown - _RECENT, 0)]) / _RECENT
    last = np.concatenate([[0.0], difference])[shown]
    target_bits = total_bits * pair.episode.target_kbps / pair.episode.rate_kbps
    left = [np.maximum(target_bits - x, 0.01 * target_bits) for x in (own.bits, paired.bits[at])]
    whole = {
        "running": running / 5.0,
        "quality": 20.0 * quality_db / pair.slope_db,
        "bits": 20.0 * bits,
        "recent_quality": recent,
        "last_quality": last,
        "shown": share,
        "paired_bits": paired.bits[at] / total_bits,
        "left": 4.0 * np.log(left[0] / left[1]),
        "paired_rate": 10.0 * np.log(pair.episode.rate_kbps / pair.episode.target_kbps),
        "paired_psnr": (pair.episode.psnr_y_db - 38.0) / 5.0,
        "anchor": pair.anchor_db - pair.episode.quality_db,
        "slope": pair.slope_db / 5.0 - 1.0,
        "spent": own.bits / target_bits,
    }
    of_layers = {
        "bits": 20.0 * (own.layer_bits - paired.layer_bits[at]) / total_bits,
        "step": 2.0 * np.nan_to_num(own.layer_step - paired.layer_step[at]),
        "quality": np.nan_to_num(own.layer_db - paired.layer_db[at]),
    }
    columns: list[Array] = [np.broadcast_to(whole[name], running.shape)[:, None] for name in PRIVILEGED]
    columns += [of_layers[name] for name in PRIVILEGED_OF_LAYER]
    inputs = np.clip(np.concatenate(columns, axis=1), -_LIMIT, _LIMIT)
    return running.astype(np.float32), inputs.astype(np.float32)


def _places(own: Array, paired: Array) -> Array:
    """i8[N+1]: the paired encode's row for each of an encode's, by the frames shown.

    The same row where both have shown the same by then; else, where GOPs differ, the first by which the
    paired encode has shown as much.
    """
    rows = np.minimum(np.arange(len(own)), len(paired) - 1)
    first = np.minimum(np.searchsorted(paired, own, side="left"), len(paired) - 1)
    return np.where(paired[rows] == own, rows, first)
