"""VP9 frame headers: hidden frames, types, the qindex of every coded frame.

Reads the superframe index and the uncompressed headers (VP9 bitstream specification, annex B
and section 6.2), nothing of the compressed data.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from encoder_bridge.errors import BadBitstream

_SYNC_CODE = 0x498342
_SRGB = 7


@dataclass(frozen=True, kw_only=True)
class FrameHeader:
    """The uncompressed header of one coded frame."""

    profile: int
    show_existing_frame: bool
    """Shows a frame that is decoded already; the fields below say nothing then."""
    key: bool = False
    show_frame: bool = True
    intra_only: bool = False
    refresh_flags: int = 0
    """Bit i: reference slot i is replaced."""
    width: int = 0
    """Luma pixels; 0 where the size is taken from a reference."""
    height: int = 0
    base_q_idx: int = -1
    """The frame's qindex, within [0, 255]; -1 for a show-existing frame."""


class _Bits:
    """Reads big-endian bit fields; running out of bytes is a BadBitstream."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def read(self, count: int) -> int:
        end = self._position + count
        if end > 8 * len(self._data):
            raise BadBitstream(f"VP9 header ends after {len(self._data)} bytes, more are needed")
        whole = int.from_bytes(self._data[self._position // 8 : (end + 7) // 8], "big")
        self._position = end
        return (whole >> (-end % 8)) & ((1 << count) - 1)

    def flag(self) -> bool:
        return self.read(1) == 1


def split_superframe(packet: bytes) -> list[bytes]:
    """The coded frames of one packet, hidden ones included, in coding order.

    Raises:
        BadBitstream: an empty packet, or a superframe index that does not fit it.
    """
    if not packet:
        raise BadBitstream("empty VP9 packet")
    marker = packet[-1]
    if marker >> 5 != 0b110:
        return [packet]
    frames, size_bytes = (marker & 7) + 1, (marker >> 3 & 3) + 1
    index_bytes = 2 + size_bytes * frames
    if len(packet) < index_bytes or packet[-index_bytes] != marker:
        return [packet]
    index = packet[len(packet) - index_bytes + 1 : -1]
    parts, start = [], 0
    for i in range(frames):
        size = int.from_bytes(index[i * size_bytes : (i + 1) * size_bytes], "little")
        if size == 0 or start + size > len(packet) - index_bytes:
            raise BadBitstream(
                f"VP9 superframe index asks for {size} bytes of frame {i}, which are not there"
            )
        parts.append(packet[start : start + size])
        start += size
    return parts


def parse_header(frame: bytes) -> FrameHeader:
    """Reads one coded frame's uncompressed header up to its qindex.

    Raises:
        BadBitstream: not a VP9 frame, or cut short.
    """
    bits = _Bits(frame)
    if bits.read(2) != 0b10:
        raise BadBitstream("not a VP9 frame: the frame marker is missing")
    profile = bits.read(1) | bits.read(1) << 1
    if profile == 3 and bits.flag():
        raise BadBitstream("VP9 profile above 3")
    if bits.flag():
        return FrameHeader(profile=profile, show_existing_frame=True)
    key, show_frame, error_resilient = not bits.flag(), bits.flag(), bits.flag()
    intra_only, width, height = False, 0, 0
    if key:
        _read_sync_code(bits)
        _skip_color_config(bits, profile)
        refresh_flags = 0xFF
        width, height = _read_frame_size(bits)
        _skip_render_size(bits)
    else:
        intra_only = not show_frame and bits.flag()
        if not error_resilient:
            bits.read(2)  # reset_frame_context
        if intra_only:
            _read_sync_code(bits)
            if profile > 0:
                _skip_color_config(bits, profile)
            refresh_flags = bits.read(8)
            width, height = _read_frame_size(bits)
            _skip_render_size(bits)
        else:
            refresh_flags = bits.read(8)
            bits.read(3 * 4)  # slot and sign bias of each reference
            if not any(bits.flag() for _ in range(3)):  # no reference has this frame's size
                width, height = _read_frame_size(bits)
            _skip_render_size(bits)
            bits.flag()  # allow_high_precision_mv
            if not bits.flag():  # is_filter_switchable
                bits.read(2)
    if not error_resilient:
        bits.read(2)  # refresh_frame_context, frame_parallel_decoding_mode
    bits.read(2)  # frame_context_idx
    _skip_loop_filter(bits)
    return FrameHeader(
        profile=profile,
        show_existing_frame=False,
        key=key,
        show_frame=show_frame,
        intra_only=intra_only,
        refresh_flags=refresh_flags,
        width=width,
        height=height,
        base_q_idx=bits.read(8),
    )


def frame_headers(packets: Iterable[bytes]) -> Iterator[FrameHeader]:
    """The header of every coded frame of `packets`, in coding order."""
    for packet in packets:
        for frame in split_superframe(packet):
            yield parse_header(frame)


def qindexes_of(packets: Iterable[bytes]) -> list[int]:
    """The qindex of every frame that was coded, in coding order: what a replay feeds back."""
    return [header.base_q_idx for header in frame_headers(packets) if not header.show_existing_frame]


def with_color(packet: bytes, color: int) -> bytes:
    """A packet that begins with a key frame of profile 0 or 2, told its colour; any other packet as it is.

    Args:
        packet: as libvpx made it; its size stays.
        color: 4 bits, color_space and color_range.
    """
    # Frame marker 2, the profile's low bit (0) and high bit, no show_existing_frame, a key frame.
    begins_with_key = len(packet) > 4 and packet[0] & 0b11101100 == 0b10000000
    if not begins_with_key or int.from_bytes(packet[1:4], "big") != _SYNC_CODE:
        return packet
    profile_2 = packet[0] >> 4 & 1  # there a bit for 10 or 12 comes first
    place = 4 - profile_2
    told = color << place | packet[4] & ~(0b1111 << place)
    return packet[:4] + bytes([told]) + packet[5:]


def _read_sync_code(bits: _Bits) -> None:
    if bits.read(24) != _SYNC_CODE:
        raise BadBitstream("not a VP9 frame: the sync code is missing")


def _skip_color_config(bits: _Bits, profile: int) -> None:
    if profile >= 2:
        bits.flag()  # ten_or_twelve_bit
    if bits.read(3) != _SRGB:
        bits.flag()  # color_range
        if profile in (1, 3):
            bits.read(3)  # subsampling_x, subsampling_y, reserved
    elif profile in (1, 3):
        bits.flag()  # reserved
    else:
        raise BadBitstream(f"VP9 profile {profile} cannot hold RGB")


def _read_frame_size(bits: _Bits) -> tuple[int, int]:
    return bits.read(16) + 1, bits.read(16) + 1


def _skip_render_size(bits: _Bits) -> None:
    if bits.flag():
        bits.read(32)


def _skip_loop_filter(bits: _Bits) -> None:
    bits.read(6 + 3)  # level, sharpness
    if bits.flag() and bits.flag():  # deltas enabled, and updated here
        for _ in range(4 + 2):  # per reference, per mode
            if bits.flag():
                bits.read(7)
