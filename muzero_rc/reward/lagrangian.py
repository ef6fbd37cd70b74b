"""A Lagrangian with a fixed multiplier: the usual reward for a constraint, which the paper argues against.

    worth - price * overshoot

Mandhane et al., arXiv:2202.06626, give their reason: the right multiplier differs from video to video and
changes as the agent gets better. Here to be compared with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from muzero_rc.reward.outcome import Number, Opponent, Outcome, Outlook
from muzero_rc.reward.rule import Rule

if TYPE_CHECKING:
    from muzero_rc.config.schema import RewardConfig


@dataclass(frozen=True)
class Lagrangian(Rule):
    """How much more than the paired encode an episode comes to; by how much counts, not only who wins.

    Attributes:
      price: of one per cent over target, in per cent of rate.
      whole: a difference of so many per cent of rate is a score of 1.
    """

    name: ClassVar[str] = "lagrangian"
    price: float = 3.0
    whole: float = 8.0

    @classmethod
    def of(cls, config: RewardConfig) -> Self:
        """See `Rule.of`."""
        return cls(price=config.overshoot_price)

    def worth(self, outcome: Outcome) -> float:
        """PSNR over the paired encode's, whatever the rate, in per cent of rate: overshoot has a price."""
        return outcome.quality

    def expected_score(self, outlook: Outlook, opponent: Opponent) -> Number:
        """The expected difference over `whole`, between -1 and 1."""
        overshoot = outlook.overshoot.mean() - opponent.overshoot
        return _clipped((outlook.worth.mean() - opponent.worth - 100.0 * self.price * overshoot) / self.whole)

    def advance(self, opponent: Opponent, outcome: Outcome) -> Opponent:
        """It is always the paired encode."""
        return opponent


def _clipped(value: Any) -> Any:
    """Between -1 and 1, exactly, with arithmetic that floats and arrays share."""
    return value * (abs(value) < 1.0) + 1.0 * (value >= 1.0) - 1.0 * (value <= -1.0)
