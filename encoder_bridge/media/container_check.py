"""Verification of a muxed file: that it is whole, and holds the packets that were encoded.

ffmpeg's exit status does not tell: 5.1 prints "Error writing trailer" on a full disk and exits with 0.
"""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from encoder_bridge.errors import EncodeFailed
from encoder_bridge.media.containers import Container
from encoder_bridge.media.ebml import SEGMENT, CutShort, elements
from encoder_bridge.media.ffmpeg import as_url, complaints, ffprobe, last_complaint, running

# IDs of Matroska's elements, RFC 9559.
_SEEK_HEAD, _INFO, _TRACKS, _CLUSTER, _CUES = (
    *(0x114D9B74, 0x1549A966, 0x1654AE6B),
    *(0x1F43B675, 0x1C53BB6B),
)
_PACKET = re.compile(rb"(\d+),CRC32:([0-9a-f]+)")
_KINDS = ("video", "audio", "subtitle", "attachment")


def check_container(
    path: Path, checksums: Sequence[int], *, container: Container, others: Sequence[str] = ()
) -> None:
    """Refuses a file that is not the whole of what was encoded.

    Args:
        path: as ffmpeg muxed it.
        checksums: CRC-32 of every video packet, in order.
        container: what it should be.
        others: the kinds of the streams beside the video, in order: "audio", "subtitle", ….

    Raises:
        EncodeFailed: it is cut short, or its packets or streams are others.
    """
    if container.is_matroska:
        _check_elements(path)
    else:
        _check_boxes(path)
    streams, found = _read_packets(path)
    if found != list(checksums):
        same = sum(a == b for a, b in zip(found, checksums, strict=False))
        raise EncodeFailed(f"{same} of {len(checksums)} encoded packets are in it")
    if streams != ["video", *others]:
        raise EncodeFailed(f"its streams are {' '.join(streams)}")


def _read_packets(path: Path) -> tuple[list[str], list[int]]:
    """The kinds of all streams, and the CRC-32 of every packet of the first one."""
    command = [*ffprobe(), "-v", "error", "-show_data_hash", "CRC32"]
    command += ["-show_entries", "packet=stream_index,data_hash:stream=codec_type", "-of", "csv=p=0"]
    streams: list[str] = []
    checksums: list[int] = []
    with running([*command, as_url(path)], stdout=subprocess.PIPE) as (process, stderr):
        assert process.stdout is not None
        for line in process.stdout:
            packet = _PACKET.match(line)
            if packet is None:  # a stream, or an Opus packet's padding
                streams += [kind for kind in _KINDS if line.strip().split(b",")[0] == kind.encode()]
            elif packet[1] == b"0":
                checksums.append(int(packet[2], 16))
        if process.wait() != 0:
            raise EncodeFailed(f"it cannot be read back: {last_complaint(complaints(stderr))}")
    return streams, checksums


def _check_elements(path: Path) -> None:
    """A muxer that met an error leaves the segment's length open, or parts of it out."""
    end = path.stat().st_size
    try:
        with path.open("rb") as file:
            top = {kind: (start, stop) for kind, start, stop in elements(file, 0, end)}
            if SEGMENT not in top or top[SEGMENT][1] != end:
                raise CutShort
            inside = {kind for kind, _, _ in elements(file, *top[SEGMENT])}
    except CutShort:
        raise EncodeFailed("it is cut short") from None
    if not {_SEEK_HEAD, _INFO, _TRACKS, _CLUSTER, _CUES} <= inside:
        raise EncodeFailed("its index is missing")


def _check_boxes(path: Path) -> None:
    """The boxes of an MP4 end where the file does, and its index is among them (ISO/IEC 14496-12)."""
    end, at, kinds = path.stat().st_size, 0, set()
    with path.open("rb") as file:
        while at < end:
            file.seek(at)
            head = file.read(16)
            length = int.from_bytes(head[:4], "big")
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            kinds.add(head[4:8])
            at += max(length, 1)
            if length < 8 or at > end:
                raise EncodeFailed("it is cut short")
    if not {b"ftyp", b"moov", b"mdat"} <= kinds:
        raise EncodeFailed("its index is missing")
