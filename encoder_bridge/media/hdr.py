"""HDR10's static metadata: the mastering display and the content light level (SMPTE ST 2086, CTA-861.3).

VP9 itself cannot hold them, the containers can. ffmpeg has no option that tells a muxer, but it copies them
from input to output: so the packets go through a scratch MP4, whose boxes for them are ours.
"""

import json
import struct
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from encoder_bridge.errors import EncodeFailed
from encoder_bridge.media.ffmpeg import (
    ProbeError,
    as_url,
    check_memory,
    describe,
    ffprobe,
    last_complaint,
    program,
    run,
)
from encoder_bridge.media.mp4_boxes import add_to_sample_entry
from encoder_bridge.media.scratch import scratch_file
from encoder_bridge.media.sources import Source

_PQ = "smpte2084"
_DISPLAY, _LIGHT = "Mastering display metadata", "Content light level metadata"
_CHROMATICITIES = tuple(
    f"{point}_{axis}" for point in ("green", "blue", "red", "white_point") for axis in "xy"
)
"""In the order of the box, whose units are 1/50000; of luminance 1/10000 cd/m²."""


@dataclass(frozen=True, kw_only=True)
class Hdr:
    """What a stream says of the display that it was made for, and of its brightest pixels.

    Attributes:
        display: x and y of green, blue, red and white, largest and smallest luminance, in the box's units.
        light: largest and mean light level in cd/m².
        lost: what it says beside that or does not say well, in words.
    """

    display: tuple[int, ...] = ()
    light: tuple[int, ...] = ()
    lost: tuple[str, ...] = ()

    @property
    def boxes(self) -> bytes:
        """An MP4's `mdcv` and `clli` (ISO/IEC 14496-12, section 12.1.6 and 12.1.5); b"" for nothing."""
        display = struct.pack(">I4s8H2I", 32, b"mdcv", *self.display) if self.display else b""
        light = struct.pack(">I4s2H", 12, b"clli", *self.light) if self.light else b""
        return display + light


def read_hdr(source: Source, video: Mapping[str, Any]) -> Hdr:
    """From ffprobe's words on a stream, and where those are silent on one of HDR, on its first frame.

    Args:
        source: the file.
        video: ffprobe's words on the stream.
    """
    said = list(video.get("side_data_list", []))
    kinds = {one.get("side_data_type") for one in said}
    if video.get("color_transfer") == _PQ and not {_DISPLAY, _LIGHT} <= kinds:
        said += [one for one in _of_first_frame(source, video["index"]) if one["side_data_type"] not in kinds]
    return hdr_of(said)


def hdr_of(said: Sequence[Mapping[str, Any]]) -> Hdr:
    """From a list of side data as ffprobe has it."""
    display: tuple[int, ...] = ()
    light: tuple[int, ...] = ()
    lost: list[str] = []
    for one in said:
        kind = str(one.get("side_data_type", ""))
        if kind == _DISPLAY:
            display = _display_of(one)
            lost += [] if display else ["mastering display"]
        elif kind == _LIGHT:
            light = _light_of(one)
            lost += [] if light else ["content light level"]
        elif "DOVI" in kind or "Dolby Vision" in kind:
            lost.append("Dolby Vision metadata")
        elif "HDR10+" in kind or "Dynamic Metadata" in kind or "dynamic metadata" in kind:
            lost.append("HDR10+ metadata")
    return Hdr(display=display, light=light, lost=tuple(dict.fromkeys(lost)))


@contextmanager
def packets_input(ivf: Path, hdr: Hdr, options: Mapping[str, str] | None = None) -> Iterator[list[str]]:
    """Words that make the video's packets an input of ffmpeg, with their static metadata.

    Args:
        ivf: the packets.
        hdr: nothing of it takes the IVF file itself.
        options: of the copy in between.

    Raises:
        EncodeFailed: ffmpeg failed.
        OSError: the disk is full.
    """
    if not hdr.boxes:
        yield ["-f", "ivf", "-i", as_url(ivf)]
        return
    with scratch_file(".mp4") as (_, path):
        words = [word for name, value in (options or {}).items() for word in (f"-{name}", value)]
        command = [program("ffmpeg"), "-nostdin", "-v", "error", "-f", "ivf", "-i", as_url(ivf), "-c", "copy"]
        status, text = run([*command, *words, "-f", "mp4", "-y", as_url(path)])
        check_memory("ffmpeg", status, text)
        if status != 0:
            raise EncodeFailed(f"the packets could not be muxed: {last_complaint(text)}")
        add_to_sample_entry(path, hdr.boxes)
        yield ["-i", as_url(path)]


def missing_hdr(written: Path, hdr: Hdr) -> Iterator[str]:
    """What a muxed file does not say of `hdr`, in words.

    Raises:
        EncodeFailed: it cannot be read.
    """
    if not hdr.boxes or len(ffprobe()) > 1:
        return
    try:
        said = hdr_of(describe(written)["streams"][0].get("side_data_list", []))
    except ProbeError as error:
        raise EncodeFailed(f"it cannot be read back: {error}") from error
    if hdr.display and said.display != hdr.display:
        yield "mastering display"
    if hdr.light and said.light != hdr.light:
        yield "content light level"


def _of_first_frame(source: Source, stream: int) -> list[dict[str, Any]]:
    command = ffprobe()
    if len(command) > 1:  # ours over PyAV has said all that it knows
        return []
    words = [word for pair in source.options for word in (f"-{pair[0]}", pair[1])]
    command += [*words, "-v", "error", "-read_intervals", "%+#1", "-select_streams", str(stream)]
    command += ["-show_frames", "-show_entries", "frame=side_data_list", "-of", "json", as_url(source.path)]
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True)
    try:
        frames = json.loads(done.stdout).get("frames", [])
    except json.JSONDecodeError:
        return []
    return [one for frame in frames for one in frame.get("side_data_list", []) if "side_data_type" in one]


def _display_of(said: Mapping[str, Any]) -> tuple[int, ...]:
    """The box's ten numbers; () where one is missing or does not fit."""
    units = [(name, 50_000, 0xFFFF) for name in _CHROMATICITIES]
    units += [("max_luminance", 10_000, 0xFFFFFFFF), ("min_luminance", 10_000, 0xFFFFFFFF)]
    try:
        numbers = tuple(round(Fraction(said[name]) * unit) for name, unit, _ in units)
    except (KeyError, ValueError, ZeroDivisionError):
        return ()
    fits = all(0 <= number <= most for number, (_, _, most) in zip(numbers, units, strict=True))
    return numbers if fits else ()


def _light_of(said: Mapping[str, Any]) -> tuple[int, ...]:
    """The box's two numbers; () where one is missing or does not fit."""
    numbers = [said.get("max_content"), said.get("max_average")]
    fitting = tuple(n for n in numbers if isinstance(n, int) and 0 <= n <= 0xFFFF)
    return fitting if len(fitting) == len(numbers) else ()
