"""Sizes, times and frame rates as people write them."""

import re
from fractions import Fraction

from encoder_bridge.errors import UserError

_BYTES = {
    "": 1,
    **{letter: 1000**power for power, letter in enumerate("kmg", 1)},
    **{f"{letter}b": 1000**power for power, letter in enumerate("kmg", 1)},
    **{f"{letter}ib": 1024**power for power, letter in enumerate("kmg", 1)},
}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+) ?([a-zA-Z]*)")
_CLOCK = re.compile(r"(?:(?:([0-9]+):)?([0-5]?[0-9]):)?([0-9]+(?:\.[0-9]*)?|\.[0-9]+)")


class BadQuantity(UserError):
    """Not such a quantity; the message says what to write instead."""


def parse_bytes(text: str) -> int:
    """`10M` (a million bytes each), `10MB` or `10MiB` (1 048 576 each), K and G alike, or bytes.

    Raises:
        BadQuantity: not such a size, or none at all.
    """
    match = _SIZE.fullmatch(text.strip())
    unit = _BYTES.get(match[2].lower()) if match else None
    size = int(Fraction(match[1]) * unit) if match and unit else 0
    if size < 1:
        raise BadQuantity(f"{text!r} is no size; write it like 10M, 700K, 8MiB or 10000000")
    return size


def parse_seconds(text: str) -> float:
    """`90`, `12.5`, `1:30` or `1:02:03.5`.

    Raises:
        BadQuantity: not such a time.
    """
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        raise BadQuantity(f"{text!r} is no time; write it like 12.5 (seconds) or 1:02:03.5")
    return 3600 * int(match[1] or 0) + 60 * int(match[2] or 0) + float(match[3])


def parse_fps(text: str) -> Fraction:
    """`25`, `29.97` or `30000/1001`; 23.976, 29.97 and 59.94 are the NTSC rates that they stand for.

    Raises:
        BadQuantity: not such a rate.
    """
    try:
        fps = Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        fps = Fraction(0)
    if fps <= 0:
        raise BadQuantity(f"{text!r} is no frame rate; write it like 25, 29.97 or 30000/1001")
    ntsc = Fraction(round(fps * 1001 / 1000) * 1000, 1001)
    return ntsc if fps != ntsc and fps.denominator > 1 and abs(ntsc - fps) < Fraction(1, 200) else fps
