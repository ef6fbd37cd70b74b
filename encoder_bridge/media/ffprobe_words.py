"""ffprobe's words on a stream, read: sizes, rates, times."""

from fractions import Fraction
from typing import Any


def upright_size(video: dict[str, Any]) -> tuple[int, int, int]:
    """Width and height as ffmpeg decodes them, and the rotation in degrees that it applies."""
    rotation = next((int(s["rotation"]) for s in video.get("side_data_list", []) if "rotation" in s), 0)
    width, height = int(video["width"]), int(video["height"])
    return (height, width, rotation) if rotation % 180 == 90 else (width, height, rotation)


def fraction(text: Any) -> Fraction | None:
    """Of "30000/1001", "12.5" or "0/0"; None for what is no positive number."""
    try:
        value = Fraction(text)
    except (ValueError, TypeError, ZeroDivisionError):
        return None
    return value if value > 0 else None


def begins_s(described: dict[str, Any]) -> Fraction:
    """When a file or a stream begins: before 0 where sound has a delay to be taken off; 0 where unknown."""
    try:
        return Fraction(described.get("start_time", 0))
    except (ValueError, TypeError):
        return Fraction(0)


def end_s(video: dict[str, Any], demuxer: str) -> Fraction | None:
    """When a stream's last frame ends, where the container's word on it can be taken."""
    if "mov" in demuxer:
        duration = fraction(video.get("duration"))
        return None if duration is None else duration + begins_s(video)
    if "matroska" in demuxer:
        text = video.get("tags", {}).get("DURATION", "")
        return Fraction(_seconds(text)).limit_denominator(10**6) if text.count(":") == 2 else None
    return None


def _seconds(duration: str) -> float:
    """Of Matroska's "00:00:12.500000000"; 0 where it is none."""
    try:
        hours, minutes, seconds = map(float, duration.split(":"))
    except ValueError:
        return 0.0
    return 3600 * hours + 60 * minutes + seconds


def named_rates(video: dict[str, Any]) -> list[Fraction]:
    """The frame rates that the container names, the average first: raw streams double the other."""
    names = (video.get("avg_frame_rate"), video.get("r_frame_rate"))
    return [rate for rate in map(fraction, names) if rate is not None]


def sample_aspect(video: dict[str, Any], rotation: int) -> Fraction:
    """Width of an upright pixel over its height."""
    aspect = fraction(video.get("sample_aspect_ratio", "1:1").replace(":", "/")) or Fraction(1)
    return 1 / aspect if rotation % 180 == 90 else aspect
