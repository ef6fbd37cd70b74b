"""The ffmpeg command that decodes a selection of frames."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from encoder_bridge.media.depth import frame_pix_fmt
from encoder_bridge.media.ffmpeg import as_url, every_frame_once, program
from encoder_bridge.media.selection import Selection


def decode_command(
    path: Path,
    stream: int,
    options: Mapping[str, str],
    selection: Selection,
    max_frames: int | None,
    *,
    first: int = 0,
    size: tuple[int, int] | None = None,
    full_range: bool = False,
    bit_depth: int = 8,
    survey_tick: Fraction | None = None,
) -> list[str]:
    """Decodes to stdout: planar 4:2:0 frames back to back, or a list of their times and hashes.

    Args:
        path: of the file.
        stream: its index.
        options: of ffmpeg, before the file's name.
        selection: which frames, and what is done to them.
        max_frames: of these, the first ones.
        first: so many of them are decoded and dropped before; `max_frames` counts from there.
        size: width and height of all frames, whatever size a stream changes to in its middle.
        full_range: samples from 0 to 255 stay what they are.
        bit_depth: of the samples; above 8 they have two bytes, little-endian.
        survey_tick: seconds per tick of the list of times; None for frames.
    """
    ffmpeg_path = program("ffmpeg")
    mode, value = every_frame_once(ffmpeg_path)
    # Only 8-bit formats say in their name that they have the full range.
    keep = ":out_range=pc" if full_range and bit_depth > 8 else ""
    chain = [*selection.filters(), *([f"trim=start_frame={first}"] if first else [])]
    chain += [f"scale={size[0]}:{size[1]}{keep}"] if size else []
    how: dict[str, Any] = {"pix_fmt": frame_pix_fmt(bit_depth, full_range=full_range), mode[1:]: value}
    if chain:
        how["vf"] = ",".join(chain)
    if max_frames is not None:
        how["frames:v"] = max_frames
    if survey_tick is None:
        how["f"] = "rawvideo"
    else:
        how |= {"f": "framemd5", "enc_time_base": f"{survey_tick.numerator}:{survey_tick.denominator}"}
    command = [ffmpeg_path, "-nostdin", "-v", "error", *_words({**options, **selection.input_options()})]
    return [*command, "-i", as_url(path), "-map", f"0:{stream}", *_words(how), "pipe:1"]


def _words(options: Mapping[str, Any]) -> list[str]:
    return [word for name, value in options.items() for word in (f"-{name}", str(value))]
