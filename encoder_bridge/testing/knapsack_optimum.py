"""Toy clip with a known optimum: easy and hard scenes on the fake encoder share one budget.

Without hidden frames nothing depends on anything: each frame's bits and PSNR follow from its own
qindex alone. PSNR is linear in log bits, so the optimum spends nearly equal bits on frames of one
kind, which a constant qindex, the obvious plan, is far from.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.media.bitrate import bitrate_kbps
from encoder_bridge.media.psnr import PSNR_CAP_DB
from encoder_bridge.media.yuv420 import frame_bytes
from encoder_bridge.testing.rate_distortion_model import FakeClip, packet_bytes, schedule

TOY_CONFIG = EncoderConfig(
    width=176,
    height=144,
    timebase_den=25,
    target_kbps=64,
    auto_alt_ref=0,
    lag_in_frames=0,
)
"""Settings of the toy: no hidden frames."""


@dataclass(frozen=True)
class ToyOptimum:
    """The best plan of a toy clip at one target."""

    plan: tuple[int, ...]
    """qindex of every coded frame."""
    psnr_y_db: float
    """Mean luma PSNR of that plan."""
    kbps: float


def toy_frames(
    seed: int = 0, scenes: tuple[int, ...] = (4, 4, 4), config: EncoderConfig = TOY_CONFIG
) -> npt.NDArray[np.uint8]:
    """`[T, frame_bytes]`: scenes of so many frames, easy and hard in turn, of random noise."""
    random = np.random.default_rng(seed)
    frames = []
    for i, length in enumerate(scenes):
        strength = random.uniform(16, 32) if i % 2 else random.uniform(1, 4)
        pixels = config.width * config.height
        luma = random.normal(128, strength, (length, pixels))
        planes = np.full((length, frame_bytes(config.width, config.height)), 128, np.uint8)
        planes[:, :pixels] = np.clip(np.round(luma), 0, 255)
        frames.append(planes)
    return np.concatenate(frames)


def toy_optimum(frames: npt.NDArray[np.uint8], config: EncoderConfig) -> ToyOptimum:
    """The plan with the highest mean PSNR within the target: exact, by dynamic programming.

    A target that even qindex 255 exceeds gives qindex 255 throughout.
    """
    luma = frames[:, : config.width * config.height].reshape(-1, config.height, config.width)
    clip = FakeClip(luma)
    coded = schedule(len(frames), config)
    if any(not frame.shown for frame in coded):
        raise ValueError("the toy's optimum is known without hidden frames only: use auto_alt_ref 0")
    # [T, 256] cost and gain of each frame at each qindex; column 0 is never used.
    sizes = np.array([[packet_bytes(clip.bits(f, q, None)) for q in range(256)] for f in coded])
    psnr = np.array([[min(clip.psnr_db(f.show_index, q), PSNR_CAP_DB) for q in range(256)] for f in coded])
    plan = _allocate(sizes, psnr, int(config.target_kbps * 1000 * len(frames) / config.fps / 8))
    rows = np.arange(len(plan))
    return ToyOptimum(
        tuple(int(q) for q in plan),
        float(psnr[rows, plan].mean()),
        bitrate_kbps(int(sizes[rows, plan].sum()), len(frames), config.fps),
    )


def _allocate(
    sizes: npt.NDArray[np.int64], psnr: npt.NDArray[np.float64], budget: int
) -> npt.NDArray[np.int64]:
    """The knapsack with one qindex a frame: `[T]` of 1 ... 255."""
    plan = np.full(len(sizes), 255)
    if sizes[:, 255].sum() > budget:
        return plan
    best = np.zeros(budget + 1)  # of the frames so far, by bytes at most
    choices = np.zeros((len(sizes), budget + 1), np.uint8)
    for t in range(len(sizes)):
        total = np.full(budget + 1, -np.inf)
        for qindex in range(255, 0, -1):
            size = sizes[t, qindex]
            if size > budget:
                break
            with_this = best[: budget + 1 - size] + psnr[t, qindex]
            better = with_this > total[size:]
            total[size:][better] = with_this[better]
            choices[t, size:][better] = qindex
        best = total
    left = budget
    for t in range(len(sizes) - 1, -1, -1):
        plan[t] = choices[t, left]
        left -= int(sizes[t, plan[t]])
    return plan
