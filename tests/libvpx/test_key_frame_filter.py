"""Key frames filtered as alt-refs are: newer releases do it, at slow speeds; older ones say no."""

from typing import Any

import pytest
from support.libvpx_releases import Libvpx
from support.native_samples import finish, first_pass, moving_texture, packets_of, settings

from encoder_bridge import _native

WIDTH, HEIGHT, FRAMES = 96, 80, 30


def packets(cpu_used: int, clip: Any, **changes: int) -> list[bytes]:
    pool = _native.Pool(1)
    config = settings(WIDTH, HEIGHT, cpu_used=cpu_used, **changes)
    blob = first_pass(pool, config, clip)
    pool.start(0, config, clip, stats=blob, mode="libvpx", keep_packets=True)
    finish(pool, 0)
    return packets_of(pool, 0)


def test_key_frames_are_filtered_at_slow_speeds(libvpx: Libvpx) -> None:
    clip = moving_texture(WIDTH, HEIGHT, FRAMES)
    assert bool(_native.versions()["key_frame_filtering"]) == libvpx.by_index
    if not libvpx.by_index:
        with pytest.raises(AssertionError, match="this libvpx has no key_frame_filtering"):
            packets(1, clip, key_frame_filtering=1)
        return
    plain = packets(1, clip)
    assert packets(1, clip, key_frame_filtering=0) == plain
    assert packets(1, clip, key_frame_filtering=1)[0] != plain[0]
    assert packets(4, clip, key_frame_filtering=1) == packets(4, clip)
