"""Assignments: which clip and target an episode has, and its exploration noise; needs no JAX."""

import random
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from muzero_rc.config.schema import ActorConfig, Config
from muzero_rc.corpus.instances import Instance
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.noise import NoiseConfig
from muzero_rc.experience.episode import OWN


class Assignment(NamedTuple):
    """What to play.

    Attributes:
      number: of the episode in its run, from 0; seeds its noise.
      instance: the clip.
      target_kbps: the bitrate to keep.
      greedy: without noise.
    """

    number: int
    instance: Instance
    target_kbps: int
    greedy: bool


def assign(
    store: ClipStore, instances: Sequence[Instance], config: Config, number: int, *, stream: str = OWN
) -> Assignment:
    """Draws what the run's episode of this number plays; the same number always draws the same.

    A group of episodes in turn has one instance, any, and one target, drawn evenly over its anchor's
    log rate: they are each other's peers.
    """
    group = random.Random(f"{config.seed} {stream} {number // config.actor.group}")
    instance = group.choice(instances)
    rates = np.log(store.anchor(instance).rates_kbps)
    target = max(1, round(float(np.exp(group.uniform(rates[0], rates[-1])))))
    alone = random.Random(f"{config.seed} {stream} episode {number}")
    return Assignment(number, instance, target, alone.random() < config.actor.noise_free_share)


def noise_of(config: ActorConfig) -> NoiseConfig:
    """The exploration noise that a run's config asks for."""
    return NoiseConfig(
        layer=config.layer_noise_qindex,
        gop=config.noise_qindex,
        drift=config.drift_noise_qindex,
        frame=config.frame_noise_qindex,
        scale_range=config.noise_range,
    )
