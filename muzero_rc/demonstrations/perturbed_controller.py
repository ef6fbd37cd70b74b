"""Groups of episodes round one plan: a policy's own, then the same plan with noise.

They have one instance and one target, so they are each other's peers: comparing them says which changes
to the plan are worth something. The controller's groups are what a run may begin with.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from encoder_bridge.encode.batch import BatchResult, Job
from muzero_rc.acting.assignment import Assignment, assign, noise_of
from muzero_rc.corpus.cache_key import digest
from muzero_rc.corpus.instances import Instance
from muzero_rc.demonstrations.constant_quality import uid_of
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.noise import StructuredNoise
from muzero_rc.encoding.qindex_plan import PlanFollower, plan_of_records
from muzero_rc.experience.episode_log import TEACHER, Episode
from muzero_rc.reward.outcome import outcome_of
from muzero_rc.types import Array

CONTROLLER = "controller"

NameOf = Callable[[Assignment, int], str]
"""(a group's assignment, place in the group) -> uid"""


def play_groups(
    store: ClipStore, work: Sequence[Assignment], policy: object, uid: NameOf, *, source: str, step: int = 0
) -> Iterator[Episode]:
    """Each assignment played by the policy, then with noise by the rest of its group.

    Args:
      store: with the instances prepared.
      work: one assignment for each group.
      policy: `_native.Policy`.
      uid: names episodes, and seeds their noise.
      source: of the episodes.
      step: of the learner that made the policy.

    Yields:
      Episodes, in the order in which they end; an encode that fails is logged and left out.
    """
    greedy = (
        store.job(uid(one, 0), one.instance, one.target_kbps, mode="policy", policy=policy, extra=(one,))
        for one in work
    )
    played = []
    for done in store.play(greedy):
        if done.error:
            store.fail(done.job.name, done.error)
            continue
        played.append(done)
        yield _episode(store, done, source, step, greedy=True)
    rest = range(1, store.config.actor.group)
    again = (_noisy_job(store, one, uid(one.job.extra[0], place)) for one in played for place in rest)
    for done in store.play(again, _follow_with_noise):
        if done.error:
            store.fail(done.job.name, done.error)
        else:
            yield _episode(store, done, source, step, greedy=False)


def in_batches(store: ClipStore, work: Sequence[Assignment]) -> Iterator[Sequence[Assignment]]:
    """A few groups at a time, enough to keep every encoder busy."""
    size = 2 * store.config.actor.encoders
    return (work[first : first + size] for first in range(0, len(work), size))


class ControllerGroups:
    """The controller's groups that a config asks for, as teachers' episodes."""

    def __init__(self, store: ClipStore, instances: Sequence[Instance]) -> None:
        """Args: store: with all `instances` prepared."""
        config = store.config
        noise = {name: value for name, value in vars(config.actor).items() if "noise" in name}
        self._store = store
        self._stream = digest(sorted(noise.items()), config.actor.group, config.seed)
        self._work = [
            assign(store, instances, config, number * config.actor.group, stream=CONTROLLER)
            for number in range(config.teacher.controller_groups if instances else 0)
        ]
        self.uids = {self._uid(one, place) for one in self._work for place in range(config.actor.group)}

    def missing(self, known: set[str]) -> Iterator[Episode]:
        """Plays the groups of which not all episodes are known."""
        places = range(self._store.config.actor.group)
        work = [one for one in self._work if any(self._uid(one, place) not in known for place in places)]
        if not work:
            return
        policy = self._store.engine.native.Policy(CONTROLLER)
        for some in in_batches(self._store, work):
            for episode in play_groups(self._store, some, policy, self._uid, source=TEACHER):
                if episode.uid not in known:
                    yield episode

    def _uid(self, one: Assignment, place: int) -> str:
        return f"{uid_of(self._store, one.instance)}/c{self._stream}/{one.number + place}"


def _noisy_job(store: ClipStore, played: BatchResult, uid: str) -> Job:
    one: Assignment = played.job.extra[0]
    noise = StructuredNoise(uid, noise_of(store.config.actor), len(played.job.clip))
    extra = (one, noise, PlanFollower(plan_of_records(played.records)))
    return store.job(uid, one.instance, one.target_kbps, guard=store.config.encode.guard, extra=extra)


def _follow_with_noise(events: Array, jobs: list[Job]) -> Array:
    """`encodes.Decide` of `_noisy_job`."""
    answers = [
        job.extra[2].answer(event) + job.extra[1].of(event) for event, job in zip(events, jobs, strict=True)
    ]
    return np.array(answers, np.int32)


def _episode(store: ClipStore, done: BatchResult, source: str, step: int, *, greedy: bool) -> Episode:
    one: Assignment = done.job.extra[0]
    anchor_db = store.anchor(one.instance).psnr_at(one.target_kbps)
    return Episode(
        uid=done.job.name,
        instance=one.instance.name,
        clip=one.instance.clip,
        target_kbps=one.target_kbps,
        source=source,
        greedy=greedy,
        step=step,
        config_hash="",
        encode_s=done.encode_s,
        rate_kbps=done.rate_kbps,
        psnr_y_db=done.psnr_y_db,
        outcome=outcome_of(done.rate_kbps, one.target_kbps, done.psnr_y_db, anchor_db),
        records=done.records,
    )
