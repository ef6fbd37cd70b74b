"""Better plans, found encode by encode.

CMA-ES bends a plan, constant quality's or the controller's: how far its qindexes lie apart, and one
offset for each pyramid layer and each GOP. (Slopes and frames' own complexity brought nothing beyond
these.) Each candidate is encoded through the hook and judged by its PSNR above the anchor curve at the
rate that it had.
"""

import math
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import cma
import numpy as np

from encoder_bridge.encode.batch import BatchResult, Job
from muzero_rc.corpus.instances import Instance
from muzero_rc.demonstrations.constant_quality import (
    controller_episodes,
    controller_uid,
    episode_of,
    replay_job,
    spread_targets,
    uid_of,
    unchanged_first,
)
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.qindex_plan import QindexPlan, follow_plans, plan_of_records
from muzero_rc.experience.episode_log import Episode
from muzero_rc.types import Array

_SEARCHED = "/plan"  # a search's uids: that of the episode it begins from, this, a number
_POPULATION = 8
_STEP_QINDEX = 8.0  # one unit of a gene
_SIGMA = 0.5  # of the first generation, in units
_RATE_SLACK = 0.03  # of log(rate / target), free of penalty
_RATE_PENALTY_DB = 10.0  # per unit beyond it


@dataclass
class PlanSearch:
    """The search on one instance at the rate of the episode that it begins from.

    Attributes:
      uid: names the search; its episodes' uids go on from it.
      instance: what is encoded.
      base: where it begins; its rate is the target.
      encodes: at most.
    """

    uid: str
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
        """Begins round the base's plan."""
        self._genes = genes_of(self.base.records)
        options = {
            "popsize": _POPULATION,
            "seed": zlib.crc32(self.uid.encode()) or 1,
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
            replay_job(store, f"{self.uid}/{self.done + i}", self.instance, self.target_kbps, self._plan(x))
            for i, x in enumerate(self._asked)
        ]

    def tell(self, store: ClipStore, generation: Sequence[BatchResult]) -> Iterator[Episode]:
        """Learns from a generation; yields the episodes worth keeping."""
        anchor = store.anchor(self.instance)
        costs = [1e3] * len(self._asked)
        for encode in generation:
            i = int(encode.job.name.rpartition("/")[2]) - self.done
            if encode.error:
                store.fail(encode.job.name, encode.error)
                continue
            gain_db = encode.psnr_y_db - anchor.psnr_at(encode.rate_kbps)
            astray = max(0.0, abs(math.log(encode.rate_kbps / self.target_kbps)) - _RATE_SLACK)
            costs[i] = -(gain_db - _RATE_PENALTY_DB * astray)
            better = -costs[i] > self.best_db
            if better:
                self.best_db, self.best_plan = -costs[i], self._plan(self._asked[i])
            if better or (self.done + i) % store.config.teacher.search_kept == 0:
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


def search_plans(
    store: ClipStore,
    wanted: Sequence[tuple[Instance, Episode]],
    encodes: int,
    known: set[str],
    *,
    together: int = 2,
) -> Iterator[Episode]:
    """Searches plans, several at a time so that every core stays busy.

    Args:
      store: with all instances prepared.
      wanted: instances, each with an episode to begin from.
      encodes: for each.
      known: uids that exist already; a search whose last episode is among them has ended.
      together: searches at a time.

    Yields:
      Each improvement, some others, and at a search's end its best plan once more.
    """
    searches = [PlanSearch(f"{base.uid}{_SEARCHED}", instance, base, encodes) for instance, base in wanted]
    waiting = [search for search in searches if _last_uid(search.base.uid) not in known]
    for first in range(0, len(waiting), together):
        group = waiting[first : first + together]
        yield from (one for one in run_searches(store, group) if one.uid not in known)
        last = [
            replay_job(store, _last_uid(s.base.uid), s.instance, s.target_kbps, s.best_plan)
            for s in group
            if s.best_plan is not None
        ]
        yield from (episode_of(store, one) for one in store.play(last, follow_plans) if not one.error)


def run_searches(store: ClipStore, searches: Sequence[PlanSearch]) -> Iterator[Episode]:
    """Uses up the encodes of all searches at once; yields the episodes worth keeping."""
    for search in searches:
        search.start()
    while active := [search for search in searches if not search.ended]:
        jobs = [job for search in active for job in search.ask(store)]
        done = list(store.play(jobs, follow_plans))
        for search in active:
            mine = [encode for encode in done if encode.job.name.startswith(f"{search.uid}/")]
            yield from search.tell(store, mine)


def _last_uid(base_uid: str) -> str:
    """Names the last episode of the search that begins from an episode."""
    return f"{base_uid}{_SEARCHED}/best"


def is_searched(episode: Episode, search_from: str) -> bool:
    """Whether a teacher's episode comes from a search that began so."""
    base, searched, _ = episode.uid.rpartition(f"{_SEARCHED}/")
    kind = "p" if search_from == "controller" else "q"
    return bool(searched) and base.rpartition("/")[2].startswith(kind)


def ended_searches(episodes: Iterable[Episode]) -> list[tuple[Episode, Episode]]:
    """Of each search that has ended, the episode that it began with and its best plan's."""
    first: dict[str, Episode] = {}
    best: dict[str, Episode] = {}
    for episode in episodes:
        base, searched, number = episode.uid.rpartition(f"{_SEARCHED}/")
        if searched and number in ("0", "best"):
            (best if number == "best" else first)[base] = episode
    return [(first[base], best[base]) for base in sorted(first.keys() & best.keys())]


def searches_wanted(
    store: ClipStore, instances: Sequence[Instance], quality: Sequence[Episode], known: set[str]
) -> list[tuple[Instance, Episode]]:
    """Which instances to search, and from which episodes: constant quality's or the controller's.

    The config says how many; unchanged clips come first, targets are spread over the instance's rates.
    The controller does not encode again for searches that have ended by the uids `known`.
    """
    config = store.config.teacher
    chosen = unchanged_first(instances)[: config.searched]
    if config.search_from == "controller":
        return _from_controller(store, chosen, known)
    wanted = []
    for instance in chosen:
        prefix = f"{uid_of(store, instance)}/q"
        episodes = [
            one for one in quality if one.uid.startswith(prefix) and one.uid.count("/") == prefix.count("/")
        ]
        episodes.sort(key=lambda one: one.rate_kbps)
        for i in range(config.search_targets if episodes else 0):
            at = (i + 1) / (config.search_targets + 1) * (len(episodes) - 1)
            wanted.append((instance, episodes[round(at)]))
    return wanted


def _from_controller(
    store: ClipStore, chosen: Sequence[Instance], known: set[str]
) -> list[tuple[Instance, Episode]]:
    """The controller's episodes, at targets somewhere in equal parts of the anchor's log rates."""
    parts = store.config.teacher.search_targets
    by_name = {instance.name: instance for instance in chosen}
    targets = [(one, target) for one in chosen for target in spread_targets(store, one, parts)]
    waiting = [each for each in targets if _last_uid(controller_uid(store, *each)) not in known]
    episodes = sorted(controller_episodes(store, waiting), key=lambda one: one.uid)
    return [(by_name[one.instance], one) for one in episodes]
