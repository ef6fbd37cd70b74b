"""Truncated files: containers that say how long they are, and are shorter.

A file's frames do not tell: an edit list hides some, an AVI counts chunks without a picture, and between
two frames there may be a hole.
"""

import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from encoder_bridge.media.ebml import SEGMENT, CutShort, elements

_MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"moof", b"uuid", b"udta", b"meta")


def ends_early(path: Path, demuxer: str) -> bool:
    """Whether a container's own lengths point behind the file's end.

    Args:
        path: a regular file.
        demuxer: ffmpeg's name of what it is.
    """
    walk = next((walk for names, walk in _WALKS.items() if names in demuxer), None)
    if walk is None:
        return False
    size = path.stat().st_size
    with path.open("rb") as file:
        return any(end > size for end in walk(file, size))


def knows_length(demuxer: str) -> bool:
    """Whether `ends_early` can tell."""
    return any(name in demuxer for name in _WALKS)


def _matroska(file: IO[bytes], size: int) -> Iterator[int]:
    try:
        for kind, _, _ in elements(file, 0, size, open_ended=True):
            if kind == SEGMENT:
                return
    except CutShort:
        yield size + 1


def _mp4(file: IO[bytes], size: int) -> Iterator[int]:
    at = 0
    while at + 8 <= size:
        file.seek(at)
        length, kind = struct.unpack(">I4s", file.read(8))
        if kind not in _MP4_BOXES:
            return
        if length == 1:
            length = int.from_bytes(file.read(8), "big")
        if length < 8:  # 0: up to the file's end
            return
        at += length
        yield at


def _riff(file: IO[bytes], size: int) -> Iterator[int]:
    at = 0
    while at + 12 <= size:
        file.seek(at)
        kind, length = struct.unpack("<4sI", file.read(8))
        if kind != b"RIFF" or length == 0:  # a recording that was never finished says 0
            return
        at += 8 + length
        yield at
        at += length % 2


_WALKS: dict[str, Callable[[IO[bytes], int], Iterator[int]]] = {
    "matroska": _matroska,
    "mov": _mp4,
    "avi": _riff,
}


def y4m_partial_frame(path: Path, frame_bytes: int) -> bool:
    """Whether a 4:2:0 y4m file's last frame is partial, over which ffmpeg passes in silence."""
    with path.open("rb") as stream:
        header = len(stream.readline(4096))
        size = os.fstat(stream.fileno()).st_size
    return bool((size - header) % (len(b"FRAME\n") + frame_bytes))
