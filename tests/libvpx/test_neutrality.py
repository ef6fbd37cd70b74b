"""On every release: the hook changes nothing that it is not told to change."""

import pytest
from support.libvpx_releases import Libvpx
from support.native_samples import answer, finish, first_pass, moving_texture, packets_of, settings

from encoder_bridge import _native
from encoder_bridge.media.vp9_headers import qindexes_of

WIDTH, HEIGHT, FRAMES = 96, 80, 40
END_USAGE_Q = 3


@pytest.mark.parametrize("auto_alt_ref", [0, 1, 6])
def test_constant_quality_fed_back_gives_the_same_bytes(libvpx: Libvpx, auto_alt_ref: int) -> None:
    """Whole up to 1.14. 1.15's dependency model reads what is answered to questions ahead, and from 1.16 on
    its factors give way to ours, which are neutral: both are the same as libvpx without it.
    """
    clip = moving_texture(WIDTH, HEIGHT, FRAMES)
    changes = {"auto_alt_ref": auto_alt_ref, "end_usage": END_USAGE_Q, "cq_level": 36, "quick": 0}
    config = settings(WIDTH, HEIGHT, **changes)
    own_config = config | ({"tpl": 0} if libvpx.by_index else {})
    hook_config = config | ({"tpl": 0} if libvpx.by_index and libvpx.own_factors else {})
    pool = _native.Pool(1)
    blob = first_pass(pool, config, clip)
    pool.start(0, own_config, clip, stats=blob, mode="libvpx", keep_packets=True)
    finish(pool, 0)
    own = packets_of(pool, 0)
    plan = qindexes_of(own)
    following = iter(plan)
    pool.start(0, hook_config, clip, stats=blob, guard=False, keep_packets=True)
    answer(pool, lambda event: next(following, 255))
    finish(pool, 0)
    replayed = packets_of(pool, 0)
    pool.close()
    assert qindexes_of(replayed) == plan
    assert replayed == own


def test_the_same_decisions_give_the_same_bytes(libvpx: Libvpx) -> None:
    clip, config = moving_texture(WIDTH, HEIGHT, FRAMES), settings(WIDTH, HEIGHT, quick=0)
    pool = _native.Pool(1)
    blob = first_pass(pool, config, clip)
    encodes = []
    for _ in range(2):
        pool.start(0, config, clip, stats=blob, guard=False, keep_packets=True)
        answer(pool, lambda event: 90 + int(event["layer"]))
        finish(pool, 0)
        encodes.append(packets_of(pool, 0))
    pool.close()
    assert encodes[0] == encodes[1]
