"""Objectives: the quality that encodes are to gain at, on what a player would show.

    psnr      mean over shown frames of luma PSNR, dB
    ssim      mean luma SSIM, as -10 log10(1 - SSIM), dB
    vmaf      mean VMAF, four points for one dB
    vmaf-neg  mean VMAF NEG, which does not reward contrast that the encoder added; likewise

or several with weights, `psnr:0.5,vmaf:0.5`, as their weighted sum. The scales matter little: gains are
told in per cent of rate, by how the objective itself grows with the rate on that clip.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from encoder_bridge.errors import BadInput

PSNR, SSIM, VMAF, VMAF_NEG = "psnr", "ssim", "vmaf", "vmaf-neg"
METRICS = (PSNR, SSIM, VMAF, VMAF_NEG)
WORDS = "psnr, ssim, vmaf or vmaf-neg, or several with weights: psnr:0.5,vmaf:0.5"
VMAF_POINTS_PER_DB = 4.0
_MOST_SSIM_DB = 60.0


@dataclass(frozen=True)
class Objective:
    """What is measured.

    Attributes:
        weights: of each metric, which add up to 1.
    """

    weights: tuple[tuple[str, float], ...]

    @staticmethod
    def parse(text: str) -> "Objective":
        """The objective of a setting; weights are scaled to add up to 1.

        Raises:
            BadInput: an unknown metric, one that is named twice, or a weight that is not above 0.
        """
        weights: dict[str, float] = {}
        for part in text.split(","):
            name, colon, number = (word.strip() for word in part.partition(":"))
            try:
                weight = float(number) if colon else 1.0
            except ValueError:
                weight = math.nan
            if name not in METRICS or name in weights or not (math.isfinite(weight) and weight > 0.0):
                raise BadInput(f"metric {text!r}: use {WORDS}")
            weights[name] = weight
        total = sum(weights.values())
        return Objective(tuple((name, weight / total) for name, weight in weights.items()))

    @property
    def metrics(self) -> tuple[str, ...]:
        """Those that count."""
        return tuple(name for name, _ in self.weights)

    @property
    def decodes(self) -> bool:
        """Whether an encode's packets are decoded for it: PSNR alone is known from the encode."""
        return self.metrics != (PSNR,)

    def of(self, values: Mapping[str, float]) -> float:
        """The quality, from PSNR in dB, SSIM and VMAF by the metrics' names; more is better."""
        return float(sum(weight * _in_db(name, values[name]) for name, weight in self.weights))


def _in_db(name: str, value: float) -> float:
    if name == SSIM:
        return min(-10.0 * math.log10(max(1.0 - value, 1e-12)), _MOST_SSIM_DB)
    return value / VMAF_POINTS_PER_DB if name in (VMAF, VMAF_NEG) else value


def is_objective(text: object) -> bool:
    """Whether it can be parsed."""
    try:
        Objective.parse(str(text))
    except BadInput:
        return False
    return True
