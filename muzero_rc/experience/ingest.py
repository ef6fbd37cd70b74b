"""Ingests episodes: pairs, opponents, groups, known schedules, replay; idempotent by uid."""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.experience.advantage import Advantages
from muzero_rc.experience.episode import DEMONSTRATION, OWN, PAIRED, SELFPLAY, Episode
from muzero_rc.experience.groups import Groups
from muzero_rc.experience.hindsight import is_optimum, own_gain_db
from muzero_rc.experience.known_schedules import KnownSchedules
from muzero_rc.experience.opponents import Opponents
from muzero_rc.experience.paired import Key, PairedEncodes, is_controllers
from muzero_rc.experience.replay import Replay

_UNFOLLOWED = 0.1  # of the priority of those that are
RECENT = 64  # noise-free self-play episodes that the reported averages cover


@dataclass
class Ingest:
    """What a run knows of its episodes, updated by each one that is added.

    Scoring happens here and nowhere else: a self-play episode is measured against its paired encode, and
    waits for that if it comes first.

    Attributes:
      store: knows the run's instances and their anchors.
      replay: what the learner draws from.
      opponents: moved by self-play.
      schedules: coded frames of earlier episodes.
      episodes: self-play episodes so far.
      numbers: the next free number of an episode that this run plays itself.
      uids: of all episodes, in the order in which they came.
      advantages: gains of comparable demonstrations.
      pairs: the controller's encodes.
      groups: self-play episodes that compete with each other.
      recent: the last self-play episodes, measured.
    """

    store: ClipStore
    replay: Replay
    opponents: Opponents
    schedules: KnownSchedules = field(default_factory=KnownSchedules)
    episodes: int = 0
    numbers: int = 0
    uids: dict[str, None] = field(default_factory=dict)
    advantages: Advantages = field(init=False)
    pairs: PairedEncodes = field(init=False)
    groups: Groups = field(init=False)
    recent: deque[Episode] = field(default_factory=lambda: deque(maxlen=RECENT))
    _greedy: deque[tuple[Episode, float]] = field(default_factory=lambda: deque(maxlen=RECENT))
    _waiting: dict[Key, list[Episode]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self.advantages = Advantages(self._own_gain_db)
        self.pairs = PairedEncodes(self.store.anchor)
        self.groups = Groups(self.opponents.rule)

    def _own_gain_db(self, episode: Episode) -> float:
        return own_gain_db(episode, self.store.anchor(episode.instance))

    def _priority(self, episode: Episode) -> float:
        """How often it is drawn: a demonstration that is not followed teaches the other heads only."""
        optima_alone = self.store.config.imitation.against == "optimum"
        unfollowed = optima_alone and episode.source == DEMONSTRATION and not is_optimum(episode)
        return _UNFOLLOWED if unfollowed else 1.0

    def has(self, episode: Episode) -> bool:
        """Whether an episode of this uid is in already."""
        return episode.uid in self.uids

    def add_all(self, episodes: Iterable[Episode]) -> None:
        """Adds episodes in their order."""
        for episode in episodes:
            self.add(episode)

    def add(self, episode: Episode) -> None:
        """Adds an episode, unless it is in already; one of an unknown instance only counts."""
        if episode.uid in self.uids:
            return
        self.uids[episode.uid] = None
        if episode.source == SELFPLAY:
            self.episodes += 1
            if episode.parent == OWN:
                self.numbers = max(self.numbers, episode.index + 1)
        if not self.store.knows(episode.instance):
            return
        self.schedules.add(episode)
        if is_controllers(episode):
            self._add_pair(episode)
        if episode.source == SELFPLAY:
            self._add_played(episode)
        elif episode.source != PAIRED:
            self.advantages.add(episode)
            self.replay.add(self.pairs.paired(episode), self._priority(episode))

    def _add_pair(self, episode: Episode) -> None:
        self.pairs.add(episode)
        self.opponents.begin(episode)
        for waiting in self._waiting.pop((episode.instance, episode.target_kbps), ()):
            self._add_played(waiting)

    def _add_played(self, episode: Episode) -> None:
        key = (episode.instance, episode.target_kbps)
        if self.pairs.of(*key) is None:
            self._waiting[key].append(episode)
            return
        measured = self.pairs.paired(episode)
        score = self.opponents.update(measured)
        self.groups.add(measured)
        self.recent.append(measured)
        self.replay.add(measured, self._priority(measured))
        if episode.greedy:
            self._greedy.append((measured, score or 0.0))

    def score(self, episode: Episode) -> float:
        """In [-1, 1]: of a self-play episode in its group, or else against its opponent."""
        in_group = self.groups.score(episode)
        if in_group is not None:
            return in_group
        opponent = self.opponents.of(episode.instance, episode.target_kbps)
        return self.opponents.rule.score(episode.outcome, opponent)

    def figures(self) -> dict[str, float]:
        """Averages over the last noise-free self-play episodes."""
        if not self._greedy:
            return {}
        scores = [score for _, score in self._greedy]
        greedy = [episode for episode, _ in self._greedy]
        gains = [episode.outcome.gain for episode in greedy]
        low, high = mean_interval(gains)
        return {
            "greedy": float(len(greedy)),
            "win_rate": float(np.mean([(score + 1.0) / 2.0 for score in scores])),
            "overshoot": float(np.mean([e.outcome.overshoot for e in greedy])),
            "over": float(np.mean([e.outcome.overshoot > 0.01 for e in greedy])),
            "fill": float(np.mean([e.rate_kbps / e.target_kbps for e in greedy])),
            "gain": float(np.mean(gains)),
            "gain_low": low,
            "gain_high": high,
            "gain_db": float(np.mean([e.outcome.gain_db for e in greedy])),
            "own_gain_db": float(np.mean([self._own_gain_db(e) for e in greedy])),
            "encode_s": float(np.mean([e.encode_s for e in greedy])),
        }


def mean_interval(numbers: Sequence[float]) -> tuple[float, float]:
    """Normal 95 % interval of a mean; NaN for fewer than two numbers."""
    if len(numbers) < 2:
        return float("nan"), float("nan")
    mean, half = float(np.mean(numbers)), 1.96 * float(np.std(numbers, ddof=1)) / len(numbers) ** 0.5
    return mean - half, mean + half
