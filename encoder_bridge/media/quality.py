"""Objective quality of an encoded file: decoded again and compared with its source, frame by frame.

PSNR is ours; the others are ffmpeg's filters (`encoder_bridge.media.quality_filters`).
The source is what the encoder saw: 4:2:0 of its bit depth, upright.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from encoder_bridge.errors import BadInput
from encoder_bridge.media.decode import open_frames
from encoder_bridge.media.probe import VideoFile
from encoder_bridge.media.psnr import psnr_db
from encoder_bridge.media.quality_filters import OPTIONAL, filtered_qualities
from encoder_bridge.media.yuv420 import split_planes

_WEIGHTS_611 = np.array([6, 1, 1]) / 8
_WORST_PERCENT = 5


@dataclass(frozen=True)
class Quality:
    """Over all frames of a file against its source. PSNR of a plane of a frame is at most 60 dB."""

    frames: int
    psnr_y_db: float
    """Mean of luma PSNR."""
    psnr_y_sum_db: float
    """PSNR of the summed luma error, at most 60 dB."""
    psnr_611_db: float
    """Mean over frames of (6 Y + U + V) / 8."""
    psnr_y_p5_db: float
    """5th percentile of the frames' luma PSNR, between frames interpolated: how bad the worst ones are."""
    ssim: float
    """Mean luma SSIM; of pictures under 8 pixels wide or high ffmpeg says 0."""
    vmaf: float | None
    """Mean VMAF; None, as all below, where it was not asked for or cannot be measured."""
    vmaf_neg: float | None
    """Mean VMAF NEG, which does not reward contrast that the encoder added."""
    ms_ssim: float | None
    """Mean luma MS-SSIM."""
    xpsnr_y_db: float | None
    """XPSNR of all luma, at most 60 dB: PSNR whose errors are weighted by what is seen of them."""
    psnr_y_frames_db: npt.NDArray[np.float64]
    """`[T]`"""


def measure(clip: VideoFile, encoded: Path, *, optional: Collection[str] = tuple(OPTIONAL)) -> Quality:
    """Decodes `encoded` and compares it with `clip`.

    Args:
        clip: the source.
        encoded: any video that ffmpeg reads, of the same size.
        optional: what of `encoder_bridge.media.quality_filters.OPTIONAL` is measured too, where it can be.

    Raises:
        BadInput: another number of frames than the source has, or an unreadable file.
        EncodeFailed: ffmpeg's filters failed.
    """
    encoded = encoded.absolute()
    sse = plane_sse(clip, encoded)
    luma, chroma = _plane_pixels(clip)
    planes_db = np.stack(
        [psnr_db(sse[:, i], size, clip.bit_depth) for i, size in enumerate((luma, chroma, chroma))], axis=1
    )
    filtered = filtered_qualities(clip, encoded, len(sse), optional)
    return Quality(
        frames=len(sse),
        psnr_y_db=float(planes_db[:, 0].mean()),
        psnr_y_sum_db=float(psnr_db(sse[:, 0].mean(), luma, clip.bit_depth)),
        psnr_611_db=float((planes_db @ _WEIGHTS_611).mean()),
        psnr_y_p5_db=float(np.percentile(planes_db[:, 0], _WORST_PERCENT)),
        ssim=filtered["ssim"],
        vmaf=filtered.get("vmaf"),
        vmaf_neg=filtered.get("vmaf-neg"),
        ms_ssim=filtered.get("ms-ssim"),
        xpsnr_y_db=filtered.get("xpsnr"),
        psnr_y_frames_db=planes_db[:, 0],
    )


def luma_sse(clip: VideoFile, encoded: Path) -> npt.NDArray[np.int64]:
    """`[T]` squared luma error of each decoded frame; raises as `plane_sse`."""
    return plane_sse(clip, encoded)[:, 0]


def plane_sse(clip: VideoFile, encoded: Path) -> npt.NDArray[np.int64]:
    """`[T, 3]` squared error of each decoded frame's Y, U and V.

    Raises:
        BadInput: the numbers of frames differ, or a file cannot be decoded.
    """
    decoded = replace(clip, path=encoded, stream=0, max_frames=None)
    errors: list[list[int]] = []
    with open_frames(clip) as source, open_frames(decoded) as target:
        while True:
            ours, theirs = _planes(source.stdout, clip), _planes(target.stdout, clip)
            if ours is None or theirs is None:
                break
            differences = [a - b for a, b in zip(ours, theirs, strict=True)]
            errors.append([int(np.dot(difference, difference)) for difference in differences])
    if not errors or ours is not None or theirs is not None:
        raise BadInput(f"{encoded} has another number of frames than {clip.path}, or cannot be decoded")
    return np.array(errors, np.int64)


def _plane_pixels(clip: VideoFile) -> tuple[int, int]:
    """Of luma, and of each chroma plane."""
    luma = clip.width * clip.height
    return luma, ((clip.width + 1) // 2) * ((clip.height + 1) // 2)


def _planes(stream: IO[bytes], clip: VideoFile) -> list[npt.NDArray[np.int64]] | None:
    """Y, U and V of the next frame, flat; None at the end."""
    frame = stream.read(clip.frame_bytes)
    if len(frame) < clip.frame_bytes:
        return None
    samples = np.frombuffer(frame, "<u2" if clip.bit_depth > 8 else np.uint8).astype(np.uint16)
    planes = split_planes(samples[None], clip.width, clip.height)
    return [plane.ravel().astype(np.int64) for plane in planes]
