"""What a policy of GOP shapes was not fitted to is left to libvpx: lengths of its own."""

import numpy as np
import pytest
from safetensors.numpy import load_file

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import first_pass
from encoder_bridge.encode.gop_shapes import gop_starts
from encoder_bridge.encode.lookahead import look_ahead
from encoder_bridge.encode.run import encode
from encoder_bridge.media.yuv420 import frame_bytes
from muzero_rc.deploy.policy_file import read_metadata, write_policy_file
from muzero_rc.deploy.policy_names import SHAPES, shipped

FEATURES = [name for name, _ in _native.feature_tables()["shape"]]
WIDTH, HEIGHT, FRAMES = 64, 48, 61
LENGTHS, SHORTEST = 20, 4
LIMIT = 3


def clip(luma):
    made = np.full((FRAMES, frame_bytes(WIDTH, HEIGHT)), 128, np.uint8)
    made[:, : WIDTH * HEIGHT] = np.clip(luma, 0, 255).astype(np.uint8).reshape(FRAMES, -1)
    return made


@pytest.fixture(scope="module")
def moving():
    """A pattern that moves steadily: GOPs of ten frames fill it."""
    t, y, x = np.mgrid[:FRAMES, :HEIGHT, :WIDTH]
    return clip(128 + 60 * np.sin((x + 2 * t) / 7) + 30 * np.cos((y - t) / 5))


@pytest.fixture(scope="module")
def encoded():
    """Lengths that the policy at a path chooses for a clip, 0 where they are libvpx's own, and the starts."""
    passes = {}

    def run(frames, policy):
        config = EncoderConfig(width=WIDTH, height=HEIGHT, target_kbps=60, cpu_used=5)
        key = frames.tobytes()
        if key not in passes:
            passes[key] = first_pass(frames, config)
        result = encode(frames, passes[key], config, policy=str(policy))
        return [shape.length for shape in result.shapes], gop_starts(result.records)

    return run


def ten_frames(path, odd=None, **sizes):
    """A policy that likes GOPs of 10 frames; of the feature `odd` it saw next to nothing but 0."""
    count, width = len(FEATURES), 2
    made = {
        "norm.mean": np.zeros(count),
        "norm.scale": np.zeros(count),
        "in.w": np.zeros((count, width)),
        "in.b": np.zeros(width),
        "hidden.w": np.eye(width),
        "hidden.b": np.zeros(width),
        "out.w": np.full((width, 1), -10.0),
        "out.b": np.zeros(1),
    }
    frames = FEATURES.index("frames")  # tenths of them
    made["norm.mean"][frames] = made["norm.scale"][frames] = 1.0
    made["in.w"][frames] = [1.0, -1.0]
    if odd is not None:
        made["norm.scale"][FEATURES.index(odd)] = 1000.0
    tensors = {f"shapes_{name}": np.asarray(value, np.float32) for name, value in made.items()}
    sizes = {"features": count, "width": width, "limit": LIMIT} | sizes
    versions = {"feature_version": _native.versions()["feature_version"]}
    write_policy_file(path, tensors, versions | {"shapes": sizes}, {"by": "a test"})
    return path


def test_lengths_are_libvpx_s_own_where_everything_is_strange(moving, encoded, tmp_path):
    lengths, starts = encoded(moving, ten_frames(tmp_path / "a.safetensors", "step", strange=990))
    assert set(lengths) == {0}
    assert starts == encoded(moving, "controller")[1]


def test_a_file_that_says_nothing_of_strangeness_is_believed(moving, encoded, tmp_path):
    assert encoded(moving, ten_frames(tmp_path / "a.safetensors", "step"))[1][:4] == [0, 10, 20, 30]


def test_only_what_lies_ahead_counts(moving, encoded, tmp_path):
    """GOPs that begin at frame 0 alone are strange."""
    lengths, _ = encoded(moving, ten_frames(tmp_path / "a.safetensors", "first", strange=0))
    assert lengths[0] == 0
    assert 10 in lengths[1:]


def test_the_share_is_that_of_the_features(moving, encoded, tmp_path):
    """GOPs that end with the clip are strange: a thousandth more or less of them decides."""
    found = look_ahead(moving, WIDTH, HEIGHT)
    features = np.zeros((FRAMES, LENGTHS, len(FEATURES)), np.float32)
    _native.shape_features(found, 5.0, features)
    fits = np.arange(FRAMES)[:, None] + np.arange(LENGTHS) + SHORTEST < FRAMES
    share = features[..., FEATURES.index("last")][fits].mean()
    below, above = (int(1000 * share) + more for more in (0, 1))
    assert encoded(moving, ten_frames(tmp_path / "a.safetensors", "last", strange=below))[0][0] == 0
    assert encoded(moving, ten_frames(tmp_path / "b.safetensors", "last", strange=above))[0][0] == 10


@pytest.mark.parametrize("kind", ["blocks", "flicker", "snow"])
def test_synthetic_clips_are_strange_to_what_ships(kind, encoded, tmp_path):
    """To the packaged networks, where half of the GOPs must be familiar."""
    rng = np.random.default_rng(5)
    still = np.kron(rng.integers(0, 2, (6, 8)) * 219 + 16, np.ones((8, 8)))
    odd = (np.arange(FRAMES) % 2)[:, None, None]
    luma = {
        "blocks": np.kron(rng.integers(0, 2, (FRAMES, 6, 8)) * 219 + 16, np.ones((1, 8, 8))),
        "flicker": still + odd * rng.normal(0, 12, still.shape),
        "snow": still + 90 * (rng.random((FRAMES, HEIGHT, WIDTH)) < 0.02),
    }[kind]
    metadata, frames, tensors = read_metadata(shipped()[SHAPES]), clip(luma), load_file(shipped()[SHAPES])
    chosen = []
    for name, strange in (("sure", 1000), ("careful", 500)):
        metadata["shapes"]["strange"] = strange
        write_policy_file(tmp_path / f"{name}.safetensors", tensors, metadata, {"by": "a test"})
        chosen.append(set(encoded(frames, tmp_path / f"{name}.safetensors")[0]))
    assert chosen[0] - {0}
    assert chosen[1] == {0}


@pytest.mark.parametrize("strange", [-1, 1001])
def test_a_share_that_is_none_is_refused(strange, tmp_path):
    with pytest.raises(_native.NativeError, match=r'"shapes\.strange" is missing or out of range'):
        _native.Policy(str(ten_frames(tmp_path / "a.safetensors", strange=strange)))
