"""Stable-Baselines3 takes the environments as they are; where it is installed."""

import warnings

import gymnasium
import pytest

import encoder_bridge.env  # noqa: F401


@pytest.mark.parametrize("name", ["Vp9RateControl-v0", "Vp9RateControlRelative-v0", "Vp9Encode-v0"])
def test_its_checker_passes(clip, new_pool, name):
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    env = gymnasium.make(name, clips=[clip], new_pool=new_pool)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings(
            "ignore", "Your observation window has an unconventional shape"
        )  # it is flattened
        checker.check_env(env.unwrapped)
    env.close()
