"""Probe encodes and the lookahead beside a first pass: notes that we read and libvpx does not."""

from collections.abc import Iterator

import numpy as np
import pytest
from support.native_samples import finish, first_pass, moving_texture, packets_of, settings

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.lookahead import look_ahead, lookahead_of
from encoder_bridge.errors import BadInput

FRAMES = 24
WIDTH, HEIGHT = 96, 80
NOTED = [0, 15, 20, 21, 23, 24]
"""Frame, inactive columns, variances of motion vectors, duration, count."""


@pytest.fixture
def pool() -> Iterator[_native.Pool]:
    pool = _native.Pool(1)
    yield pool
    pool.close()


def blobs(pool: _native.Pool) -> tuple[bytes, bytes]:
    """Statistics without and with notes."""
    clip = moving_texture(WIDTH, HEIGHT, FRAMES)
    plain, noted = (first_pass(pool, settings(WIDTH, HEIGHT, quick=quick), clip) for quick in (0, 1))
    return plain, noted


def clip_features(pool: _native.Pool, blob: bytes) -> dict[str, float]:
    stats = np.frombuffer(pool.frame_stats(blob), np.float64).reshape(-1, 25)
    names = {table: [name for name, _ in rows] for table, rows in _native.feature_tables().items()}
    clip = np.zeros(len(names["clip"]), np.float32)
    frames = np.zeros((len(stats), len(names["frame"])), np.float32)
    _native.observe_clip(WIDTH, HEIGHT, 100, np.ascontiguousarray(stats), clip, frames)
    return dict(zip(names["clip"], clip.tolist(), strict=True))


def test_notes_change_what_libvpx_does_not_read(pool: _native.Pool) -> None:
    plain, noted = (np.frombuffer(blob, np.float64).reshape(FRAMES + 1, -1) for blob in blobs(pool))
    assert np.unique(np.nonzero(plain != noted)[1]).tolist() == NOTED
    for field in (0, 23):  # what follows the point
        np.testing.assert_array_equal(plain[:, field], np.floor(noted[:, field]))
    assert (noted[:-1, 15] < 0).all() and (noted[:-1, 15] > -1e-5).all()  # below 0 there are no columns
    np.testing.assert_array_equal(plain[:, 24], np.rint(noted[:, 24]))
    np.testing.assert_allclose(plain[:, 20:22], noted[:, 20:22], rtol=1e-8, atol=1e-300)
    np.testing.assert_array_equal(plain[-1], noted[-1])  # the closing total


@pytest.mark.parametrize("auto_alt_ref", [1, 6])
def test_libvpx_codes_the_same_packets_with_notes_and_without(pool: _native.Pool, auto_alt_ref: int) -> None:
    clip, config = moving_texture(WIDTH, HEIGHT, FRAMES), settings(WIDTH, HEIGHT, auto_alt_ref=auto_alt_ref)
    coded = []
    for blob in blobs(pool):
        pool.start(0, config, clip, stats=blob, mode="libvpx", keep_packets=True)
        finish(pool, 0)
        coded.append(packets_of(pool, 0))
    assert coded[0] == coded[1]


def test_a_policy_knows_whether_there_are_notes(pool: _native.Pool) -> None:
    plain, noted = (clip_features(pool, blob) for blob in blobs(pool))
    assert (plain["quick"], noted["quick"]) == (0, 1)
    assert plain["quick_fine"] == plain["quick_key_coarse"] == 0
    assert noted["quick_fine"] > noted["quick_coarse"]
    assert noted["quick_key_fine"] > noted["quick_fine"]  # the key frame takes most


def test_what_the_lookahead_says_goes_with_the_statistics(pool: _native.Pool) -> None:
    plain, noted = (np.frombuffer(pool.frame_stats(blob), np.float64).reshape(-1, 25) for blob in blobs(pool))
    luma = moving_texture(WIDTH, HEIGHT, FRAMES).reshape(FRAMES, -1)
    assert lookahead_of(plain) is None
    found = lookahead_of(noted)
    assert found is not None
    np.testing.assert_array_equal(found, look_ahead(luma, WIDTH, HEIGHT))


def test_the_first_pass_is_another_with_notes() -> None:
    config = EncoderConfig()
    assert config.first_pass_key() != config.replace(quick=0).first_pass_key()
    with pytest.raises(BadInput, match="quick 2 is out of range"):
        config.replace(quick=2)
