"""What to play next, and the noise to play it with; needs no JAX."""

import random
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from muzero_rc.catalogue import Instance
from muzero_rc.config import Config
from muzero_rc.studio import Studio

OWN = "self"  # uids of episodes that a run plays itself begin with it


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
    studio: Studio, instances: Sequence[Instance], config: Config, number: int, *, stream: str = OWN
) -> Assignment:
    """The run's episode of this number: any instance, a target spread evenly over its anchor's log rate."""
    rng = random.Random(f"{config.seed} {stream} {number}")
    instance = rng.choice(instances)
    rates = np.log(studio.anchor(instance).rates_kbps)
    target = max(1, round(float(np.exp(rng.uniform(rates[0], rates[-1])))))
    return Assignment(number, instance, target, rng.random() < config.actor.noise_free_share)


class StructuredNoise:
    """An offset to qindex that is the same for all frames of a layer in a GOP."""

    def __init__(self, seed: str, deviation: float) -> None:
        """Args: seed: of the episode; deviation: in qindex, 0 for none."""
        self._seed = seed
        self._deviation = deviation
        self._drawn: dict[tuple[int, int], float] = {}
        self._gop = 0
        self._last_gop_index = -1

    def of(self, event: Any) -> int:
        """The offset for a frame; call it once for each, in coding order."""
        if self._deviation == 0.0:
            return 0
        gop_index = int(event["gop_index"])
        self._gop += gop_index < self._last_gop_index
        self._last_gop_index = gop_index
        key = (self._gop, int(event["layer"]))
        if key not in self._drawn:
            self._drawn[key] = random.Random(f"{self._seed} {key}").gauss(0.0, self._deviation)
        return round(self._drawn[key])
