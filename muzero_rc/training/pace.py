"""Pace: how many learner steps the episodes that were taken in are owed."""

from muzero_rc.config.schema import Config


class Pace:
    """Keeps the replay ratio: each of the agent's episodes is drawn so many times on average.

    However many actors there are, and however their episodes arrive: steps follow the episodes, not the
    rounds. What is left of a step is owed.
    """

    def __init__(self, config: Config) -> None:
        """Args: config: batch size, shares and ratio."""
        drawn = config.learner.batch_size * (1.0 - config.replay.demonstration_share)
        self._per_episode = config.replay.replay_ratio / max(drawn, 1.0)
        self._owed = 0.0

    def steps(self, episodes: int) -> int:
        """Steps to take now that so many more episodes are in."""
        self._owed += self._per_episode * episodes
        steps = int(self._owed)
        self._owed -= steps
        return steps
