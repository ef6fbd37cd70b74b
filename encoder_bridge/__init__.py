"""libvpx as an environment: every qindex of a VP9 encode decided by whoever asks.

Importing this registers Gymnasium's `Vp9RateControl-v0`.
"""

import gymnasium

from encoder_bridge.config import EncoderConfig
from encoder_bridge.errors import BadInput, BridgeError, EncodeFailed
from encoder_bridge.results import EncodeResult, EpisodeOutcome, FirstPass

__all__ = [
    "BadInput",
    "BridgeError",
    "EncodeFailed",
    "EncodeResult",
    "EncoderConfig",
    "EpisodeOutcome",
    "FirstPass",
]

gymnasium.register(
    id="Vp9RateControl-v0",
    entry_point="encoder_bridge.env:Vp9RateControlEnv",
    vector_entry_point="encoder_bridge.vector_env:Vp9RateControlVectorEnv",
)
