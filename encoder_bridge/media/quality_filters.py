"""Qualities that ffmpeg's filters measure: SSIM, and where an ffmpeg here has them VMAF, MS-SSIM and XPSNR.

VMAF NEG ("no enhancement gain") is VMAF that does not reward contrast which the encoder added ("Toward a
Better Quality Metric for the Video Community", Netflix, 2020).
"""

import json
import math
import re
import subprocess
import tempfile
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from encoder_bridge.errors import EncodeFailed, ToolMissing
from encoder_bridge.media.depth import frame_pix_fmt
from encoder_bridge.media.ffmpeg import as_url, every_frame_once, last_complaint, program, run
from encoder_bridge.media.probe import VideoFile
from encoder_bridge.media.psnr import PSNR_CAP_DB

_LOG_SSIM, _LOG_VMAF, _LOG_XPSNR = "ssim.log", "vmaf.json", "xpsnr.log"
_LIBVMAF_FIELDS = {"vmaf": "vmaf", "vmaf-neg": "vmaf_neg", "ms-ssim": "float_ms_ssim"}
_BOTH_MODELS = r"version=vmaf_v0.6.1\:name=vmaf|version=vmaf_v0.6.1neg\:name=vmaf_neg"


@dataclass(frozen=True)
class OptionalQuality:
    """A quality that not every ffmpeg measures.

    Attributes:
        filter: of ffmpeg that measures it.
        option: of that filter, which older ones lack; "" where all have it.
        smallest_side: in pixels; the filter fails on smaller pictures.
    """

    filter: str
    option: str
    smallest_side: int


OPTIONAL = {
    "vmaf": OptionalQuality("libvmaf", "", 17),
    "vmaf-neg": OptionalQuality("libvmaf", "model", 17),
    "ms-ssim": OptionalQuality("libvmaf", "feature", 176),
    "xpsnr": OptionalQuality("xpsnr", "", 1),
}
"""By the names that reports have for them."""


@lru_cache(maxsize=1)
def filter_ffmpeg() -> tuple[str, frozenset[str]]:
    """The ffmpeg that measures most of `OPTIONAL`, and which: the system's, or imageio-ffmpeg's.

    Raises:
        ToolMissing: there is no ffmpeg at all.
    """
    candidates: list[str] = []
    with suppress(ToolMissing):
        candidates.append(program("ffmpeg"))
    with suppress(ImportError, RuntimeError):
        import imageio_ffmpeg  # slow to import, needed here only

        candidates.append(imageio_ffmpeg.get_ffmpeg_exe())
    found = [(candidate, _measured_by(candidate)) for candidate in candidates]
    return max(found, key=lambda one: len(one[1])) if found else (program("ffmpeg"), frozenset())


def measurable(clip: VideoFile, wanted: Collection[str]) -> list[str]:
    """Those of the qualities `wanted` that can be measured here, of pictures of this size."""
    side, there = min(clip.width, clip.height), filter_ffmpeg()[1]
    return [name for name in OPTIONAL if name in wanted and name in there and side >= smallest_side(name)]


def smallest_side(name: str) -> int:
    """The fewest pixels, wide and high, of pictures of which an optional quality can be measured."""
    return OPTIONAL[name].smallest_side


def filtered_qualities(
    clip: VideoFile, encoded: Path, frames: int, wanted: Collection[str]
) -> dict[str, float]:
    """Means over all frames: "ssim", and those `wanted` that are `measurable`.

    Args:
        clip: the source.
        encoded: of the same size.
        frames: of both.
        wanted: names of `OPTIONAL`.

    Raises:
        EncodeFailed: ffmpeg's filters failed.
    """
    optional = measurable(clip, wanted)
    filters, readers = _filters(optional)
    # Only where it is needed another ffmpeg than the one that decodes everything else.
    ffmpeg = filter_ffmpeg()[0] if optional else program("ffmpeg")
    command = [ffmpeg, "-nostdin", "-v", "error", "-i", as_url(encoded), "-i", as_url(clip.path)]
    command += ["-filter_complex", _graph(clip, frames, filters)]
    for i in range(len(filters)):
        command += ["-map", f"[v{i}]"]
    command += [*every_frame_once(ffmpeg), "-f", "null", "-"]
    # The filters' options cannot name every path: they write into the working folder.
    with tempfile.TemporaryDirectory(prefix="muzero-rc-") as folder:
        status, text = run(command, cwd=folder)
        if status != 0:
            raise EncodeFailed(f"{encoded} could not be measured: {last_complaint(text)}")
        return {name: read(Path(folder)) for name, read in readers.items()}


