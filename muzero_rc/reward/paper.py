"""Self-competition taken literally, as recalled from Mandhane et al., arXiv:2202.06626."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from muzero_rc.reward.outcome import Number, Opponent, Outcome, Outlook
from muzero_rc.reward.rule import Rule, compare, moved

if TYPE_CHECKING:
    from muzero_rc.config.schema import RewardConfig


@dataclass(frozen=True)
class Paper(Rule):
    """No tolerances; every episode counts toward the averages of its video and target.

    Quality is PSNR, whatever the rate; that it is kept as a difference to the paired encode, in per cent
    of rate, changes no comparison of two episodes of one video and target. The first episode has no
    opponent: it is a draw, and becomes the opponent.

    Attributes:
      decay: share of the old average that a new episode leaves.
    """

    name: ClassVar[str] = "paper"
    decay: float = 0.9

    @classmethod
    def of(cls, config: RewardConfig) -> Self:
        """See `Rule.of`; the paper has no tolerances to set."""
        return cls(config.decay)

    def worth(self, outcome: Outcome) -> float:
        """PSNR over the paired encode's."""
        return outcome.quality

    def first(self, paired_overshoot: float) -> Opponent:
        """None yet."""
        return Opponent()

    def expected_score(self, outlook: Outlook, opponent: Opponent) -> Number:
        """See `compare`; 0 where there is no opponent yet."""
        return (opponent.episodes > 0) * compare(outlook, opponent, overshoot_floor=0.0, draw=0.0)

    def advance(self, opponent: Opponent, outcome: Outcome) -> Opponent:
        """Every episode moves both averages."""
        if not opponent.episodes:
            return Opponent(outcome.quality, outcome.overshoot, 1)
        return Opponent(
            moved(opponent.worth, outcome.quality, self.decay),
            moved(opponent.overshoot, outcome.overshoot, self.decay),
            opponent.episodes + 1,
        )
