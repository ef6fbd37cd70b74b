"""Bit depths: of a stream's samples, and of the frames that they become."""

import re
from collections.abc import Mapping
from typing import Any

DEPTHS = (8, 10, 12)
"""Of VP9."""

# yuv420p10le, gbrp12be, p010le; gray10le, y210le, x2rgb10le; rgb48le, bgra64be, ya16le, xyz12le.
_PLANAR = re.compile(r"p0?(9|1[0-6])(?:le|be)$")
_PACKED = re.compile(r"(?:grayf?|ya|y2|xv|x2rgb|x2bgr|xyz)(9|1[0-6]|32|36)(?:le|be)$")
_WHOLE_PIXELS = re.compile(r"(?:rgb|bgr)a?(?:48|64)(?:le|be)$")


def source_depth(video: Mapping[str, Any]) -> int:
    """Bits of a stream's samples, from ffprobe's words on it."""
    said = int(video.get("bits_per_raw_sample") or 0)
    if said:
        return said
    pix_fmt = video.get("pix_fmt", "")
    if _WHOLE_PIXELS.match(pix_fmt):
        return 16
    found = _PLANAR.search(pix_fmt) or _PACKED.match(pix_fmt)
    return {32: 16, 36: 12}.get(int(found[1]), int(found[1])) if found else 8


def coded_depth(source: int) -> int:
    """The depth of VP9 that keeps samples of `source` bits, or keeps the most of them."""
    return next((depth for depth in DEPTHS if depth >= source), DEPTHS[-1])


def frame_pix_fmt(bit_depth: int, *, full_range: bool = False) -> str:
    """Ffmpeg's name of planar 4:2:0 frames, samples of more than 8 bits in two bytes, little-endian."""
    if bit_depth == 8:
        return "yuvj420p" if full_range else "yuv420p"
    return f"yuv420p{bit_depth}le"
