"""CMA-ES search: better plans, found encode by encode.

The search bends a plan, constant quality's or the controller's: how far its qindexes lie apart, and one
offset for each pyramid layer and each GOP. (Slopes and frames' own complexity brought nothing beyond
these.) Each candidate is encoded through the hook and judged by its PSNR above the anchor curve at the
rate that it had.
"""

import math
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cma
import numpy as np

from encoder_bridge.encode.batch import BatchResult, Job
from muzero_rc.corpus.instances import Instance
from muzero_rc.demonstrations.base import (
    Wanted,
    episode_of,
    job_of,
    play_jobs,
    uid_of,
    unchanged_first,
)
from muzero_rc.demonstrations.constant_quality import KIND as QUALITY
from muzero_rc.deploy.policy_names import CONTROLLER
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.qindex_plan import PlanFollower, QindexPlan, follow_plans, plan_of_records
from muzero_rc.encoding.targets import spread_targets
from muzero_rc.experience.episode import Episode, Name
from muzero_rc.types import Array

KINDS = {"quality": "cma-from-quality", "controller": "cma-from-controller"}
"""By where a search begins."""
BEST = -1
"""Index of a search's last episode: its best plan once more."""

_POPULATION = 8
_TOGETHER = 2  # searches at a time
_STEP_QINDEX = 8.0  # one unit of a gene
_SIGMA = 0.5  # of the first generation, in units
_RATE_SLACK = 0.03  # of log(rate / target), free of penalty
_RATE_PENALTY_DB = 10.0  # per unit beyond it


@dataclass
class PlanSearch:
    """The search on one instance at the rate of the episode that it begins from.

    Attributes:
      kind: of its episodes.
      instance: what is encoded.
      base: where it begins; its rate is the target.
      encodes: at most.
    """

    kind: str
    instance: Instance
    base: Episode
    encodes: int
    done: int = 0
    best_db: float = -math.inf
    best_plan: QindexPlan | None = None
    _strategy: Any = None
    _genes: Array = field(default_factory=lambda: np.zeros(0))
    _asked: list[Array] = field(default_factory=list)

    def start(self) -> None:
        """Starts the strategy round the base's plan."""
        self._genes = genes_of(self.base.records)
        options = {
            "popsize": _POPULATION,
            "seed": zlib.crc32(_uid(self.base).encode()) or 1,
            "verbose": -9,
            "CMA_diagonal": True,
        }
        self._strategy = cma.CMAEvolutionStrategy(np.zeros(len(self._genes)), _SIGMA, options)

    @property
    def ended(self) -> bool:
        """Whether its encodes are used up."""
        return self.done >= self.encodes

    def ask(self, store: ClipStore) -> list[Job]:
        """The next generation; the first candidate of all is the base plan itself."""
        self._asked = self._strategy.ask()
        if self.done == 0:
            self._asked[0] = np.zeros(len(self._genes))
        return [
            self._job(store, str(self.done + i), self.done + i, self._plan(x))
            for i, x in enumerate(self._asked)
        ]

    def last(self, store: ClipStore) -> Job | None:
        """Its best plan once more; None where no encode succeeded."""
        return None if self.best_plan is None else self._job(store, "best", BEST, self.best_plan)

    def tell(self, store: ClipStore, generation: Sequence[BatchResult]) -> Iterator[Episode]:
        """Learns from a generation; yields the episodes worth keeping."""
        anchor = store.anchor(self.instance)
        costs = [1e3] * len(self._asked)
        for encode in generation:
            i = encode.job.extra[0].name.index - self.done
            if encode.error:
                store.fail(encode.job.name, encode.error)
                continue
            gain_db = encode.quality_db - anchor.psnr_at(encode.result.kbps)
            astray = max(0.0, abs(math.log(encode.result.kbps / self.target_kbps)) - _RATE_SLACK)
            costs[i] = -(gain_db - _RATE_PENALTY_DB * astray)
            better = -costs[i] > self.best_db
            if better:
                self.best_db, self.best_plan = -costs[i], self._plan(self._asked[i])
            if better or (self.done + i) % store.config.demonstrations.search_kept == 0:
                yield episode_of(store, encode)
        self._strategy.tell(self._asked, costs)
        self.done += len(self._asked)

    @property
    def target_kbps(self) -> int:
        """The rate of the episode that it begins from."""
        return max(1, round(self.base.rate_kbps))

    @property
    def centre(self) -> QindexPlan | None:
        """The plan in the middle of where it searches at last; None before it has started."""
        return None if self._strategy is None else self._plan(self._strategy.result.xfavorite)

    def _job(self, store: ClipStore, own: str, index: int, plan: QindexPlan) -> Job:
        name = Name(f"{_uid(self.base)}/{own}", self.kind, self.base.uid, index)
        return job_of(store, Wanted(name, self.instance, self.target_kbps), PlanFollower(plan))

    def _plan(self, x: Array) -> QindexPlan:
        coded = self.base.records[self.base.records["frame_type"] >= 0]
        offset = _STEP_QINDEX * (np.asarray(x) @ self._genes)
        share = coded["bits"] / max(1, coded["bits"].sum())
        offset -= float(share @ offset)  # to first order the rate stays
        return plan_of_records(self.base.records, coded["qindex"] + offset)


