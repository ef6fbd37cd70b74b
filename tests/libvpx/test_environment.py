"""The environment on each release: every reward is a number, and they add up."""

import gymnasium
import numpy as np
import pytest
from support.libvpx_releases import Libvpx
from support.native_samples import moving_texture

WIDTH, HEIGHT, FRAMES, KBPS = 64, 48, 24, 60


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.y4m"
    header = f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F25:1 Ip A1:1 C420jpeg\n"
    frames = moving_texture(WIDTH, HEIGHT, FRAMES).reshape(FRAMES, -1)
    path.write_bytes(header.encode() + b"".join(b"FRAME\n" + frame.tobytes() for frame in frames))
    return path


def test_the_rewards_of_an_episode_add_up_to_its_gain(libvpx: Libvpx, clip) -> None:
    env = gymnasium.make(
        "encoder_bridge.env:Vp9RateControlRelative-v0", clips=[str(clip)], targets_kbps=[KBPS], offsets=(0,)
    )
    env.reset(seed=1)
    rewards, done = [], False
    while not done:
        _, reward, done, _, _ = env.step(0)
        rewards.append(reward)
    env.close()
    assert np.isfinite(rewards).all()
    assert sum(rewards) == pytest.approx(0.0, abs=1e-6)  # the controller's own offsets gain nothing
