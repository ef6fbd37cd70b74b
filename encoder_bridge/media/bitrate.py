"""Bitrate of encoded frames."""

from fractions import Fraction


def bitrate_kbps(packet_bytes: int, frames: int, fps: Fraction) -> float:
    """Kilobits (1000 bits) per second of shown time.

    Args:
        packet_bytes: of all video packets, superframe indexes included.
        frames: shown, 1 or more.
        fps: frames per second.
    """
    return float(8 * packet_bytes * fps / frames / 1000)