def _filters(optional: Collection[str]) -> tuple[list[str], dict[str, Callable[[Path], float]]]:
    """The filters, and how to read each quality from the folder with their logs."""
    filters = [f"ssim=stats_file={_LOG_SSIM}"]
    readers: dict[str, Callable[[Path], float]] = {"ssim": _read_ssim}
    found = {name: field for name, field in _LIBVMAF_FIELDS.items() if name in optional}
    if found:
        feature = ":feature=name=float_ms_ssim" if "ms-ssim" in optional else ""
        model = f":model='{_BOTH_MODELS}'" if "vmaf-neg" in optional else ""
        filters.append(f"libvmaf=log_path={_LOG_VMAF}:log_fmt=json{feature}{model}")
        readers |= {name: partial(_read_libvmaf, name=field) for name, field in found.items()}
    if "xpsnr" in optional:
        filters.append(f"xpsnr=stats_file={_LOG_XPSNR}")
        readers["xpsnr"] = _read_xpsnr
    return filters, readers


def _graph(clip: VideoFile, frames: int, filters: list[str]) -> str:
    """Every filter over (encoded, source); the outputs are called v0, v1, and so on."""
    # Frames are paired by number: a container's rounded timestamps would pair them by chance. XPSNR weighs by
    # the frame rate, which setpts may drop and fps sets again without a change to the frames.
    fps = f"{clip.fps.numerator}/{clip.fps.denominator}"
    pixels = frame_pix_fmt(clip.bit_depth)
    numbered = f"settb={clip.fps.denominator}/{clip.fps.numerator},setpts=N,fps={fps},format={pixels}"
    count = len(filters)
    outs, refs = ([f"[{name}{i}]" for i in range(count)] for name in ("out", "ref"))
    parts = [
        f"[0:v:0]{numbered},split={count}{''.join(outs)}",
        f"[1:{clip.stream}]trim=end_frame={frames},{numbered},split={count}{''.join(refs)}",
        *(f"{outs[i]}{refs[i]}{one}[v{i}]" for i, one in enumerate(filters)),
    ]
    return ";".join(parts)


def _read_ssim(folder: Path) -> float:
    luma = re.findall(r" Y:(\S+)", (folder / _LOG_SSIM).read_text())
    return float(np.mean([float(value) for value in luma]))


def _read_libvmaf(folder: Path, name: str) -> float:
    log: Any = json.loads((folder / _LOG_VMAF).read_text())
    return float(log["pooled_metrics"][name]["mean"])


def _read_xpsnr(folder: Path) -> float:
    """Of the whole clip's luma; of pictures without any error it is infinite."""
    found = re.search(r"XPSNR average.* y: *(\S+)", (folder / _LOG_XPSNR).read_text())
    value = float(found[1]) if found else math.nan
    if math.isnan(value):
        raise EncodeFailed("ffmpeg's xpsnr filter gave no average")
    return min(value, PSNR_CAP_DB)


def _measured_by(ffmpeg: str) -> frozenset[str]:
    try:
        listing = _help(ffmpeg, "-filters")
        options = {one.filter: _help(ffmpeg, "-h", f"filter={one.filter}") for one in OPTIONAL.values()}
    except OSError:
        return frozenset()
    return frozenset(
        name
        for name, one in OPTIONAL.items()
        if f" {one.filter} " in listing and (not one.option or f" {one.option} " in options[one.filter])
    )


def _help(ffmpeg: str, *words: str) -> str:
    return subprocess.run(
        [ffmpeg, "-hide_banner", *words], check=False, capture_output=True, text=True, errors="replace"
    ).stdout
