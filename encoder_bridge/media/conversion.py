"""What the conversion of a stream to 8-bit 4:2:0 frames loses, in words."""

import re
from collections.abc import Iterator
from typing import Any


def conversion_notes(video: dict[str, Any], rotation: int) -> Iterator[str]:
    """One line for each loss.

    Args:
        video: ffprobe's words on the stream.
        rotation: in degrees, that is applied.
    """
    pix_fmt = video["pix_fmt"]
    bits = re.search(r"p0?(9|10|12|14|16)(le|be)$|(?:gray|y210|x2rgb|x2bgr)(10|12|14|16)?", pix_fmt)
    depth = int(video.get("bits_per_raw_sample") or 0) or (int(bits[1] or bits[3] or 8) if bits else 8)
    if depth > 8:
        yield f"{depth}-bit video is converted to 8 bits"
    if re.search(r"4(44|22|40|11|10)", pix_fmt) or re.match(
        r"rgb|bgr|gbr|argb|abgr|0rgb|0bgr|pal8|[xyu]yvy", pix_fmt
    ):
        yield f"colour of {pix_fmt} is converted to 4:2:0"
    if re.match(r"yuva|gbrap|rgba|bgra|argb|abgr|ya8|ya16|pal8", pix_fmt):
        yield "transparency is dropped"
    kinds = {side.get("side_data_type", "") for side in video.get("side_data_list", [])}
    if video.get("color_transfer") in ("smpte2084", "arib-std-b67"):
        yield "HDR is kept without tone mapping: its colours are right only where a player knows HDR"
    if any("Mastering display" in kind or "Content light" in kind for kind in kinds):
        yield "mastering display and content light level are not kept"
    if video.get("field_order", "progressive") not in ("progressive", "unknown"):
        yield "interlaced video is encoded as whole frames, without deinterlacing"
    if rotation % 360:
        yield f"the picture is turned upright ({rotation % 360} degrees)"
