"""The interface of a reward rule, and the comparison that rules share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Self

from muzero_rc.reward.outcome import Certain, Figure, Number, Opponent, Outcome, Outlook

if TYPE_CHECKING:
    from muzero_rc.config.schema import RewardConfig


class Rule(ABC):
    """Scores an episode against an opponent, +1 win to -1 loss, and moves the opponent.

    The comparison is written once, as an expectation over an `Outlook`: of an episode that has ended
    it is the score, of the distributions that the network gives it is the value that the search
    maximises. Both therefore always agree. It may only use arithmetic and comparisons, which floats and
    arrays share.
    """

    name: ClassVar[str]
    """What configurations call it."""

    @classmethod
    @abstractmethod
    def of(cls, config: RewardConfig) -> Self:
        """The rule with the tolerances of a run."""

    def worth(self, outcome: Outcome) -> float:
        """What the rule compares once the constraint is kept, in per cent of rate."""
        return outcome.gain

    def first(self, paired_overshoot: float) -> Opponent:
        """The opponent of an instance and target at first: the paired encode."""
        return Opponent(0.0, paired_overshoot, 0)

    @abstractmethod
    def expected_score(self, outlook: Outlook, opponent: Opponent) -> Number:
        """Probability of a win less that of a loss, in [-1, 1]."""

    @abstractmethod
    def advance(self, opponent: Opponent, outcome: Outcome) -> Opponent:
        """The opponent after one more episode of the agent; the old one is left as it was."""

    def score(self, outcome: Outcome, opponent: Opponent) -> float:
        """+1 win, 0 draw, -1 loss of an episode that has ended."""
        outlook = Outlook(Certain(self.worth(outcome)), Certain(outcome.overshoot))
        return float(self.expected_score(outlook, opponent))

    def beats(self, one: Outcome, other: Outcome) -> float:
        """+1, 0 or -1: the same comparison between two episodes."""
        return self.score(one, Opponent(self.worth(other), other.overshoot, 1))


def compare(outlook: Outlook, opponent: Opponent, *, overshoot_floor: float, draw: float) -> Number:
    """Constrained comparison: expected score where the budget comes first and the looks second.

    Args:
      outlook: of the episode.
      opponent: whom it meets.
      overshoot_floor: an overshoot below counts as 0 (an average never returns to exactly 0).
      draw: worths no further apart, in per cent of rate, are a draw.

    Returns:
      Against an opponent over the target: who overshoots less. Against one that fits: a loss for an
      episode over the target, else who is worth more.
    """
    breaks = (opponent.overshoot > 0.0) * (opponent.overshoot >= overshoot_floor)
    less = outlook.overshoot.below(opponent.overshoot) - outlook.overshoot.above(opponent.overshoot)
    fits = chance_to_fit(outlook.overshoot, overshoot_floor)
    better = outlook.worth.above(opponent.worth, draw) - outlook.worth.below(opponent.worth, draw)
    return breaks * less + (1 - breaks) * (fits * better - (1.0 - fits))


def chance_to_fit(overshoot: Figure, overshoot_floor: float) -> Number:
    """Probability that an overshoot counts as none: it is 0, or below the floor."""
    return overshoot.below(overshoot_floor) if overshoot_floor > 0.0 else 1.0 - overshoot.above(0.0)


def moved(average: Number, new: Number, decay: float) -> Number:
    """An exponential moving average after one more number; `decay` is what stays of the old one."""
    return average + (1.0 - decay) * (new - average)
