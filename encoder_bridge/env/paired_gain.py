"""The default reward: what an episode gains over the controller's own encode of the same clip and target.

An episode's gain is a share of rate, in per cent, more is better:

    100 * ((psnr - psnr_c) / slope - ln(rate / rate_c)) - overshoot_price * 100 * overshoot

where `_c` is the controller's encode, psnr the mean luma PSNR over frames in dB, rate that of all packets,
overshoot max(0, rate / target - 1), and slope how many dB the clip gains when its rate grows by a factor
of e: a difference in quality counts as the rate that would buy it. So 1.0 means files 1 % smaller at the
same quality, and 0 the controller itself where it keeps its target. In PSNR's place may be SSIM, VMAF or a
mix of them (`encoder_bridge.encode.objective`), measured on the decoded packets.

The reward is dense: each step gets what it changed in the running difference (frames shown so far by PSNR
of Y+U+V, bits so far), and the last one what is left to the exact figure. A frame whose error libvpx has not
told yet (1.15 and newer tell it with the packet) counts as the controller's until it is known. The rewards of
an episode add up to its gain (potential-based shaping: Ng, Harada, Russell, "Policy invariance under reward
transformations", 1999).
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.objective import PSNR, Objective
from encoder_bridge.encode.objective_quality import check_measurable, measured_quality
from encoder_bridge.encode.pool import PoolFactory
from encoder_bridge.encode.raw_clip import RawClip
from encoder_bridge.encode.result import EncodeResult
from encoder_bridge.encode.run import encode
from encoder_bridge.env.reward import EpisodeStart, Step, shown_records
from encoder_bridge.media.psnr import SLOPE_LIMITS_DB, USUAL_SLOPE_DB, psnr_db

OVERSHOOT_PRICE = 5.0
"""Per cent of gain that each per cent over the target costs, beyond what the bits cost anyway."""
_NEIGHBOURS = (0.8, 1.25)
"""The targets, relative to the episode's, between whose encodes a clip's slope is measured."""
_LEAST_RATE_RATIO = 1.05
"""Between these encodes' rates, or else the clip has no slope there."""


@dataclass(frozen=True)
class ControllerTrace:
    """The controller's encode of one clip at one target."""

    rate_kbps: float
    quality_db: float
    """Mean luma PSNR, or what the objective measures instead."""
    slope_db: float
    """Per factor e of rate."""
    bits: npt.NDArray[np.float64]
    """`[N]` spent up to each result, in coding order."""
    psnr_db: npt.NDArray[np.float64]
    """`[T]` of Y+U+V of each shown frame; NaN where libvpx did not tell."""

    def gain(self, kbps: float, quality_db: float) -> float:
        """Per cent of rate, without a price for going over."""
        quality = (quality_db - self.quality_db) / self.slope_db
        return 100.0 * (quality - math.log(kbps / self.rate_kbps))


class PairedGain:
    """The gain over the controller, less a price for going over the target; see the module.

    The controller's encode and two more for the slope, at 0.8 and 1.25 of the target, are made when a clip
    and target come first, and kept: share one object between environments of the same clips.
    """

    def __init__(
        self,
        *,
        overshoot_price: float = OVERSHOOT_PRICE,
        slope_db: float | None = None,
        metric: str = PSNR,
    ) -> None:
        """Says how gains are measured.

        Args:
            overshoot_price: see OVERSHOOT_PRICE.
            slope_db: for all clips; None measures each one's.
            metric: "psnr", "ssim", "vmaf", or a mix, as `encoder_bridge.encode.objective` has them.

        Raises:
            BadInput: no such metric.
            ToolMissing: no ffmpeg here measures it.
        """
        self._objective = Objective.parse(metric)
        check_measurable(self._objective)
        self._overshoot_price = overshoot_price
        self._slope_db = slope_db
        self._traces: dict[tuple[RawClip, EncoderConfig, PoolFactory], ControllerTrace] = {}

    def begin(self, start: EpisodeStart, /) -> "RunningGain":
        """See `encoder_bridge.env.reward.Reward.begin`."""
        return RunningGain(self.trace(start), self._overshoot_price, self._objective, start.clip.raw)

    def trace(self, start: EpisodeStart) -> ControllerTrace:
        """The controller's encode of an episode's clip and target."""
        key = (start.clip.raw, start.config, start.new_pool)
        if key not in self._traces:
            objective, slope_db = self._objective, self._slope_db
            if slope_db is None:
                slope_db = _measured_slope_db(start, objective)
            self._traces[key] = _trace(*_controller_encode(start, start.config, objective), slope_db)
        return self._traces[key]


class RunningGain:
    """The rewards of one episode."""

    def __init__(
        self, trace: ControllerTrace, overshoot_price: float, objective: Objective, clip: RawClip
    ) -> None:
        self.keeps_packets = objective.decodes
        self._objective = objective
        self._clip = clip
        self._trace = trace
        self._overshoot_price = overshoot_price
        self._so_far = 0.0

    def __call__(self, step: Step, /) -> float:
        """What the step changed; the last one also what is left to the exact gain."""
        before, self._so_far = self._so_far, self._potential(step)
        return self._so_far - before

    def _potential(self, step: Step) -> float:
        if step.outcome is not None:
            outcome = step.outcome
            quality_db = measured_quality(self._objective, self._clip, outcome.psnr_y_db, step.data)
            gain = self._trace.gain(outcome.kbps, quality_db)
            return gain - self._overshoot_price * 100.0 * outcome.overshoot
        trace, count = self._trace, len(step.records)
        if not count:  # the first GOP's shape
            return 0.0
        psnr = _psnr_db(step.records)
        quality_db = float(np.nansum(psnr - trace.psnr_db[: len(psnr)])) / len(trace.psnr_db)
        bits = float(step.records["bits"].sum() - trace.bits[min(count, len(trace.bits)) - 1])
        return 100.0 * (quality_db / trace.slope_db - bits / float(trace.bits[-1]))


def _psnr_db(records: npt.NDArray[np.void]) -> npt.NDArray[np.float64]:
    """`[frames shown so far]` of Y+U+V; NaN where it is not known yet."""
    shown = shown_records(records)
    return psnr_db(shown["sse"], int(records["pixels"][0]))


def _controller_encode(
    start: EpisodeStart, config: EncoderConfig, objective: Objective
) -> tuple[EncodeResult, float]:
    """The encode and its quality."""
    clip, first = start.clip.raw, start.clip.first
    result = encode(clip.frames, first, config, keep_packets=objective.decodes, new_pool=start.new_pool)
    return result, measured_quality(objective, clip, result.psnr_y_db, result.packets)


def _trace(result: EncodeResult, quality_db: float, slope_db: float) -> ControllerTrace:
    bits = result.records["bits"].cumsum().astype(np.float64)
    return ControllerTrace(result.kbps, quality_db, slope_db, bits, _psnr_db(result.records))


def _measured_slope_db(start: EpisodeStart, objective: Objective) -> float:
    """From the controller's encodes at the neighbouring targets, or the default."""
    config = start.config
    targets = [min(max(1, round(config.target_kbps * by)), config.raw_kbps) for by in _NEIGHBOURS]
    (low, low_db), (high, high_db) = (
        _controller_encode(start, config.replace(target_kbps=target), objective) for target in targets
    )
    if high.kbps < _LEAST_RATE_RATIO * low.kbps or not high_db > low_db:
        return USUAL_SLOPE_DB
    slope_db = (high_db - low_db) / math.log(high.kbps / low.kbps)
    return min(max(slope_db, SLOPE_LIMITS_DB[0]), SLOPE_LIMITS_DB[1])
