"""The lookahead through Python: shapes, units, refusals; what it sees is tested in C."""

import numpy as np
import pytest

from encoder_bridge.encode.layouts import GOP_CANDIDATE, LOOKAHEAD
from encoder_bridge.encode.lookahead import GOP_LENGTHS, gop_candidates, look_ahead
from encoder_bridge.errors import BadInput
from encoder_bridge.media.yuv420 import frame_bytes

WIDTH, HEIGHT = 65, 49


def moving_frames(count: int) -> np.ndarray:
    """[count, frame_bytes] u1: a smooth texture that moves to the left, grey chroma."""
    rng = np.random.default_rng(3)
    wide = np.kron(rng.integers(0, 256, (40, 80)), np.ones((5, 5)))
    frames = np.full((count, frame_bytes(WIDTH, HEIGHT)), 128, np.uint8)
    for t in range(count):
        frames[t, : WIDTH * HEIGHT] = wide[:HEIGHT, 2 * t : 2 * t + WIDTH].ravel()
    return frames


def test_luma_alone_says_the_same() -> None:
    frames = moving_frames(20)
    found = look_ahead(frames, WIDTH, HEIGHT)
    luma = frames[:, : WIDTH * HEIGHT].reshape(-1, HEIGHT, WIDTH)
    assert found.dtype == LOOKAHEAD and found.shape == (20,)
    assert np.array_equal(found, look_ahead(luma, WIDTH, HEIGHT))


def test_what_a_clip_does_not_have_is_minus_one() -> None:
    found = look_ahead(moving_frames(20), WIDTH, HEIGHT)
    for i in range(5):
        assert (found["inter"][: 2**i, i] == -1).all() and (found["inter"][2**i :, i] >= 0).all()
    for i in range(4):
        known = found["both"][2 ** (i + 1) :, i]
        assert (found["both"][: 2 ** (i + 1), i] == -1).all() and (known >= 0).all()
    candidates = gop_candidates(found)
    assert candidates.dtype == GOP_CANDIDATE and candidates.shape == (20, len(GOP_LENGTHS))
    for start in range(20):
        for length, candidate in zip(GOP_LENGTHS, candidates[start], strict=True):
            assert (candidate["far"] == -1) == (start + length >= 20)


def test_notes_round_and_say_the_same() -> None:
    exact = look_ahead(moving_frames(20), WIDTH, HEIGHT, noted=False)
    noted = look_ahead(moving_frames(20), WIDTH, HEIGHT)
    for name in ("intra", "luma"):
        np.testing.assert_allclose(noted[name], exact[name], rtol=0.04, atol=8)
    for name in ("inter", "both", "noise"):
        np.testing.assert_array_equal(noted[name] == -1, exact[name] == -1)
        np.testing.assert_allclose(noted[name], exact[name], rtol=0.09, atol=exact["intra"].max() / 200)
    np.testing.assert_allclose(noted["worth_far"][:, 1:], exact["worth_far"][:, 1:], rtol=0.15, atol=100)


def test_motion_is_told_from_a_cut() -> None:
    frames = moving_frames(20)
    frames[10:] = frames[10:, ::-1]
    found = look_ahead(frames, WIDTH, HEIGHT)
    assert found["fresh"][10, 0] > 600 and found["fresh"][9, 0] < 300 and found["fresh"][11, 0] < 300
    assert found["inter"][9, 0] < 0.3 * found["intra"][9]


def test_one_frame() -> None:
    found = look_ahead(moving_frames(1), WIDTH, HEIGHT)
    assert found["intra"][0] > 0 and found["noise"][0] == -1
    assert (gop_candidates(found, [1, 4]).view(np.int32) == -1).all()


@pytest.mark.parametrize("size", [(WIDTH + 1, HEIGHT), (0, 8), (-8, 8)])
def test_other_sizes_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(BadInput, match="frames"):
        look_ahead(moving_frames(3), *size)
