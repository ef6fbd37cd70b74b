"""The hook changes nothing that it is not told to change."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from support.native_samples import answer, finish, first_pass, moving_texture, packets_of, settings

from encoder_bridge import _native
from encoder_bridge.encode.layouts import RECORD, SHOW_EXISTING, as_records
from encoder_bridge.media.vp9_headers import qindexes_of

FRAMES = 40
END_USAGE_Q = 3


@pytest.fixture
def pool() -> Iterator[_native.Pool]:
    pool = _native.Pool(1)
    yield pool
    pool.close()


def write_y4m(path: Path, clip: npt.NDArray[np.uint8], config: dict[str, int]) -> None:
    rate = f"{config['timebase_den']}:{config['timebase_num']}"
    header = f"YUV4MPEG2 W{config['width']} H{config['height']} F{rate} Ip C420jpeg\n"
    path.write_bytes(header.encode() + b"".join(b"FRAME\n" + frame.tobytes() for frame in clip))


def ivf_packets(path: Path) -> list[bytes]:
    data, packets, at = path.read_bytes(), [], 32
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "little")
        packets.append(data[at + 12 : at + 12 + size])
        at += 12 + size
    return packets


@pytest.mark.skipif(not shutil.which("vpxenc"), reason="vpxenc is not installed (apt: vpx-tools)")
@pytest.mark.parametrize(("width", "height", "rate"), [(96, 80, (25, 1)), (95, 79, (30000, 1001))])
@pytest.mark.parametrize("auto_alt_ref", [0, 1, 6])
@pytest.mark.parametrize("cq_level", [-1, 40])
def test_libvpx_mode_makes_the_packets_of_vpxenc(
    pool: _native.Pool,
    tmp_path: Path,
    width: int,
    height: int,
    rate: tuple[int, int],
    auto_alt_ref: int,
    cq_level: int,
) -> None:
    clip = moving_texture(width, height, FRAMES)
    config = settings(width, height, auto_alt_ref=auto_alt_ref, timebase_num=rate[1], timebase_den=rate[0])
    usage = ["--end-usage=vbr"]
    if cq_level >= 0:
        config |= {"end_usage": END_USAGE_Q, "cq_level": cq_level}
        usage = ["--end-usage=q", f"--cq-level={cq_level}"]
    write_y4m(tmp_path / "in.y4m", clip, config)
    command = ["vpxenc", "--codec=vp9", "--good", "--passes=2", "--ivf", "--quiet", *usage]
    command += ["--lag-in-frames=25", "--kf-max-dist=128", "--threads=1", "--row-mt=0"]
    command += [f"--target-bitrate={config['target_kbps']}", f"--cpu-used={config['cpu_used']}"]
    command += [f"--auto-alt-ref={auto_alt_ref}", "-o", str(tmp_path / "out.ivf"), str(tmp_path / "in.y4m")]
    subprocess.run(command, check=True, capture_output=True)
    blob = first_pass(pool, config, clip)
    pool.start(0, config, clip, stats=blob, mode="libvpx", keep_packets=True)
    finish(pool, 0)
    assert packets_of(pool, 0) == ivf_packets(tmp_path / "out.ivf")


def replay(
    pool: _native.Pool, config: dict[str, int], clip: npt.NDArray[np.uint8]
) -> tuple[list[bytes], ...]:
    """libvpx's own packets, and those of its plan fed back through the hook."""
    blob = first_pass(pool, config, clip)
    pool.start(0, config, clip, stats=blob, mode="libvpx", keep_packets=True)
    finish(pool, 0)
    own = packets_of(pool, 0)
    plan = iter(qindexes_of(own))
    pool.start(0, config, clip, stats=blob, guard=False, keep_packets=True)
    answer(pool, lambda event: next(plan))
    finish(pool, 0)
    assert next(plan, None) is None
    return own, packets_of(pool, 0)


@pytest.mark.parametrize("auto_alt_ref", [1, 6])
def test_own_decisions_fed_back_give_the_same_bytes(pool: _native.Pool, auto_alt_ref: int) -> None:
    # A clip at whose target VBR is content with each frame's first try: coding a frame again
    # leaves traces in libvpx's search thresholds, and the hook never codes one again.
    config = settings(96, 80, cpu_used=2, target_kbps=60, auto_alt_ref=auto_alt_ref)
    own, replayed = replay(pool, config, moving_texture(96, 80, FRAMES, seed=1))
    assert own == replayed


@pytest.mark.parametrize("auto_alt_ref", [1, 6])
@pytest.mark.parametrize("cpu_used", [2, 4])
def test_constant_quality_fed_back_gives_the_same_bytes(
    pool: _native.Pool, auto_alt_ref: int, cpu_used: int
) -> None:
    changes = {"auto_alt_ref": auto_alt_ref, "end_usage": END_USAGE_Q, "cq_level": 36, "cpu_used": cpu_used}
    own, replayed = replay(pool, settings(96, 80, **changes), moving_texture(96, 80, FRAMES))
    assert own == replayed


@pytest.mark.parametrize("auto_alt_ref", [1, 6])
def test_replay_features_sees_what_the_episode_saw(pool: _native.Pool, auto_alt_ref: int) -> None:
    clip, config = moving_texture(96, 80, FRAMES), settings(96, 80, auto_alt_ref=auto_alt_ref)
    blob = first_pass(pool, config, clip)
    seen = []

    def choose(event: np.void) -> int:
        seen.append(event.copy())
        return 60 + 7 * int(event["coding_index"]) % 120

    pool.start(0, config, clip, stats=blob, guard=False)
    answer(pool, choose)
    records = as_records(pool.records(0))
    stats = np.frombuffer(pool.frame_stats(blob), np.float64).reshape(FRAMES, 25)
    step = np.ones((len(records), len(_native.feature_tables()["step"])), np.float32)
    q_ref = np.ones(len(records), np.int32)
    size = config["width"], config["height"], config["target_kbps"]
    _native.replay_features(*size, stats, records, step, q_ref)
    coded = records["frame_type"] != SHOW_EXISTING
    assert auto_alt_ref == 1 or not coded.all()
    np.testing.assert_array_equal(step[coded], [event["step"] for event in seen])
    np.testing.assert_array_equal(q_ref[coded], records["q_ref"][coded])
    assert not step[~coded].any()
    assert not q_ref[~coded].any()


def test_replay_features_refuses_arrays_that_do_not_fit() -> None:
    stats = np.zeros((3, 25))
    step = np.zeros((2, len(_native.feature_tables()["step"])), np.float32)
    records, q_ref = np.zeros(2, RECORD), np.zeros(2, np.int32)
    with pytest.raises(ValueError, match="stats"):
        _native.replay_features(64, 64, 100, np.zeros((3, 24)), records, step, q_ref)
    with pytest.raises(ValueError, match="step_out"):
        _native.replay_features(64, 64, 100, stats, records, step[:1], q_ref)
    with pytest.raises(ValueError, match="q_ref_out"):
        _native.replay_features(64, 64, 100, stats, records, step, q_ref.astype(np.int64))
    with pytest.raises(ValueError, match="target_kbps"):
        _native.replay_features(64, 64, 0, stats, records, step, q_ref)
