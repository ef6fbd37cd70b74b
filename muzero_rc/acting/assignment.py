"""Assignments: which clip and target an episode has, and its exploration noise; needs no JAX."""

import random
from collections.abc import Sequence
from typing import NamedTuple

from muzero_rc.config.schema import ActorConfig, Config
from muzero_rc.corpus.clips import CorpusError
from muzero_rc.corpus.instances import Instance
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.noise import NoiseConfig, StructuredNoise
from muzero_rc.encoding.targets import instance_targets
from muzero_rc.experience.episode import OWN


class Assignment(NamedTuple):
    """What to play.

    Attributes:
      number: of the episode in its run, from 0.
      instance: the clip.
      target_kbps: the bitrate to keep.
      greedy: without noise.
      noise_seed: of its noise, which two episodes of its group share.
      mirrored: it has the opposite of that noise.
    """

    number: int
    instance: Instance
    target_kbps: int
    greedy: bool
    noise_seed: str = ""
    mirrored: bool = False


def group_size(config: ActorConfig) -> int:
    """Episodes of a group: one without noise, then the antithetic ones."""
    return 1 + config.group


def assign(
    store: ClipStore, instances: Sequence[Instance], config: Config, number: int, *, stream: str = OWN
) -> Assignment:
    """Draws what the run's episode of this number plays; the same number always draws the same.

    A group of episodes in turn has one instance, any, and one of its targets: they compete with each
    other. The first has no noise, the others come in pairs of opposite noise. The instance is prepared
    here, if it is not yet: no encode may run on the store meanwhile.

    Raises:
      CorpusError: no instance can be prepared.
    """
    group, place = divmod(number, group_size(config.actor))
    draw = random.Random(f"{config.seed} {stream} {group}")
    instance = next((one for one in draw.sample(instances, len(instances)) if store.ready(one)), None)
    if instance is None:
        raise CorpusError(f"none of the {len(instances)} instances can be encoded")
    target = draw.choice(instance_targets(store, instance, config.actor.targets))
    seed, mirrored = twin(f"{stream} {group}", place)
    return Assignment(number, instance, target, place == 0, seed, mirrored)


def twin(group: str, place: int) -> tuple[str, bool]:
    """The seed of the noise of an episode by its place in its group, from 1, and whether it is mirrored."""
    pair, mirrored = divmod(place - 1, 2)
    return f"{group} {pair}", bool(mirrored)


def noise_of(config: ActorConfig, one: Assignment, frames: int) -> StructuredNoise:
    """The exploration noise that a run's config asks for in an episode of so many shown frames."""
    sizes = NoiseConfig(
        layer=config.layer_noise_qindex,
        gop=config.noise_qindex,
        drift=config.drift_noise_qindex,
        frame=config.frame_noise_qindex,
        scale_range=config.noise_range,
    )
    return StructuredNoise(one.noise_seed, sizes, frames, silent=one.greedy, mirrored=one.mirrored)