def genes_of(records: Array) -> Array:
    """f8[G, N]: what one unit of each gene adds to each coded frame of an episode, before scaling."""
    coded = records[records["frame_type"] >= 0]
    layer = coded["layer"]
    gop = np.cumsum(np.diff(coded["gop_index"], prepend=coded["gop_index"][0]) < 0)
    qindex = coded["qindex"].astype(float)
    genes = [(qindex.mean() - qindex) / (qindex.std() + 1e-6)]
    genes += [(layer == one).astype(float) for one in np.unique(layer)]
    if gop[-1] > 0:
        genes += [(gop == one).astype(float) for one in np.unique(gop)]
    stacked: Array = np.stack(genes)
    return stacked


def run_searches(store: ClipStore, searches: Sequence[PlanSearch]) -> Iterator[Episode]:
    """Uses up the encodes of all searches at once; yields the episodes worth keeping."""
    for search in searches:
        search.start()
    while active := [search for search in searches if not search.ended]:
        jobs = [job for search in active for job in search.ask(store)]
        done = list(store.play(jobs, follow_plans))
        for search in active:
            mine = [encode for encode in done if encode.job.extra[0].name.parent == search.base.uid]
            yield from search.tell(store, mine)


class CmaSearch:
    """Searches of as many instances as the config says, unchanged clips first."""

    def __init__(self, store: ClipStore, instances: Sequence[Instance]) -> None:
        """Args: store: with all `instances` prepared."""
        config = store.config.demonstrations
        self._store = store
        self._config = config
        self._kind = KINDS[config.search_from]
        self._chosen = unchanged_first(instances)[: config.searched]

    def wants(self, episode: Episode) -> bool:
        """See `Demonstrations.wants`; of searches that begin likewise, those of other targets too."""
        return bool(self._chosen) and episode.kind == self._kind

    def play(self, known: Mapping[str, Episode]) -> Iterator[Episode]:
        """See `Demonstrations.play`: each improvement, some others, and a search's best plan once more.

        A search whose last episode is known has ended. A few run at a time so that every core is busy.
        """
        ended = {one.parent for one in known.values() if one.kind == self._kind and one.index == BEST}
        begin = self._controllers if self._config.search_from == "controller" else self._qualities
        waiting = [
            PlanSearch(self._kind, instance, base, self._config.search_encodes)
            for instance, base in begin(known, ended)
            if base.uid not in ended
        ]
        for first in range(0, len(waiting), _TOGETHER):
            group = waiting[first : first + _TOGETHER]
            yield from (one for one in run_searches(self._store, group) if one.uid not in known)
            last = [job for search in group if (job := search.last(self._store)) is not None]
            yield from play_jobs(self._store, last)

    def _qualities(self, known: Mapping[str, Episode], ended: set[str]) -> Iterator[tuple[Instance, Episode]]:
        """Constant quality's episodes, spread over each instance's rates."""
        count = self._config.search_targets
        for instance in self._chosen:
            there = [one for one in known.values() if one.kind == QUALITY and one.instance == instance.name]
            there.sort(key=lambda one: one.rate_kbps)
            for i in range(count if there else 0):
                yield instance, there[round((i + 1) / (count + 1) * (len(there) - 1))]

    def _controllers(
        self, known: Mapping[str, Episode], ended: set[str]
    ) -> Iterator[tuple[Instance, Episode]]:
        """The controller's episodes, at targets somewhere in equal parts of the anchor's log rates.

        They are played, but not for searches that have ended.
        """
        store, parts = self._store, self._config.search_targets
        targets = [(one, target) for one in self._chosen for target in spread_targets(store, one, parts)]
        waiting = [each for each in targets if controller_uid(store, *each) not in ended]
        by_name = {instance.name: instance for instance in self._chosen}
        episodes = sorted(controller_episodes(store, waiting), key=lambda one: one.uid)
        yield from ((by_name[one.instance], one) for one in episodes)


def controller_episodes(store: ClipStore, wanted: Sequence[tuple[Instance, int]]) -> Iterator[Episode]:
    """What the controller does by itself, at targets in kbps; yields episodes as they end."""
    policy = store.engine.policy(CONTROLLER)
    jobs = []
    for instance, target in wanted:
        name = Name(controller_uid(store, instance, target), CONTROLLER)
        extra = (Wanted(name, instance, target),)
        jobs.append(store.job(name.uid, instance, target, mode="policy", policy=policy, extra=extra))
    yield from (episode_of(store, done) for done in store.played(jobs))


def controller_uid(store: ClipStore, instance: Instance, target_kbps: int) -> str:
    """Names the controller's episode of an instance at a target."""
    return uid_of(store, instance, f"p{target_kbps}")


def ended_searches(episodes: Iterable[Episode]) -> list[tuple[Episode, Episode]]:
    """Of each search that has ended, the episode that it began with and its best plan's."""
    found: dict[str, dict[int, Episode]] = {}
    for episode in episodes:
        if episode.kind in KINDS.values() and episode.index in (0, BEST):
            found.setdefault(episode.parent, {})[episode.index] = episode
    return [(pair[0], pair[BEST]) for _, pair in sorted(found.items()) if len(pair) == 2]


def _uid(base: Episode) -> str:
    """What the uids of a search's episodes begin with."""
    return f"{base.uid}/plan"
