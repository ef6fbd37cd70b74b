"""Demonstrations: episodes whose plans were made without the agent, and what their sources share.

A source is a class with the two methods of `Demonstrations`, made from a clip store and the run's
instances; `registry.SOURCES` lists them.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from encoder_bridge.encode.batch import BatchResult, Job
from muzero_rc.corpus.instances import Instance
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.qindex_plan import follow_plans
from muzero_rc.experience.episode import DEMONSTRATION, Episode, Name
from muzero_rc.experience.make_episode import make_episode


class Demonstrations(Protocol):
    """A source of demonstrations, as much as the config asks of it."""

    def wants(self, episode: Episode) -> bool:
        """Whether an episode that is there already is one of these."""
        ...

    def play(self, known: Mapping[str, Episode]) -> Iterator[Episode]:
        """Encodes what is missing.

        Args:
          known: by uid, the demonstrations that are there already, other sources' included. It grows
            with what is yielded.

        Yields:
          Episodes, in the order in which they end; an encode that fails is logged and left out.
        """
        ...


@dataclass(frozen=True)
class Wanted:
    """An episode that a source asks for.

    Attributes:
      name: that it will have.
      instance: to encode.
      target_kbps: the bitrate to keep.
    """

    name: Name
    instance: Instance
    target_kbps: int


def job_of(store: ClipStore, wanted: Wanted, decider: Any, *, guard: bool = False) -> Job:
    """The encode of an episode whose frames `decider.answer` decides."""
    extra = (wanted, decider)
    return store.job(wanted.name.uid, wanted.instance, wanted.target_kbps, guard=guard, extra=extra)


def play_jobs(store: ClipStore, jobs: Iterable[Job]) -> Iterator[Episode]:
    """Runs jobs of `job_of`; yields their episodes as they end."""
    for done in store.played(jobs, follow_plans):
        yield episode_of(store, done)


def episode_of(store: ClipStore, done: BatchResult) -> Episode:
    """The demonstration of an encode whose `extra` begins with what was wanted."""
    wanted: Wanted = done.job.extra[0]
    return make_episode(store, done, wanted.name, wanted.instance, source=DEMONSTRATION, greedy=True)


def unchanged_first(instances: Sequence[Instance]) -> list[Instance]:
    """Clips as they are before augmented ones; of either, in an order that their names draw."""
    return sorted(instances, key=lambda one: (one.augmented, zlib.crc32(one.name.encode())))


def uid_of(store: ClipStore, instance: Instance, own: str) -> str:
    """A demonstration's uid: its instance, the very frames, and what its source calls it."""
    return f"{instance.name}/{store.raw_clip(instance).key}/{own}"
