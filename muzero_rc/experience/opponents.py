"""Self-competition opponents by instance and target, a pure function of the episode log.

The first is the paired encode, the controller's own of that very instance and target. Then it is the
average of the agent's noise-free episodes there: what exploration costs is not the agent's skill. Reading
the log in its order gives the same averages and the same scores again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from muzero_rc.experience.episode import SELFPLAY, Episode
from muzero_rc.experience.paired import PairedEncodes, is_controllers
from muzero_rc.reward.outcome import Opponent
from muzero_rc.reward.rule import Rule


@dataclass
class Opponents:
    """Opponents by instance and target.

    Attributes:
      rule: compares and averages.
      table: key to the present opponent; a missing key is the rule's first.
    """

    rule: Rule
    table: dict[str, Opponent] = field(default_factory=dict)

    def begin(self, paired: Episode) -> None:
        """The paired encode is the opponent of its instance and target, unless there is one already."""
        key = _key(paired.instance, paired.target_kbps)
        self.table.setdefault(key, self.rule.first(paired.outcome.overshoot))

    def of(self, instance: str, target_kbps: int) -> Opponent:
        """The present opponent of an instance and target."""
        return self.table.get(_key(instance, target_kbps)) or self.rule.first(0.0)

    def alone(self, instance: str, target_kbps: int) -> "Opponents":
        """The opponent of one instance and target."""
        key = _key(instance, target_kbps)
        return Opponents(self.rule, {key: self.table[key]} if key in self.table else {})

    def update(self, episode: Episode) -> float | None:
        """Scores a self-play episode against its opponent, then lets it move the average.

        Args:
          episode: measured against its paired encode (`PairedEncodes.paired`).

        Returns:
          The score, or None for an episode that no opponent meets (demonstrations, evaluations).
        """
        if episode.source != SELFPLAY:
            return None
        opponent = self.of(episode.instance, episode.target_kbps)
        result = self.rule.score(episode.outcome, opponent)
        if episode.greedy:
            key = _key(episode.instance, episode.target_kbps)
            self.table[key] = self.rule.advance(opponent, episode.outcome)
        return result


def replayed(log: Iterable[Episode], rule: Rule, pairs: PairedEncodes) -> Opponents:
    """The opponents after all of `log`, in its order; `pairs` learns the paired encodes in it."""
    opponents = Opponents(rule)
    for episode in log:
        if is_controllers(episode):
            pairs.add(episode)
            opponents.begin(episode)
        opponents.update(pairs.paired(episode))
    return opponents


def _key(instance: str, target_kbps: int) -> str:
    return f"{instance}@{target_kbps}"
