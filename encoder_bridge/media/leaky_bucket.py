"""The leaky bucket, the measure of a peak: how much of a buffer a stream needs at a rate."""

from collections.abc import Iterable


def fullest_bits(packets: Iterable[tuple[int, float]], max_kbps: int) -> float:
    """Bits that a bucket holds at most into which every packet is poured when its frame is shown.

    The packets from any one to any later one take at most so many bits, and max_kbps times the seconds
    between the two.

    Args:
        packets: bytes of each, and the seconds until the next is shown.
        max_kbps: kilobits (1000 bits) a second that run out.
    """
    held, fullest = 0.0, 0.0
    for size, seconds in packets:
        held += 8 * size
        fullest = max(fullest, held)
        held = max(0.0, held - 1000 * max_kbps * seconds)
    return fullest
