"""Self-competition opponents: moving averages by clip, a pure function of the episode log.

Only noise-free self-play episodes move an average: what exploration costs is not the agent's skill.
Reading the log in its order gives the same averages and the same scores again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from muzero_rc.experience.episode import SELFPLAY, Episode
from muzero_rc.reward.outcome import Opponent
from muzero_rc.reward.rule import Rule


@dataclass
class Opponents:
    """Opponents by clip (by clip and target under a `per_target` rule).

    Attributes:
      rule: compares and averages.
      table: key to the present opponent; a missing key is `Opponent()`.
    """

    rule: Rule
    table: dict[str, Opponent] = field(default_factory=dict)

    def key(self, episode: Episode) -> str:
        """What `episode` shares its opponent by."""
        return f"{episode.instance}@{episode.target_kbps}" if self.rule.per_target else episode.clip

    def of(self, episode: Episode) -> Opponent:
        """The present opponent of `episode`."""
        return self.table.get(self.key(episode), Opponent())

    def of_clip(self, clip: str, instance: str, target_kbps: int) -> Opponent:
        """The present opponent of an episode that has yet to be played."""
        key = f"{instance}@{target_kbps}" if self.rule.per_target else clip
        return self.table.get(key, Opponent())

    def update(self, episode: Episode) -> float | None:
        """Scores a self-play episode against its opponent, then lets it move the average.

        Returns:
          The score, or None for an episode that no opponent meets (demonstrations, evaluations).
        """
        if episode.source != SELFPLAY:
            return None
        opponent = self.of(episode)
        result = self.rule.score(episode.outcome, opponent)
        if episode.greedy:
            self.table[self.key(episode)] = self.rule.advance(opponent, episode.outcome)
        return result


def replayed(log: Iterable[Episode], rule: Rule) -> Opponents:
    """The opponents after all of `log`, in its order."""
    opponents = Opponents(rule)
    for episode in log:
        opponents.update(episode)
    return opponents
