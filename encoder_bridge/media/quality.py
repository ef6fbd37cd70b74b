"""Objective quality of an encoded file: decoded again and compared with its source, frame by frame.

PSNR is ours; SSIM and VMAF are ffmpeg's filters, VMAF where some ffmpeg on this machine has it.
The source is what the encoder saw: 8-bit 4:2:0, upright.
"""

import json
import re
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from encoder_bridge.errors import BadInput, EncodeFailed, ToolMissing
from encoder_bridge.media.decode import open_frames
from encoder_bridge.media.ffmpeg import as_url, every_frame_once, last_complaint, program, run
from encoder_bridge.media.probe import VideoFile
from encoder_bridge.media.psnr import psnr_db

_VMAF_MIN_SIDE = 17
"""libvmaf's filters do not survive smaller pictures."""
_LOG_SSIM, _LOG_VMAF = "ssim.log", "vmaf.json"


@dataclass(frozen=True)
class Quality:
    """Means over all frames of a file against its source."""

    frames: int
    psnr_y_db: float
    """Mean of luma PSNR, each frame at most 60 dB."""
    psnr_y_sum_db: float
    """PSNR of the summed luma error, at most 60 dB."""
    ssim: float
    """Mean luma SSIM; of pictures under 8 pixels wide or high ffmpeg says 0."""
    vmaf: float | None
    """Mean VMAF; None where it was not asked for, no ffmpeg has it, or the picture is tiny."""
    psnr_y_frames_db: npt.NDArray[np.float64]
    """`[T]`"""


def measure(clip: VideoFile, encoded: Path, *, vmaf: bool = True) -> Quality:
    """Decodes `encoded` and compares it with `clip`.

    Args:
        clip: the source.
        encoded: any video that ffmpeg reads, of the same size.
        vmaf: measured too, where it can be.

    Raises:
        BadInput: another number of frames than the source has, or an unreadable file.
        EncodeFailed: ffmpeg's filters failed.
    """
    encoded = encoded.absolute()
    sse_y = luma_sse(clip, encoded)
    pixels = clip.width * clip.height
    frames_db = psnr_db(sse_y, pixels)
    with_vmaf = vmaf_ffmpeg() if vmaf and min(clip.width, clip.height) >= _VMAF_MIN_SIDE else None
    ssim, vmaf_mean = _run_filters(clip, encoded, len(sse_y), with_vmaf)
    return Quality(
        frames=len(sse_y),
        psnr_y_db=float(frames_db.mean()),
        psnr_y_sum_db=float(psnr_db(sse_y.mean(), pixels)),
        ssim=ssim,
        vmaf=vmaf_mean,
        psnr_y_frames_db=frames_db,
    )


def luma_sse(clip: VideoFile, encoded: Path) -> npt.NDArray[np.int64]:
    """`[T]` squared luma error of each decoded frame.

    Raises:
        BadInput: the numbers of frames differ, or a file cannot be decoded.
    """
    decoded = replace(clip, path=encoded, stream=0, max_frames=None)
    errors: list[int] = []
    with open_frames(clip) as source, open_frames(decoded) as target:
        while True:
            ours, theirs = _luma(source.stdout, clip), _luma(target.stdout, clip)
            if ours is None or theirs is None:
                break
            difference = ours - theirs
            errors.append(int(np.dot(difference, difference)))
    if not errors or ours is not None or theirs is not None:
        raise BadInput(f"{encoded} has another number of frames than {clip.path}, or cannot be decoded")
    return np.array(errors, np.int64)


@lru_cache(maxsize=1)
def vmaf_ffmpeg() -> str | None:
    """An ffmpeg with the libvmaf filter: the system's, else imageio-ffmpeg's, else None."""
    candidates: list[str] = []
    with suppress(ToolMissing):
        candidates.append(program("ffmpeg"))
    with suppress(ImportError, RuntimeError):
        import imageio_ffmpeg  # slow to import, needed here only

        candidates.append(imageio_ffmpeg.get_ffmpeg_exe())
    for candidate in candidates:
        with suppress(OSError):
            listing = subprocess.run(
                [candidate, "-hide_banner", "-filters"], check=False, capture_output=True
            )
            if b" libvmaf " in listing.stdout:
                return candidate
    return None


def _luma(stream: IO[bytes], clip: VideoFile) -> npt.NDArray[np.int64] | None:
    frame = stream.read(clip.frame_bytes)
    if len(frame) < clip.frame_bytes:
        return None
    return np.frombuffer(frame, np.uint8, clip.width * clip.height).astype(np.int64)


def _run_filters(
    clip: VideoFile, encoded: Path, frames: int, with_vmaf: str | None
) -> tuple[float, float | None]:
    """Mean luma SSIM, and mean VMAF when `with_vmaf` names an ffmpeg that has it."""
    # Frames are paired by number: a container's rounded timestamps would pair them by chance.
    numbered = "settb=1/25,setpts=N,format=yuv420p"
    graph = f"[0:v:0]{numbered}[out];[1:{clip.stream}]trim=end_frame={frames},{numbered}[ref];"
    if with_vmaf:
        graph += f"[out]split[o1][o2];[ref]split[r1][r2];[o1][r1]ssim=stats_file={_LOG_SSIM}[s];"
        graph += f"[o2][r2]libvmaf=log_path={_LOG_VMAF}:log_fmt=json[v]"
    else:
        graph += f"[out][ref]ssim=stats_file={_LOG_SSIM}[s]"
    ffmpeg = with_vmaf or program("ffmpeg")
    maps = ["-map", "[s]", *(["-map", "[v]"] if with_vmaf else [])]
    command = [ffmpeg, "-nostdin", "-v", "error", "-i", as_url(encoded), "-i", as_url(clip.path)]
    command += ["-filter_complex", graph, *maps, *every_frame_once(ffmpeg), "-f", "null", "-"]
    # The filters' options cannot name every path: they write into the working folder.
    with tempfile.TemporaryDirectory(prefix="muzero-rc-") as folder:
        status, text = run(command, cwd=folder)
        if status != 0:
            raise EncodeFailed(f"{encoded} could not be measured: {last_complaint(text)}")
        luma = re.findall(r" Y:(\S+)", (Path(folder) / _LOG_SSIM).read_text())
        ssim = float(np.mean([float(value) for value in luma]))
        if not with_vmaf:
            return ssim, None
        log = json.loads((Path(folder) / _LOG_VMAF).read_text())
        return ssim, float(log["pooled_metrics"]["vmaf"]["mean"])
