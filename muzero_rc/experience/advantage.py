"""Advantage: an episode's gain over comparable episodes, in units of their spread.

Gain over the anchor differs more between clips than between plans. An episode is therefore held against
its peers: episodes of the same instance, from the same weights, at a rate near by. Self-play comes in
groups for this.
"""

import bisect
import math
from collections import defaultdict
from collections.abc import Callable

import numpy as np

from muzero_rc.experience.episode import Episode

_RATE_SPAN = 0.25  # of log rate, to either side
_LEAST_SPREAD_DB = 0.02  # below it differences are noise
_LEAST_PEERS = 3  # the episode itself among them


class Advantages:
    """The gains of all episodes at the rates that they had."""

    def __init__(self, own_gain_db: Callable[[Episode], float]) -> None:
        """Args: own_gain_db: PSNR over the anchor curve at the episode's own rate."""
        self._own_gain_db = own_gain_db
        self._known: dict[tuple[str, int], list[tuple[float, float]]] = defaultdict(list)

    def add(self, episode: Episode) -> None:
        """Counts an episode among the peers of others."""
        place = (math.log(max(episode.rate_kbps, 1e-3)), self._own_gain_db(episode))
        bisect.insort(self._known[_key(episode)], place)

    def advantage(self, episode: Episode) -> float:
        """Gain over the peers' mean in units of their spread; 0 where there are too few."""
        at = math.log(max(episode.rate_kbps, 1e-3))
        known = self._known[_key(episode)]
        first = bisect.bisect_left(known, (at - _RATE_SPAN, -math.inf))
        last = bisect.bisect_right(known, (at + _RATE_SPAN, math.inf))
        gains = np.array([gain for _, gain in known[first:last]])
        if len(gains) < _LEAST_PEERS:
            return 0.0
        spread = max(float(gains.std()), _LEAST_SPREAD_DB)
        return (self._own_gain_db(episode) - float(gains.mean())) / spread


def _key(episode: Episode) -> tuple[str, int]:
    return episode.instance, episode.step
