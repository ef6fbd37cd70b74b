"""Policies of GOP shapes: their files, their network, and what they make of a clip."""

import itertools

import numpy as np
import pytest

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import first_pass
from encoder_bridge.encode.gop_shapes import GopShape, gop_starts
from encoder_bridge.encode.lookahead import look_ahead
from encoder_bridge.encode.run import encode
from encoder_bridge.media.yuv420 import frame_bytes
from muzero_rc.deploy.policy_file import describe, read_metadata, write_policy_file

FEATURES = [name for name, _ in _native.feature_tables()["shape"]]
WIDTH, LIMIT = 4, 3
CLIP_WIDTH, CLIP_HEIGHT, LENGTHS = 64, 48, 20


def tensors(seed=0, scale=0.5):
    rng = np.random.default_rng(seed)
    count = len(FEATURES)
    shapes = {
        "norm.mean": (count,),
        "norm.scale": (count,),
        "in.w": (count, WIDTH),
        "in.b": (WIDTH,),
        "hidden.w": (WIDTH, WIDTH),
        "hidden.b": (WIDTH,),
        "out.w": (WIDTH, 1),
        "out.b": (1,),
    }
    return {f"shapes_{name}": rng.normal(0, scale, size).astype(np.float32) for name, size in shapes.items()}


def prefers(length):
    """A network that finds GOPs the worse the further they are from a length."""
    made = {name: np.zeros_like(value) for name, value in tensors().items()}
    frames = FEATURES.index("frames")  # tenths of them
    made["shapes_norm.scale"][:] = 1.0
    made["shapes_norm.mean"][frames] = length / 10
    made["shapes_in.w"][frames, :2] = [1.0, -1.0]
    made["shapes_hidden.w"][[0, 1], [0, 1]] = 1.0
    made["shapes_out.w"][:2] = -10.0
    return made


def write(path, values, **changes):
    sizes = {"features": len(FEATURES), "width": WIDTH, "limit": LIMIT} | changes.pop("sizes", {})
    metadata = {"feature_version": _native.versions()["feature_version"], "shapes": sizes} | changes
    write_policy_file(path, values, metadata, {"by": "a test"})
    return str(path)


def test_a_file_says_what_it_is(tmp_path):
    name = write(tmp_path / "a.safetensors", tensors())
    info = _native.Policy(name).info
    assert info["kind"] == "shapes"
    assert info["parameters"] == sum(value.size for value in tensors().values())
    assert read_metadata(tmp_path / "a.safetensors")["shapes"]["width"] == WIDTH
    assert describe(tmp_path / "a.safetensors")["provenance"] == {"by": "a test"}


def test_worth_is_that_of_the_network(tmp_path):
    values = tensors(1)
    policy = _native.Policy(write(tmp_path / "a.safetensors", values))
    x = np.random.default_rng(2).normal(0, 4, (50, len(FEATURES))).astype(np.float32)
    worth = np.zeros(50, np.float32)
    policy.shape_worth(x, worth)
    t = {name.removeprefix("shapes_"): value for name, value in values.items()}
    h = np.clip((x - t["norm.mean"]) * t["norm.scale"], -LIMIT, LIMIT)
    h = np.maximum(h @ t["in.w"] + t["in.b"], 0)
    h = np.maximum(h @ t["hidden.w"] + t["hidden.b"], 0)
    np.testing.assert_allclose(worth, (h @ t["out.w"] + t["out.b"])[:, 0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("values", "changes", "said"),
    [
        ({}, {"feature_version": 1}, "trained with feature table 1"),
        ({}, {"sizes": {"features": 3}}, "takes 3 shape features"),
        ({}, {"sizes": {"width": 9}}, "its shape must be"),
        ({}, {"sizes": {"width": 1000}}, '"shapes.width" is missing or out of range'),
        ({"shapes_more": np.zeros(3, np.float32)}, {}, "tensors"),
    ],
)
def test_files_that_fit_nothing_are_refused(tmp_path, values, changes, said):
    name = write(tmp_path / "a.safetensors", {**tensors(), **values}, **changes)
    with pytest.raises(_native.NativeError, match=said):
        _native.Policy(name)


def test_a_tensor_that_is_missing_is_named(tmp_path):
    values = {("shapes_odd" if name == "shapes_in.b" else name): v for name, v in tensors().items()}
    with pytest.raises(_native.NativeError, match=r"tensor shapes_in\.b is missing"):
        _native.Policy(write(tmp_path / "a.safetensors", values))


@pytest.fixture(scope="module")
def frames():
    """61 frames of a pattern that moves steadily: GOPs of ten frames fill them."""
    y, x = np.mgrid[:CLIP_HEIGHT, :CLIP_WIDTH]
    made = np.full((61, frame_bytes(CLIP_WIDTH, CLIP_HEIGHT)), 128, np.uint8)
    for t in range(len(made)):
        luma = 128 + 60 * np.sin((x + 2 * t) / 7) + 30 * np.cos((y - t) / 5)
        made[t, : CLIP_WIDTH * CLIP_HEIGHT] = np.clip(luma, 0, 255).astype(np.uint8).ravel()
    return made


def encoded(frames, *, quick=1, **rest):
    config = EncoderConfig(width=CLIP_WIDTH, height=CLIP_HEIGHT, target_kbps=60, cpu_used=5, quick=quick)
    return encode(frames, first_pass(frames, config), config, keep_packets=True, **rest)


def test_gops_get_the_lengths_that_are_worth_most(frames, tmp_path):
    result = encoded(frames, policy=write(tmp_path / "a.safetensors", prefers(10)))
    starts = gop_starts(result.records)
    assert starts[:4] == [0, 10, 20, 30]
    shapes = [GopShape(after - before) for before, after in itertools.pairwise(starts)]
    again = encoded(frames, shapes=[*shapes, *[shapes[-1]] * 9])
    assert gop_starts(again.records) == starts


def test_without_a_lookahead_shapes_are_libvpx_s_own(frames, tmp_path):
    alone = encoded(frames, policy=write(tmp_path / "a.safetensors", prefers(10)), quick=0)
    assert alone.packets == encoded(frames, quick=0).packets


def test_a_gop_is_judged_by_what_surrounds_it(frames):
    found = look_ahead(frames, CLIP_WIDTH, CLIP_HEIGHT)
    whole = np.zeros((len(found), LENGTHS, len(FEATURES)), np.float32)
    part = np.zeros((50, LENGTHS, len(FEATURES)), np.float32)
    _native.shape_features(found, 5.0, whole)
    _native.shape_features(found[:50].copy(), 5.0, part)
    assert np.isfinite(whole).all()
    np.testing.assert_array_equal(whole[:20], part[:20])
