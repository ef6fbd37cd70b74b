"""Verification of a muxed WebM: that it is whole, and holds the packets that were encoded.

ffmpeg's exit status does not tell: 5.1 prints "Error writing trailer" on a full disk and exits with 0.
"""

import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from encoder_bridge.errors import EncodeFailed
from encoder_bridge.media.ffmpeg import as_url, complaints, last_complaint, program, running

# IDs of Matroska's elements, RFC 9559.
_SEGMENT, _SEEK_HEAD, _INFO, _TRACKS, _CLUSTER, _CUES = (
    *(0x18538067, 0x114D9B74, 0x1549A966),
    *(0x1654AE6B, 0x1F43B675, 0x1C53BB6B),
)
_PACKET = re.compile(rb"(\d+),CRC32:([0-9a-f]+)")


def check_webm(path: Path, checksums: Sequence[int], *, audio_streams: int) -> None:
    """Refuses a file that is not the whole of what was encoded.

    Args:
        path: as ffmpeg muxed it.
        checksums: CRC-32 of every video packet, in order.
        audio_streams: beside the video.

    Raises:
        EncodeFailed: it is cut short, or its packets or streams are others.
    """
    _check_elements(path)
    streams, found = _read_packets(path)
    if found != list(checksums):
        same = sum(a == b for a, b in zip(found, checksums, strict=False))
        raise EncodeFailed(f"{same} of {len(checksums)} encoded packets are in it")
    if streams != ["video", *["audio"] * audio_streams]:
        raise EncodeFailed(f"its streams are {' '.join(streams)}")


def _read_packets(path: Path) -> tuple[list[str], list[int]]:
    """The kinds of all streams, and the CRC-32 of every packet of the first one."""
    command = [program("ffprobe"), "-v", "error", "-show_data_hash", "CRC32"]
    command += ["-show_entries", "packet=stream_index,data_hash:stream=codec_type", "-of", "csv=p=0"]
    streams: list[str] = []
    checksums: list[int] = []
    with running([*command, as_url(path)], stdout=subprocess.PIPE) as (process, stderr):
        assert process.stdout is not None
        for line in process.stdout:
            packet = _PACKET.match(line)
            if packet is None:  # a stream, or an Opus packet's padding
                streams += [kind for kind in ("video", "audio") if kind.encode() == line.strip()]
            elif packet[1] == b"0":
                checksums.append(int(packet[2], 16))
        if process.wait() != 0:
            raise EncodeFailed(f"it cannot be read back: {last_complaint(complaints(stderr))}")
    return streams, checksums


def _check_elements(path: Path) -> None:
    """A muxer that met an error leaves the segment's length open, or parts of it out."""
    end = path.stat().st_size
    with path.open("rb") as file:
        top = {kind: (start, stop) for kind, start, stop in _elements(file, 0, end)}
        if _SEGMENT not in top or top[_SEGMENT][1] != end:
            raise EncodeFailed("it is cut short")
        inside = {kind for kind, _, _ in _elements(file, *top[_SEGMENT])}
    if not {_SEEK_HEAD, _INFO, _TRACKS, _CLUSTER, _CUES} <= inside:
        raise EncodeFailed("its index is missing")


def _elements(file: IO[bytes], start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """EBML elements side by side: ID, where their data starts and where it ends (RFC 8794)."""
    while start < end:
        file.seek(start)
        kind, length = _number(file, keep_marker=True), _number(file, keep_marker=False)
        start = file.tell() + length
        if start > end:
            raise EncodeFailed("it is cut short")
        yield kind, file.tell(), start


def _number(file: IO[bytes], *, keep_marker: bool) -> int:
    """A variable-size integer; a length that was left open is longer than any file."""
    first = file.read(1)
    if not first or first[0] == 0:
        raise EncodeFailed("it is cut short")
    width = 9 - first[0].bit_length()
    value = first[0] if keep_marker else first[0] & (0xFF >> width)
    return int.from_bytes(bytes([value]) + file.read(width - 1))
