"""Self-play on a farm: one task a group of episodes, played by an actor that lives there.

Search asks the network at every frame, so an actor and its encoder stay together: what travels is a
group's assignments one way and its episodes the other. With one encoder an actor decides one frame at a
time, and its random numbers begin with the group's: a group comes out the same wherever, and however
often, it is played.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING

from encoder_bridge.encode.first_pass_cache import cache_folder
from encoder_bridge.errors import BridgeError
from muzero_rc.acting.assignment import Assignment, assign, group_size
from muzero_rc.acting.paired_play import play_pairs
from muzero_rc.config.schema import Config
from muzero_rc.corpus.instances import Instance
from muzero_rc.encoding.clip_store import ClipStore, PreparedClip
from muzero_rc.encoding.engine import Engine
from muzero_rc.encoding.farm import Shared
from muzero_rc.experience.episode import Episode
from muzero_rc.experience.ingest import Ingest
from muzero_rc.experience.known_schedules import KnownSchedules
from muzero_rc.experience.opponents import Opponents
from muzero_rc.experience.paired import PairedEncodes
from muzero_rc.types import Params

if TYPE_CHECKING:
    from muzero_rc.acting.actor import Actor


Played = tuple[list[Episode], dict[str, str]]
"""Episodes, and why others are missing, by name."""


@dataclass(frozen=True)
class Group:
    """Episodes of one instance and target, and what their actor is told besides clip and weights.

    Attributes:
      work: the episodes.
      opponents: theirs.
      pair: the controller's encode.
      schedules: of the instance.
      step: of the learner that the weights are of.
      config_hash: goes into the episodes.
    """

    work: tuple[Assignment, ...]
    opponents: Opponents
    pair: Episode
    schedules: KnownSchedules
    step: int
    config_hash: str


class FarmEpisodes:
    """`training.episode_sources.EpisodeSource`: episodes that are played on the farm of a ClipStore."""

    def __init__(
        self, store: ClipStore, instances: Sequence[Instance], config: Config, config_hash: str
    ) -> None:
        """Prepares all `instances` at once: many machines wait for no single clip."""
        store.prepared([one for one in instances if not store.knows(one.name)])
        self._store = store
        self._instances = [one for one in instances if store.knows(one.name)]
        self._config = config
        self._hash = config_hash

    def play(self, params: Params, step: int, ingest: Ingest) -> Iterator[Episode]:
        """See `EpisodeSource.play`; a round is whole groups, and as many as the config says."""
        size = group_size(self._config.actor)
        whole = -(-self._config.actor.round_episodes // size) * size
        count = min(whole, self._config.budget.episodes - ingest.episodes)
        numbers = range(ingest.numbers, ingest.numbers + count)
        work = [assign(self._store, self._instances, self._config, number) for number in numbers]
        for paired in play_pairs(self._store, work, ingest.pairs):
            ingest.schedules.add(paired)
            yield paired
        weights = Shared(f"weights {self._hash} {step}", _on_host(params))
        running = [
            self._submit(tuple(group), weights, step, ingest)
            for _, group in groupby(work, lambda one: one.number // size)
        ]
        for done in as_completed(running):
            yield from self._taken(done)

    def _submit(
        self, work: tuple[Assignment, ...], weights: Shared, step: int, ingest: Ingest
    ) -> "Future[Played]":
        instance, target = work[0].instance, work[0].target_kbps
        pair = ingest.pairs.of(instance.name, target)
        if pair is None:
            nothing: Future[Played] = Future()
            nothing.set_result(([], {}))  # the controller's encode failed, which is logged
            return nothing
        group = Group(
            work,
            ingest.opponents.alone(instance.name, target),
            pair.episode,
            ingest.schedules.alone(instance.name),
            step,
            self._hash,
        )
        prepared = self._store.prepared_clip(instance)
        clip = Shared(f"prepared {prepared.clip.key}", prepared, prepared.clip.frames.nbytes)
        config = replace(self._config, actor=replace(self._config.actor, encoders=1))
        return self._store.farm.submit(play_group, self._store.engine, config, weights, clip, group)

    def _taken(self, done: "Future[Played]") -> list[Episode]:
        try:
            episodes, failures = done.result()
        except BridgeError as error:
            episodes, failures = [], {"a group of episodes": str(error)}
        for name, reason in failures.items():
            self._store.fail(name, reason)
        return episodes


def play_group(
    engine: Engine, config: Config, weights: Params, prepared: PreparedClip, group: Group
) -> Played:
    """Plays a group, in a process of the farm."""
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")  # a task has one core
    store, actor = _actor(engine, config)
    pairs = PairedEncodes(store.anchor)
    with store.borrowed(prepared):
        pairs.add(group.pair)
        actor.set_weights(weights, group.step)
        actor.set_knowledge(group.schedules, pairs)
        episodes = list(actor.play(group.work, group.opponents, group.config_hash))
    failures = dict(store.failures)
    store.failures.clear()
    return episodes, failures


@lru_cache(maxsize=2)
def _actor(engine: Engine, config: Config) -> "tuple[ClipStore, Actor]":
    """An actor for all groups of a run that this process plays: what JAX compiled is kept."""
    from muzero_rc.acting.actor import Actor
    from muzero_rc.agent.networks import make_networks

    store = ClipStore(engine, config, cache_folder() / "training")
    networks = make_networks(config.network, engine.widths)
    return store, Actor(store, networks, config, KnownSchedules(), PairedEncodes(store.anchor))


def _on_host(params: Params) -> Params:
    """The same as numpy arrays, wherever JAX keeps them."""
    import jax

    found: Params = jax.device_get(params)
    return found
