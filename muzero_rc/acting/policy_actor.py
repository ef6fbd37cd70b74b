"""A policy file plays: its own episode, then the same plan with noise by the rest of its group.

A group has one instance and one target, so its episodes compete with each other: comparing them says
which changes to the plan are worth something. Needs no JAX: the C runtime decides.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from encoder_bridge.encode.batch import BatchResult, Job
from muzero_rc.acting.assignment import Assignment, group_size, noise_of, twin
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.noise import StructuredNoise
from muzero_rc.encoding.qindex_plan import PlanFollower, follow_plans, plan_of_records
from muzero_rc.experience.episode import Episode, Name
from muzero_rc.experience.make_episode import make_episode

NameOf = Callable[[Assignment, int], Name]
"""(a group's assignment, place in the group) -> the name of the episode"""


@dataclass(frozen=True)
class NoisyFollower:
    """Answers one encode's frames from a plan with noise."""

    plan: PlanFollower
    noise: StructuredNoise

    def answer(self, event: Any) -> int:
        """The qindex for a frame, by its native event."""
        return self.plan.answer(event) + self.noise.of(event)


def play_groups(
    store: ClipStore,
    work: Sequence[Assignment],
    policy: object,
    name_of: NameOf,
    *,
    source: str,
    step: int = 0,
) -> Iterator[Episode]:
    """Each assignment played by the policy, then with noise by the rest of its group.

    Args:
      store: with the instances prepared.
      work: one assignment for each group.
      policy: opened by `Engine.policy`, or a `_native.Policy` on this machine.
      name_of: names episodes; the uid of a group's first seeds the noise of the others.
      source: of the episodes.
      step: of the learner that made the policy.

    Yields:
      Episodes, in the order in which they end; an encode that fails is logged and left out.
    """
    greedy = (
        store.job(
            *(name_of(one, 0).uid, one.instance, one.target_kbps),
            mode="policy",
            policy=policy,
            extra=(one, name_of(one, 0)),
        )
        for one in work
    )
    played = []
    for done in store.played(greedy):
        played.append(done)
        yield _episode(store, done, source, step, greedy=True)
    rest = range(1, group_size(store.config.actor))
    again = (
        _noisy_job(store, one, name_of(one.job.extra[0], place), name_of(one.job.extra[0], 0), place)
        for one in played
        for place in rest
    )
    for done in store.played(again, follow_plans):
        yield _episode(store, done, source, step, greedy=False)


def in_batches(store: ClipStore, work: Sequence[Assignment]) -> Iterator[Sequence[Assignment]]:
    """A few groups at a time, enough to keep every encoder busy."""
    size = 2 * store.config.actor.encoders
    return (work[first : first + size] for first in range(0, len(work), size))


def _noisy_job(store: ClipStore, played: BatchResult, name: Name, first: Name, place: int) -> Job:
    seed, mirrored = twin(first.uid, place)
    one: Assignment = played.job.extra[0]._replace(greedy=False, noise_seed=seed, mirrored=mirrored)
    noise = noise_of(store.config.actor, one, len(played.job.clip))
    plan = plan_of_records(played.result.records, shapes=played.result.shapes)
    decider = NoisyFollower(PlanFollower(plan), noise)
    guard, extra, shapes = store.config.encode.guard, (one, name, decider), plan.shapes or None
    return store.job(name.uid, one.instance, one.target_kbps, guard=guard, shapes=shapes, extra=extra)


def _episode(store: ClipStore, done: BatchResult, source: str, step: int, *, greedy: bool) -> Episode:
    one, name = done.job.extra[:2]
    return make_episode(store, done, name, one.instance, source=source, greedy=greedy, step=step)
