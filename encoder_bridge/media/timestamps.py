"""Timestamps of a video stream: its constant frame rate, or when each frame is shown."""

import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoder_bridge.errors import BadInput
from encoder_bridge.media.ffmpeg import as_url, check_memory, complaints, ffprobe, last_complaint, running

_CUT_SHORT = re.compile(r"partial file|ended prematurely|truncat|packet corrupt|end of file", re.IGNORECASE)
_REORDERED_FRAMES = 64
"""Packets come in coding order: so many more are read than frames are wanted."""
_UNKNOWN = np.iinfo(np.int64).min
_FARTHEST = float(1 << 62)
"""Ticks."""
_LEAST_FPS, _MOST_FPS = Fraction(1, 10), 1000
"""libvpx takes what is slower for 30 frames a second."""
_LONG_LAST = Fraction(5, 2)
"""Frames: a last frame that is shown longer is meant so, and no rounding."""
_FRAMES = "frame=best_effort_timestamp,pkt_duration,duration"
_FPS_DENOMINATOR = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """When the frames of a stream are shown."""

    frames: int
    fps: Fraction | None
    """Frames per second: constant, or their mean; None when there is no telling."""
    times: tuple[int, ...]
    """Ticks from the first frame on, of every frame and of the last one's end; () for a constant rate."""
    start_s: Fraction
    complaint: str
    """What the reader had to say of a file that is cut short: "" for a whole file."""
    damage: str = ""
    """What else it had to say."""


@dataclass(frozen=True)
class Ticks:
    """Frames as the container has them, in its order: `[T]` ticks, unknown ones the least i8."""

    shown: npt.NDArray[np.int64]
    durations: npt.NDArray[np.int64]
    """0 where they are unknown."""
    complaint: str = ""
    damage: str = ""


def read_timeline(
    path: Path,
    stream: int,
    time_base: Fraction,
    rates: list[Fraction],
    max_frames: int | None,
    options: Sequence[tuple[str, str]] = (),
    *,
    end_s: Fraction | None = None,
    name: str = "",
) -> Timeline:
    """Reads the timestamps of a stream's packets, and of its decoded frames where those disagree.

    Args:
        path: any file that ffprobe reads.
        stream: its index in the file.
        time_base: seconds per tick.
        rates: frames per second that the container names, best first.
        max_frames: look at the first ones only.
        options: of ffprobe, before the file's name.
        end_s: when the last frame's time ends, where the container says so; packets of reordered frames
            have other durations.
        name: what people call the file.
    """

    def read(entries: str) -> Ticks:
        return _read_ticks(path, stream, max_frames, entries, options, name or str(path))

    packets = read("packet=pts,duration,flags")
    order = np.argsort(packets.shown, kind="stable")[:max_frames]  # packets come in coding order
    ticks = packets.shown[order]
    fps = None if _UNKNOWN in ticks else constant_rate(ticks, time_base, rates)
    last_s = Fraction(0) if end_s is None or not len(ticks) else end_s - int(ticks[-1]) * time_base
    if fps is not None and last_s > _LONG_LAST / fps and max_frames is None:
        # A constant rate, but for the last frame.
        return _variable(replace(packets, shown=ticks), time_base, last_s)
    if fps is not None or not len(ticks):
        return Timeline(
            frames=len(ticks),
            fps=fps,
            times=(),
            start_s=_start_s(ticks, time_base),
            complaint=packets.complaint,
        )
    # Hidden frames (VP8) and split fields (H.264) are packets without a picture of their own,
    # and some containers (AVI, raw H.264) leave timestamps out.
    frames = read(_FRAMES)
    frames = replace(frames, shown=frames.shown[:max_frames], durations=frames.durations[:max_frames])
    return timeline_of(frames, time_base, rates, end_s=end_s if max_frames is None else None)


def timeline_of(
    frames: Ticks, time_base: Fraction, rates: list[Fraction], *, end_s: Fraction | None = None
) -> Timeline:
    """The timeline of decoded frames, in display order: a constant rate if that is what they have."""
    ticks = frames.shown
    fps = constant_rate(ticks, time_base, rates)
    if fps is None and len(ticks):
        last_s = Fraction(0)
        if end_s is not None and ticks[-1] != _UNKNOWN:
            last_s = end_s - int(ticks[-1]) * time_base
        return _variable(frames, time_base, last_s or int(frames.durations[-1]) * time_base)
    return Timeline(
        frames=len(ticks),
        fps=fps,
        times=(),
        start_s=_start_s(ticks, time_base),
        complaint=frames.complaint,
        damage=frames.damage,
    )


