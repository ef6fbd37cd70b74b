"""Gymnasium environments: importing this registers `Vp9RateControl-v0`, single and vectorised.

`gymnasium.make("encoder_bridge.env:Vp9RateControl-v0")` does that by itself.
"""

import gymnasium

from encoder_bridge.encode.result import EpisodeOutcome
from encoder_bridge.env.clips import EnvClip, load_clip
from encoder_bridge.env.observation import Observation, feature_names
from encoder_bridge.env.single import (
    Reward,
    RunningEpisode,
    Vp9RateControlEnv,
    check_targets,
    choose,
    no_reward,
)
from encoder_bridge.env.vector import Ready, Vp9RateControlVectorEnv

__all__ = [
    "EnvClip",
    "EpisodeOutcome",
    "Observation",
    "Ready",
    "Reward",
    "RunningEpisode",
    "Vp9RateControlEnv",
    "Vp9RateControlVectorEnv",
    "check_targets",
    "choose",
    "feature_names",
    "load_clip",
    "no_reward",
]

gymnasium.register(
    id="Vp9RateControl-v0",
    entry_point="encoder_bridge.env.single:Vp9RateControlEnv",
    vector_entry_point="encoder_bridge.env.vector:Vp9RateControlVectorEnv",
)
