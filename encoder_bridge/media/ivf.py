"""IVF: VP9 packets in a file, as they come, so that memory does not grow with the video."""

import struct
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import IO

from encoder_bridge.media.probe import VideoFile
from encoder_bridge.media.scratch import scratch_file
from encoder_bridge.media.vp9_headers import with_color

_ONE = Fraction(1)
_FRAME_HEADER = struct.Struct("<Iq")


class IvfWriter:
    """Writes VP9 packets into an IVF file. pts counts frames.

    Attributes:
        path: the file.
        checksums: CRC-32 of every packet, as it is in the file.
        packet_bytes: of all of them.
    """

    def __init__(
        self,
        stream: IO[bytes],
        path: Path,
        width: int,
        height: int,
        fps: Fraction,
        *,
        times: Sequence[int] = (),
        time_base: Fraction = _ONE,
        color: int | None = None,
    ) -> None:
        """Writes the header.

        Args:
            stream: of the file.
            path: of the file.
            width: luma pixels.
            height: luma pixels.
            fps: frames per second.
            times: in ticks, of every frame; () for a constant rate.
            time_base: seconds per tick.
            color: told to key frames, as `with_color` takes it.
        """
        self.path = path
        self.checksums = array("I")
        self.packet_bytes = 0
        self._stream = stream
        self._times = times
        self._color = color
        size = (min(width, 0xFFFF), min(height, 0xFFFF))
        tick = time_base if times else 1 / fps
        header = (b"DKIF", 0, 32, b"VP90", *size, *_as_u32(tick.denominator, tick.numerator), 0, 0)
        self._ends = array("Q", [stream.write(struct.pack("<4sHH4sHHIIII", *header))])

    def write(self, packets: Iterable[tuple[int, bool | int, bytes]]) -> None:
        """Appends (pts, key, data) packets."""
        for pts, key, packet in packets:
            data = with_color(packet, self._color) if key and self._color is not None else packet
            time = self._times[pts] if self._times else pts
            self._append(_FRAME_HEADER.pack(len(data), time) + data, zlib.crc32(data))

    def append(self, other: "IvfWriter", begin: int, end: int) -> None:
        """Appends the packets `begin` to `end` - 1 of another file of the same clip, flushed."""
        with other.path.open("rb") as file:
            file.seek(other._ends[begin])
            for i in range(begin, end):
                size = other._ends[i + 1] - other._ends[i]
                self._append(file.read(size), other.checksums[i])

    def _append(self, frame: bytes, checksum: int) -> None:
        """A packet behind its frame header."""
        self._stream.write(frame)
        self.checksums.append(checksum)
        self.packet_bytes += len(frame) - _FRAME_HEADER.size
        self._ends.append(self._ends[-1] + len(frame))

    def flush(self) -> None:
        """Everything written is in the file afterwards."""
        self._stream.flush()


@contextmanager
def ivf_file(clip: VideoFile) -> Iterator[IvfWriter]:
    """A nameless IVF file for a clip's packets."""
    with scratch_file(".ivf") as (stream, path):
        yield IvfWriter(
            stream,
            path,
            clip.width,
            clip.height,
            clip.fps,
            times=clip.times,
            time_base=clip.time_base,
            color=clip.color.vp9_bits,
        )


def _as_u32(numerator: int, denominator: int) -> tuple[int, int]:
    """A fraction in IVF's two fields, as near as they allow."""
    value = Fraction(numerator, denominator)
    if max(value.numerator, value.denominator) >= 1 << 31:
        value = value.limit_denominator(1_000_000)
    return value.numerator, value.denominator