def _variable(frames: Ticks, time_base: Fraction, last_s: Fraction) -> Timeline:
    times = show_times(frames.shown, round(last_s / time_base))
    mean = len(frames.shown) / (times[-1] * time_base)
    return Timeline(
        frames=len(frames.shown),
        fps=mean.limit_denominator(_FPS_DENOMINATOR) if _LEAST_FPS <= mean <= _MOST_FPS else None,
        times=times,
        start_s=_start_s(frames.shown, time_base),
        complaint=frames.complaint,
        damage=frames.damage,
    )


def _start_s(ticks: npt.NDArray[np.int64], time_base: Fraction) -> Fraction:
    return int(ticks[0]) * time_base if len(ticks) and ticks[0] != _UNKNOWN else Fraction(0)


def show_times(ticks: npt.NDArray[np.int64], last_duration: int) -> tuple[int, ...]:
    """Ticks from the first frame on: of every frame, each after the one before, and of the last one's end.

    Args:
        ticks: `[T]` in display order; unknown ones are put evenly between their neighbours.
        last_duration: of the last frame; 0 takes what is usual between the others.
    """
    known = np.flatnonzero(ticks != _UNKNOWN)
    if not len(known):
        return tuple(range(len(ticks) + 1))
    first = int(ticks[known[0]])  # damaged ones lie farther apart than an i8 tells
    passed = np.array([int(tick) - first for tick in ticks[known]], np.float64)
    usual = max(1, int(np.median(np.diff(passed) / np.diff(known)))) if len(known) > 1 else 1
    whole = np.clip(np.interp(np.arange(len(ticks)), known, passed), -_FARTHEST, _FARTHEST)
    times, last = [], -1
    for tick in np.rint(whole).astype(np.int64).tolist():
        last = max(tick, last + 1)
        times.append(last)
    return (*times, last + (last_duration if last_duration > 0 else usual))


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
    seconds = (pts[index].astype(np.float64) - float(pts[index[0]])) * float(time_base)
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
        if rate <= 0:
            continue
        residual = seconds - index / float(rate)
        # Containers round to their tick, some files twice; a quarter frame is never rounding.
        if np.ptp(residual) <= min(2.5 * float(time_base), 0.25 / float(rate)):
            return rate
    return None


def _read_ticks(
    path: Path,
    stream: int,
    max_frames: int | None,
    entries: str,
    options: Sequence[tuple[str, str]],
    name: str,
) -> Ticks:
    command = [*ffprobe(), "-v", "error"]
    command += [word for name, value in options for word in (f"-{name}", value)]
    command += ["-select_streams", str(stream), "-show_entries", entries]
    if max_frames is not None:
        command += ["-read_intervals", f"%+#{max_frames + _REORDERED_FRAMES}"]
    command += ["-of", "compact=p=0", as_url(path)]
    with running(command, stdout=subprocess.PIPE) as (process, stderr):
        assert process.stdout is not None
        rows = np.array([*_rows(process.stdout)], np.int64).reshape(-1, 2)
        status, text = process.wait(), complaints(stderr)
    check_memory("ffprobe", status, text)
    if status != 0:
        raise BadInput(f"{name} cannot be read to its end: {last_complaint(text)}")
    cut = next((line for line in text.splitlines() if _CUT_SHORT.search(line)), "")
    return Ticks(
        rows[:, 0],
        rows[:, 1],
        complaint=last_complaint(cut) if cut else "",
        damage=last_complaint(text) if text else "",
    )


def _rows(lines: Iterable[bytes]) -> Iterator[tuple[int, int]]:
    """Timestamp and duration of each shown frame."""
    for line in lines:
        said = dict(part.partition(b"=")[::2] for part in line.strip().split(b"|"))
        if not said.keys() & {b"pts", b"best_effort_timestamp"}:
            continue  # side data, or nothing
        if b"D" in said.get(b"flags", b""):
            continue  # discarded by an edit list: decoded but never shown
        tick = _number(said.get(b"pts", said.get(b"best_effort_timestamp", b"")), _UNKNOWN)
        yield tick, _number(said.get(b"duration", said.get(b"pkt_duration", b"")), 0)


def _number(text: bytes, otherwise: int) -> int:
    return int(text) if text.lstrip(b"-").isdigit() else otherwise
