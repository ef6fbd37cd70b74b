"""Ingests episodes: opponents, advantages, known schedules, replay; idempotent by uid."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.experience.advantage import Advantages
from muzero_rc.experience.episode import DEMONSTRATION, OWN, SELFPLAY, Episode
from muzero_rc.experience.hindsight import is_optimum, own_gain_db
from muzero_rc.experience.known_schedules import KnownSchedules
from muzero_rc.experience.opponents import Opponents
from muzero_rc.experience.replay import Replay

_UNFOLLOWED = 0.1  # of the priority of those that are
_RECENT = 256  # self-play episodes that the reported averages cover


@dataclass
class Ingest:
    """What a run knows of its episodes, updated by each one that is added.

    Attributes:
      store: knows the run's instances and their anchors.
      replay: what the learner draws from.
      opponents: moved by self-play.
      schedules: coded frames of earlier episodes.
      episodes: self-play episodes so far.
      numbers: the next free number of an episode that this run plays itself.
      uids: of all episodes, in the order in which they came.
      advantages: gains of comparable episodes.
    """

    store: ClipStore
    replay: Replay
    opponents: Opponents
    schedules: KnownSchedules = field(default_factory=KnownSchedules)
    episodes: int = 0
    numbers: int = 0
    uids: dict[str, None] = field(default_factory=dict)
    advantages: Advantages = field(init=False)
    _recent: list[tuple[Episode, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.advantages = Advantages(self._own_gain_db)

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
        score = self.opponents.update(episode)
        if episode.source == SELFPLAY:
            self.episodes += 1
            if episode.parent == OWN:
                self.numbers = max(self.numbers, episode.index + 1)
            self._recent = [*self._recent[1 - _RECENT :], (episode, score or 0.0)]
        if self.store.knows(episode.instance):
            self.schedules.add(episode)
            self.advantages.add(episode)
            self.replay.add(episode, self._priority(episode))

    def figures(self) -> dict[str, float]:
        """Averages over the noise-free ones among the last self-play episodes."""
        if not self._recent:
            return {}
        noise_free = [one for one in self._recent if one[0].greedy] or self._recent[-1:]
        scores = [score for _, score in noise_free]
        greedy = [episode for episode, _ in noise_free]
        return {
            "win_rate": float(np.mean([(score + 1.0) / 2.0 for score in scores])),
            "overshoot": float(np.mean([e.outcome.overshoot for e in greedy])),
            "over": float(np.mean([e.outcome.overshoot > 0.01 for e in greedy])),
            "fill": float(np.mean([e.rate_kbps / e.target_kbps for e in greedy])),
            "gain_db": float(np.mean([e.outcome.gain_db for e in greedy])),
            "own_gain_db": float(np.mean([self._own_gain_db(e) for e in greedy])),
            "encode_s": float(np.mean([e.encode_s for e, _ in self._recent])),
        }
