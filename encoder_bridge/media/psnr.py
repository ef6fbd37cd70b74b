"""Peak signal-to-noise ratio of planes."""

import numpy as np
import numpy.typing as npt

PSNR_CAP_DB = 60.0
"""Screen content reaches lossless, whose PSNR is infinite."""
USUAL_SLOPE_DB = 4.7
"""dB of mean luma PSNR for each factor e of rate, where a clip's own cannot be measured: the median over 69
training clips (ladder-pyramid.csv, 276 pairs of neighbouring rates; nine in ten lie between 2.9 and 13.6)."""
SLOPE_LIMITS_DB = (1.0, 20.0)
"""What is measured beyond counts as the limit."""


def psnr_db(sse: npt.ArrayLike, pixels: int, bit_depth: int = 8) -> npt.NDArray[np.float64]:
    """PSNR of planes, at most 60 dB; NaN where the error is unknown.

    Args:
        sse: summed squared error of each plane; negative where it was not measured.
        pixels: of a plane.
        bit_depth: of their samples, in whose units the error is: the peak of 10 bits is 1023.
    """
    error = np.asarray(sse, np.float64) / pixels
    with np.errstate(divide="ignore", invalid="ignore"):
        psnr = 10 * np.log10(float((1 << bit_depth) - 1) ** 2 / error)
    return np.where(error < 0, np.nan, np.minimum(psnr, PSNR_CAP_DB))


def mean_psnr_db(sse: npt.ArrayLike, pixels: int, bit_depth: int = 8) -> float:
    """Mean over frames of their PSNR, each at most 60 dB; NaN where one is unknown."""
    return float(np.mean(psnr_db(sse, pixels, bit_depth)))
