"""On every release: GOPs have the shapes that were asked for, and are followed frame by frame."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from support.libvpx_releases import Libvpx
from support.native_samples import frame_bytes

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import first_pass
from encoder_bridge.encode.gop_shapes import GopShape, gop_starts
from encoder_bridge.encode.layouts import ALTREF, SHOW_EXISTING
from encoder_bridge.encode.run import encode
from encoder_bridge.media.vp9_headers import frame_headers
from muzero_rc.deploy.policy_names import SHAPES, resolve

WIDTH, HEIGHT, FRAMES = 64, 48, 70


def moving() -> npt.NDArray[np.uint8]:
    """A pattern that moves steadily, without a cut."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    random = np.random.default_rng(0)
    frames = np.full((FRAMES, frame_bytes(WIDTH, HEIGHT)), 128, np.uint8)
    for t in range(FRAMES):
        luma = 128 + 60 * np.sin((x + 2 * t) / 7) + 30 * np.cos((y - t) / 5)
        luma += random.normal(0, 3, luma.shape)
        frames[t, : WIDTH * HEIGHT] = np.clip(luma, 0, 255).astype(np.uint8).ravel()
    return frames


def test_gops_are_as_long_and_deep_as_asked(libvpx: Libvpx) -> None:
    frames = moving()
    config = EncoderConfig(width=WIDTH, height=HEIGHT, target_kbps=60, cpu_used=5, quick=0)
    shapes = [GopShape(16), GopShape(6, layers=2), GopShape(10, layers=1), GopShape(8), GopShape(20)]
    result = encode(frames, first_pass(frames, config), config, shapes=shapes, keep_packets=True)
    records = result.records
    assert gop_starts(records)[:6] == [0, 16, 22, 32, 40, 60]
    headers = list(frame_headers(data for _, _, data in result.packets))
    assert [h.show_existing_frame for h in headers] == (records["frame_type"] == SHOW_EXISTING).tolist()
    coded = records[records["frame_type"] != SHOW_EXISTING]
    in_headers = [h for h in headers if not h.show_existing_frame]
    assert [not h.show_frame for h in in_headers] == (coded["frame_type"] == ALTREF).tolist()
    assert [h.base_q_idx for h in in_headers] == coded["qindex"].tolist()
    hidden = np.sort(coded["show_index"][coded["frame_type"] == ALTREF])
    inside = [int(((hidden > start) & (hidden < end)).sum()) for start, end in ((16, 22), (22, 32))]
    assert inside == [1, 0]


@pytest.mark.parametrize("tail", [3, 4, 5, 6])
def test_frames_behind_the_last_long_gop_get_what_was_decided(libvpx: Libvpx, tail: int) -> None:
    """They are fewer than the length that was set, so libvpx gives them no alt-ref."""
    frames = moving()[: 44 + tail]
    config = EncoderConfig(width=WIDTH, height=HEIGHT, target_kbps=60, cpu_used=5, quick=0)
    shapes = [GopShape(16), GopShape(16), GopShape(12)]
    result = encode(frames, first_pass(frames, config), config, shapes=shapes)
    coded = result.records[result.records["frame_type"] != SHOW_EXISTING]
    assert gop_starts(result.records)[:3] == [0, 16, 32] and result.guarded == 0
    assert coded["qindex"].tolist() == coded["q_ref"].tolist()


def test_a_policy_of_shapes_takes_the_filter_strength_that_serves_best(libvpx: Libvpx) -> None:
    """Which is the default up to 1.14 and 3 from 1.15 on; what the user chose stays."""
    frames, policy = moving(), _native.Policy(resolve(SHAPES).native)
    config = EncoderConfig(width=WIDTH, height=HEIGHT, target_kbps=60, cpu_used=5)
    first = first_pass(frames, config)
    result = encode(frames, first, config, policy=policy, keep_packets=True)
    assert {shape.strength for shape in result.shapes} == {3 if libvpx.by_index else -1}
    chosen = replace(config, arnr_strength=3)
    same = encode(frames, first, chosen, policy=policy, keep_packets=True)
    assert {shape.strength for shape in same.shapes} == {-1}
    if libvpx.by_index:
        assert [data for _, _, data in same.packets] == [data for _, _, data in result.packets]
        usual = encode(frames, first, replace(config, arnr_strength=5), policy=policy, keep_packets=True)
        assert [data for _, _, data in usual.packets] != [data for _, _, data in result.packets]
