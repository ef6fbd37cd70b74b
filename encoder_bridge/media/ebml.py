"""EBML elements (RFC 8794), of which Matroska and WebM are made."""

from collections.abc import Iterator
from typing import IO

SEGMENT = 0x18538067
"""ID of Matroska's one top element behind the header (RFC 9559)."""


class CutShort(Exception):
    """The bytes end before an element does."""


def elements(
    file: IO[bytes], start: int, end: int, *, open_ended: bool = False
) -> Iterator[tuple[int, int, int]]:
    """Elements side by side: ID, where their data starts and where it ends.

    Args:
        file: any; its position changes.
        start: of the first element, in bytes.
        end: of the last one.
        open_ended: an element whose length was left open reaches to `end`; else it is cut short.

    Raises:
        CutShort: an element ends behind `end`.
    """
    while start < end:
        file.seek(start)
        kind, _ = _number(file, keep_marker=True)
        length, is_open = _number(file, keep_marker=False)
        start = end if is_open and open_ended else file.tell() + length
        if start > end:
            raise CutShort
        yield kind, file.tell(), start


def _number(file: IO[bytes], *, keep_marker: bool) -> tuple[int, bool]:
    """A variable-size integer, and whether all its bits are set: a length that was left open."""
    first = file.read(1)
    if not first or first[0] == 0:
        raise CutShort
    width = 9 - first[0].bit_length()
    rest = file.read(width - 1)
    bare = int.from_bytes(bytes([first[0] & (0xFF >> width)]) + rest, "big")
    value = int.from_bytes(first + rest, "big") if keep_marker else bare
    return value, bare == (1 << 7 * width) - 1
