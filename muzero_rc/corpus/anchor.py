"""The rate-distortion anchor curve: PSNR over rate at constant quality; gains are measured from it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Anchor:
    """The anchor curve of an instance: libvpx's constant quality, PSNR over rate.

    Attributes:
      rates_kbps: rising.
      psnr_y_db: luma PSNR at each rate, or what the run's objective (`reward.metric`) measures instead.
    """

    rates_kbps: tuple[float, ...]
    psnr_y_db: tuple[float, ...]

    def psnr_at(self, rate_kbps: float) -> float:
        """Linear over log rate; beyond the ends the last slope goes on."""
        x = np.log(self.rates_kbps)
        at = math.log(max(rate_kbps, 1e-3))
        i = int(np.clip(np.searchsorted(x, at) - 1, 0, len(x) - 2))
        slope = (self.psnr_y_db[i + 1] - self.psnr_y_db[i]) / (x[i + 1] - x[i])
        return float(self.psnr_y_db[i] + slope * (at - x[i]))

    def slope_db(self, rate_kbps: float) -> float:
        """How many dB the curve gains at a rate for each factor e of rate."""
        return (self.psnr_at(rate_kbps * 1.1) - self.psnr_at(rate_kbps / 1.1)) / (2.0 * math.log(1.1))

    def percent_of(self, gain_db: float, rate_kbps: float) -> float:
        """What a gain over the curve at a rate is worth there, in per cent of the rate."""
        return 100.0 * gain_db / self.slope_db(rate_kbps)


_LEAST_RISE_DB = 1e-6  # below it, what lies between two points is lost to rounding


def anchor_of(points: Sequence[tuple[float, float]]) -> Anchor:
    """The curve through (rate_kbps, psnr_y_db) points.

    Points of equal or higher rate without more quality are left out (a still clip may repeat itself).

    Raises:
      ValueError: fewer than two points remain.
    """
    kept: list[tuple[float, float]] = []
    for rate, psnr in sorted(points):
        if not kept or (rate > kept[-1][0] * 1.001 and psnr > kept[-1][1] + _LEAST_RISE_DB):
            kept.append((rate, psnr))
    if len(kept) < 2:
        raise ValueError(f"its constant-quality encodes give no curve: {sorted(points)}")
    rates, psnrs = zip(*kept, strict=True)
    return Anchor(rates, psnrs)
