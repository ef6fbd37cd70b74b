"""Timestamps of a video stream: its constant frame rate, or that it has none."""

import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoder_bridge.errors import BadInput
from encoder_bridge.media.ffmpeg import as_url, complaints, last_complaint, program, running

_CUT_SHORT = re.compile(r"partial file|ended prematurely|truncat|packet corrupt|end of file", re.IGNORECASE)
_REORDERED_FRAMES = 64
"""Packets come in coding order: so many more are read than frames are wanted."""
_UNKNOWN = np.iinfo(np.int64).min


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """When the frames of a stream are shown."""

    frames: int
    fps: Fraction | None
    """Frames per second; None when the distances differ."""
    start_s: Fraction
    complaint: str
    """What the reader had to say: "" for a whole file."""


def read_timeline(
    path: Path, stream: int, time_base: Fraction, rates: list[Fraction], max_frames: int | None
) -> Timeline:
    """Reads the timestamps of a stream's packets, and of its decoded frames where those disagree.

    Args:
        path: any file that ffprobe reads.
        stream: its index in the file.
        time_base: seconds per tick.
        rates: frames per second that the container names, best first.
        max_frames: look at the first ones only.
    """
    ticks, complaint = _read_ticks(path, stream, max_frames, "packet=pts,flags")
    ticks = np.sort(ticks)[:max_frames]  # packets come in coding order
    fps = None if _UNKNOWN in ticks else constant_rate(ticks, time_base, rates)
    if fps is None and len(ticks):
        # Hidden frames (VP8) and split fields (H.264) are packets without a picture of their own,
        # and some containers (AVI, raw H.264) leave timestamps out.
        ticks, complaint = _read_ticks(path, stream, max_frames, "frame=best_effort_timestamp")
        ticks = ticks[:max_frames]
        fps = constant_rate(ticks, time_base, rates)
    return Timeline(
        frames=len(ticks),
        fps=fps,
        start_s=int(ticks[0]) * time_base if len(ticks) and ticks[0] != _UNKNOWN else Fraction(0),
        complaint=complaint,
    )


def constant_rate(pts: npt.NDArray[np.int64], time_base: Fraction, rates: list[Fraction]) -> Fraction | None:
    """The frame rate that puts every frame within rounding of its timestamp, or None.

    Args:
        pts: `[T]` ticks, in display order; unknown ones are the least i8.
        time_base: seconds per tick.
        rates: frames per second to try first; the first is taken where timestamps say nothing.
    """
    index = np.flatnonzero(pts != _UNKNOWN)
    if len(index) < 2:
        return rates[0] if rates else None
    seconds = (pts[index] - pts[index[0]]).astype(np.float64) * float(time_base)
    if seconds[-1] <= 0:
        return None
    mean = (index[-1] - index[0]) / seconds[-1]
    candidates = [
        *rates,
        Fraction(max(1, round(mean))),
        Fraction(max(1, round(mean * 1.001)) * 1000, 1001),
        Fraction(mean).limit_denominator(1001),
    ]
    for rate in candidates:
        residual = seconds - index / float(rate)
        # Containers round to their tick, some files twice; a quarter frame is never rounding.
        if np.ptp(residual) <= min(2.5 * float(time_base), 0.25 / float(rate)):
            return rate
    return None


def _read_ticks(
    path: Path, stream: int, max_frames: int | None, entries: str
) -> tuple[npt.NDArray[np.int64], str]:
    """`[T]` ticks in the file's order, and what the reader says of a file that is cut short."""
    command = [program("ffprobe"), "-v", "error", "-select_streams", str(stream), "-show_entries", entries]
    if max_frames is not None:
        command += ["-read_intervals", f"%+#{max_frames + _REORDERED_FRAMES}"]
    command += ["-of", "csv=p=0", as_url(path)]
    with running(command, stdout=subprocess.PIPE) as (process, stderr):
        assert process.stdout is not None
        ticks = np.fromiter(_ticks(process.stdout), np.int64)
        status, text = process.wait(), complaints(stderr)
    if status != 0:
        raise BadInput(f"{path} cannot be read to its end: {last_complaint(text)}")
    cut = next((line for line in text.splitlines() if _CUT_SHORT.search(line)), "")
    return ticks, last_complaint(cut) if cut else ""


def _ticks(lines: Iterable[bytes]) -> Iterator[int]:
    for line in lines:
        pts, _, flags = line.strip().partition(b",")
        if pts and b"D" not in flags:  # D: discarded by an edit list, decoded but never shown
            yield int(pts) if pts.lstrip(b"-").isdigit() else _UNKNOWN
