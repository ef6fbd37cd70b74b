"""Bitrates as people write them."""

import math
import re

from encoder_bridge.errors import UserError

MIN_KBPS = 1
MAX_KBPS = 1_000_000
_UNITS = {"": 1.0, "k": 1e3, "m": 1e6}
_PATTERN = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([kKmM]?)")


class BadBitrate(UserError):
    """Not a bitrate that can be asked for; the message says what to write instead."""


def parse_kbps(text: str) -> int:
    """`300k`, `1.5M` or `300000` (bits a second, as ffmpeg has it) in whole kilobits a second.

    libvpx takes whole kilobits: half a kilobit and more is rounded up.

    Raises:
        BadBitrate: not such a number, or out of range.
    """
    match = _PATTERN.fullmatch(text.strip())
    if match is None:
        raise BadBitrate(f"{text!r} is no bitrate; write it like 300k, 1.5M or 300000 (bits a second)")
    bits = float(match[1]) * _UNITS[match[2].lower()]
    kbps = math.floor(bits / 1000 + 0.5)
    if kbps < MIN_KBPS:
        hint = f"; did you mean {match[1]}k?" if bits > 0 and not match[2] else ""
        raise BadBitrate(f"bitrate {text} is below {MIN_KBPS}k{hint}")
    if kbps > MAX_KBPS:
        raise BadBitrate(f"bitrate {text} is above {MAX_KBPS // 1000}M; write it like 300k, 1.5M or 300000")
    return kbps


def is_whole_kbps(text: str) -> bool:
    """Whether `parse_kbps` took `text` without rounding."""
    match = _PATTERN.fullmatch(text.strip())
    return match is not None and (float(match[1]) * _UNITS[match[2].lower()]) % 1000 == 0
