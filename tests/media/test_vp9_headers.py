from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder_bridge import _native
from encoder_bridge.encode.run import encode
from encoder_bridge.errors import BadBitstream
from encoder_bridge.media.vp9_headers import frame_headers, parse_header, qindexes_of, split_superframe


@pytest.fixture(scope="module")
def stream(clips):
    """VP9 packets with hidden and show-existing frames, and the records of the same encode."""
    clip = clips[_native.Pool]
    return encode(clip.raw.frames, clip.first, clip.config, keep_packets=True)


def test_every_decision_is_found_in_the_packets(stream):
    packets = [data for _, _, data in stream.packets]
    assert qindexes_of(packets) == stream.qindexes
    headers = list(frame_headers(packets))
    assert sum(h.show_frame or h.show_existing_frame for h in headers) == stream.frames
    assert sum(h.show_existing_frame for h in headers) == sum(stream.records["frame_type"] == -1)


def test_a_key_frame_says_its_size_and_refreshes_everything(stream):
    first = parse_header(split_superframe(stream.packets[0][2])[0])
    assert (first.key, first.width, first.height, first.refresh_flags) == (True, 64, 48, 0xFF)
    assert [h.key for h in frame_headers(d for _, _, d in stream.packets)].count(True) == 1


def test_hidden_frames_are_split_from_the_shown_one(stream):
    parts = split_superframe(stream.packets[1][2])
    assert len(parts) > 1
    assert [parse_header(part).show_frame for part in parts] == [False] * (len(parts) - 1) + [True]


@given(data=st.binary(max_size=64))
def test_garbage_is_a_bad_bitstream_and_nothing_else(data):
    with suppress(BadBitstream):
        list(frame_headers([data]))


@given(cut=st.integers(0, 40), flip=st.integers(0, 200))
def test_damaged_packets_raise_nothing_else(stream, cut, flip):
    data = bytearray(stream.packets[1][2])
    data[flip % len(data)] ^= 0x5A
    with suppress(BadBitstream):
        list(frame_headers([bytes(data[: len(data) - cut])]))


@pytest.mark.parametrize(
    ("packet", "words"),
    [
        (b"", "empty"),
        (b"\x00\x00", "marker"),
        (b"\x82\x00\x00\x00", "sync code"),
        (b"\x82", "more are needed"),
    ],
)
def test_errors_say_what_is_wrong(packet, words):
    with pytest.raises(BadBitstream, match=words):
        list(frame_headers([packet]))


def test_an_index_that_asks_for_too_much_is_refused():
    marker = 0b11000001  # two frames, one byte each
    with pytest.raises(BadBitstream, match="superframe index"):
        split_superframe(b"\x82\x00" + bytes([marker, 1, 200, marker]))
