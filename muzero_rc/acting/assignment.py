"""What to play next, and the noise to play it with; needs no JAX."""

import random
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from muzero_rc.config.schema import ActorConfig, Config
from muzero_rc.corpus.instances import Instance
from muzero_rc.encoding.clip_store import ClipStore

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
    store: ClipStore, instances: Sequence[Instance], config: Config, number: int, *, stream: str = OWN
) -> Assignment:
    """The run's episode of this number.

    A group of episodes in turn has one instance, any, and one target, drawn evenly over its anchor's
    log rate: they are each other's peers.
    """
    group = random.Random(f"{config.seed} {stream} {number // config.actor.group}")
    instance = group.choice(instances)
    rates = np.log(store.anchor(instance).rates_kbps)
    target = max(1, round(float(np.exp(group.uniform(rates[0], rates[-1])))))
    alone = random.Random(f"{config.seed} {stream} episode {number}")
    return Assignment(number, instance, target, alone.random() < config.actor.noise_free_share)


class StructuredNoise:
    """Offsets to qindex that a layer's frames share, one in the whole clip and one in each GOP.

    All frames share a drift from the clip's first to its last. Independent noise on every frame, which
    there can be as well, mostly costs quality; this tells what a different plan is worth.
    """

    def __init__(self, seed: str, config: ActorConfig, frames: int, *, silent: bool = False) -> None:
        """Args: seed: of the episode; config: the deviations; frames: of the clip; silent: no noise."""
        self._seed = seed
        self._config = config
        self._silent = silent
        self._drawn: dict[tuple[str, int], float] = {}
        self._last_show = max(1, frames - 1)
        self._scale: float = config.noise_range ** random.Random(f"{seed} scale").uniform(-1.0, 1.0)
        self._frames = 0
        self._gop = 0
        self._last_gop_index = -1

    def of(self, event: Any) -> int:
        """The offset for a frame; call it once for each, in coding order."""
        if self._silent:
            return 0
        gop_index, layer = int(event["gop_index"]), int(event["layer"])
        self._gop += gop_index < self._last_gop_index
        self._last_gop_index = gop_index
        self._frames += 1
        config = self._config
        offset = self._draw("clip", layer, config.layer_noise_qindex)
        offset += self._draw(f"gop {self._gop}", layer, config.noise_qindex)
        early = 1.0 - 2.0 * int(event["show_index"]) / self._last_show
        offset += early * self._draw("drift", 0, config.drift_noise_qindex)
        offset += self._draw("frame", self._frames, config.frame_noise_qindex)
        return round(self._scale * offset)

    def _draw(self, of: str, number: int, deviation: float) -> float:
        key = (of, number)
        if key not in self._drawn:
            self._drawn[key] = random.Random(f"{self._seed} {key}").gauss(0.0, deviation)
        return self._drawn[key]
