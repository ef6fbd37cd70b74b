"""Gymnasium environments: importing this registers them, single and vectorised.

| id | a step | action | default reward |
| --- | --- | --- | --- |
| Vp9RateControl-v0 | one coded frame | its qindex, 0 to 255 | gain over the controller's own encode |
| Vp9RateControlRelative-v0 | one coded frame | which offset to the controller's qindex | the same |
| Vp9Encode-v0 | a GOP's shape, or a frame | MultiDiscrete [length, layers, strength, offset] | the same |

The default reward (`encoder_bridge.env.paired_gain.PairedGain`) is in per cent of rate: 1.0 in all over an
episode is a file 1 % smaller at equal quality, 0 is the controller itself, and each per cent over the target
costs 5. Others are passed as `reward=` (`encoder_bridge.env.reward`).

`gymnasium.make("encoder_bridge.env:Vp9RateControl-v0")` imports this by itself.
"""

import gymnasium

from encoder_bridge.encode.result import EpisodeOutcome
from encoder_bridge.env.actions import OFFSETS
from encoder_bridge.env.batching import Ready
from encoder_bridge.env.clips import EnvClip, load_clip
from encoder_bridge.env.observation import Observation, feature_names
from encoder_bridge.env.paired_gain import PairedGain
from encoder_bridge.env.reward import AtEnd, EpisodeStart, EveryStep, Reward, Step, StepReward
from encoder_bridge.env.single import Vp9RateControlEnv
from encoder_bridge.env.variants import (
    Vp9EncodeEnv,
    Vp9EncodeVectorEnv,
    Vp9RateControlRelativeEnv,
    Vp9RateControlRelativeVectorEnv,
)
from encoder_bridge.env.vector import Vp9RateControlVectorEnv

__all__ = [
    "OFFSETS",
    "AtEnd",
    "EnvClip",
    "EpisodeOutcome",
    "EpisodeStart",
    "EveryStep",
    "Observation",
    "PairedGain",
    "Ready",
    "Reward",
    "Step",
    "StepReward",
    "Vp9EncodeEnv",
    "Vp9EncodeVectorEnv",
    "Vp9RateControlEnv",
    "Vp9RateControlRelativeEnv",
    "Vp9RateControlRelativeVectorEnv",
    "Vp9RateControlVectorEnv",
    "feature_names",
    "load_clip",
]

for _name, _module in (
    ("Vp9RateControl", ""),
    ("Vp9RateControlRelative", "variants"),
    ("Vp9Encode", "variants"),
):
    gymnasium.register(
        id=f"{_name}-v0",
        entry_point=f"encoder_bridge.env.{_module or 'single'}:{_name}Env",
        vector_entry_point=f"encoder_bridge.env.{_module or 'vector'}:{_name}VectorEnv",
    )
