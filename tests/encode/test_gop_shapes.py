import numpy as np
import pytest

from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import first_pass
from encoder_bridge.encode.gop_shapes import GopShape, as_shapes, gop_starts
from encoder_bridge.encode.run import encode
from encoder_bridge.errors import BadInput
from encoder_bridge.media.yuv420 import frame_bytes

WIDTH, HEIGHT = 64, 48


def moving(length):
    """Frames of a pattern that moves steadily."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    random = np.random.default_rng(0)
    frames = np.full((length, frame_bytes(WIDTH, HEIGHT)), 128, np.uint8)
    for t in range(length):
        luma = 128 + 60 * np.sin((x + 2 * t) / 7) + 30 * np.cos((y - t) / 5)
        luma += random.normal(0, 3, luma.shape)
        frames[t, : WIDTH * HEIGHT] = np.clip(luma, 0, 255).astype(np.uint8).ravel()
    return frames


@pytest.fixture(scope="module")
def encoded():
    """Encodes 70 frames under the controller: encoded(shapes, **settings)."""
    frames = moving(70)
    firsts = {}

    def run(shapes, length=70, **settings):
        config = EncoderConfig(width=WIDTH, height=HEIGHT, target_kbps=60, cpu_used=5, **settings)
        key = (length, config.first_pass_key())
        if key not in firsts:
            firsts[key] = first_pass(frames[:length], config)
        return encode(frames[:length], firsts[key], config, shapes=shapes, keep_packets=True)

    return run


def test_gops_are_as_long_as_asked(encoded):
    lengths = [16, 6, 10, 8, 20]
    result = encoded([GopShape(length) for length in lengths])
    assert gop_starts(result.records)[:6] == [0, 16, 22, 32, 40, 60]


@pytest.mark.parametrize("settings", [{}, {"auto_alt_ref": 1}, {"auto_alt_ref": 0}, {"lag_in_frames": 12}])
def test_own_shapes_give_the_bytes_of_no_shapes(encoded, settings):
    untouched = encoded(None, **settings)
    assert encoded([], **settings).packets == untouched.packets
    assert encoded([GopShape()] * 30, **settings).packets == untouched.packets


def test_shapes_are_four_numbers_each():
    assert as_shapes(None) is None
    assert as_shapes([GopShape(8, 2, 3, 4), GopShape()]).tolist() == [[8, 2, 3, 4], [0, -1, -1, -1]]
    with pytest.raises(BadInput, match="four numbers"):
        as_shapes(np.zeros((2, 3), np.int32))


@pytest.mark.parametrize(
    "shape", [GopShape(3), GopShape(24), GopShape(8, 7), GopShape(8, 1, 7), GopShape(8, 1, 0, 16)]
)
def test_a_shape_that_libvpx_would_refuse_is_refused(encoded, shape):
    with pytest.raises(BadInput, match="out of range"):
        encoded([shape])
