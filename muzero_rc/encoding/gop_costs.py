"""What an encode's GOPs cost: bits and quality of each frame in one unit, per cent of the clip's rate."""

from collections.abc import Sequence

import numpy as np

from encoder_bridge import _native
from encoder_bridge.encode.layouts import ALTREF, INTER, LAYERS, SHOW_EXISTING
from muzero_rc.types import Array


def bits_by_frame(records: Array, frames: int) -> Array:
    """f8[T]: bits by the frame that is shown in the end; what shows a hidden frame counts with it."""
    bits = np.zeros(frames)
    hidden: list[int] = []
    for record in records:
        if record["frame_type"] == SHOW_EXISTING:
            bits[hidden.pop()] += record["bits"]
            continue
        if record["gop_index"] == 0:
            hidden.clear()
        if record["frame_type"] == ALTREF:
            hidden.append(int(record["show_index"]))
        bits[record["show_index"]] += record["bits"]
    return bits


def spread(bits: Array, starts: Sequence[int]) -> Array:
    """The same sum, evenly over the frames of each GOP, its alt-ref included and its first frame not."""
    even = bits.astype(np.float64)
    for begin, end in zip(starts, (*starts[1:], len(bits) - 1), strict=True):
        if end > begin:
            even[begin + 1 : end + 1] = bits[begin + 1 : end + 1].mean()
    return even


def frame_costs(bits: Array, total: float, starts: Sequence[int], psnr_db: Array, slope_db: float) -> Array:
    """f8[T]: what each frame costs, in per cent of the clip's rate.

    Args:
        bits: f8[T], of `bits_by_frame`.
        total: mean bits of a frame, in the encode that others are compared with.
        starts: of GOPs.
        psnr_db: f8[T], of each frame.
        slope_db: what e times the rate brings.
    """
    return np.asarray(100.0 * spread(bits, starts) / total - 100.0 * psnr_db / slope_db)


def usual_step(records: Array, bit_depth: int = 8) -> float:
    """Mean log2 quantizer step of plain inter frames."""
    steps = np.array(_native.quantizer_steps(bit_depth))
    leaves = (records["frame_type"] == INTER) & (records["layer"] >= LAYERS.index("leaf"))
    chosen = leaves if leaves.any() else records["frame_type"] != SHOW_EXISTING
    return float(steps[records["qindex"][chosen]].mean())
