"""This machine's farm: jobs, calls, and policies that travel."""

import pickle
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from encoder_bridge.encode.batch import Job
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.raw_clip import RawClip
from muzero_rc.deploy.policy_names import CONTROLLER, shipped
from muzero_rc.encoding.engine import libvpx_engine
from muzero_rc.encoding.farm import LocalFarm, Shared, SharedFile, is_cancelled


@pytest.fixture
def farm():
    farm = LocalFarm(2)
    yield farm
    farm.close()


def moving_clip(frames=12, width=64, height=48):
    """A gradient that moves, with a little noise."""
    rng = np.random.default_rng(1)
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    luma = np.stack([(4 * x + 3 * y + 5 * t) % 256 for t in range(frames)]) + rng.integers(0, 8)
    chroma = np.full((frames, width * height // 2), 128)
    planes = np.concatenate([luma.reshape(frames, -1) % 256, chroma], axis=1).astype(np.uint8)
    return RawClip(planes, width, height, EncoderConfig().fps, "moving")


def test_calls_get_what_shared_arguments_stand_for(farm, tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"content")
    shared = SharedFile(path, sha256(b"content").hexdigest())
    assert farm.submit(Path.read_bytes, shared).result() == b"content"
    assert farm.submit(sum, Shared("numbers", [1, 2, 3]), 4).result() == 10


def test_what_a_call_raises_is_raised(farm):
    with pytest.raises(ZeroDivisionError):
        farm.submit(divmod, 1, 0).result()


def test_a_cancelled_farm_begins_nothing_and_tells_what_runs(farm):
    assert farm.submit(is_cancelled).result() is False
    farm.cancel()
    with pytest.raises(RuntimeError):
        farm.submit(is_cancelled)


def test_a_call_can_ask_whether_it_is_cancelled(farm):
    asked = farm.submit(lambda: (farm.cancel(), is_cancelled())[1])
    assert asked.result() is True
    assert is_cancelled() is False  # nobody's call


@pytest.mark.parametrize("name", [CONTROLLER, *sorted(shipped())])
def test_a_policy_that_was_pickled_encodes_the_same(farm, name):
    engine, clip = libvpx_engine(), moving_clip()
    policy = engine.policy(str(shipped().get(name, name)))
    again = pickle.loads(pickle.dumps(policy))
    assert again.key == policy.key
    settings = EncoderConfig(target_kbps=60, cpu_used=4).for_video(clip.width, clip.height, clip.fps)
    (first,) = farm.play(engine, [Job("first", clip, settings, None)])
    jobs = [
        Job(n, clip, settings, first.stats, mode="policy", policy=one, keep_packets=True)
        for n, one in (("here", policy), ("there", again))
    ]
    made = {done.job.name: done.result.packets for done in farm.play(engine, jobs)}
    assert made["here"] == made["there"] and len(made["here"]) == len(clip)
