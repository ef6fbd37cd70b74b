"""Groups: episodes of one instance and target, played with the same weights; they compete with each other.

An episode's score in its group is the share of the others that it beats: no history, no stale opponent,
and whatever the weights are worth on that clip cancels out.
"""

from collections import defaultdict

from muzero_rc.experience.episode import Episode
from muzero_rc.reward.outcome import Outcome
from muzero_rc.reward.rule import Rule

_LEAST_OTHERS = 2


class Groups:
    """All groups of a run."""

    def __init__(self, rule: Rule) -> None:
        """Args: rule: decides between two episodes."""
        self._rule = rule
        self._outcomes: dict[tuple[str, int, str, int], dict[str, Outcome]] = defaultdict(dict)

    def add(self, episode: Episode) -> None:
        """Adds an episode to its group."""
        self._outcomes[_key(episode)][episode.uid] = episode.outcome

    def score(self, episode: Episode) -> float | None:
        """In [-1, 1]: the share of the others beaten less that of those that beat it.

        None where there are fewer than two others yet.
        """
        group = self._outcomes.get(_key(episode), {})
        others = [outcome for uid, outcome in group.items() if uid != episode.uid]
        if len(others) < _LEAST_OTHERS:
            return None
        return sum(self._rule.beats(episode.outcome, other) for other in others) / len(others)


def _key(episode: Episode) -> tuple[str, int, str, int]:
    return episode.instance, episode.target_kbps, episode.parent, episode.step
