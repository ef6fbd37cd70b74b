"""Gymnasium environments: importing this registers `Vp9RateControl-v0`, single and vectorised.

`gymnasium.make("encoder_bridge.env:Vp9RateControl-v0")` does that by itself.
"""

import gymnasium

from encoder_bridge.env.single import Vp9RateControlEnv
from encoder_bridge.env.vector import Vp9RateControlVectorEnv

__all__ = ["Vp9RateControlEnv", "Vp9RateControlVectorEnv"]

gymnasium.register(
    id="Vp9RateControl-v0",
    entry_point="encoder_bridge.env.single:Vp9RateControlEnv",
    vector_entry_point="encoder_bridge.env.vector:Vp9RateControlVectorEnv",
)
