"""What the conversion of a stream to 4:2:0 frames loses, in words."""

import re
from collections.abc import Iterator
from typing import Any

from encoder_bridge.media.depth import source_depth


def conversion_notes(video: dict[str, Any], rotation: int, bit_depth: int) -> Iterator[str]:
    """One line for each loss.

    Args:
        video: ffprobe's words on the stream.
        rotation: in degrees, that is applied.
        bit_depth: of the frames.
    """
    pix_fmt = video["pix_fmt"]
    depth = source_depth(video)
    if depth > bit_depth:
        yield f"{depth}-bit video is converted to {bit_depth} bits"
    if re.search(r"4(44|22|40|11|10)", pix_fmt) or re.match(
        r"rgb|bgr|gbr|argb|abgr|0rgb|0bgr|pal8|[xyu]yvy", pix_fmt
    ):
        yield f"colour of {pix_fmt} is converted to 4:2:0"
    if re.match(r"yuva|gbrap|rgba|bgra|argb|abgr|ya8|ya16|pal8", pix_fmt):
        yield "transparency is dropped"
    if video.get("color_transfer") in ("smpte2084", "arib-std-b67"):
        yield "HDR is kept without tone mapping: its colours are right only where a player knows HDR"
    if video.get("field_order", "progressive") not in ("progressive", "unknown"):
        yield "interlaced video is encoded as whole frames, without deinterlacing"
    if rotation % 360:
        yield f"the picture is turned upright ({rotation % 360} degrees)"
