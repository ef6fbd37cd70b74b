"""Boxes of MP4 files (ISO/IEC 14496-12)."""

import os
from pathlib import Path
from typing import IO

from encoder_bridge.errors import EncodeFailed

_WAY = ((b"trak", 8), (b"mdia", 8), (b"minf", 8), (b"stbl", 8), (b"stsd", 8), (b"", 16))
"""From a movie to its first sample entry, of whatever codec: kinds, and the bytes before what is inside."""


def add_to_sample_entry(path: Path, boxes: bytes) -> None:
    """Appends boxes to the sample entry of a file's first track.

    Args:
        path: of a file whose index lies at its end, as ffmpeg writes it: no offset changes.
        boxes: whole ones.

    Raises:
        EncodeFailed: the file has another form.
        OSError: the disk is full, or fails otherwise.
    """
    with path.open("r+b") as file:
        start = _last_box(file, b"moov")
        file.seek(start)
        movie = bytearray(file.read())
        at, end = 0, len(movie)
        grown = [at]
        for kind, head in _WAY:
            at += head
            while at + 8 <= end and kind not in (b"", movie[at + 4 : at + 8]):
                at += max(8, _size(movie, at))
            if at + 8 > end:
                raise EncodeFailed(f"an MP4 without the box {kind.decode()} came out of ffmpeg")
            grown.append(at)
            end = at + _size(movie, at)
        movie[end:end] = boxes
        for at in grown:
            movie[at : at + 4] = (_size(movie, at) + len(boxes)).to_bytes(4, "big")
        file.seek(start)
        file.write(movie)


def _size(data: bytes | bytearray, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "big")


def _last_box(file: IO[bytes], kind: bytes) -> int:
    """Where the file's last box begins, which is to be of this kind."""
    end = file.seek(0, os.SEEK_END)
    at = 0
    while at < end:
        file.seek(at)
        head = file.read(16)
        size = _size(head, 0)
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        if at + size == end and head[4:8] == kind:
            return at
        at += max(8, size)
    raise EncodeFailed("an MP4 without an index at its end came out of ffmpeg")
